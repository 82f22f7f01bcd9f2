//! A gateway that is larger than what is evaluated.

use crate::gateway::{Container, EnvIndex, ExceededLimit, Kind, Lookup};
use crate::policy::{Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// The rule `too-large-to-evaluate`.
pub(super) static RULE: Rule = Rule {
    id: "too-large-to-evaluate",
    page: include_str!("../../../../../docs/rules/too-large-to-evaluate.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    if let Some((at, limit)) = input.too_large() {
        let message = format!("Make the object smaller: it has {limit}, {REASON}");
        return vec![Problem::new(at.to_owned(), message)];
    }
    let config_map = input.config_map().filter(|config_map| config_map.has_too_many_settings());
    let in_itself = config_map.map(|config_map| {
        let message = format!("Remove settings from ConfigMap \"{}\": {}", config_map.name(), too_many_settings());
        Problem::new(PointerBuf::from_tokens(["data"]), message)
    });
    in_itself.into_iter().chain(in_config_maps(input)).collect()
}

const REASON: &str = "so nobody knows whether it uses an auth key";

fn too_many_settings() -> String {
    let limit = ExceededLimit::SETTINGS;
    format!("it has {limit}, {REASON}")
}

/// The `ConfigMap`s that a container takes by `envFrom` and that have too many settings.
fn in_config_maps(input: &RuleInput<'_>) -> Vec<Problem> {
    let containers = input.authenticating_containers().map(|gateway_container| &gateway_container.container);
    let sources = containers.flat_map(|container| {
        container.env_from.iter().enumerate().map(move |(index, source)| (container, EnvIndex::EnvFrom(index), source))
    });
    let is_too_large = |name: &str| matches!(input.related.config_map(name), Lookup::Found(config_map) if config_map.has_too_many_settings());
    let problem = |(container, index, name): (&Container<'_>, EnvIndex, &str)| {
        let message = format!("Remove settings from ConfigMap \"{name}\" first: {}", too_many_settings());
        Problem::new(container.entry_pointer(index), message).found_in(Kind::ConfigMap, name)
    };
    let references = sources.filter_map(|(container, index, source)| {
        Some((container, index, source.config_map_ref.as_ref()?.name.as_str()))
    });
    references.filter(|(.., name)| is_too_large(name)).map(problem).collect()
}
