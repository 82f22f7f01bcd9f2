//! From an auth key or an Entra app to workload identity: what changes in the manifests of a gateway.
//!
//! [`migrate`] is pure: it takes the objects of some manifests and the facts that no manifest has, and returns the
//! changed and the new objects, what becomes obsolete, and what is missing. Microsoft's article on workload identity
//! (self-hosted-gateway-enable-workload-identity.md) has the form of the result: a `ServiceAccount` with the client id, a
//! `ConfigMap` with the settings, and a workload that names both.

mod built;
mod conflict;
mod container_plan;
mod contradiction;
mod endpoint;
mod facts;
mod input_index;
mod json;
mod key_sources;
mod leftovers;
mod migrator;
mod obsolete;
mod old_key;
mod plan;
mod planner;
mod result;
mod settings;
mod workload;

pub use built::{BuiltProblem, problems_of_built};
pub use endpoint::{endpoint_of_gateway_host, endpoint_of_version_2, gateway_in_address, is_same_endpoint};
pub use facts::{Fact, Facts, MissingFact};
pub use leftovers::{leftovers, name_of, secrets_with_auth};
pub use obsolete::{Obsolete, SecretName, made_secrets, secrets_with_other_keys, taken_secrets, works_with_secrets};
pub use old_key::{KEY_PREFIX, names_in_keys, texts_of_secret};
pub use workload::IMAGE_VERSION;

use crate::gateway::{Authentication, KubernetesObject, ObjectReference};
use crate::policy::{Date, Policy};
use conflict::BlockedConfigMaps;
use input_index::InputIndex;
use migrator::GatewayMigrator;
use plan::Plans;
use serde_json::Value;

/// The name of the `ServiceAccount` in Microsoft's workload identity article.
pub const ARTICLE_ACCOUNT: &str = "apim-gateway-workload-identity";

/// An object of the input.
pub struct MigrationInput<'a> {
    /// The object, if it is of a kind that rules evaluate.
    pub object: Option<&'a KubernetesObject<'a>>,
    /// Its whole value.
    pub value: &'a Value,
    /// Its namespace, or the namespace it is to be created in.
    pub namespace: &'a str,
}

/// What has to be done.
#[derive(Debug, Default)]
pub struct Migration {
    /// The new value of each object of the input; `None` if it stays as it is.
    pub changed: Vec<Option<Value>>,
    /// New objects, in the order in which they are applied.
    pub created: Vec<Created>,
    /// The gateways of the input that are migrated, or were before.
    pub gateways: Vec<MigratedGateway>,
    /// What nothing needs after the rollout.
    pub obsolete: Vec<Obsolete>,
    /// Facts without which a gateway was left as it is.
    pub missing: Vec<MissingFact>,
    /// What a rule still denies in a migrated gateway: the object, and the rule with its message.
    pub denied: Vec<(ObjectReference, String)>,
}

/// A new object.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The index of the first workload that needs it.
    pub for_object: usize,
    /// Its namespace.
    pub namespace: String,
    /// The object.
    pub value: Value,
}

impl Created {
    /// Whether it is this object.
    pub fn is(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.namespace == namespace
            && json::text(&self.value, &["kind"]) == Some(kind)
            && json::text(&self.value, &["metadata", "name"]) == Some(name)
    }
}

impl Migration {
    /// The value of the object with this index after the migration: `old`, if it does not change.
    pub fn value_of<'v>(&'v self, index: usize, old: &'v Value) -> &'v Value {
        self.changed.get(index).and_then(Option::as_ref).unwrap_or(old)
    }
}

impl MigratedGateway {
    /// Its `ServiceAccount` and the `ConfigMap`s that it takes: the kinds and the names.
    pub fn objects(&self) -> impl Iterator<Item = (&str, &str)> {
        let config_maps = self.config_maps.iter().chain(&self.other_config_maps);
        let config_maps = config_maps.map(|name| ("ConfigMap", name.as_str()));
        [("ServiceAccount", self.service_account.as_str())].into_iter().chain(config_maps)
    }

    /// Whether an object of this kind and name in its namespace is its `ServiceAccount` or a `ConfigMap` that it takes.
    pub fn takes(&self, kind: &str, name: &str) -> bool {
        self.objects().any(|object| object == (kind, name))
    }
}

/// A gateway of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct MigratedGateway {
    /// The index of its workload.
    pub index: usize,
    /// The workload.
    pub object: ObjectReference,
    /// How it authenticated.
    pub from: Authentication,
    /// Whether something of it changes.
    pub is_changed: bool,
    /// The `ServiceAccount` that it runs under now.
    pub service_account: String,
    /// Its client id; `None` if the `ServiceAccount` of a complete gateway is elsewhere.
    pub client_id: Option<String>,
    /// Its tenant id, if it is stated.
    pub tenant_id: Option<String>,
    /// The client id of its old Entra app.
    pub old_client_id: Option<String>,
    /// The names of its gateway resources; those that are not known are left out.
    pub gateway_names: Vec<String>,
    /// The `ConfigMap`s that hold its settings now.
    pub config_maps: Vec<String>,
    /// The other `ConfigMap`s that it takes: they must not set another method.
    pub other_config_maps: Vec<String>,
    /// Values that were not written in the input, each with its source: to be checked by a person.
    pub guesses: Vec<String>,
    /// What could not be done here, as an imperative.
    pub to_do: Vec<String>,
    /// What was stated and not written, because the gateway has workload identity with another value already.
    pub kept: Vec<String>,
}

/// Plans the migration of every gateway among `inputs`. `facts` are those of a gateway, by its workload, or `None` for one
/// whose text cannot be changed; `today` is the day of the evaluation of the result.
///
/// A gateway that already authenticates with workload identity only gets what it lacks; a complete one stays as it is. What
/// a controller made, such as the Pods of a Deployment, is left alone.
pub fn migrate(
    inputs: &[MigrationInput<'_>],
    facts: &dyn Fn(&ObjectReference) -> Option<Facts>,
    policy: &Policy,
    today: Date,
) -> Migration {
    let related = plan::related(inputs, policy);
    let index = InputIndex::of(inputs);
    let mut blocked = BlockedConfigMaps::default();
    loop {
        let plans = Plans::of((&index, &blocked), &related, facts, policy);
        let mut migrator = GatewayMigrator::new(&index, policy);
        for plan in &plans.ready {
            migrator.migrate(plan);
        }
        // gateways whose ConfigMap cannot be changed are left, and the others planned again
        if !blocked.add(&index, &migrator.values, &plans.gateways) {
            return migrator.finish(plans.missing, today);
        }
    }
}
