//! An attempt to get past the judgement: a bare review, as the API server sends it or as somebody forges it.

use crate::gateways::POLICY;
use apim_keyless::admission::{Answer, Endpoint, Request, Webhook, answer};
use apim_keyless::gateway::{Coverage, KubernetesObject, RelatedObjects};
use apim_keyless::policy::{Level, Mode, Policy};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The door that refuses.
const VALIDATE: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };

static JUDGING: LazyLock<Policy> = LazyLock::new(|| Policy::parse(POLICY).unwrap());

/// A write of one object.
#[derive(Clone)]
pub(crate) struct Attempt {
    object: Value,
    old: Option<Value>,
    user: String,
    sub_resource: String,
    beside: Option<Vec<Value>>,
}

/// What becomes of a body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    /// It goes through.
    Allowed,
    /// It is refused by these rules.
    Denied(Vec<&'static str>),
    /// It is no review: the call fails, which for what shows itself a gateway is a refusal.
    ReviewError,
}

impl Attempt {
    /// The creation of an object by anybody.
    pub(crate) fn new(object: &Value) -> Self {
        let nobody = String::new();
        Self { object: object.clone(), old: None, user: "jane".to_owned(), sub_resource: nobody, beside: None }
    }

    /// The same as an update of `old`.
    pub(crate) fn over(self, old: &Value) -> Self {
        Self { old: Some(old.clone()), ..self }
    }

    /// The same by this user.
    pub(crate) fn by(self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self }
    }

    /// The same through a subresource.
    pub(crate) fn through(self, sub_resource: &str) -> Self {
        Self { sub_resource: sub_resource.to_owned(), ..self }
    }

    /// The same where these objects and no others are in the namespace.
    pub(crate) fn beside(self, objects: &[Value]) -> Self {
        Self { beside: Some(objects.to_vec()), ..self }
    }

    /// The review.
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

    /// The rules that refuse it; none if it goes through.
    pub(crate) fn refused(&self) -> Vec<&'static str> {
        match fate_beside(self.review().to_string().as_bytes(), self.beside.as_deref()) {
            Fate::Allowed => Vec::new(),
            Fate::Denied(rules) => rules,
            Fate::ReviewError => panic!("it can't be read: {}", self.review()),
        }
    }
}

/// What becomes of a body in a namespace that nothing is known of.
pub(crate) fn fate(body: &[u8]) -> Fate {
    fate_beside(body, None)
}

/// What becomes of a body at the door that refuses. The other two answer it as well, change nothing that is refused there
/// by a rule without a remedy, and refuse nothing.
fn fate_beside(body: &[u8], beside: Option<&[Value]>) -> Fate {
    let objects: Vec<KubernetesObject<'_>> = beside.unwrap_or_default().iter().map(object).collect();
    let mut related = RelatedObjects::of(&objects, &JUDGING.images);
    related.coverage = if beside.is_some() { Coverage::Complete } else { Coverage::Given };
    let Ok(request) = Request::read(body) else { return Fate::ReviewError };
    let answers = Endpoint::ALL.map(|endpoint| (endpoint, answer(&JUDGING, &related, endpoint, &request)));
    let mut fate = Fate::ReviewError;
    for (endpoint, answer) in answers {
        if endpoint == VALIDATE {
            fate = refusals(&answer);
        } else {
            assert!(answer.response.allowed, "{}", endpoint.path());
        }
    }
    fate
}

fn refusals(answer: &Answer) -> Fate {
    let enforced = answer.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
    let mut rules: Vec<&'static str> = enforced.map(|finding| finding.rule.id).collect();
    assert_eq!(answer.response.allowed, rules.is_empty());
    assert!(answer.findings.iter().all(|finding| finding.mode == Mode::Enforce || finding.level() == Level::Warning));
    rules.dedup();
    if rules.is_empty() { Fate::Allowed } else { Fate::Denied(rules) }
}

fn object(object: &Value) -> KubernetesObject<'static> {
    KubernetesObject::recognize(object.to_string(), "team-a").unwrap().unwrap()
}
