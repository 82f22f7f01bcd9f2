//! An auth key that is written out, in a container's environment or in a `ConfigMap`.

use crate::gateway::{AuthMethod, Setting};
use crate::policy::{Case, Finding, Mode, Rule, SettingValue};

/// An auth key that is written out.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-literal",
    page: include_str!("../../../docs/rules/auth-key-literal.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.values(Setting::is_auth)
        .into_iter()
        .filter(|value| value.method() == Some(AuthMethod::Key))
        .map(finding)
        .collect()
}

fn finding(value: SettingValue<'_>) -> Finding {
    let cure = "remove it and revoke the key: the ConfigMap's config.service.auth: workloadIdentity replaces it";
    let problem = format!("{} holds an auth key in plain text; {cure}", value.named());
    Finding::new(value.at, problem)
}
