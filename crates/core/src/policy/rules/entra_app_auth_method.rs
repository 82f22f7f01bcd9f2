//! A gateway that authenticates as an Entra app with a client secret or a certificate.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// `config.service.auth` is `azureAdApp`. In mode audit or off the rules about the identity of that workload are not
/// enforced either: a certificate and a cluster without a public issuer are good reasons for an Entra app.
pub(super) static RULE: Rule = Rule {
    id: "entra-app-auth-method",
    page: include_str!("../../../../../docs/rules/entra-app-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let values = input.values_with_found(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::EntraApp)).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = format!(
        "{}: it selects an Entra app, whose client secret or certificate must be stored and replaced{}",
        value.correction(WORKLOAD_IDENTITY),
        value.overrides()
    );
    value.problem(message, "it selects an Entra app with a client secret or a certificate")
}
