//! A gateway that signs in by another method than workload identity.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Case, Finding, Mode, Rule, SettingValue};

/// A gateway that signs in by another method.
pub(super) static RULE: Rule = Rule {
    id: "other-auth-method",
    page: include_str!("../../../docs/rules/other-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.values(Setting::is_auth)
        .into_iter()
        .filter(|value| value.method() == Some(AuthMethod::Other))
        .map(finding)
        .collect()
}

fn finding(value: SettingValue<'_>) -> Finding {
    let problem = format!(
        "{} names another method than {WORKLOAD_IDENTITY}; only that one needs neither key nor secret",
        value.named()
    );
    Finding::new(value.at, problem)
}
