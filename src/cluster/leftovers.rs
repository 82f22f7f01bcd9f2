//! Finds what migrations left in a cluster: earlier revisions that still name a Secret of keys, and what only fills or
//! renews such a Secret.

use super::inventory::InventoryRequest;
use super::objects::{ObjectResource, is_served, list_items};
use super::{Connection, ReadError, ReadResult};
use apim_keyless_core::gateway::{Images, Kind, KubernetesObject, ObjectReference};
use apim_keyless_core::migration::{
    Obsolete, SecretName, leftovers, name_of, secrets_with_auth, taken_secrets, works_with_secrets,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// Which leftovers are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftoverScope {
    /// None.
    Nothing,
    /// All, without asking for Secrets: one that is named may no longer exist.
    WithoutSecrets,
    /// All, with the names of the Secrets that exist.
    WithSecrets,
}

/// What migrations left.
#[derive(Default)]
pub struct Leftovers {
    /// The earlier revisions of gateways that name a Secret which nothing else takes.
    pub revisions: Vec<OldRevision>,
    /// The Secrets that only such revisions name, and what fills or renews them.
    pub obsolete: Vec<Obsolete>,
    /// Whether the Secrets among them exist: only then their names were read.
    pub secrets_exist: bool,
    /// What could not be read of them.
    pub errors: Vec<ReadError>,
}

/// A `ReplicaSet` that keeps an earlier pod template of a gateway.
pub struct OldRevision {
    /// The `ReplicaSet`.
    pub object: ObjectReference,
    /// Kind and name of its owner, as `Deployment "orders"`.
    pub owner: String,
    /// The Secrets that it names.
    pub secrets: BTreeSet<String>,
}

/// Resources of other projects whose objects fill a Secret.
const SECRET_SOURCES: [ObjectResource; 8] = [
    ObjectResource::of("external-secrets.io/v1", "ExternalSecret", "externalsecrets"),
    ObjectResource::of("external-secrets.io/v1beta1", "ExternalSecret", "externalsecrets"),
    ObjectResource::of("bitnami.com/v1alpha1", "SealedSecret", "sealedsecrets"),
    ObjectResource::of("secrets.hashicorp.com/v1beta1", "VaultStaticSecret", "vaultstaticsecrets"),
    ObjectResource::of("secrets.hashicorp.com/v1beta1", "VaultDynamicSecret", "vaultdynamicsecrets"),
    ObjectResource::of("spv.no/v1", "AzureKeyVaultSecret", "azurekeyvaultsecrets"),
    ObjectResource::of("spv.no/v2beta1", "AzureKeyVaultSecret", "azurekeyvaultsecrets"),
    ObjectResource::of("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", "secretproviderclasses"),
];

static SECRETS: ObjectResource = ObjectResource::of("v1", "Secret", "secrets");

/// Collects what the search needs while the workloads are listed.
#[derive(Default)]
pub(super) struct LeftoverSearch {
    revisions: Vec<OldRevision>,
    /// The Secrets and `SecretProviderClass`es that workloads take, without earlier revisions.
    taken: HashSet<SecretName>,
    /// The `CronJob`s that can renew a key, with their namespaces.
    jobs: Vec<(String, Value)>,
}

impl LeftoverSearch {
    /// Takes a listed object. `is_of_owner`: its owner is a gateway, which was listed before.
    pub(super) fn add(&mut self, object: &KubernetesObject<'_>, value: &Value, is_of_owner: bool, images: &Images) {
        let namespace = &object.reference.namespace;
        if object.workload().is_none() {
            return;
        }
        if is_of_owner && object.kind == Kind::ReplicaSet {
            let (secrets, owner) = (secrets_with_auth(object, images), object.owner());
            if let Some(owner) = owner.filter(|_| !secrets.is_empty()) {
                let (_, kind, name) = owner.identity();
                let owner = format!("{kind} \"{name}\"");
                self.revisions.push(OldRevision { object: object.reference.clone(), owner, secrets });
            }
            return;
        }
        if object.kind == Kind::CronJob && works_with_secrets(value) {
            self.jobs.push((namespace.clone(), value.clone()));
        }
        self.taken.extend(taken_secrets(value).into_iter().map(|name| (namespace.clone(), name.to_owned())));
    }

    /// Finds what is left. Resources of other projects are listed only if a Secret is left, and in the namespaces of those.
    /// `count` is how many objects were read.
    pub(super) async fn find(self, connection: &Connection, request: &InventoryRequest<'_>, count: usize) -> Leftovers {
        let Self { mut revisions, taken, jobs } = self;
        let mut secrets: BTreeSet<SecretName> = BTreeSet::new();
        revisions.retain_mut(|revision| {
            let namespace = &revision.object.namespace;
            revision.secrets.retain(|name| !taken.contains(&(namespace.clone(), name.clone())));
            secrets.extend(revision.secrets.iter().map(|name| (namespace.clone(), name.clone())));
            !revision.secrets.is_empty()
        });
        let mut found = Leftovers { revisions, ..Leftovers::default() };
        let namespaces: BTreeSet<String> = secrets.iter().map(|(namespace, _)| namespace.clone()).collect();
        if namespaces.is_empty() {
            return found;
        }
        let progress = |resource: &ObjectResource| (request.progress)(&resource.name(), count);
        let mut objects = jobs;
        for resource in &SECRET_SOURCES {
            progress(resource);
            objects.extend(found.list(connection, resource, &namespaces).await.unwrap_or_default());
        }
        found.obsolete = leftovers(&objects, &secrets, &|class| taken.contains(class));
        if request.leftovers == LeftoverScope::WithoutSecrets {
            return found;
        }
        progress(&SECRETS);
        if let Some(existing) = found.list(connection, &SECRETS, &namespaces).await {
            let existing: HashSet<(&str, &str)> = existing.iter().filter_map(|(_, value)| name_of(value)).collect();
            let exists = |object: &Obsolete| existing.contains(&(object.namespace.as_str(), object.name.as_str()));
            found.obsolete.retain(|object| object.kind != SECRETS.kind || exists(object));
            found.secrets_exist = true;
        }
        found
    }
}

impl Leftovers {
    /// The objects of a resource, with their namespaces. `None`, and an error is added, if they cannot be read.
    async fn list(
        &mut self,
        connection: &Connection,
        resource: &ObjectResource,
        namespaces: &BTreeSet<String>,
    ) -> Option<Vec<(String, Value)>> {
        let listed = list_in(connection, resource, namespaces).await;
        listed.map_err(|error| self.errors.push(error)).ok()
    }
}

async fn list_in(
    connection: &Connection,
    resource: &ObjectResource,
    namespaces: &BTreeSet<String>,
) -> ReadResult<Vec<(String, Value)>> {
    let mut all = Vec::new();
    if !resource.is_of_kubernetes() && !is_served(connection, resource).await? {
        return Ok(all);
    }
    for namespace in namespaces {
        let listed = list_items(connection, resource, Some(namespace), Duration::ZERO, |listed: &mut Vec<_>, item| {
            listed.extend(resource.typed(item).map(|value| (namespace.clone(), value)));
        });
        all.extend(listed.await?.unwrap_or_default());
    }
    Ok(all)
}
