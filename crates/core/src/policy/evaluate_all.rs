//! Evaluates many objects together: those of files, or of a whole cluster.

use super::{Context, ControlledPods, Finding, Mode, Policy, Requester};
use crate::gateway::{Change, Gateway, GatewaySummary, KubernetesObject, RelatedObjects};
use std::collections::BTreeMap;

/// What the evaluation of one object gives.
pub struct Evaluated {
    /// The findings, in the order of the rules.
    pub findings: Vec<Finding>,
    /// What an inventory shows, if the object is a gateway workload.
    pub gateway: Option<GatewaySummary>,
}

impl Policy {
    /// Evaluates each of `objects` like a new object, with the others of its namespace as its related objects.
    ///
    /// Element `i` of the result is about `objects[i]`.
    pub fn evaluate_all(&self, objects: &[KubernetesObject<'_>], mode: Mode) -> Vec<Evaluated> {
        let mut namespaces: BTreeMap<&str, Vec<&KubernetesObject<'_>>> = BTreeMap::new();
        for object in objects {
            namespaces.entry(&object.reference.namespace).or_default().push(object);
        }
        let related: BTreeMap<&str, RelatedObjects> = namespaces
            .into_iter()
            .map(|(namespace, namespace_objects)| (namespace, RelatedObjects::of(namespace_objects, &self.images)))
            .collect();
        let no_related = RelatedObjects::default();
        let evaluate = |object: &KubernetesObject<'_>| {
            let related = related.get(object.reference.namespace.as_str()).unwrap_or(&no_related);
            let gateway = object.workload().and_then(|workload| Gateway::recognize(workload, &self.images, related));
            Evaluated {
                findings: self.evaluate(object, &self.context_of(object, related, mode)),
                gateway: gateway.map(|gateway| GatewaySummary::of(&gateway, &self.images)),
            }
        };
        objects.iter().map(evaluate).collect()
    }

    fn context_of<'s>(&self, object: &KubernetesObject<'_>, related: &'s RelatedObjects, mode: Mode) -> Context<'s> {
        // no user name is known here, so an owner reference counts only if the owner is among the objects
        let has_owner = object.owner().is_some_and(|owner| related.has_workload(owner.kind, &owner.name));
        let is_evaluated_at_owner = has_owner && self.controlled_pods == ControlledPods::Audit;
        Context {
            mode,
            expectations: self.expectations(&object.reference.namespace, &related.namespace_annotations),
            related,
            change: &|| Change::Everything,
            requester: if is_evaluated_at_owner { Requester::Exempt } else { Requester::User },
            is_fixable: true,
            is_dry_run: false,
        }
    }
}
