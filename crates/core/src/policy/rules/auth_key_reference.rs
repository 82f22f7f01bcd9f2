//! Denies an auth key that comes from a Secret, or from a file in a volume.

use crate::gateway::{
    EnvIndex, EnvValue, GatewayContainer, SecretSource, Setting, WORKLOAD_IDENTITY, prefix_can_make_auth,
};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The rule `auth-key-reference`.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-reference",
    page: include_str!("../../../../../docs/rules/auth-key-reference.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let whole_secrets =
        input.authenticating_containers().flat_map(|gateway_container| whole_secrets(input, gateway_container));
    whole_secrets.chain(input.values(Setting::is_auth).into_iter().filter_map(|value| problem(input, &value))).collect()
}

/// Every `envFrom[].secretRef` that may set the auth setting.
///
/// Secrets are never read, so any Secret may hold an auth key. Exceptions: the policy document allows the Secret, or no
/// name that starts with `envFrom[].prefix` is a name of the auth setting.
fn whole_secrets<'a>(
    input: &'a RuleInput<'_>,
    gateway_container: &'a GatewayContainer<'_>,
) -> impl Iterator<Item = Problem> + 'a {
    let sources = gateway_container.container.env_from.iter().enumerate();
    sources.filter_map(|(index, source)| {
        let secret = source.secret_ref.as_ref()?;
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let is_allowed = input.expectations.allowed_secrets.contains(&secret.name) || !prefix_can_make_auth(prefix);
        (!is_allowed).then(|| {
            let message = format!(
                "Remove Secret \"{}\" from envFrom of container \"{}\", or add it to allowedSecrets of the policy \
                 document if it holds no auth key: any of its keys can set {}",
                secret.name,
                gateway_container.container.name,
                Setting::Auth.name()
            );
            Problem::new(gateway_container.container.entry_pointer(EnvIndex::EnvFrom(index)), message)
        })
    })
}

/// A problem if the value of an auth setting comes from a Secret or from a file.
fn problem(input: &RuleInput<'_>, value: &SettingValue<'_>) -> Option<Problem> {
    let EnvValue::Secret(source) = value.value.as_ref() else { return None };
    let set = if value.setting == Setting::Auth && value.overridden.is_some() {
        // The ConfigMap already has the setting. A wrong value there is a finding of its own.
        String::new()
    } else {
        format!(" and set {}: {WORKLOAD_IDENTITY} in {}", Setting::Auth.name(), value.target_config_map(input))
    };
    let (entry, source, overrides) = (value.named(), described(source), value.overrides());
    Some(Problem::new(value.at.clone(), format!("Remove {entry}{set}: it takes an auth key from {source}{overrides}")))
}

fn described(source: &SecretSource<'_>) -> String {
    match source {
        SecretSource::File { volume, key } => format!("a file in volume \"{volume}\" key \"{key}\""),
        SecretSource::Mount { volume } => format!("a file in volume \"{volume}\", which holds a Secret"),
        SecretSource::Secret { name, key } => format!("Secret \"{name}\" key \"{key}\""),
        SecretSource::WholeSecret { name } => format!("Secret \"{name}\" through $(...)"),
    }
}
