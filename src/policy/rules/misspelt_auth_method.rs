//! `workloadIdentity` in another case, or with blanks around it.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Case, Finding, Mode, Rule, SettingValue};

/// A misspelt `workloadIdentity`.
pub(super) static RULE: Rule = Rule {
    id: "misspelt-auth-method",
    page: include_str!("../../../docs/rules/misspelt-auth-method.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let values = case.values(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::Misspelt)).map(finding).collect()
}

fn finding(value: SettingValue<'_>) -> Finding {
    let problem = "is written in another case or with blanks around it, and how the gateway compares is not documented; write it exactly so";
    Finding::new(value.at, format!("{WORKLOAD_IDENTITY} {problem}"))
}
