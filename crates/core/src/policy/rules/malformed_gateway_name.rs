//! Denies a `gateway.name` that no gateway resource can have.

use crate::gateway::Setting;
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The rule `malformed-gateway-name`.
pub(super) static RULE: Rule = Rule {
    id: "malformed-gateway-name",
    page: include_str!("../../../../../docs/rules/malformed-gateway-name.md"),
    mode: Mode::Enforce,
    check,
};

/// Maximum length of a gateway resource's name, in characters (Azure Resource Manager,
/// `Microsoft.ApiManagement/service/gateways`).
const MAX_CHARACTERS: usize = 80;

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let names = input.values(|setting| setting == Setting::GatewayName).into_iter();
    names
        .filter(|value| value.text().is_some_and(|text| !text.trim().is_empty() && !is_name(text)))
        .map(problem)
        .collect()
}

/// Is this text possible as the name of a gateway resource?
///
/// The excluded characters are those that Azure Resource Manager does not allow in names, those of template
/// placeholders, and `=`: Microsoft's article writes `helm --set gateway.name==...`, with one `=` too many.
fn is_name(text: &str) -> bool {
    let is_allowed = |character: char| !character.is_control() && !"*#&+:<>?=${}".contains(character);
    text.trim().len() == text.len() && text.chars().all(is_allowed) && text.chars().count() <= MAX_CHARACTERS
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = format!(
        "Set {} to the resource's name in API Management, up to {MAX_CHARACTERS} characters, without outer \
         whitespace, = or placeholders: no gateway resource can have this name",
        value.named()
    );
    Problem::new(value.at, message)
}
