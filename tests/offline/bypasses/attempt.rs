//! An attempt to bypass the policy: a bare AdmissionReview, as the API server sends it or as an attacker forges it.

use apim_keyless::admission::{Answer, Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, RelatedObjects};
use apim_keyless_core::policy::{Level, Mode, Policy};
use serde_json::{Value, json};
use std::sync::LazyLock;
use test_support::TODAY;
use test_support::gateways::POLICY;

/// The endpoint that denies.
pub(crate) const ENFORCE: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };

static POLICY_UNDER_TEST: LazyLock<Policy> = LazyLock::new(|| Policy::parse(POLICY).unwrap());

/// A write of one object.
#[derive(Clone)]
pub(crate) struct Attempt {
    object: Value,
    old: Option<Value>,
    user: String,
    sub_resource: String,
    related: Option<Vec<Value>>,
}

/// The result for a request body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The write is admitted.
    Allowed,
    /// These rules deny it.
    Denied(Vec<&'static str>),
    /// The body is not a review, so the call fails. The API server then denies objects that their image, settings
    /// or labels show to be a gateway's (failurePolicy: Fail).
    ReviewError,
}

impl Attempt {
    /// The creation of an object by an ordinary user.
    pub(crate) fn new(object: &Value) -> Self {
        let no_sub_resource = String::new();
        let user = "jane".to_owned();
        Self { object: object.clone(), old: None, user, sub_resource: no_sub_resource, related: None }
    }

    /// Makes it an update of `old`.
    pub(crate) fn updating(self, old: &Value) -> Self {
        Self { old: Some(old.clone()), ..self }
    }

    /// Sets the user.
    pub(crate) fn by(self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self }
    }

    /// Sets the subresource.
    pub(crate) fn through_subresource(self, sub_resource: &str) -> Self {
        Self { sub_resource: sub_resource.to_owned(), ..self }
    }

    /// Sets the complete list of related objects in the namespace.
    pub(crate) fn with_related(self, objects: &[Value]) -> Self {
        Self { related: Some(objects.to_vec()), ..self }
    }

    /// The AdmissionReview.
    pub(crate) fn review(&self) -> Value {
        let (group, version) =
            self.object["apiVersion"].as_str().and_then(|it| it.split_once('/')).unwrap_or(("", "v1"));
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": group, "version": version, "kind": self.object["kind"]},
            "subResource": self.sub_resource,
            "name": self.object["metadata"]["name"],
            "namespace": "team-a",
            "operation": if self.old.is_some() { "UPDATE" } else { "CREATE" },
            "userInfo": {"username": self.user},
            "object": self.object,
            "oldObject": self.old,
            "dryRun": false,
        }})
    }

    /// The answer of an endpoint under this policy, without related objects.
    pub(crate) fn answer(&self, policy: &Policy, endpoint: Endpoint) -> Answer {
        let body = self.review().to_string();
        let request = Request::read(body.as_bytes()).unwrap();
        answer(policy, &RelatedObjects::default(), &MessageOptions::default(), endpoint, &request, TODAY)
    }

    /// The rules that deny it; empty if it is admitted.
    pub(crate) fn denied_by(&self) -> Vec<&'static str> {
        match outcome_with(self.review().to_string().as_bytes(), self.related.as_deref()) {
            Outcome::Allowed => Vec::new(),
            Outcome::Denied(rules) => rules,
            Outcome::ReviewError => panic!("the review cannot be read: {}", self.review()),
        }
    }
}

/// The outcome for a body, without related objects.
pub(crate) fn outcome(body: &[u8]) -> Outcome {
    outcome_with(body, None)
}

/// The outcome for a body at `/enforce/validate`. The other two endpoints answer it as well and deny nothing.
fn outcome_with(body: &[u8], related: Option<&[Value]>) -> Outcome {
    let objects: Vec<KubernetesObject<'_>> = related.unwrap_or_default().iter().map(object).collect();
    let coverage = if related.is_some() { Coverage::Complete } else { Coverage::Given };
    let mut related = RelatedObjects::of(&objects, &POLICY_UNDER_TEST.images);
    related.coverage = coverage;
    let Ok(request) = Request::read(body) else { return Outcome::ReviewError };
    let options = MessageOptions::default();
    let mut outcome = Outcome::ReviewError;
    for endpoint in Endpoint::ALL {
        let answer = answer(&POLICY_UNDER_TEST, &related, &options, endpoint, &request, TODAY);
        if endpoint == ENFORCE {
            outcome = outcome_of(&answer);
        } else {
            assert!(answer.response.allowed, "{}", endpoint.path());
        }
    }
    outcome
}

fn outcome_of(answer: &Answer) -> Outcome {
    let enforced = answer.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
    let mut rules: Vec<&'static str> = enforced.map(|finding| finding.rule.id).collect();
    assert_eq!(answer.response.allowed, rules.is_empty());
    assert!(answer.findings.iter().all(|finding| finding.mode == Mode::Enforce || finding.level() == Level::Warning));
    rules.dedup();
    if rules.is_empty() { Outcome::Allowed } else { Outcome::Denied(rules) }
}

fn object(object: &Value) -> KubernetesObject<'static> {
    KubernetesObject::recognize(object.to_string(), "team-a").unwrap().unwrap()
}
