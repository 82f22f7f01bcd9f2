//! What is judged at once: some objects of every kind, what is expected of them, and the secrets that they hold.

use super::generate::GATEWAYS;
use super::generate::objects::any_object;
use super::generate::review::{Review, USERS};
use super::generate::vary::judged_part_changed;
use super::generate::world::{ANNOTATIONS, DOCUMENTS, World};
use super::secret::Canaries;
use super::taint::Taint;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use std::fmt;

/// How many objects are judged with each other.
pub(crate) const OBJECTS: usize = 5;

/// Objects as they are without secrets, what is expected of them, and chance.
pub(crate) struct Clean {
    world: World,
    /// One more, of a kind that stands beside no other or is none of ours.
    other: Value,
    user: &'static str,
    /// One text in so many stays; 0 spares none.
    spared: u32,
    rng: TestRng,
}

/// Objects with canaries in them, and the canaries.
pub(crate) struct Tainted {
    /// Objects that stand beside each other, and what is expected of them.
    pub(crate) world: World,
    /// These, and one that stands beside no other.
    pub(crate) objects: Vec<Value>,
    /// What is in them, and more of it.
    pub(crate) canaries: Canaries,
    user: &'static str,
}

impl fmt::Debug for Clean {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} and {}", self.world, self.other)
    }
}

impl Clean {
    /// The document of the policy.
    pub(crate) fn document(&self) -> &'static str {
        self.world.document
    }

    /// The objects with canaries in them, others each time.
    pub(crate) fn tainted(&mut self, spares_shown_labels: bool) -> Tainted {
        let mut canaries = Canaries::new(TestRng::from_seed(RngAlgorithm::XorShift, &self.rng.random::<[u8; 16]>()));
        let mut taint = Taint { canaries: &mut canaries, spared: self.spared, spares_shown_labels };
        let beside: Vec<Value> = self.world.objects.iter().map(|object| taint.object(object)).collect();
        let objects = beside.iter().cloned().chain([taint.object(&self.other)]).collect();
        Tainted { world: World { objects: beside, ..self.world.clone() }, objects, canaries, user: self.user }
    }
}

impl Tainted {
    /// The review of an object, new, or changed from what it was.
    pub(crate) fn review(&mut self, object: &Value) -> Review {
        let seed = u8::try_from(self.canaries.below(16)).unwrap();
        let old = (seed < 4).then(|| judged_part_changed(object, seed));
        Review {
            world: World { objects: Vec::new(), ..self.world.clone() },
            object: object.clone(),
            operation: if old.is_some() { "UPDATE" } else { "CREATE" },
            old,
            user: self.user,
            uid: "705ab4f5-6393-11e8-b7cc-42010a800002".to_owned(),
            is_pretty: seed % 8 == 7,
        }
    }
}

/// Any objects. In half of the worlds every text is going to hold a canary, in the others most do, so that what is said
/// of methods, paths and references is said too.
pub(crate) fn clean() -> impl Strategy<Value = Clean> {
    let objects = prop::collection::vec(any_object(&GATEWAYS), OBJECTS - 1);
    let choices = (select(DOCUMENTS), select(ANNOTATIONS), any::<bool>(), select(USERS));
    (objects, other(), choices, select(&[0, 0, 2, 4][..])).prop_perturb(|(objects, other, choices, spared), rng| {
        let (document, annotations, is_whole, user) = choices;
        Clean { world: World { document, annotations, is_whole, objects }, other, user, spared, rng }
    })
}

/// A Secret, which no rule looks at, or what is looked at beside workloads, accounts and maps.
fn other() -> impl Strategy<Value = Value> {
    let metadata = json!({
        "name": "orders",
        "labels": {"azure.workload.identity/use": "true", "app.kubernetes.io/component": "self-hosted-gateway"},
        "annotations": {"azure.workload.identity/client-id": "", "azure.workload.identity/client_id": "", "team": ""},
    });
    select(vec![
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"value": ""}, "stringData": {"x": ""}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"externalName": ""}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
    ])
}
