//! What a namespace expects of its gateways.

use crate::gateway::{Coverage, RelatedObjects, well_known};
use semver::Version;
use std::collections::BTreeMap;

/// The first image version that supports workload identity (release notes Container-v2.11.0).
/// A policy can raise this minimum, never lower it.
pub const FIRST_VERSION: Version = Version::new(2, 11, 0);

/// The expected values, by key. Every member of a list is accepted; a fix exists only if the list has one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// Client ids that `ServiceAccount`s of gateways may have.
    pub client_ids: Vec<String>,
    /// Tenant ids, used for fixes only.
    pub tenant_ids: Vec<String>,
    /// `ServiceAccount`s that gateways may run under.
    pub service_accounts: Vec<String>,
    /// `ConfigMap`s of gateways, used for fixes and to recognize a gateway's `ConfigMap`.
    pub config_maps: Vec<String>,
    /// Names of gateway resources, used for fixes only.
    pub gateway_names: Vec<String>,
    /// Secrets that a gateway may reference by `envFrom`.
    pub allowed_secrets: Vec<String>,
    /// The oldest allowed image version; never older than [`FIRST_VERSION`].
    pub minimum_version: Version,
}

/// One of the three layers of expectations. An empty list leaves the key to the next layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) client_ids: Vec<String>,
    pub(super) tenant_ids: Vec<String>,
    pub(super) service_accounts: Vec<String>,
    pub(super) config_maps: Vec<String>,
    pub(super) gateway_names: Vec<String>,
    pub(super) allowed_secrets: Vec<String>,
    pub(super) minimum_version: Option<Version>,
}

impl Layer {
    /// The layer of a Namespace's annotations, such as `apim-keyless.dev/client-id: a,b`. An empty annotation counts as
    /// absent.
    ///
    /// Only the policy document can allow Secrets, so there is no annotation for them.
    pub(super) fn of_annotations(annotations: &BTreeMap<String, String>) -> Self {
        let list =
            |text: &str| text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let mut layer = Self::default();
        for (key, text) in annotations {
            match key.strip_prefix(well_known::OUR_PREFIX) {
                Some("client-id") => layer.client_ids = list(text),
                Some("tenant-id") => layer.tenant_ids = list(text),
                Some("service-account") => layer.service_accounts = list(text),
                Some("config-map") => layer.config_maps = list(text),
                Some("gateway-name") => layer.gateway_names = list(text),
                Some("minimum-version") => layer.minimum_version = Version::parse(text.trim()).ok(),
                _ => {}
            }
        }
        layer
    }
}

impl Expectations {
    /// For each key, the most specific layer that has a value wins. `layers` are in order, the most specific first.
    pub(super) fn of(layers: &[&Layer]) -> Self {
        let list = |of: fn(&Layer) -> &Vec<String>| {
            layers.iter().map(|layer| of(layer)).find(|list| !list.is_empty()).cloned().unwrap_or_default()
        };
        let minimum = layers.iter().find_map(|layer| layer.minimum_version.clone());
        Self {
            client_ids: list(|layer| &layer.client_ids),
            tenant_ids: list(|layer| &layer.tenant_ids),
            service_accounts: list(|layer| &layer.service_accounts),
            config_maps: list(|layer| &layer.config_maps),
            gateway_names: list(|layer| &layer.gateway_names),
            allowed_secrets: list(|layer| &layer.allowed_secrets),
            minimum_version: minimum.map_or(FIRST_VERSION, |minimum| minimum.max(FIRST_VERSION)),
        }
    }

    /// The `ServiceAccount` that a fix sets: the only expected one; if none is expected, the only one of the namespace
    /// that a label marks as a gateway's.
    pub fn service_account_to_set<'a>(&'a self, related: &'a RelatedObjects) -> Option<&'a str> {
        match self.service_accounts.as_slice() {
            [] => related.only_marked_service_account(),
            expected => only(expected),
        }
    }

    /// The `ConfigMap` that a fix references: the only expected one; if none is expected, the only one of the namespace
    /// that has an endpoint; else the one of Microsoft's article.
    ///
    /// With [`Coverage::Partial`] there is none, because an unknown `ConfigMap` may have an endpoint.
    pub fn config_map_to_set<'a>(&'a self, related: &'a RelatedObjects) -> Option<&'a str> {
        match self.config_maps.as_slice() {
            [] if related.coverage == Coverage::Partial => None,
            [] => related.only_config_map_with_endpoint().or(Some(well_known::ARTICLE_CONFIG_MAP)),
            expected => only(expected),
        }
    }

    /// The client id that a fix sets: the only expected one. There is no default, because it cannot be guessed.
    pub fn client_id_to_set(&self) -> Option<&str> {
        only(&self.client_ids)
    }

    /// The name of the gateway resource that a fix sets: the only expected one.
    pub fn gateway_name_to_set(&self) -> Option<&str> {
        only(&self.gateway_names)
    }

    /// The tenant id that a fix sets: the only expected one.
    pub fn tenant_id_to_set(&self) -> Option<&str> {
        only(&self.tenant_ids)
    }
}

fn only(list: &[String]) -> Option<&str> {
    match list {
        [one] => Some(one),
        _ => None,
    }
}

impl Default for Expectations {
    /// Expects nothing but an image version of [`FIRST_VERSION`] or newer.
    fn default() -> Self {
        Self::of(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(client_ids: &[&str], minimum: Option<&str>) -> Layer {
        let minimum_version = minimum.map(|text| Version::parse(text).unwrap());
        Layer { client_ids: client_ids.iter().map(ToString::to_string).collect(), minimum_version, ..Layer::default() }
    }

    #[test]
    fn the_most_specific_layer_wins_key_by_key() {
        let annotations = BTreeMap::from([
            ("apim-keyless.dev/client-id".to_owned(), String::new()),
            ("apim-keyless.dev/service-account".to_owned(), "a, b".to_owned()),
        ]);
        let layers =
            [Layer::of_annotations(&annotations), layer(&["entry"], None), layer(&["default"], Some("2.12.0"))];
        let expectations = Expectations::of(&layers.each_ref());
        assert_eq!(expectations.client_ids, ["entry"]);
        assert_eq!(expectations.service_accounts, ["a", "b"]);
        assert_eq!(expectations.service_account_to_set(&RelatedObjects::default()), None);
        assert_eq!(expectations.minimum_version, Version::new(2, 12, 0));
    }

    #[test]
    fn the_minimum_version_is_raised_and_never_lowered() {
        assert_eq!(Expectations::of(&[&layer(&[], Some("2.0.0"))]).minimum_version, FIRST_VERSION);
        assert_eq!(Expectations::default().minimum_version, FIRST_VERSION);
    }
}
