//! Checks of the policy document: whether it is valid, and whether exceptions have expired or expire soon.

use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, DoctorCode, Outcome};
use crate::cluster::{POLICY_CONFIG_MAP, POLICY_KEY};
use apim_keyless_core::policy::{ExceptionState, utc_date};
use jsonptr::PointerBuf;

/// Is the document valid, and does every exception of it apply for some time?
pub(super) fn check_policy(input: &CheckInput<'_>) -> Outcome {
    if input.installation.policy.is_err() {
        return Outcome::Unknown;
    }
    let found = |code, message| {
        let target = Target::in_namespace("ConfigMap", POLICY_CONFIG_MAP, input.names);
        diagnostic(code, input.names, target.at(PointerBuf::from_tokens(["data", POLICY_KEY])), message)
    };
    let policy = match input.policy() {
        None => return Outcome::NotApplicable,
        Some(Err(error)) => return Outcome::found(found(DoctorCode::PolicyInvalid, error.to_string())),
        Some(Ok(policy)) => policy,
    };
    let today = utc_date(input.now);
    let problems = policy.exceptions.iter().filter_map(|exception| {
        let code = match exception.state(today) {
            ExceptionState::Active => return None,
            ExceptionState::Expiring => DoctorCode::ExceptionExpiring,
            ExceptionState::Expired => DoctorCode::ExceptionExpired,
        };
        Some(found(code, format!("{}:{}: {}", exception.line, exception.column, exception.problem(today)?)))
    });
    Outcome::of(problems.collect(), true)
}
