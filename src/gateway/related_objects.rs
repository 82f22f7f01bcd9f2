//! What stands beside a subject in its namespace, as plain data.

use super::well_known::{self, Keys};
use super::{
    ConfigMap, Gateway, Images, Kind, KubernetesObject, ObjectView, Service, ServiceAccount, Setting, Variable,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// What is known of a thing beside the subject. No rule speaks or refuses on what is unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It was looked for and is not there.
    Absent,
    /// Nobody looked.
    Unknown,
}

/// How much of a namespace is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// What was given, and there is nothing else to go by: files, or a review without a cluster. What isn't here is unseen.
    #[default]
    Given,
    /// A part of what there is, so that nothing follows from what isn't here.
    Partial,
    /// Everything, so that what isn't here is absent.
    Complete,
}

/// The things of one namespace that a rule may look at.
#[derive(Clone, Default)]
pub struct RelatedObjects {
    /// Annotations of the Namespace; empty where it is unseen.
    pub namespace_annotations: Keys,
    /// How much of the namespace is here.
    pub coverage: Coverage,
    config_maps: BTreeMap<String, Arc<ConfigMap>>,
    service_accounts: BTreeMap<String, Arc<ServiceAccount>>,
    gateways: Arc<[GatewayReferences]>,
    workloads: BTreeSet<(Kind, String)>,
}

/// What a gateway workload refers to.
struct GatewayReferences {
    service_account: Option<String>,
    pod_labels: Keys,
    /// `ConfigMap`s that it takes whole.
    whole_config_maps: BTreeSet<String>,
    /// `ConfigMap`s that it takes, whole or a key of.
    config_maps: BTreeSet<String>,
    /// Settings with a text that can be seen, and the `ConfigMap` that has it under the setting's own name, if one does.
    supplied: Vec<(Setting, Option<String>)>,
}

impl RelatedObjects {
    /// What `objects`, all of one namespace, are to each other. What is not among them is unseen.
    pub fn of<'s, 'j: 's>(
        objects: impl IntoIterator<Item = &'s KubernetesObject<'j>> + Clone,
        images: &Images,
    ) -> Self {
        let mut related = Self::default();
        for object in objects.clone() {
            related.take(object);
        }
        let references = |object: &KubernetesObject<'_>| {
            GatewayReferences::of(&Gateway::recognize(object.workload()?, images, &related)?)
        };
        related.gateways = objects.into_iter().filter_map(references).collect();
        related
    }

    fn take(&mut self, object: &KubernetesObject<'_>) {
        // what the API server has yet to name can be named by nobody
        let Some(name) = object.metadata().name.clone().filter(|name| !name.is_empty()) else { return };
        match &object.view {
            ObjectView::ConfigMap(config_map) => {
                self.config_maps.insert(name, Arc::new(config_map.clone()));
            }
            ObjectView::Namespace(namespace) => self.namespace_annotations = namespace.metadata.annotations.clone(),
            ObjectView::Service(_) => {}
            ObjectView::ServiceAccount(account) => {
                self.service_accounts.insert(name, Arc::new(account.clone()));
            }
            ObjectView::Workload(workload) => {
                self.workloads.insert((workload.kind, name));
            }
        }
    }

    /// Puts a `ConfigMap` in the place of what had its name.
    pub fn put_config_map(&mut self, config_map: ConfigMap) {
        self.config_maps.insert(config_map.name().to_owned(), Arc::new(config_map));
    }

    /// Puts a `ServiceAccount` in the place of what had its name.
    pub fn put_service_account(&mut self, account: ServiceAccount) {
        self.service_accounts.insert(account.name().to_owned(), Arc::new(account));
    }

    /// Takes out the `ConfigMap` of this name.
    pub fn remove_config_map(&mut self, name: &str) {
        self.config_maps.remove(name);
    }

    /// Takes out the `ServiceAccount` of this name.
    pub fn remove_service_account(&mut self, name: &str) {
        self.service_accounts.remove(name);
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

    /// Is a workload of this kind and name among what is looked at?
    pub fn has_workload(&self, kind: Kind, name: &str) -> bool {
        self.workloads.contains(&(kind, name.to_owned()))
    }

    /// Does a gateway run under this `ServiceAccount`?
    pub fn is_account_of_gateway(&self, name: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.service_account.as_deref() == Some(name))
    }

    /// Does this Service select the Pods of a gateway?
    pub fn is_service_of_gateway(&self, service: &Service) -> bool {
        self.gateways.iter().any(|gateway| service.selects(&gateway.pod_labels))
    }

    /// Does this Service select the Pods of a gateway that don't have this label?
    pub fn selects_gateway_without(&self, service: &Service, label: &str) -> bool {
        self.gateways
            .iter()
            .any(|gateway| service.selects(&gateway.pod_labels) && !gateway.pod_labels.contains_key(label))
    }

    /// Does a gateway take this `ConfigMap`, whole or a key of it?
    pub fn is_config_map_of_gateway(&self, name: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.config_maps.contains(name))
    }

    /// Is this the only `ConfigMap` that some gateway takes whole?
    pub fn is_only_config_map_of_gateway(&self, name: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.whole_config_maps.iter().eq([name]))
    }

    /// Does every gateway that takes this `ConfigMap` (and at least one) have `setting` from elsewhere, or from here under
    /// another name?
    pub fn is_supplied_elsewhere(&self, setting: Setting, config_map: &str) -> bool {
        let elsewhere = |gateway: &GatewayReferences| {
            gateway.supplied.iter().any(|(of, from)| *of == setting && from.as_deref() != Some(config_map))
        };
        let mut takers = self.gateways.iter().filter(|gateway| gateway.config_maps.contains(config_map)).peekable();
        takers.peek().is_some() && takers.all(elsewhere)
    }

    /// The only `ServiceAccount` that a label marks as a gateway's; `default` is none, whatever its labels. Of a part
    /// nobody knows whether it is the only one.
    pub fn only_marked_service_account(&self) -> Option<&str> {
        self.only(self.service_accounts.iter().filter(|(name, account)| {
            name.as_str() != well_known::DEFAULT_SERVICE_ACCOUNT && well_known::marks_gateway(&account.metadata.labels)
        }))
    }

    /// The only `ConfigMap` that tells where a gateway's configuration is. Of a part nobody knows whether it is the only
    /// one.
    pub fn only_config_map_with_endpoint(&self) -> Option<&str> {
        self.only(self.config_maps.iter().filter(|(_, config_map)| config_map.has_endpoint()))
    }

    fn lookup<'a, T>(&self, found: Option<&'a T>) -> Lookup<&'a T> {
        match found {
            Some(thing) => Lookup::Found(thing),
            None if self.coverage == Coverage::Complete => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }

    fn only<'a, T: 'a>(&self, mut named: impl Iterator<Item = (&'a String, T)>) -> Option<&'a str> {
        let (name, _) = named.next().filter(|_| self.coverage != Coverage::Partial)?;
        named.next().is_none().then_some(name)
    }
}

impl GatewayReferences {
    /// What a gateway refers to; `None` of one that signs in nowhere.
    fn of(gateway: &Gateway<'_>) -> Option<Self> {
        gateway.authenticating().next()?;
        let (mut whole_config_maps, mut config_maps, mut supplied) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for part in gateway.authenticating() {
            let whole = part.container.env_from.iter().filter_map(|from| from.config_map_ref.as_ref());
            whole_config_maps.extend(whole.map(|reference| reference.name.clone()));
            config_maps.extend(part.environment.variables().iter().filter_map(Variable::config_map).map(str::to_owned));
            let known = part.environment.settings().filter(|(_, variable)| !variable.is_blank());
            supplied.extend(
                known.map(|(setting, variable)| (setting, variable.config_map_with_setting().map(str::to_owned))),
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

/// What stands beside an object that is in no namespace, or in no cluster.
static NOTHING: LazyLock<Arc<RelatedObjects>> = LazyLock::new(Arc::default);

/// What a review is judged beside. It never changes: a newer one takes its place.
#[derive(Clone, Default)]
pub enum Snapshot {
    /// No cluster is looked at, so nothing stands beside an object.
    #[default]
    Alone,
    /// By name, the namespaces of a cluster that are known to be there.
    Cluster(BTreeMap<String, Arc<RelatedObjects>>),
}

impl Snapshot {
    /// The surroundings in a namespace, nothing for what is in none; `None` if the cluster is looked at and the namespace was not seen yet, so that
    /// nobody knows what it expects.
    pub fn of(&self, namespace: &str) -> Option<Arc<RelatedObjects>> {
        match (self, namespace) {
            (Self::Alone, _) | (_, "") => Some(Arc::clone(&NOTHING)),
            (Self::Cluster(namespaces), namespace) => namespaces.get(namespace).cloned(),
        }
    }
}
