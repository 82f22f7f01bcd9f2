//! An auth key that is taken from a Secret, or from anything that is as good as one.

use crate::gateway::{EnvIndex, EnvValue, GatewayContainer, KeySource, Setting, prefix_can_make_auth};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// An auth key that is taken from a Secret.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-reference",
    page: include_str!("../../../docs/rules/auth-key-reference.md"),
    mode: Mode::Enforce,
    check,
};

const CURE: &str = "the ConfigMap's config.service.auth: workloadIdentity replaces it";

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let whole_secrets = input.authenticating_containers().flat_map(|part| whole_secrets(input, part));
    whole_secrets.chain(input.values(Setting::is_auth).into_iter().filter_map(single_value)).collect()
}

/// `envFrom.secretRef`: we read no Secret, so any may hold the key, unless the policy allows it or its prefix can't make the name.
fn whole_secrets<'a>(input: &'a RuleInput<'_>, part: &'a GatewayContainer<'_>) -> impl Iterator<Item = Problem> + 'a {
    let sources = part.container.env_from.iter().enumerate();
    sources.filter_map(|(index, source)| {
        let secret = source.secret_ref.as_ref()?;
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let is_allowed = input.expectations.allowed_secrets.contains(&secret.name) || !prefix_can_make_auth(prefix);
        (!is_allowed).then(|| {
            let name = &secret.name;
            let cure = "remove it, or have the policy allow it with allowedSecrets if it holds none";
            Problem::new(
                part.container.place_of(EnvIndex::EnvFrom(index)),
                format!("every key of Secret \"{name}\" becomes a setting, and one may be an auth key; {cure}"),
            )
        })
    })
}

/// A value of the auth setting that comes out of a Secret.
fn single_value(value: SettingValue<'_>) -> Option<Problem> {
    let EnvValue::Key(source) = value.value.as_ref() else { return None };
    let message = format!("{} is taken from {}; remove it: {CURE}", value.named(), edit_text(source));
    Some(Problem::new(value.at, message))
}

fn edit_text(source: &KeySource<'_>) -> String {
    match source {
        KeySource::File { volume, key } => {
            format!("key \"{key}\" of a file in volume \"{volume}\"")
        }
        KeySource::Mount { volume } => {
            format!("a file of volume \"{volume}\", which holds a Secret")
        }
        KeySource::Secret { name, key } => format!("Secret \"{name}\" key \"{key}\""),
        KeySource::WholeSecret { name } => format!("Secret \"{name}\" through $(…)"),
    }
}
