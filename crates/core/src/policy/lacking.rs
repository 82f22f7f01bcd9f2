//! Containers whose environment certainly lacks a setting that their `ConfigMap` does not report.

use crate::gateway::{ConfigMap, ContainerList, GatewayContainer, Lookup, Setting, Variable};
use crate::policy::RuleInput;

/// The containers with an endpoint and without a setting that `is_selected` selects. The environment of each is fully
/// known. A container that takes the gateway's main `ConfigMap` is left out: the problem is reported there.
pub(in crate::policy) fn containers_lacking<'i, 'a>(
    input: &'i RuleInput<'a>,
    is_selected: impl Fn(Setting) -> bool + 'i,
) -> impl Iterator<Item = &'i GatewayContainer<'a>> {
    input.authenticating_containers().filter(move |container| {
        let has_endpoint = has_setting(container, |setting| setting == Setting::Endpoint);
        let lacks = container.container.list == ContainerList::Containers
            && !container.takes_only_address()
            && container.environment.is_fully_known()
            && has_endpoint
            && !has_setting(container, &is_selected);
        // a key of a ConfigMap with a prefix does not become the setting
        let takes_main =
            || whole_config_maps(container).any(|(name, prefix)| prefix.is_empty() && is_main(input, name));
        lacks && !takes_main()
    })
}

/// Returns true if the container has such a setting with a value that is not known to be empty.
pub(in crate::policy) fn has_setting(container: &GatewayContainer<'_>, is_selected: impl Fn(Setting) -> bool) -> bool {
    container.environment.settings().any(|(setting, variable)| is_selected(setting) && !variable.is_blank())
}

/// The last variable of the container that sets such a setting.
pub(in crate::policy) fn last_variable<'c, 'a>(
    container: &'c GatewayContainer<'a>,
    is_selected: impl Fn(Setting) -> bool,
) -> Option<&'c Variable<'a>> {
    container.environment.settings().rfind(|(setting, _)| is_selected(*setting)).map(|(_, variable)| variable)
}

/// The `ConfigMap`s in `envFrom`, each with its prefix.
pub(in crate::policy) fn whole_config_maps<'a>(
    container: &'a GatewayContainer<'_>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    container.container.env_from.iter().filter_map(|from| {
        Some((from.config_map_ref.as_ref()?.name.as_str(), from.prefix.as_deref().unwrap_or_default()))
    })
}

/// Whether the `ConfigMap` that a container takes is reported as the gateway's main one.
pub(in crate::policy) fn is_main(input: &RuleInput<'_>, name: &str) -> bool {
    let has_endpoint = |config_map: &ConfigMap| config_map.values_of(Setting::Endpoint).next().is_some();
    input.related.is_only_config_map_of_gateway(name)
        || input.expectations.config_maps.iter().any(|expected| expected == name)
        || matches!(input.related.config_map(name), Lookup::Found(config_map) if has_endpoint(config_map))
}
