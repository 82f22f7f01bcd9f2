//! What one container of a gateway is to become.

use super::Fact;
use super::json;
use super::settings::{Known, SettingChange, Settings, is_of_other_method};
use crate::gateway::{AuthMethod, GatewayContainer, Setting, Variable, prefix_can_make_auth};
use crate::policy::Expectations;
use serde_json::Value;
use std::collections::BTreeSet;

/// What one container of a gateway is to become.
pub(super) struct ContainerPlan {
    pub(super) config_map: MainConfigMap,
    pub(super) settings: Settings,
    /// The other `ConfigMap`s that it takes.
    pub(super) others: BTreeSet<String>,
    /// Whether it authenticates with workload identity and nothing else.
    pub(super) is_migrated: bool,
    /// Whether another gateway container takes the same `ConfigMap`.
    pub(super) is_shared: bool,
}

/// The `ConfigMap` that holds the settings of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MainConfigMap {
    pub(super) name: String,
    /// The container takes it, but it is not in the input.
    pub(super) is_missing: bool,
}

impl ContainerPlan {
    pub(super) fn of(
        container: &GatewayContainer<'_>,
        config_map: MainConfigMap,
        known: Known<'_>,
        guesses: &mut Vec<String>,
    ) -> Self {
        let is_migrated = is_migrated(container, known.expectations);
        // what a ConfigMap elsewhere holds is not known
        let is_kept = is_migrated && config_map.is_missing;
        let settings = if is_kept { Settings::default() } else { Settings::of(container, known, guesses) };
        let others = taken(container).filter(|name| *name != config_map.name).collect();
        Self { config_map, settings, others, is_migrated, is_shared: known.is_shared }
    }

    /// The facts that it lacks.
    pub(super) fn lacking(&self) -> impl Iterator<Item = Fact> {
        let is_missing = self.config_map.is_missing && !self.is_migrated;
        let lacks = |change: &SettingChange| !is_missing && *change == SettingChange::Missing;
        let facts = [
            (is_missing, Fact::ConfigMap),
            (lacks(&self.settings.endpoint), Fact::Endpoint),
            (lacks(&self.settings.gateway_name), Fact::GatewayName),
        ];
        facts.into_iter().filter_map(|(is_lacking, fact)| is_lacking.then_some(fact))
    }
}

/// The `ConfigMap`s that a container takes as a whole and without a prefix.
pub(super) fn whole_config_maps(container: &GatewayContainer<'_>) -> impl Iterator<Item = String> {
    let sources = container.container.env_from.iter();
    let whole = sources.filter(|source| source.prefix.as_deref().is_none_or(str::is_empty));
    whole.filter_map(|source| Some(source.config_map_ref.as_ref()?.name.clone()))
}

/// The `ConfigMap`s that a container takes settings from, as far as it shows.
pub(super) fn taken(container: &GatewayContainer<'_>) -> impl Iterator<Item = String> {
    let sources = container.container.env_from.iter();
    let whole = sources.filter_map(|source| Some(source.config_map_ref.as_ref()?.name.clone()));
    whole.chain(container.environment.settings().filter_map(|(_, variable)| variable.config_map().map(str::to_owned)))
}

/// Returns true if every auth setting is `workloadIdentity`, and no Secret can set another one.
pub(super) fn is_migrated(container: &GatewayContainer<'_>, expectations: &Expectations) -> bool {
    let mut settings = container.environment.settings().filter(|(setting, _)| is_of_other_method(*setting)).peekable();
    let takes_secret = container.container.env_from.iter().any(|source| {
        let name = source.secret_ref.as_ref().map(|reference| reference.name.as_str());
        name.is_some_and(|name| expectations.allowed_secrets.iter().all(|allowed| allowed != name))
            && prefix_can_make_auth(source.prefix.as_deref().unwrap_or_default())
    });
    let is_identity = |(setting, variable): (Setting, &Variable<'_>)| {
        setting == Setting::Auth && variable.method == Some(AuthMethod::WorkloadIdentity)
    };
    settings.peek().is_some() && settings.all(is_identity) && !takes_secret
}

/// The Secrets that a container names.
pub(super) fn secrets_of(container: &Value) -> impl Iterator<Item = &str> {
    let variables = json::items(container, &["env"]);
    let sources = json::items(container, &["envFrom"]);
    let of_variables = variables.filter_map(|variable| json::text(variable, &["valueFrom", "secretKeyRef", "name"]));
    of_variables.chain(sources.filter_map(|source| json::text(source, &["secretRef", "name"])))
}
