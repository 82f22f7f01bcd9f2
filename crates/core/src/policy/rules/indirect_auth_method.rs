//! An auth setting whose value comes from a source in which nobody can recognize it.

use crate::gateway::{AuthMethod, EnvIndex, GatewayContainer, Setting, WORKLOAD_IDENTITY, prefix_can_hide_auth};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};
use jsonptr::PointerBuf;
use std::collections::BTreeSet;

/// The rule `indirect-auth-method`.
pub(super) static RULE: Rule = Rule {
    id: "indirect-auth-method",
    page: include_str!("../../../../../docs/rules/indirect-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let values = input.values(Setting::is_auth);
    // a value with a known auth key has a finding of its own
    let keys: BTreeSet<PointerBuf> =
        values.iter().filter(|value| value.method() == Some(AuthMethod::Key)).map(SettingValue::at).collect();
    let sources = input.authenticating_containers().flat_map(hiding_sources);
    let mut problems: Vec<Problem> = sources.filter(|problem| !keys.contains(&problem.at)).collect();
    let found: BTreeSet<PointerBuf> = problems.iter().map(|problem| problem.at.clone()).collect();
    let indirect = values.iter().filter(|value| value.is_indirect() && value.method() != Some(AuthMethod::Key));
    problems.extend(indirect.filter(|value| !found.contains(&value.at())).map(|value| problem(value)));
    problems
}

/// Every `envFrom[].configMapRef` whose prefix can turn a key that is not a setting into the auth setting.
fn hiding_sources<'a>(container: &'a GatewayContainer<'_>) -> impl Iterator<Item = Problem> + 'a {
    let sources = container.container.env_from.iter().enumerate();
    sources.filter_map(|(index, source)| {
        let (config_map, prefix) = (source.config_map_ref.as_ref()?, source.prefix.as_deref()?);
        prefix_can_hide_auth(prefix).then(|| {
            let message = format!(
                "Remove the prefix of ConfigMap \"{}\" from envFrom of container \"{}\" and write {}: \
                 {WORKLOAD_IDENTITY} into the ConfigMap under its own name: with the prefix any key can become the setting",
                config_map.name,
                container.container.name,
                Setting::Auth.name(),
            );
            Problem::new(container.container.entry_pointer(EnvIndex::EnvFrom(index)), message)
        })
    })
}

fn problem(value: &SettingValue<'_>) -> Problem {
    let message = format!(
        "Remove {} and write {}: {WORKLOAD_IDENTITY} into {} under its own name: the value comes from a source that can \
         change to a key",
        value.named(),
        Setting::Auth.name(),
        value.target_config_map(),
    );
    Problem::new(value.at(), message)
}
