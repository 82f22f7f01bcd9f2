//! One test case: objects of every kind, the expectations for them, and the secrets in them.

use super::secret::Canaries;
use super::taint::Taint;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use std::fmt;
use test_support::generate::GATEWAYS;
use test_support::generate::objects::any_object;
use test_support::generate::review::{Review, USERS};
use test_support::generate::vary::with_evaluated_part_changed;
use test_support::generate::world::{ANNOTATIONS, DOCUMENTS, World};

/// Number of objects in one case.
pub(crate) const OBJECTS: usize = 5;

/// Objects without secrets, the expectations for them, and a random generator.
pub(crate) struct Clean {
    world: World,
    /// One more object, of a kind that is never a related object or that no rule evaluates.
    other: Value,
    user: &'static str,
    /// One text in this many is kept; 0 keeps none.
    kept: u32,
    rng: TestRng,
}

/// Objects with canaries, and the canaries.
pub(crate) struct Tainted {
    /// The related objects, and the expectations for them.
    pub(crate) world: World,
    /// The related objects and the other object.
    pub(crate) objects: Vec<Value>,
    /// Their canaries, and a source of more.
    pub(crate) canaries: Canaries,
    user: &'static str,
}

impl fmt::Debug for Clean {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} and {}", self.world, self.other)
    }
}

impl Clean {
    /// The policy document.
    pub(crate) fn document(&self) -> &'static str {
        self.world.document
    }

    /// The objects with new canaries.
    pub(crate) fn tainted(&mut self) -> Tainted {
        let mut canaries = Canaries::new(TestRng::from_seed(RngAlgorithm::XorShift, &self.rng.random::<[u8; 16]>()));
        let mut taint = Taint { canaries: &mut canaries, kept: self.kept };
        let related: Vec<Value> = self.world.objects.iter().map(|object| taint.object(object)).collect();
        let objects = related.iter().cloned().chain([taint.object(&self.other)]).collect();
        Tainted { world: World { objects: related, ..self.world.clone() }, objects, canaries, user: self.user }
    }
}

impl Tainted {
    /// The review of a creation or of an update.
    pub(crate) fn review(&mut self, object: &Value) -> Review {
        let seed = u8::try_from(self.canaries.below(16)).unwrap();
        let old = (seed < 4).then(|| with_evaluated_part_changed(object, seed));
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

/// Random objects. In half of the worlds every text gets a canary. In the others most do, so that the messages about
/// methods, paths and references are tested too.
pub(crate) fn clean() -> impl Strategy<Value = Clean> {
    let objects = prop::collection::vec(any_object(&GATEWAYS), OBJECTS - 1);
    let choices = (select(DOCUMENTS), select(ANNOTATIONS), any::<bool>(), select(USERS));
    (objects, other(), choices, select(&[0, 0, 2, 4][..])).prop_perturb(|(objects, other, choices, kept), rng| {
        let (document, annotations, is_complete, user) = choices;
        Clean { world: World { document, annotations, is_complete, objects }, other, user, kept, rng }
    })
}

/// A Secret, which no rule evaluates, a Service, a Namespace or a ServiceAccount.
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
