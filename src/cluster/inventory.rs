//! Reads the gateways of a cluster, and what they refer to.
//!
//! A cluster can have a hundred thousand objects, most of which have nothing to do with a gateway. So each page of a list
//! is reduced at once: kept are the objects that show a gateway, or that a gateway can refer to. What a controller made of
//! an object that is kept (a ReplicaSet of a Deployment, its Pods) says nothing more and is left out.

use super::leftovers::{LeftoverScope, LeftoverSearch, Leftovers};
use super::objects::{
    CONFIG_MAPS, ListedObjects, MalformedObject, NAMESPACES, ObjectResource, PODS, SERVICE_ACCOUNTS, WORKLOADS,
    get_object, is_served, list_objects,
};
use super::{Connection, ReadError};
use apim_keyless_core::gateway::well_known::StringMap;
use apim_keyless_core::gateway::{
    Authentication, Gateway, GatewaySummary, Images, Kind, KubernetesObject, ObjectIdentity, ObjectView, Recognized,
    RelatedObjects, Relevance,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;
use tokio::time::sleep;

/// What is read of a cluster.
pub struct InventoryRequest<'a> {
    /// The namespaces; empty for all.
    pub namespaces: &'a [String],
    /// Which images are the gateway's.
    pub images: &'a Images,
    /// Whether a namespace of this name and with these labels is evaluated.
    pub is_evaluated: &'a dyn Fn(&str, &StringMap) -> bool,
    /// The `ConfigMap`s that are expected in a namespace of this name and with these annotations.
    pub expected_config_maps: &'a dyn Fn(&str, &StringMap) -> BTreeSet<String>,
    /// Which leftovers of migrations are looked for.
    pub leftovers: LeftoverScope,
    /// Is called before each list, with the name of the resource and how many objects were read until then.
    pub progress: &'a dyn Fn(&str, usize),
    /// How fast it is read, and how much is kept.
    pub pace: Pace,
}

/// How fast a cluster is read, and how much of it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time between two requests.
    pub pause: Duration,
    /// Most bytes of the JSON of the kept objects.
    pub bytes: usize,
}

impl Pace {
    /// As fast as possible and without a limit: for a command whose user waits for it.
    pub const UNLIMITED: Self = Self { pause: Duration::ZERO, bytes: usize::MAX };
}

/// The gateways of a cluster, and what they refer to.
#[derive(Default)]
pub struct Inventory {
    /// The objects that are kept.
    pub objects: Vec<KubernetesObject<'static>>,
    /// How many objects were read.
    pub count: usize,
    /// The namespaces that are not evaluated.
    pub not_evaluated: BTreeSet<String>,
    /// Objects that do not have the shape of their kind.
    pub malformed: Vec<MalformedObject>,
    /// What could not be read. If there is something, an object that is not here may exist all the same.
    pub errors: Vec<ReadError>,
    /// What migrations left.
    pub leftovers: Leftovers,
}

/// What a gateway can refer to, and what can refer to it.
static RELATED: [&ObjectResource; 2] = [&SERVICE_ACCOUNTS, &ObjectResource::of("v1", "Service", "services")];

/// What a container counts as, in bytes of JSON, beside its own.
const CONTAINER_WEIGHT: usize = 1536;

/// Namespace and name.
type Name = (String, String);

impl Inventory {
    /// Reads a cluster. What cannot be read is an error, and the rest is read.
    pub async fn read(connection: &Connection, request: &InventoryRequest<'_>) -> Self {
        let filter = Filter::new(request.images, request.leftovers, request.pace.bytes);
        let mut reader = Reader { connection, request, inventory: Self::default(), filter };
        reader.namespaces().await;
        reader.list(&CONFIG_MAPS).await;
        for resource in RELATED.into_iter().chain(&WORKLOADS).chain([&PODS]) {
            reader.list_if_served(resource).await;
        }
        reader.restore_config_maps().await;
        if reader.filter.is_full {
            reader.inventory.errors.push(ReadError {
                attempt: "keep the gateways of the cluster and what they refer to".to_owned(),
                reason: format!(
                    "they have more than {} MiB; use the command apim-keyless audit instead",
                    request.pace.bytes / 1024 / 1024
                ),
            });
        }
        let Filter { leftovers, not_evaluated, .. } = reader.filter;
        let leftovers = match leftovers {
            Some(search) => search.find(connection, request, reader.inventory.count).await,
            None => Leftovers::default(),
        };
        Self { not_evaluated, leftovers, ..reader.inventory }
    }
}

struct Reader<'a> {
    connection: &'a Connection,
    request: &'a InventoryRequest<'a>,
    inventory: Inventory,
    filter: Filter<'a>,
}

impl Reader<'_> {
    /// The Namespaces: their annotations set the expectations.
    async fn namespaces(&mut self) {
        (self.request.progress)(&NAMESPACES.name(), 0);
        let mut found = Vec::new();
        if self.request.namespaces.is_empty() {
            match list_objects(self.connection, &NAMESPACES, None, self.request.pace.pause, |_, _| true).await {
                Ok(listed) => found = listed.unwrap_or_default().objects,
                Err(error) => self.inventory.errors.push(error),
            }
        }
        for name in self.request.namespaces {
            match get_object(self.connection, &NAMESPACES, None, name).await {
                Ok(Some(namespace)) => found.push(namespace),
                Ok(None) => self.inventory.errors.push(ReadError {
                    attempt: format!("read namespace {name}"),
                    reason: "it does not exist; check the name".to_owned(),
                }),
                Err(error) => self.inventory.errors.push(error),
            }
        }
        for namespace in found {
            self.inventory.count += 1;
            if (self.request.is_evaluated)(&namespace.reference.name, &namespace.metadata().labels) {
                self.inventory.objects.push(namespace);
            } else {
                self.filter.not_evaluated.insert(namespace.reference.name);
            }
        }
    }

    async fn list_if_served(&mut self, resource: &ObjectResource) {
        let is_there = resource.is_of_kubernetes() || {
            let served = is_served(self.connection, resource).await;
            served.unwrap_or_else(|error| {
                self.inventory.errors.push(error);
                false
            })
        };
        if is_there {
            self.list(resource).await;
        }
    }

    async fn list(&mut self, resource: &ObjectResource) {
        let mut places: Vec<Option<&str>> = self.request.namespaces.iter().map(|name| Some(name.as_str())).collect();
        if places.is_empty() {
            places.push(None);
        }
        for namespace in places {
            if self.filter.is_full {
                return;
            }
            (self.request.progress)(&resource.name(), self.inventory.count);
            let (filter, pause) = (&mut self.filter, self.request.pace.pause);
            sleep(pause).await;
            let keep = |object: &KubernetesObject<'_>, value: &Value| filter.keeps(object, value);
            match list_objects(self.connection, resource, namespace, pause, keep).await {
                Ok(listed) => {
                    let ListedObjects { count, objects, malformed } = listed.unwrap_or_default();
                    self.inventory.count += count;
                    self.inventory.objects.extend(objects);
                    self.inventory.malformed.extend(malformed);
                }
                Err(error) => self.inventory.errors.push(error),
            }
        }
    }

    /// Reads again the `ConfigMap`s that were not kept and that a gateway refers to, or that are expected.
    async fn restore_config_maps(&mut self) {
        let mut needed: BTreeSet<Name> = BTreeSet::new();
        let none = StringMap::default();
        let mut annotations: BTreeMap<&str, &StringMap> = BTreeMap::new();
        for object in &self.inventory.objects {
            let namespace = object.reference.namespace.as_str();
            let names = object.referenced_config_maps().into_iter();
            needed.extend(names.map(|name| (namespace.to_owned(), name)));
            match &object.view {
                ObjectView::Namespace(object) => _ = annotations.insert(namespace, &object.metadata.annotations),
                _ => _ = annotations.entry(namespace).or_insert(&none),
            }
        }
        for (namespace, annotations) in annotations {
            let names = (self.request.expected_config_maps)(namespace, annotations).into_iter();
            needed.extend(names.map(|name| (namespace.to_owned(), name)));
        }
        needed.retain(|name| self.filter.omitted.contains(name));
        for (namespace, name) in needed {
            if self.filter.is_full {
                return;
            }
            sleep(self.request.pace.pause).await;
            match get_object(self.connection, &CONFIG_MAPS, Some(&namespace), &name).await {
                Ok(config_map) => {
                    self.inventory.objects.extend(config_map.filter(|config_map| self.filter.fits(config_map)));
                }
                Err(error) => self.inventory.errors.push(error),
            }
        }
    }
}

/// Decides which objects of a page are kept.
struct Filter<'a> {
    images: &'a Images,
    not_evaluated: BTreeSet<String>,
    /// The `ConfigMap`s with settings of a gateway.
    with_settings: HashSet<Name>,
    /// The `ConfigMap`s without any, which are not kept.
    omitted: HashSet<Name>,
    /// The workloads that are kept, and what their controllers made of them, with their namespaces.
    /// The value: whether it uses a key.
    workloads: HashMap<(String, ObjectIdentity), bool>,
    /// `None` if no leftovers are looked for.
    leftovers: Option<LeftoverSearch>,
    /// How many more bytes are kept.
    rest: usize,
    /// Whether an object did not fit.
    is_full: bool,
}

impl<'a> Filter<'a> {
    fn new(images: &'a Images, leftovers: LeftoverScope, rest: usize) -> Self {
        Self {
            images,
            not_evaluated: BTreeSet::new(),
            with_settings: HashSet::new(),
            omitted: HashSet::new(),
            workloads: HashMap::new(),
            leftovers: (leftovers != LeftoverScope::Nothing).then(LeftoverSearch::default),
            rest,
            is_full: false,
        }
    }

    /// Whether an object is kept and fits.
    fn keeps(&mut self, object: &KubernetesObject<'_>, value: &Value) -> bool {
        !self.is_full && self.is_needed(object, value) && self.fits(object)
    }

    /// Whether an object fits. Of a container, the findings and fixes take more memory than its JSON.
    fn fits(&mut self, object: &KubernetesObject<'_>) -> bool {
        let containers = object.workload().map_or(0, |workload| workload.containers().len());
        match self.rest.checked_sub(object.json.size() + containers * CONTAINER_WEIGHT) {
            Some(rest) => self.rest = rest,
            None => self.is_full = true,
        }
        !self.is_full
    }

    fn is_needed(&mut self, object: &KubernetesObject<'_>, value: &Value) -> bool {
        let namespace = &object.reference.namespace;
        if self.not_evaluated.contains(namespace) {
            return false;
        }
        let name = || (namespace.clone(), object.reference.name.clone());
        let is_relevant = match object.relevance(self.images) {
            Relevance::Evaluated => true,
            Relevance::ByConfigMaps(names) => {
                names.into_iter().any(|name| self.with_settings.contains(&(namespace.clone(), name)))
            }
            Relevance::IfReferenced => {
                self.omitted.insert(name());
                false
            }
        };
        if is_relevant && object.kind == Kind::ConfigMap {
            self.with_settings.insert(name());
        }
        let owner = object.owner().map(|owner| (namespace.clone(), owner.identity()));
        let owner = owner.and_then(|owner| self.workloads.get(&owner).copied());
        if let Some(leftovers) = &mut self.leftovers {
            leftovers.add(object, value, owner.is_some(), self.images);
        }
        let uses_key = is_relevant && uses_key(object, self.images);
        if owner.is_some() || is_relevant && object.workload().is_some() {
            self.workloads.insert((namespace.clone(), object.identity()), uses_key);
        }
        // any client can write an owner reference: what uses a key that its owner does not use is shown
        let hides_key = uses_key && owner == Some(false) && !is_scaled_down(value);
        is_relevant && (owner.is_none() || hides_key)
    }
}

/// Whether a workload alone shows that it authenticates with a key.
fn uses_key(object: &KubernetesObject<'_>, images: &Images) -> bool {
    let related = RelatedObjects::default();
    let gateway = Gateway::recognize(object, images, &related).and_then(Recognized::gateway);
    gateway.is_some_and(|gateway| GatewaySummary::of(&gateway, images).authentication == Authentication::Key)
}

/// Whether it is an earlier revision without Pods.
fn is_scaled_down(value: &Value) -> bool {
    value.pointer("/spec/replicas").and_then(Value::as_u64) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_map(name: &str) -> KubernetesObject<'static> {
        let metadata = format!(r#"{{"name":"{name}","namespace":"a"}}"#);
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{metadata},"data":{{"config.service.endpoint":"a"}}}}"#
        );
        KubernetesObject::recognize(json, "").unwrap().unwrap()
    }

    #[test]
    fn nothing_is_kept_beyond_the_limit() {
        let (images, object) = (Images::default(), config_map("a"));
        let mut filter = Filter::new(&images, LeftoverScope::Nothing, object.json.size() * 2 + 1);
        let keeps = |filter: &mut Filter<'_>, name| filter.keeps(&config_map(name), &Value::Null);
        assert!(keeps(&mut filter, "a") && keeps(&mut filter, "b") && !filter.is_full);
        assert!(!keeps(&mut filter, "c") && filter.is_full);
        assert!(!keeps(&mut filter, ""), "not even a smaller one: what is missing must not depend on sizes");
    }
}
