//! An auth key that is written out, in a container's environment or in a `ConfigMap`.

use crate::gateway::AuthMethod;
use crate::policy::{Case, Finding, Mode, Rule, SignIn};

/// An auth key that is written out.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-literal",
    page: include_str!("../../../docs/rules/auth-key-literal.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.sign_ins().into_iter().filter(|sign_in| sign_in.method() == Some(AuthMethod::Key)).map(finding).collect()
}

fn finding(sign_in: SignIn<'_>) -> Finding {
    let cure = "remove it and revoke the key: the ConfigMap's config.service.auth: workloadIdentity replaces it";
    Finding::new(sign_in.at, format!("{} holds an auth key in plain text; {cure}", sign_in.setting.name()))
}
