//! What the real policy decides about a write: the mutating webhook first, then the validating one, as the API server
//! calls them.

use super::reading::{ConfigMaps, auth_setting};
use super::universe::{ANNOTATION, GOOD, Gateway};
use crate::environment::render;
use crate::environment::world::{EnvFromEntry, GIVEN, NAMESPACE, Source, Texts};
use apim_keyless::admission::{Answer, Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::{ConfigMap, Coverage, RelatedObjects, Setting};
use apim_keyless_core::policy::{Edit, Mode, Policy};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use test_support::gateways::{IMAGE, workload};
use test_support::generate::places::overlap;

const MUTATE: Endpoint = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
const VALIDATE: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };

/// The policy document with the expectations for the gateways of this module.
pub(crate) const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults: {clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10, serviceAccount: apim-gateway, configMap: first}
";

/// What the cache holds of a `ConfigMap`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum View {
    Unknown,
    Known(Option<Texts>),
}

/// The decision about a write.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// The rules that deny it; empty if it is admitted.
    pub(crate) denied_by: Vec<&'static str>,
    /// The object as the mutating webhook changed it; `None` if it did not.
    pub(crate) object: Option<Value>,
}

pub(crate) struct Decisions {
    policy: Policy,
    options: MessageOptions,
    related: HashMap<[View; 2], Rc<RelatedObjects>>,
    config_maps: HashMap<(usize, Option<Texts>, Texts), (bool, Texts)>,
    /// How many reviews were answered.
    pub(crate) reviews: usize,
}

impl Decisions {
    pub(crate) fn new() -> Self {
        let policy = Policy::parse(POLICY).unwrap();
        let (options, related) = (MessageOptions::default(), HashMap::new());
        Self { policy, options, related, config_maps: HashMap::new(), reviews: 0 }
    }

    /// The decision about a `ConfigMap` with this data, and its data as it is stored.
    pub(crate) fn config_map(&mut self, index: usize, old: Option<&Texts>, new: &Texts) -> (bool, Texts) {
        let at = (index, old.cloned(), new.clone());
        if let Some(decided) = self.config_maps.get(&at) {
            return decided.clone();
        }
        let review = Review { old: old.map(|old| config_map(index, old)), ..Review::of(config_map(index, new)) };
        let decision = self.decide(&review.updated(), &[View::Unknown, View::Unknown]);
        let mut stored = new.clone();
        if decision.object.is_some_and(|object| object["data"]["config.service.auth"] == GOOD) {
            stored.insert("config.service.auth", GOOD);
        }
        let decided = (decision.denied_by.is_empty(), stored);
        self.config_maps.insert(at, decided.clone());
        decided
    }

    /// The objects that the webhook's cache holds.
    fn related(&mut self, views: &[View; 2]) -> Rc<RelatedObjects> {
        if let Some(related) = self.related.get(views) {
            return Rc::clone(related);
        }
        let mut related = RelatedObjects::default();
        for (index, view) in views.iter().enumerate() {
            if let View::Known(Some(texts)) = view {
                let data =
                    data(index, texts).into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
                related.put_config_map(ConfigMap::for_cache(GIVEN[index].to_owned(), data, []));
            }
        }
        related.coverage = if views.contains(&View::Unknown) { Coverage::Partial } else { Coverage::Complete };
        let related = Rc::new(related);
        self.related.insert(views.clone(), Rc::clone(&related));
        related
    }

    /// The decision about a write, with this cache.
    pub(crate) fn decide(&mut self, review: &Review, views: &[View; 2]) -> Decision {
        let related = self.related(views);
        let mutated = self.answer(review, &related, MUTATE);
        let fixed = mutated.patch.as_ref().map(|patch| {
            let mut object = review.object.clone();
            json_patch::patch(&mut object, patch).unwrap();
            let fixed = Review { object, old: review.old.clone(), body: String::new() }.updated();
            let again = self.answer(&fixed, &related, MUTATE).patch;
            assert!(again.is_none(), "a second call changes {}", fixed.object);
            fixed
        });
        let validated = self.answer(fixed.as_ref().unwrap_or(review), &related, VALIDATE);
        let denials = || validated.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
        // what was fixed is accepted
        for denied in denials() {
            let same_rule = mutated.findings.iter().filter(|fixed| fixed.rule.id == denied.rule.id);
            let mut places = same_rule.flat_map(|fixed| &fixed.problem.fix).map(Edit::at);
            assert!(!places.any(|at| overlap(at, &denied.problem.at)), "{} of {}", denied.sentence(), review.object);
        }
        let mut denied_by: Vec<&'static str> = denials().map(|finding| finding.rule.id).collect();
        denied_by.dedup();
        assert_eq!(validated.response.allowed, denied_by.is_empty());
        Decision { denied_by, object: fixed.map(|fixed| fixed.object) }
    }

    fn answer(&mut self, review: &Review, related: &RelatedObjects, endpoint: Endpoint) -> Answer {
        self.reviews += 1;
        let request = Request::read(review.body.as_bytes()).unwrap();
        answer(&self.policy, related, &self.options, endpoint, &request, test_support::TODAY)
    }
}

/// The review of a write, as the API server sends it.
pub(crate) struct Review {
    object: Value,
    old: Option<Value>,
    body: String,
}

impl Review {
    /// The review of a new object.
    pub(crate) fn of(object: Value) -> Self {
        Self { object, old: None, body: String::new() }.updated()
    }

    /// The review with the body that fits its objects.
    fn updated(self) -> Self {
        let body = body(&self.object, self.old.as_ref(), "705ab4f5-6393-11e8-b7cc-42010a800002");
        Self { body, ..self }
    }
}

/// The body of a review, as the API server sends it.
pub(crate) fn body(object: &Value, old: Option<&Value>, uid: &str) -> String {
    let api_version = object["apiVersion"].as_str().unwrap();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": uid,
        "kind": {"group": group, "version": version, "kind": object["kind"]},
        "name": object["metadata"]["name"],
        "namespace": NAMESPACE,
        "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
        "userInfo": {"username": "jane"},
        "object": object,
        "oldObject": old,
    }});
    review.to_string()
}

/// The Deployment with this container. Everything else in it is as the policy expects it.
pub(crate) fn deployment(gateway: &Gateway) -> Value {
    let env_from: Vec<Value> = gateway.container.env_from.iter().map(render::env_from_entry).map(stored).collect();
    let env: Vec<Value> = gateway.container.env.iter().map(render::env_entry).map(stored).collect();
    let image = if gateway.has_other_image { "registry.example/mirror:1" } else { IMAGE };
    let container = json!({"name": "gateway", "image": image, "envFrom": env_from, "env": env, "args": gateway.args});
    let mut object = workload("Deployment", json!({"serviceAccountName": "apim-gateway", "containers": [container]}));
    object["spec"]["template"]["metadata"]["annotations"] = json!({"app": ANNOTATION});
    object
}

/// The object as the API server sends it: without fields that are not set.
fn stored(object: Value) -> Value {
    match object {
        Value::Object(members) => {
            members.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, stored(value))).collect()
        }
        other => other,
    }
}

/// The container with the only fix that the mutating webhook has for it: the expected `ConfigMap`, if it takes none.
pub(crate) fn fixed(gateway: &Gateway) -> Gateway {
    let mut gateway = gateway.clone();
    let env_from = &mut gateway.container.env_from;
    if !env_from.iter().any(|entry| matches!(entry.of, Source::ConfigMap(_))) {
        env_from.push(EnvFromEntry { prefix: None, of: Source::ConfigMap(GIVEN[0]), optional: None });
    }
    gateway
}

/// A `ConfigMap` with this data.
pub(crate) fn config_map(index: usize, texts: &Texts) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": GIVEN[index], "namespace": NAMESPACE},
        "data": data(index, texts),
    })
}

/// The data of a `ConfigMap`. The first one also holds the other settings that the policy expects there.
fn data(index: usize, texts: &Texts) -> BTreeMap<&'static str, &'static str> {
    let mut data = texts.clone();
    if index == 0 {
        data.insert("config.service.endpoint", "https://contoso.configuration.azure-api.net");
        data.insert("gateway.name", "orders");
    }
    data
}

/// Is every value of the auth setting in these `ConfigMap`s `workloadIdentity`?
pub(crate) fn is_good(config_maps: &ConfigMaps) -> bool {
    let mut texts = config_maps.iter().flatten().flatten();
    texts.all(|(key, text)| match auth_setting(key) {
        Some(setting) => setting == Setting::Auth && *text == GOOD,
        None => true,
    })
}
