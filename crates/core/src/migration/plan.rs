//! What each gateway of the input is to become, before anything is changed.

use super::container_plan::{ContainerPlan, MainConfigMap, secrets_of, taken, whole_config_maps};
use super::key_sources::{SecretKeys, other_keys};
use super::settings::{Known, current};
use super::{ARTICLE_ACCOUNT, Fact, Facts, Input, MissingFact, json};
use crate::gateway::well_known::{CHART_CONTAINER, CLIENT_ID};
use crate::gateway::{
    Authentication, EnvValue, Gateway, GatewayContainer, GatewaySummary, KubernetesObject, ObjectReference, ObjectView,
    Recognized, RelatedObjects, Setting, is_guid,
};
use crate::policy::{Expectations, NamespaceSetting, Policy};
use std::collections::{BTreeMap, BTreeSet};

/// The gateways that can be migrated, and what the others lack.
pub(super) struct Plans<'g> {
    pub(super) ready: Vec<Plan<'g>>,
    pub(super) missing: Vec<MissingFact>,
}

/// What one gateway is to become.
pub(super) struct Plan<'g> {
    pub(super) index: usize,
    pub(super) object: &'g KubernetesObject<'g>,
    pub(super) gateway: Gateway<'g>,
    pub(super) from: Authentication,
    pub(super) facts: Facts,
    pub(super) expectations: Expectations,
    pub(super) containers: Vec<ContainerPlan>,
    pub(super) service_account: String,
    /// Whether the input has the `ServiceAccount`, or has to get it. A complete gateway can have it elsewhere.
    pub(super) has_account: bool,
    /// Empty if it is not known.
    pub(super) client_id: String,
    pub(super) guesses: Vec<String>,
    missing: Vec<MissingFact>,
}

/// A gateway of the input.
struct Candidate<'g> {
    index: usize,
    object: &'g KubernetesObject<'g>,
    gateway: Gateway<'g>,
    /// `None` if its text cannot be changed.
    facts: Option<Facts>,
    expectations: Expectations,
}

/// The related objects of each namespace of the input.
pub(super) fn related(inputs: &[Input<'_>], policy: &Policy) -> BTreeMap<String, RelatedObjects> {
    let mut namespaces: BTreeMap<String, Vec<&KubernetesObject<'_>>> = BTreeMap::new();
    for object in inputs.iter().filter_map(|input| input.object) {
        namespaces.entry(object.reference.namespace.clone()).or_default().push(object);
    }
    let related = |(namespace, objects)| (namespace, RelatedObjects::of(objects, &policy.images));
    namespaces.into_iter().map(related).collect()
}

/// The index of an object of the input.
pub(super) fn find(inputs: &[Input<'_>], kind: &str, namespace: &str, name: &str) -> Option<usize> {
    inputs.iter().position(|input| {
        input.object.is_some_and(|object| {
            let reference = &object.reference;
            (reference.kind.as_str(), reference.namespace.as_str(), reference.name.as_str()) == (kind, namespace, name)
        })
    })
}

/// The Secrets of the input in a namespace, with the keys that are not known to hold an auth key.
pub(super) fn secret_keys(inputs: &[Input<'_>], namespace: &str) -> SecretKeys {
    let secrets = inputs
        .iter()
        .filter(|input| input.namespace == namespace && json::text(input.value, &["kind"]) == Some("Secret"));
    let named = secrets.filter_map(|input| {
        Some((json::text(input.value, &["metadata", "name"])?.to_owned(), other_keys(input.value)))
    });
    named.collect()
}

impl<'g> Plans<'g> {
    pub(super) fn of(
        inputs: &'g [Input<'g>],
        related: &'g BTreeMap<String, RelatedObjects>,
        facts: &dyn Fn(&ObjectReference) -> Option<Facts>,
        policy: &Policy,
    ) -> Self {
        let mut planner = Planner { inputs, policy, takers: BTreeMap::new(), clients: BTreeMap::new() };
        let candidates: Vec<Candidate<'g>> = inputs
            .iter()
            .enumerate()
            .filter_map(|(index, input)| {
                let object = input.object.filter(|object| !object.has_controlling_owner())?;
                let related = related.get(&object.reference.namespace)?;
                let gateway = Gateway::recognize(object, &policy.images, related).and_then(Recognized::gateway)?;
                let is_it = !gateway.is_possible() && gateway.authenticating().next().is_some();
                let facts = facts(&object.reference);
                let expectations = policy.expectations(&object.reference.namespace, &related.namespace_annotations);
                is_it.then_some(Candidate { index, object, gateway, facts, expectations })
            })
            .collect();
        for Candidate { object, gateway, expectations, .. } in &candidates {
            for container in gateway.authenticating() {
                let main = planner.config_map(object, gateway, container, expectations);
                *planner.takers.entry((object.reference.namespace.clone(), main.name)).or_default() += 1;
            }
        }
        Self::without_blocked(candidates.into_iter().map(|candidate| planner.plan(candidate)).collect())
    }

    /// Leaves out the gateways that lack a fact, and those that take a `ConfigMap` of one of them.
    fn without_blocked(plans: Vec<Plan<'g>>) -> Self {
        let mut blocked: BTreeSet<(String, String)> = BTreeSet::new();
        let mut left: Vec<Plan<'g>> = plans;
        let mut missing: Vec<(usize, Vec<MissingFact>)> = Vec::new();
        loop {
            let (ready, newly): (Vec<_>, Vec<_>) =
                left.into_iter().map(|plan| (plan.lacking(&blocked), plan)).partition(|(why, _)| why.is_empty());
            left = ready.into_iter().map(|(_, plan)| plan).collect();
            if newly.is_empty() {
                break;
            }
            for (why, plan) in newly {
                blocked.extend(plan.taken());
                missing.push((plan.index, why));
            }
        }
        missing.sort_by_key(|(index, _)| *index);
        Self { ready: left, missing: missing.into_iter().flat_map(|(_, why)| why).collect() }
    }
}

impl Plan<'_> {
    /// The `ConfigMap`s that it takes, with their namespace.
    fn taken(&self) -> impl Iterator<Item = (String, String)> {
        let names = self.containers.iter().flat_map(|plan| std::iter::once(&plan.config_map.name).chain(&plan.others));
        names.map(|name| (self.object.reference.namespace.clone(), name.clone()))
    }

    /// What it lacks: its own facts, else those of a gateway with the same `ConfigMap`.
    fn lacking(&self, blocked: &BTreeSet<(String, String)>) -> Vec<MissingFact> {
        if !self.missing.is_empty() {
            return self.missing.clone();
        }
        let is_to_be_changed = self.containers.iter().any(|container| !container.is_migrated);
        let shared = self.taken().find(|taken| blocked.contains(taken)).filter(|_| is_to_be_changed);
        let object = self.object.reference.clone();
        let shared = shared.map(|(_, config_map)| MissingFact { fact: Fact::SharedConfigMap, object, config_map });
        shared.into_iter().collect()
    }
}

struct Planner<'p> {
    inputs: &'p [Input<'p>],
    policy: &'p Policy,
    /// How many gateway containers have a `ConfigMap`, by namespace and name, as their main one.
    takers: BTreeMap<(String, String), usize>,
    /// The client id that a `ServiceAccount`, by namespace and name, gets.
    clients: BTreeMap<(String, String), String>,
}

impl Planner<'_> {
    fn plan<'g>(&mut self, candidate: Candidate<'g>) -> Plan<'g> {
        let Candidate { index, object, gateway, facts, expectations } = candidate;
        let mut guesses = Vec::new();
        let is_declined = facts.is_none();
        let mut missing = Vec::new();
        let facts = facts.unwrap_or_default();
        let mut containers = Vec::new();
        for container in gateway.authenticating() {
            let name_in_key = self.name_in_key(index, object, container);
            let config_map = self.config_map(object, &gateway, container, &expectations);
            let key = (object.reference.namespace.clone(), config_map.name.clone());
            let known = Known {
                facts: &facts,
                expectations: &expectations,
                workload: workload_name(object),
                name_in_key: name_in_key.as_deref(),
                is_of_chart: object.reference.name.contains(CHART_CONTAINER),
                is_shared: self.takers.get(&key).is_some_and(|takers| *takers > 1),
            };
            let plan = ContainerPlan::of(container, config_map, known, &mut guesses);
            missing.extend(plan.lacking().map(|fact| (fact, plan.config_map.name.clone())));
            containers.push(plan);
        }
        let entra = containers.iter().find_map(|container| container.settings.client_id.clone());
        let named = account_name(&gateway, &facts, &expectations);
        let client_id = self.client_id(object, named.as_deref(), (&facts, &expectations), entra);
        let namespace = object.reference.namespace.as_str();
        let account = named.as_deref().and_then(|name| find(self.inputs, "ServiceAccount", namespace, name));
        let is_complete = containers.iter().all(|container| container.is_migrated) && named.is_some();
        if client_id.is_none() && !(is_complete && account.is_none()) {
            missing.insert(0, (Fact::ClientId, String::new()));
        }
        let has_account = account.is_some() || !is_complete;
        let client_id = client_id.unwrap_or_default();
        let service_account = self.account(object, named, &client_id, &mut guesses);
        let from = GatewaySummary::of(&gateway, &self.policy.images).authentication;
        let missing = missing_facts(object, if is_declined { vec![(Fact::Layout, String::new())] } else { missing });
        Plan {
            index,
            object,
            gateway,
            from,
            facts,
            expectations,
            containers,
            service_account,
            has_account,
            client_id,
            guesses,
            missing,
        }
    }

    /// The `ConfigMap` that holds the settings: the one that the container takes the endpoint from, else the first that it
    /// takes, else the expected one, else a new one.
    fn config_map(
        &self,
        object: &KubernetesObject<'_>,
        gateway: &Gateway<'_>,
        container: &GatewayContainer<'_>,
        expectations: &Expectations,
    ) -> MainConfigMap {
        let namespace = object.reference.namespace.as_str();
        let is_found = |name: &str| find(self.inputs, "ConfigMap", namespace, name).is_some();
        let whole = || whole_config_maps(container);
        let endpoint = current(container, Setting::Endpoint);
        let of_endpoint = endpoint.and_then(|variable| variable.config_map().map(str::to_owned));
        let absent = || whole().find(|name| !is_found(name)).filter(|_| endpoint.is_none());
        let expected = || match expectations.config_maps.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let new = || match gateway.authenticating().nth(1) {
            None => format!("{}-env", workload_name(object)),
            Some(_) => format!("{}-{}-env", workload_name(object), container.container.name),
        };
        let name = of_endpoint.or_else(absent).or_else(|| whole().find(|name| is_found(name))).or_else(expected);
        let name = name.unwrap_or_else(new);
        let is_missing = !is_found(&name) && taken(container).any(|taken| taken == name);
        MainConfigMap { name, is_missing }
    }

    /// The client id that was stated, that the `ServiceAccount` has, that is expected, or that the Entra app has.
    fn client_id(
        &self,
        object: &KubernetesObject<'_>,
        account: Option<&str>,
        (facts, expectations): (&Facts, &Expectations),
        entra: Option<String>,
    ) -> Option<String> {
        let namespace = object.reference.namespace.as_str();
        let index = account.and_then(|account| find(self.inputs, "ServiceAccount", namespace, account));
        let annotated = index.and_then(|index| json::text(self.inputs.get(index)?.value, &ANNOTATED_CLIENT));
        let is_expected = |id: &String| expectations.client_ids.is_empty() || expectations.client_ids.contains(id);
        let written = annotated.filter(|id| is_guid(id)).map(str::to_owned);
        let found = [written, entra].into_iter().flatten().find(is_expected);
        facts.client_id.clone().or(found).or_else(|| expectations.client_id_to_set().map(str::to_owned))
    }

    /// The `ServiceAccount`, the article's if none is named. It has one client id, so a gateway with another one gets its
    /// own.
    fn account(
        &mut self,
        object: &KubernetesObject<'_>,
        named: Option<String>,
        client_id: &str,
        guesses: &mut Vec<String>,
    ) -> String {
        let namespace = object.reference.namespace.clone();
        let name = named.unwrap_or_else(|| {
            let index = find(self.inputs, "ServiceAccount", &namespace, ARTICLE_ACCOUNT);
            let written = index.and_then(|index| json::text(self.inputs.get(index)?.value, &ANNOTATED_CLIENT));
            let key = (namespace.clone(), ARTICLE_ACCOUNT.to_owned());
            let taken = self.clients.get(&key).map(String::as_str).or(written);
            let (name, source) = if taken.is_none_or(|taken| taken == client_id) {
                (ARTICLE_ACCOUNT.to_owned(), "the name in Microsoft's article")
            } else {
                let name = format!("{}-workload-identity", workload_name(object));
                (name, "another gateway of the namespace has another client id")
            };
            guesses.push(format!("Check ServiceAccount {name}, a guess: {source}"));
            name
        });
        self.clients.entry((namespace, name.clone())).or_insert_with(|| client_id.to_owned());
        name
    }

    /// The name of the gateway in the old key of a container: `GatewayKey NAME&EXPIRY&SIGNATURE`.
    fn name_in_key(
        &self,
        index: usize,
        object: &KubernetesObject<'_>,
        container: &GatewayContainer<'_>,
    ) -> Option<String> {
        let settings = container.environment.settings().filter(|(setting, _)| setting.is_auth());
        let written = settings.filter_map(|(_, variable)| match &variable.value {
            EnvValue::Text(text) => Some(text.as_ref()),
            EnvValue::Secret(_) | EnvValue::Unknown(_) => None,
        });
        let value = self.inputs.get(index).and_then(|input| container.container.at().resolve(input.value).ok());
        let secrets: BTreeSet<&str> = value.into_iter().flat_map(secrets_of).collect();
        let texts = self.inputs.iter().filter(|input| {
            let name = json::text(input.value, &["metadata", "name"]);
            input.namespace == object.reference.namespace
                && json::text(input.value, &["kind"]) == Some("Secret")
                && name.is_some_and(|name| secrets.contains(name))
        });
        let texts = texts.filter_map(|input| json::at(input.value, &["stringData"])?.as_object());
        let texts = texts.flat_map(|data| data.values()).filter_map(|text| text.as_str());
        written.chain(texts).find_map(name_in_key).map(str::to_owned)
    }
}

fn missing_facts(object: &KubernetesObject<'_>, mut facts: Vec<(Fact, String)>) -> Vec<MissingFact> {
    facts.dedup();
    let missing = |(fact, config_map)| MissingFact { fact, object: object.reference.clone(), config_map };
    facts.into_iter().map(missing).collect()
}

/// The path of the client id in a `ServiceAccount`.
const ANNOTATED_CLIENT: [&str; 3] = ["metadata", "annotations", CLIENT_ID];

/// The name of the gateway in a key.
pub fn name_in_key(key: &str) -> Option<&str> {
    let (name, _) = key.trim().strip_prefix("GatewayKey ")?.split_once('&')?;
    (NamespaceSetting::GatewayName.form().matches)(name).then_some(name)
}

/// The name of a workload, without the hyphen that a generated name ends in.
fn workload_name<'o>(object: &'o KubernetesObject<'_>) -> &'o str {
    object.reference.name.trim_end_matches('-')
}

/// The `ServiceAccount` that was stated, that the workload names, or that is expected.
fn account_name(gateway: &Gateway<'_>, facts: &Facts, expectations: &Expectations) -> Option<String> {
    let expected = &expectations.service_accounts;
    let named = gateway.workload.service_account().filter(|name| *name != "default").map(str::to_owned);
    let is_accepted = |name: &String| expected.is_empty() || expected.contains(name);
    let only = || if let [one] = expected.as_slice() { Some(one.clone()) } else { None };
    let accepted = named.clone().filter(is_accepted);
    facts.service_account.clone().or(accepted).or_else(only).or(named)
}

/// Whether an object is a view of a `ConfigMap` that cannot be changed any more.
pub(super) fn is_immutable(inputs: &[Input<'_>], index: usize) -> bool {
    inputs.get(index).is_some_and(|input| {
        input.object.is_some_and(|object| matches!(object.view, ObjectView::ConfigMap(_)))
            && json::at(input.value, &["immutable"]) == Some(&serde_json::Value::Bool(true))
    })
}
