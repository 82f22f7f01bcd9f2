//! What each gateway of the input is to become, before anything is changed.

use super::conflict::BlockedConfigMaps;
use super::container_plan::ContainerPlan;
use super::input_index::InputIndex;
use super::key_sources::other_keys;
use super::planner::GatewayPlanner;
use super::{Fact, Facts, MigrationInput, MissingFact};
use crate::gateway::{
    Authentication, Gateway, GatewayContainer, KubernetesObject, ObjectReference, Recognized, RelatedObjects,
};
use crate::policy::{Expectations, Policy};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The gateways that can be migrated, and what the others lack.
pub(super) struct Plans<'g> {
    pub(super) ready: Vec<GatewayPlan<'g>>,
    pub(super) missing: Vec<MissingFact>,
    /// The indices of all gateways, those that controllers made included.
    pub(super) gateways: HashSet<usize>,
}

/// What one gateway is to become.
pub(super) struct GatewayPlan<'g> {
    pub(super) index: usize,
    pub(super) object: &'g KubernetesObject<'g>,
    pub(super) gateway: Gateway<'g>,
    /// The names of containers that are left as they are, though they have settings of the gateway.
    pub(super) sidecars: Vec<String>,
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
    /// What was stated and is not written: the gateway has workload identity with another value already.
    pub(super) kept: Vec<String>,
    pub(super) missing: Vec<MissingFact>,
}

/// A gateway of the input.
pub(super) struct Candidate<'g> {
    pub(super) index: usize,
    pub(super) object: &'g KubernetesObject<'g>,
    pub(super) gateway: Gateway<'g>,
    pub(super) sidecars: Vec<String>,
    /// `None` if its text cannot be changed.
    pub(super) facts: Option<Facts>,
    pub(super) expectations: Expectations,
}

/// The related objects of each namespace of the input.
pub(super) fn related(inputs: &[MigrationInput<'_>], policy: &Policy) -> BTreeMap<String, RelatedObjects> {
    let mut namespaces: BTreeMap<String, Vec<&KubernetesObject<'_>>> = BTreeMap::new();
    for object in inputs.iter().filter_map(|input| input.object) {
        namespaces.entry(object.reference.namespace.clone()).or_default().push(object);
    }
    let related = |(namespace, objects)| (namespace, RelatedObjects::of(objects, &policy.images));
    namespaces.into_iter().map(related).collect()
}

/// The keys of a Secret of the input that are not known to hold an auth key; `None` if it is not there.
pub(super) fn keys_of_secret(index: &InputIndex<'_>, namespace: &str, name: &str) -> Option<BTreeSet<String>> {
    let mut secrets = index.secrets(namespace, name).peekable();
    secrets.peek()?;
    Some(secrets.flat_map(other_keys).collect())
}

impl<'g> Plans<'g> {
    pub(super) fn of(
        (index, blocked): (&InputIndex<'g>, &BlockedConfigMaps),
        related: &'g BTreeMap<String, RelatedObjects>,
        facts: &dyn Fn(&ObjectReference) -> Option<Facts>,
        policy: &Policy,
    ) -> Self {
        let mut planner = GatewayPlanner { index, blocked, policy, takers: HashMap::new(), clients: HashMap::new() };
        let mut gateways = HashSet::new();
        let mut candidates: Vec<Candidate<'g>> = Vec::new();
        let mut too_large = Vec::new();
        for (index, input) in index.inputs.iter().enumerate() {
            let Some(object) = input.object else { continue };
            let Some(related) = related.get(&object.reference.namespace) else { continue };
            let gateway = match Gateway::recognize(object, &policy.images, related) {
                Some(Recognized::Gateway(gateway)) => gateway,
                Some(Recognized::TooLarge(_)) => {
                    let fact = MissingFact::new(Fact::Size, object.reference.clone());
                    too_large.push(MissingFact { index: Some(index), ..fact });
                    continue;
                }
                None => continue,
            };
            if gateway.is_possible() {
                continue;
            }
            gateways.insert(index);
            let (gateway, sidecars) = without_sidecars(gateway);
            if object.has_controlling_owner() || gateway.authenticating().next().is_none() {
                continue;
            }
            let facts = facts(&object.reference);
            let expectations = policy.expectations(&object.reference.namespace, &related.namespace_annotations);
            candidates.push(Candidate { index, object, gateway, sidecars, facts, expectations });
        }
        for Candidate { object, gateway, expectations, .. } in &candidates {
            for container in gateway.authenticating() {
                let main = planner.config_map(object, gateway, container, expectations);
                *planner.takers.entry((object.reference.namespace.clone(), main.name)).or_default() += 1;
            }
        }
        let plans = candidates.into_iter().map(|candidate| planner.plan(candidate)).collect();
        let (ready, mut missing) = without_blocked(plans);
        missing.extend(too_large);
        Self { ready, missing, gateways }
    }
}

/// Leaves out the gateways that lack a fact, and those that take a `ConfigMap` of one of them.
fn without_blocked(plans: Vec<GatewayPlan<'_>>) -> (Vec<GatewayPlan<'_>>, Vec<MissingFact>) {
    let mut takers: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (at, plan) in plans.iter().enumerate() {
        for taken in plan.taken() {
            takers.entry(taken).or_default().push(at);
        }
    }
    let mut why: Vec<Vec<MissingFact>> = plans.iter().map(|plan| plan.missing.clone()).collect();
    let mut open: Vec<usize> = (0..plans.len()).filter(|at| why.get(*at).is_some_and(|why| !why.is_empty())).collect();
    while let Some(plan) = open.pop().and_then(|at| plans.get(at)) {
        for taken in plan.taken() {
            // each ConfigMap is looked at once
            let others = takers.remove(&taken).unwrap_or_default();
            let would_lose_its_key = |other: &usize| {
                why.get(*other).is_some_and(Vec::is_empty)
                    && plans.get(*other).is_some_and(GatewayPlan::is_to_be_migrated)
            };
            let others: Vec<usize> = others.into_iter().filter(would_lose_its_key).collect();
            for other in &others {
                let fact = plans.get(*other).map(|other| other.blocked_by(plan, &taken.1));
                _ = why.get_mut(*other).map(|why| why.extend(fact));
            }
            open.extend(others);
        }
    }
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for (plan, mut why) in plans.into_iter().zip(why) {
        if why.is_empty() {
            ready.push(plan);
        }
        missing.append(&mut why);
    }
    (ready, missing)
}

/// Leaves out containers beside one that runs an image of the gateway and that only have settings of it: they are not
/// changed. Returns their names.
fn without_sidecars(mut gateway: Gateway<'_>) -> (Gateway<'_>, Vec<String>) {
    let has_image = |container: &GatewayContainer<'_>| !container.images.is_empty();
    if !gateway.authenticating().any(has_image) {
        return (gateway, Vec::new());
    }
    let is_sidecar = |container: &GatewayContainer<'_>| !container.is_ingress_only && !has_image(container);
    let sidecars = gateway.containers.iter().filter(|container| is_sidecar(container));
    let names = sidecars.map(|container| container.container.name.to_owned()).collect();
    gateway.containers.retain(|container| !is_sidecar(container));
    (gateway, names)
}

impl GatewayPlan<'_> {
    /// The `ConfigMap`s that it takes, with their namespace.
    pub(super) fn taken(&self) -> impl Iterator<Item = (String, String)> {
        let names = self.containers.iter().flat_map(|plan| std::iter::once(&plan.config_map.name).chain(&plan.others));
        names.map(|name| (self.object.reference.namespace.clone(), name.clone()))
    }

    fn is_to_be_migrated(&self) -> bool {
        self.containers.iter().any(|container| !container.is_migrated)
    }

    /// Why it is left: it shares a `ConfigMap` with a gateway that is.
    fn blocked_by(&self, other: &GatewayPlan<'_>, config_map: &str) -> MissingFact {
        let detail = format!("{} \"{}\"", other.object.reference.kind, other.object.reference.name);
        MissingFact { config_map: config_map.to_owned(), detail, ..self.missing_fact(Fact::SharedConfigMap) }
    }

    pub(super) fn missing_fact(&self, fact: Fact) -> MissingFact {
        MissingFact { index: Some(self.index), ..MissingFact::new(fact, self.object.reference.clone()) }
    }
}
