//! What a namespace wants of its gateways.

use crate::gateway::{Coverage, RelatedObjects, well_known};
use semver::Version;
use std::collections::BTreeMap;

/// The first image version that can sign in with workload identity (release notes Container-v2.11.0).
/// A policy can raise it, never lower it.
pub const FIRST_VERSION: Version = Version::new(2, 11, 0);

/// What is expected, key by key. Every member of a list is accepted; a remedy exists only where one value remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// Client ids that `ServiceAccount`s of gateways may carry.
    pub client_ids: Vec<String>,
    /// Tenant ids, for remedies alone.
    pub tenant_ids: Vec<String>,
    /// `ServiceAccount`s that gateways may run under.
    pub service_accounts: Vec<String>,
    /// `ConfigMap`s of gateways, for remedies and recognition.
    pub config_maps: Vec<String>,
    /// Names of gateway resources, for remedies alone.
    pub gateway_names: Vec<String>,
    /// Secrets that a gateway may take by `envFrom`.
    pub allowed_secrets: Vec<String>,
    /// The oldest image version allowed, [`FIRST_VERSION`] or newer.
    pub minimum_version: Version,
}

/// One of the three layers that expectations are told in; an empty list says nothing.
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
    /// What annotations of a Namespace say: `apim-keyless.dev/client-id: a,b`. An empty one says nothing.
    ///
    /// Which Secrets are allowed is the document's to say, never a namespace's own.
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
    /// The most specific layer that says something wins, key by key. `layers` come most specific first.
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

    /// The `ServiceAccount` that a remedy names: the only expected one; else the only one that the namespace shows.
    pub fn service_account_to_set<'a>(&'a self, related: &'a RelatedObjects) -> Option<&'a str> {
        match self.service_accounts.as_slice() {
            [] => related.only_marked_service_account(),
            expected => only(expected),
        }
    }

    /// The `ConfigMap` that a remedy names: the only expected one; else the only one that the namespace shows; else the
    /// one of Microsoft's article. Where a part is all that can be seen, the namespace may show another one.
    pub fn config_map_to_set<'a>(&'a self, related: &'a RelatedObjects) -> Option<&'a str> {
        match self.config_maps.as_slice() {
            [] if related.coverage == Coverage::Partial => None,
            [] => related.only_config_map_with_endpoint().or(Some(well_known::ARTICLE_CONFIG_MAP)),
            expected => only(expected),
        }
    }

    /// The client id that a remedy sets. There is no built-in one: nobody can guess it.
    pub fn client_id_to_set(&self) -> Option<&str> {
        only(&self.client_ids)
    }

    /// The gateway's name that a remedy sets.
    pub fn gateway_name_to_set(&self) -> Option<&str> {
        only(&self.gateway_names)
    }

    /// The tenant id that a remedy sets.
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
    /// Nothing is expected but the first version that can do it.
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
