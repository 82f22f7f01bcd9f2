//! A gateway's name that can be none.

use crate::gateway::Setting;
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// A name that no gateway resource can have.
pub(super) static RULE: Rule = Rule {
    id: "malformed-gateway-name",
    page: include_str!("../../../docs/rules/malformed-gateway-name.md"),
    mode: Mode::Enforce,
    check,
};

/// Longest name of a gateway resource (Azure Resource Manager, Microsoft.ApiManagement/service/gateways).
const LONGEST: usize = 80;

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let names = input.values(|setting| setting == Setting::GatewayName).into_iter();
    names
        .filter(|value| value.text().is_some_and(|text| !text.trim().is_empty() && !is_name(text)))
        .map(problem)
        .collect()
}

/// The signs are those that Azure Resource Manager refuses in names, and those of templates and of a `=` too many in
/// `helm --set gateway.name==…`, as Microsoft's article writes it.
fn is_name(text: &str) -> bool {
    let is_allowed = |sign: char| !sign.is_control() && !"*#&+:<>?=${}".contains(sign);
    text.trim().len() == text.len() && text.chars().all(is_allowed) && text.chars().count() <= LONGEST
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = "gateway.name can be no name of a gateway resource; set it to the resource's name as API Management shows it, without blanks around it, = or placeholders";
    Problem::new(value.at, message)
}
