//! Denies an auth key that comes from a Secret, or from a file in a volume.

use crate::gateway::{
    EnvIndex, EnvValue, GatewayContainer, KeySource, Setting, WORKLOAD_IDENTITY, prefix_can_make_auth,
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
    let whole_secrets = input.authenticating_containers().flat_map(|part| whole_secrets(input, part));
    whole_secrets.chain(input.values(Setting::is_auth).into_iter().filter_map(problem)).collect()
}

/// Every `envFrom[].secretRef` that may set the auth setting.
///
/// Secrets are never read, so any Secret may hold an auth key. Exceptions: the policy document allows the Secret, or no
/// name that starts with `envFrom[].prefix` is a name of the auth setting.
fn whole_secrets<'a>(input: &'a RuleInput<'_>, part: &'a GatewayContainer<'_>) -> impl Iterator<Item = Problem> + 'a {
    let sources = part.container.env_from.iter().enumerate();
    sources.filter_map(|(index, source)| {
        let secret = source.secret_ref.as_ref()?;
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let is_allowed = input.expectations.allowed_secrets.contains(&secret.name) || !prefix_can_make_auth(prefix);
        (!is_allowed).then(|| {
            let message = format!(
                "Remove Secret \"{}\" from envFrom, or add it to allowedSecrets of the policy document if it holds no \
                 auth key: any of its keys can set {}",
                secret.name,
                Setting::Auth.name()
            );
            Problem::new(part.container.entry_pointer(EnvIndex::EnvFrom(index)), message)
        })
    })
}

/// A problem if the value of an auth setting comes from a Secret or from a file.
fn problem(value: SettingValue<'_>) -> Option<Problem> {
    let EnvValue::Key(source) = value.value.as_ref() else { return None };
    let name = value.setting.name();
    let target = if value.setting == Setting::Auth { "it" } else { Setting::Auth.name() };
    let source = described(source);
    let overridden = value.overridden.map(|name| format!(" and overrides ConfigMap \"{name}\"")).unwrap_or_default();
    let message = format!(
        "Remove {name} here and set {target} to {WORKLOAD_IDENTITY} in the ConfigMap: it takes an auth key from \
         {source}{overridden}"
    );
    Some(Problem::new(value.at, message))
}

fn described(source: &KeySource<'_>) -> String {
    match source {
        KeySource::File { volume, key } => format!("a file in volume \"{volume}\" key \"{key}\""),
        KeySource::Mount { volume } => format!("a file in volume \"{volume}\", which holds a Secret"),
        KeySource::Secret { name, key } => format!("Secret \"{name}\" key \"{key}\""),
        KeySource::WholeSecret { name } => format!("Secret \"{name}\" through $(...)"),
    }
}
