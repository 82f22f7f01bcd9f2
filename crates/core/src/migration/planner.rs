//! Plans what one gateway is to become, or says why it is left as it is.

use super::conflict::BlockedConfigMaps;
use super::container_plan::{ContainerPlan, MainConfigMap, is_migrated, secrets_of, taken, whole_config_maps};
use super::contradiction::Contradiction;
use super::input_index::InputIndex;
use super::old_key::{names_in_keys, texts_of_secret};
use super::plan::{Candidate, GatewayPlan};
use super::settings::{Known, current};
use super::{ARTICLE_ACCOUNT, Fact, Facts, MissingFact, json};
use crate::gateway::well_known::{CHART_CONTAINER, CLIENT_ID};
use crate::gateway::{
    EnvValue, Gateway, GatewayContainer, GatewaySummary, KubernetesObject, ObjectReference, Setting, is_guid,
};
use crate::policy::{Expectations, Policy};
use std::collections::{BTreeSet, HashMap};

pub(super) struct GatewayPlanner<'p, 'i> {
    pub(super) index: &'p InputIndex<'i>,
    pub(super) blocked: &'p BlockedConfigMaps,
    pub(super) policy: &'p Policy,
    /// How many gateway containers have a `ConfigMap`, by namespace and name, as their main one.
    pub(super) takers: HashMap<(String, String), usize>,
    /// The client id that a `ServiceAccount`, by namespace and name, gets.
    pub(super) clients: HashMap<(String, String), String>,
}

impl GatewayPlanner<'_, '_> {
    pub(super) fn plan<'g>(&mut self, candidate: Candidate<'g>) -> GatewayPlan<'g> {
        let Candidate { index, object, gateway, sidecars, facts, expectations } = candidate;
        let (is_declined, mut facts) = (facts.is_none(), facts.unwrap_or_default());
        let named = account_name(&gateway, &facts, &expectations);
        let namespace = object.reference.namespace.as_str();
        let account = named.as_deref().and_then(|name| self.index.find("ServiceAccount", namespace, name));
        let is_complete =
            named.is_some() && gateway.authenticating().all(|container| is_migrated(container, &expectations));
        let contradictions = Contradiction::all(&gateway, &facts, self.account(account));
        if is_complete {
            for contradiction in &contradictions {
                contradiction.leave_out(&mut facts);
            }
        }
        let mut guesses = Vec::new();
        let (containers, mut missing) =
            self.containers(index, (object, &gateway), (&facts, &expectations), &mut guesses);
        let entra = containers.iter().find_map(|container| container.settings.client_id.clone());
        let client_id = self.client_id(account, (&facts, &expectations), entra);
        if client_id.is_none() && !(is_complete && account.is_none()) {
            missing.insert(0, (Fact::ClientId, String::new()));
        }
        let has_account = account.is_some() || !is_complete;
        let client_id = client_id.unwrap_or_default();
        let service_account = self.service_account(object, named, &client_id, &mut guesses);
        let from = GatewaySummary::of(&gateway, &self.policy.images).authentication;
        let mut plan = GatewayPlan {
            index,
            object,
            gateway,
            sidecars,
            from,
            facts,
            expectations,
            containers,
            service_account,
            has_account,
            client_id,
            guesses,
            kept: Vec::new(),
            missing: Vec::new(),
        };
        plan.missing = self.missing_facts(&plan, missing);
        self.contradict(&mut plan, &contradictions, is_complete);
        self.block(&mut plan, is_complete);
        if is_declined {
            plan.missing = vec![plan.missing_fact(Fact::Layout)];
        }
        plan
    }

    fn missing_facts(&self, plan: &GatewayPlan<'_>, mut facts: Vec<(Fact, String)>) -> Vec<MissingFact> {
        facts.dedup();
        let missing = |(fact, config_map): (Fact, String)| {
            let cause = if fact == Fact::ConfigMap { self.why_missing(plan.object, &config_map) } else { None };
            MissingFact { config_map, detail: cause.unwrap_or_default(), ..plan.missing_fact(fact) }
        };
        facts.into_iter().map(missing).collect()
    }

    /// The plans of the containers, and the facts that they lack, each with the `ConfigMap` that it is about.
    fn containers(
        &self,
        index: usize,
        (object, gateway): (&KubernetesObject<'_>, &Gateway<'_>),
        (facts, expectations): (&Facts, &Expectations),
        guesses: &mut Vec<String>,
    ) -> (Vec<ContainerPlan>, Vec<(Fact, String)>) {
        let (mut containers, mut missing) = (Vec::new(), Vec::new());
        for container in gateway.authenticating() {
            let name_in_key = self.name_in_key(index, object, container);
            let config_map = self.config_map(object, gateway, container, expectations);
            let key = (object.reference.namespace.clone(), config_map.name.clone());
            let known = Known {
                facts,
                expectations,
                workload: workload_name(object),
                name_in_key: name_in_key.as_deref(),
                is_of_chart: object.reference.name.contains(CHART_CONTAINER),
                is_shared: self.takers.get(&key).is_some_and(|takers| *takers > 1),
            };
            let plan = ContainerPlan::of(container, config_map, known, guesses);
            missing.extend(plan.lacking().map(|fact| (fact, plan.config_map.name.clone())));
            containers.push(plan);
        }
        (containers, missing)
    }

    /// Adds why a gateway is left whose objects say something else than what was stated, or that would share a
    /// `ServiceAccount` with another client id. One with workload identity keeps what it has.
    fn contradict(&self, plan: &mut GatewayPlan<'_>, contradictions: &[Contradiction], is_complete: bool) {
        if is_complete {
            plan.kept = contradictions.iter().map(|contradiction| contradiction.kept()).collect();
            return;
        }
        let ObjectReference { kind, name, namespace, .. } = &plan.object.reference;
        let title = format!("{kind} \"{name}\"");
        let messages =
            contradictions.iter().filter_map(|contradiction| contradiction.message(&title, &plan.service_account));
        let mut details: Vec<String> = messages.collect();
        let taken = self.clients.get(&(namespace.clone(), plan.service_account.clone()));
        let is_other =
            !plan.client_id.is_empty() && taken.is_some_and(|taken| !taken.eq_ignore_ascii_case(&plan.client_id));
        if is_other && !contradictions.contains(&Contradiction::ClientId) {
            details.push(format!(
                "Give {title} a ServiceAccount of its own: another gateway of ServiceAccount \"{}\" has another client \
                 id, and a ServiceAccount has only one",
                plan.service_account
            ));
        }
        let facts = details.into_iter().map(|detail| MissingFact { detail, ..plan.missing_fact(Fact::Consistency) });
        let facts: Vec<MissingFact> = facts.collect();
        plan.missing.extend(facts);
    }

    /// Adds why a gateway is left of which the input has an object several times, or whose `ConfigMap` cannot be changed.
    fn block(&self, plan: &mut GatewayPlan<'_>, is_complete: bool) {
        let ObjectReference { kind, name, namespace, .. } = plan.object.reference.clone();
        let taken: BTreeSet<String> = plan.taken().map(|(_, name)| name).collect();
        let own = [(kind.as_str(), name.as_str()), ("ServiceAccount", plan.service_account.as_str())];
        let objects = own.into_iter().chain(taken.iter().map(|name| ("ConfigMap", name.as_str())));
        let repeated = objects.map(|(kind, name)| (self.index.count(kind, &namespace, name), kind, name));
        if let Some((count, repeated, repeated_name)) =
            repeated.into_iter().find(|(count, ..)| *count > 1 && !is_complete)
        {
            let detail = format!(
                "Run the command for each folder or file of {kind} \"{name}\": the input has {repeated} \
                 \"{repeated_name}\" {count} times, which can be of different clusters"
            );
            plan.missing = vec![MissingFact { detail, ..plan.missing_fact(Fact::OneObject) }];
        }
        for config_map in taken {
            let blocked = self.blocked.get(&namespace, &config_map);
            if let Some(blocked) = blocked.filter(|blocked| blocked.is_for_all || !is_complete) {
                let detail = blocked.cause.clone();
                let fact = MissingFact { config_map, detail, ..plan.missing_fact(Fact::OwnConfigMap) };
                plan.missing.push(fact);
            }
        }
    }

    /// Why a `ConfigMap` is not found, if it is not simply absent.
    fn why_missing(&self, object: &KubernetesObject<'_>, config_map: &str) -> Option<String> {
        let ObjectReference { kind, name, namespace, .. } = &object.reference;
        if self.index.written("ConfigMap", namespace, config_map).next().is_some() {
            return Some(format!(
                "Render ConfigMap \"{config_map}\" of {kind} \"{name}\" first, or decrypt it: the input has it with \
                 placeholders, encrypted, or as a patch"
            ));
        }
        let other = self.index.other_namespace_of_config_map(namespace, config_map)?;
        Some(format!(
            "Write the same metadata.namespace into ConfigMap \"{config_map}\" and {kind} \"{name}\", or pass \
             --namespace if one has none: the input has the ConfigMap in namespace \"{other}\", and the gateway in \
             \"{namespace}\""
        ))
    }

    /// The value of a `ServiceAccount` of the input.
    fn account(&self, index: Option<usize>) -> Option<&serde_json::Value> {
        Some(self.index.inputs.get(index?)?.value)
    }

    /// The `ConfigMap` that holds the settings: the one that the container takes the endpoint from, else the first that it
    /// takes, else the expected one, else a new one.
    pub(super) fn config_map(
        &self,
        object: &KubernetesObject<'_>,
        gateway: &Gateway<'_>,
        container: &GatewayContainer<'_>,
        expectations: &Expectations,
    ) -> MainConfigMap {
        let namespace = object.reference.namespace.as_str();
        let is_found = |name: &str| self.index.find("ConfigMap", namespace, name).is_some();
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
        account: Option<usize>,
        (facts, expectations): (&Facts, &Expectations),
        entra: Option<String>,
    ) -> Option<String> {
        let annotated = self.account(account).and_then(|account| json::text(account, &ANNOTATED_CLIENT));
        let is_expected = |id: &String| {
            let mut expected = expectations.client_ids.iter();
            expectations.client_ids.is_empty() || expected.any(|expected| expected.eq_ignore_ascii_case(id))
        };
        let written = annotated.filter(|id| is_guid(id)).map(str::to_owned);
        let found = [written, entra].into_iter().flatten().find(is_expected);
        facts.client_id.clone().or(found).or_else(|| expectations.client_id_to_set().map(str::to_owned))
    }

    /// The `ServiceAccount`, the article's if none is named. It has one client id, so a gateway with another one gets its
    /// own.
    fn service_account(
        &mut self,
        object: &KubernetesObject<'_>,
        named: Option<String>,
        client_id: &str,
        guesses: &mut Vec<String>,
    ) -> String {
        let namespace = object.reference.namespace.clone();
        let name = named.unwrap_or_else(|| {
            let article = self.index.find("ServiceAccount", &namespace, ARTICLE_ACCOUNT);
            let written = self.account(article).and_then(|account| json::text(account, &ANNOTATED_CLIENT));
            let key = (namespace.clone(), ARTICLE_ACCOUNT.to_owned());
            let taken = self.clients.get(&key).map(String::as_str).or(written);
            let (name, source) = if taken.is_none_or(|taken| taken.eq_ignore_ascii_case(client_id)) {
                (ARTICLE_ACCOUNT.to_owned(), "the name in Microsoft's article")
            } else {
                let name = format!("{}-workload-identity", workload_name(object));
                (name, "another gateway of the namespace has another client id")
            };
            guesses.push(format!("Check ServiceAccount {name}, a guess: {source}"));
            name
        });
        if !client_id.is_empty() {
            self.clients.entry((namespace, name.clone())).or_insert_with(|| client_id.to_owned());
        }
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
        let value = self.index.inputs.get(index).and_then(|input| container.container.at().resolve(input.value).ok());
        let secrets: BTreeSet<&str> = value.into_iter().flat_map(secrets_of).collect();
        let namespace = object.reference.namespace.as_str();
        let secrets = secrets.into_iter().flat_map(|name| self.index.secrets(namespace, name));
        let mut of_secrets = secrets.flat_map(texts_of_secret);
        let name = |text: &str| names_in_keys(text).first().map(|name| (*name).to_owned());
        written.into_iter().find_map(name).or_else(|| of_secrets.find_map(|text| name(&text)))
    }
}

/// The path of the client id in a `ServiceAccount`.
const ANNOTATED_CLIENT: [&str; 3] = ["metadata", "annotations", CLIENT_ID];

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
