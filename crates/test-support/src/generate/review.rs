//! Generates reviews.

use super::Palette;
use super::objects::any_object;
use super::vary::{with_evaluated_part_changed, with_evaluated_part_kept};
use super::world::{World, world};
use crate::TODAY;
use apim_keyless::admission::{Answer, Endpoint, MessageOptions, Request, answer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// A review of one object in a world.
#[derive(Clone, Debug)]
pub struct Review {
    /// The related objects and the policy.
    pub world: World,
    /// `request.object`.
    pub object: Value,
    /// `request.oldObject` of an update.
    pub old: Option<Value>,
    /// `request.operation`.
    pub operation: &'static str,
    /// `request.userInfo.username`.
    pub user: &'static str,
    /// `request.uid`.
    pub uid: String,
    /// Is the JSON indented?
    pub is_pretty: bool,
}

/// A review that creates an object or changes its evaluated part.
pub fn review(palette: &'static Palette) -> impl Strategy<Value = Review> {
    (world(palette), any_object(palette), any::<Option<u8>>()).prop_flat_map(|(world, object, seed)| {
        let old = seed.map(|seed| with_evaluated_part_changed(&object, seed));
        review_of(world, object, old)
    })
}

/// A review of this object by a random user.
fn review_of(world: World, object: Value, old: Option<Value>) -> impl Strategy<Value = Review> {
    (select(USERS), "[ -~é]{0,40}", any::<bool>()).prop_map(move |(user, uid, is_pretty)| Review {
        world: world.clone(),
        object: object.clone(),
        old: old.clone(),
        operation: if old.is_some() { "UPDATE" } else { "CREATE" },
        user,
        uid,
        is_pretty,
    })
}

/// A review of an update that leaves the evaluated part alone.
pub fn harmless_update(palette: &'static Palette) -> impl Strategy<Value = Review> {
    (world(palette), any_object(palette), 0_u8..32)
        .prop_flat_map(|(world, old, seed)| review_of(world, with_evaluated_part_kept(&old, seed), Some(old)))
}

/// A random endpoint.
pub fn endpoint() -> impl Strategy<Value = Endpoint> {
    select(&Endpoint::ALL[..])
}

/// JSON that a typed deserializer skips in an unknown field, and that no [`Value`] can represent.
pub fn unreadable_json() -> impl Strategy<Value = String> {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    select(vec![deep, "1e999".to_owned(), r#""\ud800""#.to_owned()])
}

/// Bytes that damage a body, and their positions.
pub fn damage() -> impl Strategy<Value = Vec<(Index, u8)>> {
    prop::collection::vec((any::<Index>(), select(b"\"{}[]:, 0x\0\xff\\n".as_slice())), 0..3)
}

impl Review {
    /// The request body, as the API server sends it.
    pub fn body(&self) -> String {
        let api_version = self.object["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = json!({"group": group, "version": version, "kind": self.object["kind"]});
        let request = json!({
            "uid": self.uid, "kind": kind, "namespace": "team-a",
            "operation": self.operation, "userInfo": {"username": self.user}, "object": self.object, "oldObject": self.old,
        });
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        if self.is_pretty { format!("{review:#}") } else { review.to_string() }
    }

    /// The answer at `endpoint`.
    pub fn answer(&self, endpoint: Endpoint) -> Answer {
        let (body, policy) = (self.body(), self.world.policy());
        let request = Request::read(body.as_bytes()).expect("it is a review");
        answer(&policy, &self.world.related(&policy), &MessageOptions::default(), endpoint, &request, TODAY)
    }

    /// The same review of the patched object.
    pub fn patched(&self, patch: &json_patch::Patch) -> Self {
        let mut object = self.object.clone();
        json_patch::patch(&mut object, patch).expect("the patch fits");
        Self { object, ..self.clone() }
    }
}

/// The patch in a response body.
pub fn sent_patch(response: &[u8]) -> Option<json_patch::Patch> {
    let review: Value = serde_json::from_slice(response).expect("a response is JSON");
    let patch = review["response"].get("patch")?.as_str().expect("a patch is a text");
    assert_eq!(review["response"]["patchType"], "JSONPatch");
    let patch = STANDARD.decode(patch).expect("a patch is base64");
    Some(serde_json::from_slice(&patch).expect("a patch is a JSON patch"))
}

/// Users that send requests.
pub static USERS: &[&str] = &[
    "jane",
    "",
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:replicaset-controller",
    "system:serviceaccount:kube-system:deployment-controller",
    "system:serviceaccount:kube-system:cronjob-controller",
    "system:serviceaccount:team-a:replicaset-controller",
];
