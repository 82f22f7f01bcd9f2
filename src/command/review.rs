//! `review`: answers one `AdmissionReview` from stdin without a server.

use super::{cause, policy, print};
use crate::admission::routes::BODY_BYTES;
use crate::admission::{Endpoint, Request, answer, answer_or_failure};
use crate::cli::ReviewArguments;
use anyhow::{Context, anyhow, bail};
use apim_keyless_core::gateway::RelatedObjects;
use apim_keyless_core::policy::utc_date;
use apim_keyless_manifest::STANDARD_INPUT;
use std::io::{Read, stdin};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

/// Answers the review on stdin. The exit code is 1 if the object is denied.
pub(super) fn run(arguments: &ReviewArguments) -> anyhow::Result<ExitCode> {
    let Some(endpoint) = Endpoint::of(arguments.webhook.into(), arguments.mode.into()) else {
        bail!(
            "--webhook mutating has no --mode audit: in audit mode nothing is changed; use --webhook validating, which reports what would be set"
        );
    };
    if arguments.policy.as_deref() == Some(Path::new(STANDARD_INPUT)) {
        bail!("--policy -: stdin is the AdmissionReview; name a file with the policy");
    }
    let policy = policy::find(arguments.policy.as_deref())?.policy;
    let mut body = Vec::new();
    // one byte more than the server accepts, to detect a longer body
    let mut stdin = stdin().lock().take(u64::from(BODY_BYTES) + 1);
    stdin.read_to_end(&mut body).map_err(|error| anyhow!("cannot read stdin: {}", cause(&error)))?;
    if body.len() > BODY_BYTES as usize {
        bail!(
            "stdin is longer than {BODY_BYTES} bytes, the default limit of the server; pass a smaller AdmissionReview"
        );
    }
    let request = Request::read(&body).context("stdin is not a valid AdmissionReview")?;
    let (related, options) = (RelatedObjects::default(), arguments.messages.options());
    let today = utc_date(SystemTime::now());
    let evaluate = || answer(&policy, &related, &options, endpoint, &request, today);
    let answer = answer_or_failure(endpoint, &request, evaluate);
    let review: serde_json::Value = serde_json::from_slice(&answer.response.to_review())?;
    print(&format!("{review:#}\n"))?;
    Ok(ExitCode::from(u8::from(!answer.response.allowed)))
}
