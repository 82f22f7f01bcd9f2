//! What a namespace expects of its gateways.

use super::NamespaceSetting;
use super::namespace_setting::FIRST_VERSION;
use crate::gateway::{Coverage, RelatedObjects, well_known};
use semver::Version;
use serde::Deserialize;
use std::collections::BTreeMap;

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
    /// Whether annotations of the Namespace count.
    pub namespace_annotations: NamespaceAnnotations,
}

/// Whether annotations of a Namespace set its expectations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceAnnotations {
    /// They do, except for what the document sets for this namespace.
    #[default]
    Honor,
    /// They do not.
    Ignore,
}

/// One of the three layers of expectations. A key that it does not have is left to the next layer.
pub(super) type Layer = BTreeMap<NamespaceSetting, Vec<String>>;

/// The layer of a Namespace's annotations, such as `apim-keyless.dev/client-id: a,b`. An empty or malformed annotation
/// counts as absent.
pub(super) fn layer_of_annotations(annotations: &BTreeMap<String, String>) -> Layer {
    let values = annotations.iter().filter_map(|(key, text)| {
        let setting = NamespaceSetting::of_annotation(key)?;
        Some((setting, setting.values_in(text).filter(|values| !values.is_empty())?))
    });
    values.collect()
}

/// What a fix sets, where several values are possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidates<'a> {
    /// There is one value.
    One(&'a str),
    /// There are several, of which a person has to choose.
    Several(Vec<&'a str>),
    /// None is known.
    None,
}

impl<'a> Candidates<'a> {
    fn of(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        match names.as_slice() {
            [] => Self::None,
            [one] => Self::One(one),
            _ => Self::Several(names),
        }
    }

    /// What the namespace itself shows. An object that is the only one of an incompletely known namespace may not be the
    /// only one.
    fn shown(names: impl IntoIterator<Item = &'a str>, coverage: Coverage) -> Self {
        match Self::of(names) {
            Self::One(_) if coverage == Coverage::Partial => Self::None,
            candidates => candidates,
        }
    }
}

impl Expectations {
    /// For each key, the highest layer that has it replaces the others. `layers` are in order, the highest first. Only the
    /// minimum version is the highest of all layers.
    pub(super) fn of(layers: &[&Layer], namespace_annotations: NamespaceAnnotations) -> Self {
        let list = |setting| layers.iter().find_map(|layer| layer.get(&setting)).cloned().unwrap_or_default();
        let minimums = layers.iter().filter_map(|layer| layer.get(&NamespaceSetting::MinimumVersion)).flatten();
        let minimum = minimums.filter_map(|text| Version::parse(text).ok()).max();
        Self {
            client_ids: list(NamespaceSetting::ClientId),
            tenant_ids: list(NamespaceSetting::TenantId),
            service_accounts: list(NamespaceSetting::ServiceAccount),
            config_maps: list(NamespaceSetting::ConfigMap),
            gateway_names: list(NamespaceSetting::GatewayName),
            allowed_secrets: list(NamespaceSetting::AllowedSecrets),
            minimum_version: minimum.map_or(FIRST_VERSION, |minimum| minimum.max(FIRST_VERSION)),
            namespace_annotations,
        }
    }

    /// The `ServiceAccount` that a fix sets: the expected one; if none is expected, the one of the namespace that a label
    /// marks as a gateway's.
    pub fn service_account_to_set<'a>(&'a self, related: &'a RelatedObjects) -> Candidates<'a> {
        match self.service_accounts.as_slice() {
            [] => Candidates::shown(related.marked_service_accounts(), related.coverage),
            expected => Candidates::of(expected.iter().map(String::as_str)),
        }
    }

    /// The `ConfigMap` that a fix references: the expected one; if none is expected, the one of the namespace that has an
    /// endpoint; if there is none and the container is the gateway's by its image, the one of Microsoft's article.
    ///
    /// With [`Coverage::Partial`] there is none, because an unknown `ConfigMap` may have an endpoint.
    pub fn config_map_to_set<'a>(&'a self, related: &'a RelatedObjects, has_gateway_image: bool) -> Candidates<'a> {
        if !self.config_maps.is_empty() {
            return Candidates::of(self.config_maps.iter().map(String::as_str));
        }
        match Candidates::shown(related.config_maps_with_endpoint(), related.coverage) {
            Candidates::None if has_gateway_image && related.coverage != Coverage::Partial => {
                Candidates::One(well_known::ARTICLE_CONFIG_MAP)
            }
            candidates => candidates,
        }
    }

    /// The annotation of the Namespace as another place of a setting, for a message: `, or annotation
    /// apim-keyless.dev/client-id of the Namespace`; empty if annotations do not count.
    pub(super) fn or_annotation(&self, key: &str) -> String {
        match self.namespace_annotations {
            NamespaceAnnotations::Honor => format!(" or annotation {key} of the Namespace"),
            NamespaceAnnotations::Ignore => String::new(),
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

/// The only value of a list; a fix cannot choose among several.
pub(super) fn only(list: &[String]) -> Option<&str> {
    match list {
        [one] => Some(one),
        _ => None,
    }
}

impl Default for Expectations {
    /// Expects nothing but an image version of [`FIRST_VERSION`] or newer.
    fn default() -> Self {
        Self::of(&[], NamespaceAnnotations::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A layer, each of whose keys is absent or has values that no other layer has.
    fn layer(name: &'static str) -> impl Strategy<Value = Layer> {
        let settings = NamespaceSetting::all().to_vec();
        proptest::sample::subsequence(settings, 0..=NamespaceSetting::all().len()).prop_map(move |settings| {
            settings.into_iter().map(|setting| (setting, vec![format!("{name}-1"), format!("{name}-2")])).collect()
        })
    }

    fn lists(expectations: &Expectations) -> BTreeMap<NamespaceSetting, &Vec<String>> {
        BTreeMap::from([
            (NamespaceSetting::AllowedSecrets, &expectations.allowed_secrets),
            (NamespaceSetting::ClientId, &expectations.client_ids),
            (NamespaceSetting::ConfigMap, &expectations.config_maps),
            (NamespaceSetting::GatewayName, &expectations.gateway_names),
            (NamespaceSetting::ServiceAccount, &expectations.service_accounts),
            (NamespaceSetting::TenantId, &expectations.tenant_ids),
        ])
    }

    fn minimum(text: &str) -> Layer {
        Layer::from([(NamespaceSetting::MinimumVersion, vec![text.to_owned()])])
    }

    proptest! {
        #[test]
        fn the_highest_layer_replaces_the_others_key_by_key(
            layers in (layer("entry"), layer("annotations"), layer("defaults"))
        ) {
            let layers = [&layers.0, &layers.1, &layers.2];
            let expectations = Expectations::of(&layers, NamespaceAnnotations::Honor);
            for (setting, list) in lists(&expectations) {
                let highest = layers.iter().find_map(|layer| layer.get(&setting));
                prop_assert_eq!(Some(list).filter(|list| !list.is_empty()), highest);
            }
        }
    }

    #[test]
    fn the_minimum_version_is_the_highest_of_all_layers() {
        let of = |layers: &[&Layer]| Expectations::of(layers, NamespaceAnnotations::Honor).minimum_version.to_string();
        let (high, middle, low) = (minimum("2.13.0"), minimum("2.12.0"), minimum("2.9.0"));
        for layers in [[&high, &middle, &low], [&low, &middle, &high], [&middle, &high, &low]] {
            assert_eq!(of(&layers), "2.13.0");
        }
        assert_eq!(of(&[&low]), "2.11.0");
        assert_eq!(of(&[]), "2.11.0");
    }

    #[test]
    fn a_malformed_annotation_counts_as_absent() {
        let annotations = BTreeMap::from([
            ("apim-keyless.dev/client-id".to_owned(), "CLIENT_ID".to_owned()),
            ("apim-keyless.dev/service-account".to_owned(), "a, b".to_owned()),
            ("apim-keyless.dev/config-map".to_owned(), String::new()),
            ("apim-keyless.dev/minimum-version".to_owned(), "2.9.0".to_owned()),
        ]);
        let expected = Layer::from([(NamespaceSetting::ServiceAccount, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(layer_of_annotations(&annotations), expected);
    }
}
