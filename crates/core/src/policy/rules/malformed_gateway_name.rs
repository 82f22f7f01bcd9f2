//! Denies a `gateway.name` that no gateway resource can have.

use crate::gateway::{GATEWAY_NAME_CHARACTERS, OddCharacter, Setting, is_gateway_name};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The rule `malformed-gateway-name`.
pub(super) static RULE: Rule = Rule {
    id: "malformed-gateway-name",
    page: include_str!("../../../../../docs/rules/malformed-gateway-name.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let names = input.values(|setting| setting == Setting::GatewayName).into_iter();
    names
        .filter(|value| value.text().is_some_and(|text| !text.trim().is_empty() && !is_gateway_name(text)))
        .map(|value| problem(&value))
        .collect()
}

fn problem(value: &SettingValue<'_>) -> Problem {
    let message = format!(
        "{}: no gateway resource can have this name{}",
        value.correction(&format!(
            "the resource's name in API Management, up to {GATEWAY_NAME_CHARACTERS} characters, without outer whitespace, \
             quotes, = or placeholders"
        )),
        value.text().map(OddCharacter::reason).unwrap_or_default()
    );
    Problem::new(value.at(), message)
}
