//! Objects that are looked at together: those of some files, or of a whole cluster.

use super::{Context, ControlledPods, Finding, Mode, Policy, Requester};
use crate::gateway::{Change, KubernetesObject, RelatedObjects};
use std::collections::BTreeMap;

impl Policy {
    /// Judges each of `objects` as if it were new, with the others of its namespace as its surroundings.
    ///
    /// The rulings stand in the order of the subjects.
    pub fn evaluate_all(&self, objects: &[KubernetesObject<'_>], mode: Mode) -> Vec<Vec<Finding>> {
        let mut namespaces: BTreeMap<&str, Vec<&KubernetesObject<'_>>> = BTreeMap::new();
        for object in objects {
            namespaces.entry(&object.identity.namespace).or_default().push(object);
        }
        let related: BTreeMap<&str, RelatedObjects> = namespaces
            .into_iter()
            .map(|(namespace, of_it)| (namespace, RelatedObjects::of(of_it, &self.images)))
            .collect();
        let nothing = RelatedObjects::default();
        let evaluate = |object: &KubernetesObject<'_>| {
            let related = related.get(object.identity.namespace.as_str()).unwrap_or(&nothing);
            self.evaluate(object, &self.context_of(object, related, mode))
        };
        objects.iter().map(evaluate).collect()
    }

    fn context_of<'s>(&self, object: &KubernetesObject<'_>, related: &'s RelatedObjects, mode: Mode) -> Context<'s> {
        // nobody tells who wrote a file, so an owner counts only if it stands beside what it is said to own
        let has_owner = object.owner().is_some_and(|owner| related.has_workload(owner.kind, &owner.name));
        let is_left_to_owner = has_owner && self.controlled_pods == ControlledPods::Audit;
        Context {
            mode,
            expectations: self.expectations(&object.identity.namespace, &related.namespace_annotations),
            related,
            change: &|| Change::Everything,
            requester: if is_left_to_owner { Requester::Controller } else { Requester::Other },
            is_fixable: true,
        }
    }
}
