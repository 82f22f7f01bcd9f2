//! Related objects: the other objects of an object's namespace that rules may read, and a snapshot of them for all
//! namespaces of a cluster.

use super::objects::{ObjectIdentity, identity};
use super::well_known::{self, StringMap};
use super::{
    ConfigMap, Gateway, GatewaySign, Images, KubernetesObject, ObjectView, Owner, Service, ServiceAccount, Setting,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// The result of a lookup of a related object. No rule reports or denies anything because of an unknown object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It exists.
    Found(T),
    /// It does not exist.
    Absent,
    /// It is not known whether it exists.
    Unknown,
}

/// How much of a namespace its related objects cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Only the given objects, without access to a cluster: files, or a review without a cluster. Other objects are
    /// unknown.
    #[default]
    Given,
    /// The given objects are the whole namespace, without access to a cluster. Other objects are absent.
    GivenWhole,
    /// A part of the namespace. Other objects are unknown, and an object that is the only one here may not be the only
    /// one.
    Partial,
    /// The whole namespace. Other objects are absent.
    Complete,
}

impl Coverage {
    /// Whether all objects are evaluated together, so that each is reported itself.
    pub fn is_given(self) -> bool {
        matches!(self, Self::Given | Self::GivenWhole)
    }
}

/// The objects of one namespace that a rule may read.
#[derive(Clone, Default)]
pub struct RelatedObjects {
    /// Annotations of the Namespace; empty if the Namespace is unknown.
    pub namespace_annotations: StringMap,
    /// Labels of the Namespace; empty if the Namespace is unknown.
    pub namespace_labels: StringMap,
    /// How much of the namespace these objects cover.
    pub coverage: Coverage,
    config_maps: BTreeMap<String, Arc<ConfigMap>>,
    service_accounts: BTreeMap<String, Arc<ServiceAccount>>,
    /// The names of the gateways' `ConfigMap`s with a nonempty `config.service.endpoint`. A namespace can have thousands of
    /// others.
    with_endpoint: BTreeSet<String>,
    /// The names of the `ServiceAccount`s, except `default`, that a label marks as a gateway's.
    marked: BTreeSet<String>,
    gateways: Arc<[GatewayReferences]>,
    workloads: BTreeSet<ObjectIdentity>,
}

/// The objects that a gateway workload refers to, and the settings it has.
struct GatewayReferences {
    service_account: Option<String>,
    pod_labels: StringMap,
    /// Names of the `ConfigMap`s in `envFrom`.
    whole_config_maps: BTreeSet<String>,
    /// Names of the `ConfigMap`s in `envFrom` or `configMapKeyRef`.
    config_maps: BTreeSet<String>,
    /// Settings with a nonempty or unknown value. The second item is the `ConfigMap` that sets it under the setting's
    /// own name, if any.
    supplied: Vec<(Setting, Option<String>)>,
}

impl RelatedObjects {
    /// The related objects of a namespace, from `objects`, all of that namespace. Coverage is [`Coverage::Given`]: all
    /// other objects are unknown. `images` says which images are the gateway's.
    pub fn of<'s, 'j: 's>(
        objects: impl IntoIterator<Item = &'s KubernetesObject<'j>> + Clone,
        images: &Images,
    ) -> Self {
        let mut related = Self::default();
        for object in objects.clone() {
            related.add(object);
        }
        let references = |object: &KubernetesObject<'_>| {
            GatewayReferences::of(&Gateway::recognize(object, images, &related)?.gateway()?)
        };
        related.gateways = objects.into_iter().filter_map(references).collect();
        related
    }

    fn add(&mut self, object: &KubernetesObject<'_>) {
        // without a name, which the API server is yet to generate, no other object can refer to it
        let Some(name) = object.metadata().name.clone().filter(|name| !name.is_empty()) else { return };
        match &object.view {
            ObjectView::ConfigMap(config_map) => {
                self.put_config_map(config_map.clone().with_whole_data(object.data()));
            }
            ObjectView::Namespace(namespace) => {
                self.namespace_annotations = namespace.metadata.annotations.clone();
                self.namespace_labels = namespace.metadata.labels.clone();
            }
            ObjectView::Service(_) => {}
            ObjectView::ServiceAccount(account) => {
                self.put_service_account(account.clone());
            }
            ObjectView::Workload(_) => {
                self.workloads.insert(identity(&object.reference.api_version, &object.reference.kind, &name));
            }
        }
    }

    /// Adds a `ConfigMap`, or replaces the one of the same name.
    pub fn put_config_map(&mut self, config_map: ConfigMap) {
        let name = config_map.name().to_owned();
        // another application can have a setting of the same name
        let has_endpoint = config_map.sign() == GatewaySign::Certain && config_map.has_endpoint();
        insert_if(&mut self.with_endpoint, &name, has_endpoint);
        self.config_maps.insert(name, Arc::new(config_map));
    }

    /// Adds a `ServiceAccount`, or replaces the one of the same name.
    pub fn put_service_account(&mut self, account: ServiceAccount) {
        let name = account.name().to_owned();
        let is_marked =
            name != well_known::DEFAULT_SERVICE_ACCOUNT && well_known::marks_gateway(&account.metadata.labels);
        insert_if(&mut self.marked, &name, is_marked);
        self.service_accounts.insert(name, Arc::new(account));
    }

    /// Removes the `ConfigMap` of this name.
    pub fn remove_config_map(&mut self, name: &str) {
        self.config_maps.remove(name);
        self.with_endpoint.remove(name);
    }

    /// Removes the `ServiceAccount` of this name.
    pub fn remove_service_account(&mut self, name: &str) {
        self.service_accounts.remove(name);
        self.marked.remove(name);
    }

    /// The names of all `ConfigMap`s.
    pub fn config_map_names(&self) -> impl Iterator<Item = &str> {
        self.config_maps.keys().map(String::as_str)
    }

    /// The names of all `ServiceAccount`s.
    pub fn service_account_names(&self) -> impl Iterator<Item = &str> {
        self.service_accounts.keys().map(String::as_str)
    }

    /// The `ConfigMap` of this name.
    pub fn config_map(&self, name: &str) -> Lookup<&ConfigMap> {
        self.lookup(self.config_maps.get(name).map(Arc::as_ref))
    }

    /// The `ServiceAccount` of this name.
    pub fn service_account(&self, name: &str) -> Lookup<&ServiceAccount> {
        self.lookup(self.service_accounts.get(name).map(Arc::as_ref))
    }

    /// Returns true if this owner is a workload among these objects.
    pub fn has_owner(&self, owner: Owner<'_>) -> bool {
        self.workloads.contains(&owner.identity())
    }

    /// Returns true if a gateway workload names this `ServiceAccount`.
    pub fn is_account_of_gateway(&self, name: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.service_account.as_deref() == Some(name))
    }

    /// Returns true if this Service selects the Pods of a gateway.
    pub fn is_service_of_gateway(&self, service: &Service) -> bool {
        self.gateways.iter().any(|gateway| service.selects(&gateway.pod_labels))
    }

    /// Returns true if this Service selects the Pods of a gateway that do not have the label `label`.
    pub fn selects_gateway_without(&self, service: &Service, label: &str) -> bool {
        self.gateways
            .iter()
            .any(|gateway| service.selects(&gateway.pod_labels) && !gateway.pod_labels.contains_key(label))
    }

    /// Returns true if a gateway refers to this `ConfigMap` in `envFrom` or `configMapKeyRef`.
    pub fn is_config_map_of_gateway(&self, name: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.config_maps.contains(name))
    }

    /// Returns true if some gateway has this `ConfigMap`, and no other, in `envFrom`.
    pub fn is_only_config_map_of_gateway(&self, name: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.whole_config_maps.iter().eq([name]))
    }

    /// Returns true if at least one gateway refers to this `ConfigMap`, and every gateway that does gets `setting` from
    /// another source, or from a key of this `ConfigMap` that is not itself the name of a setting.
    pub fn is_supplied_elsewhere(&self, setting: Setting, config_map: &str) -> bool {
        let elsewhere = |gateway: &GatewayReferences| {
            gateway.supplied.iter().any(|(supplied, from)| *supplied == setting && from.as_deref() != Some(config_map))
        };
        let mut users = self.gateways.iter().filter(|gateway| gateway.config_maps.contains(config_map)).peekable();
        users.peek().is_some() && users.all(elsewhere)
    }

    /// The names of the `ServiceAccount`s that a label marks as a gateway's. `default` never counts, whatever its labels.
    pub fn marked_service_accounts(&self) -> impl Iterator<Item = &str> {
        self.marked.iter().map(String::as_str)
    }

    /// The names of the gateways' `ConfigMap`s with a nonempty `config.service.endpoint`.
    pub fn config_maps_with_endpoint(&self) -> impl Iterator<Item = &str> {
        self.with_endpoint.iter().map(String::as_str)
    }

    /// The names of the `ConfigMap`s that some gateway has in `envFrom` without any other.
    pub fn only_config_maps_of_gateways(&self) -> impl Iterator<Item = &str> {
        let single = |gateway: &'_ GatewayReferences| gateway.whole_config_maps.len() == 1;
        self.gateways
            .iter()
            .filter(move |gateway| single(gateway))
            .flat_map(|gateway| gateway.whole_config_maps.iter().map(String::as_str))
    }

    fn lookup<'a, T>(&self, found: Option<&'a T>) -> Lookup<&'a T> {
        match found {
            Some(object) => Lookup::Found(object),
            None if matches!(self.coverage, Coverage::Complete | Coverage::GivenWhole) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }
}

/// Inserts `name` if `condition`, else removes it.
fn insert_if(names: &mut BTreeSet<String>, name: &str, condition: bool) {
    if condition {
        names.insert(name.to_owned());
    } else {
        names.remove(name);
    }
}

impl GatewayReferences {
    /// The references of a gateway; `None` if none of its containers certainly authenticates to the configuration API.
    fn of(gateway: &Gateway<'_>) -> Option<Self> {
        let containers = || gateway.authenticating().filter(|container| !container.is_possible);
        containers().next()?;
        let (mut whole_config_maps, mut config_maps, mut supplied) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for gateway_container in containers() {
            let whole = gateway_container.container.env_from.iter().filter_map(|from| from.config_map_ref.as_ref());
            whole_config_maps.extend(whole.map(|reference| reference.name.clone()));
            let single = gateway_container.container.env.iter().filter_map(|variable| variable.value_from.as_ref());
            config_maps.extend(single.filter_map(|from| Some(from.config_map_key_ref.as_ref()?.name.clone())));
            let supplied_here = gateway_container.environment.settings().filter(|(_, variable)| !variable.is_blank());
            supplied.extend(
                supplied_here
                    .map(|(setting, variable)| (setting, variable.config_map_with_setting().map(str::to_owned))),
            );
        }
        config_maps.extend(whole_config_maps.iter().cloned());
        Some(Self {
            service_account: gateway.workload.service_account().map(str::to_owned),
            pod_labels: gateway.workload.template_labels().clone(),
            whole_config_maps,
            config_maps,
            supplied,
        })
    }
}

/// The related objects without a namespace or without a cluster: none.
static NO_OBJECTS: LazyLock<Arc<RelatedObjects>> = LazyLock::new(Arc::default);

/// The related objects of every namespace at one moment, for the evaluation of a review. Never changes; a newer
/// snapshot replaces it.
#[derive(Clone, Default)]
pub enum Snapshot {
    /// There is no access to a cluster, so there are no related objects.
    #[default]
    NoCluster,
    /// The namespaces of a cluster that are known to exist, by name.
    Cluster(BTreeMap<String, Arc<RelatedObjects>>),
}

impl Snapshot {
    /// The related objects of `namespace`; none for an object without a namespace (`""`) or without a cluster. `None`
    /// if the snapshot of a cluster does not contain the namespace yet: its expectations are then unknown.
    pub fn related_objects(&self, namespace: &str) -> Option<Arc<RelatedObjects>> {
        match (self, namespace) {
            (Self::NoCluster, _) | (_, "") => Some(Arc::clone(&NO_OBJECTS)),
            (Self::Cluster(namespaces), namespace) => namespaces.get(namespace).cloned(),
        }
    }
}
