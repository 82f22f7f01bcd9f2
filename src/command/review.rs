//! `review`: one `AdmissionReview` in, its answer out, without a server.

use super::{print, read_policy};
use crate::admission::routes::BODY_BYTES;
use crate::admission::{Endpoint, Request, answer, answer_or_failure};
use crate::cli::Review;
use crate::gateway::RelatedObjects;
use anyhow::{Context, bail};
use std::io::{Read, stdin};
use std::process::ExitCode;

/// Answers the review on stdin. Exit code 1 if the object is refused.
pub(super) fn run(arguments: &Review) -> anyhow::Result<ExitCode> {
    let Some(endpoint) = Endpoint::of(arguments.webhook.into(), arguments.mode.into()) else {
        bail!(
            "--webhook mutating with --mode audit: nothing is changed in audit; use --webhook validating, which tells what would be"
        );
    };
    let policy = read_policy(arguments.policy.as_deref())?;
    let mut body = Vec::new();
    // one byte more than the server takes tells a longer body from one that just fits
    stdin().lock().take(u64::from(BODY_BYTES) + 1).read_to_end(&mut body).context("cannot read stdin")?;
    if body.len() > BODY_BYTES as usize {
        bail!("stdin: longer than {BODY_BYTES} bytes, which is more than the server takes");
    }
    let request = Request::read(&body).context("stdin is no review that can be answered")?;
    let related = RelatedObjects::default();
    let answer = answer_or_failure(endpoint, &request, || answer(&policy, &related, endpoint, &request));
    let review: serde_json::Value = serde_json::from_slice(&answer.response.to_review())?;
    print(&format!("{review:#}\n"))?;
    Ok(ExitCode::from(u8::from(!answer.response.allowed)))
}
