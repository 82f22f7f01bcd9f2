//! A gateway that signs in by another method than workload identity.

use crate::gateway::{AuthMethod, WORKLOAD_IDENTITY};
use crate::policy::{Case, Finding, Mode, Rule, SignIn};

/// A gateway that signs in by another method.
pub(super) static RULE: Rule = Rule {
    id: "other-auth-method",
    page: include_str!("../../../docs/rules/other-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.sign_ins().into_iter().filter(|sign_in| sign_in.method() == Some(AuthMethod::Other)).map(finding).collect()
}

fn finding(sign_in: SignIn<'_>) -> Finding {
    let problem = format!(
        "config.service.auth names another method than {WORKLOAD_IDENTITY}; only that one needs neither key nor secret"
    );
    Finding::new(sign_in.at, problem)
}
