//! A gateway that signs in by another method than workload identity.

use crate::gateway::{AuthMethod, Setting, Value, WORKLOAD_IDENTITY};
use crate::policy::{Case, Finding, Mode, Rule};
use jsonptr::PointerBuf;

/// A gateway that signs in by another method.
pub(super) static RULE: Rule = Rule {
    id: "other-auth-method",
    page: include_str!("../../../docs/rules/other-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let in_containers = case
        .parts_that_sign_in()
        .flat_map(|part| part.environment.settings())
        .filter(|(_, variable)| !variable.is_said_at_config_map());
    let told_there = in_containers.filter(|(setting, variable)| matches!(&variable.value, Value::Text(text) if is_other(*setting, text)));
    let told_here = case
        .config_map()
        .into_iter()
        .flat_map(|config_map| config_map.settings())
        .filter(|(setting, _, text)| is_other(*setting, text));
    told_there
        .map(|(_, variable)| finding(variable.at.clone()))
        .chain(told_here.map(|(_, key, _)| finding(PointerBuf::from_tokens(["data", key]))))
        .collect()
}

fn is_other(setting: Setting, text: &str) -> bool {
    setting == Setting::Auth && AuthMethod::of(setting, text) == AuthMethod::Other
}

fn finding(at: PointerBuf) -> Finding {
    Finding::new(
        at,
        format!(
            "config.service.auth names another method than {WORKLOAD_IDENTITY}; only that one needs neither key nor secret"
        ),
    )
}
