//! Evaluates many objects together: those of files, or of a whole cluster.

use super::{Context, ControlledPods, Date, Finding, Mode, Policy, Requester, RuleInput};
use crate::gateway::{Change, Coverage, Gateway, GatewaySummary, Kind, KubernetesObject, Recognized, RelatedObjects};
use std::collections::BTreeMap;

/// What the evaluation of one object gives.
pub struct Evaluated {
    /// The findings, in the order of the rules.
    pub findings: Vec<Finding>,
    /// What an inventory shows, if the object is a gateway workload.
    pub gateway: Option<GatewaySummary>,
    /// Whether it is, or possibly is, a gateway's.
    pub is_of_gateway: bool,
}

/// How objects are evaluated together.
pub struct Together<'a> {
    /// The mode of a namespace, by its name.
    pub mode: &'a dyn Fn(&str) -> Mode,
    /// How much of each namespace the objects cover: [`Coverage::Given`] or [`Coverage::GivenWhole`].
    pub coverage: Coverage,
    /// The day of the evaluation.
    pub today: Date,
}

impl Policy {
    /// Evaluates each of `objects` like a new object on the day `today`, with the others of its namespace as its related
    /// objects.
    ///
    /// Element `i` of the result is about `objects[i]`.
    pub fn evaluate_all(&self, objects: &[KubernetesObject<'_>], mode: Mode, today: Date) -> Vec<Evaluated> {
        let objects: Vec<_> = objects.iter().collect();
        self.evaluate_together(&objects, &Together { mode: &|_| mode, coverage: Coverage::Given, today })
    }

    /// Like [`evaluate_all`](Self::evaluate_all), with a mode for each namespace. In a namespace of mode off, only the
    /// settings of the Namespace itself are evaluated.
    pub fn evaluate_together(&self, objects: &[&KubernetesObject<'_>], together: &Together<'_>) -> Vec<Evaluated> {
        let mut namespaces: BTreeMap<&str, Vec<&KubernetesObject<'_>>> = BTreeMap::new();
        for object in objects.iter().copied() {
            namespaces.entry(&object.reference.namespace).or_default().push(object);
        }
        let related: BTreeMap<&str, RelatedObjects> = namespaces
            .into_iter()
            .map(|(namespace, namespace_objects)| {
                let mut related = RelatedObjects::of(namespace_objects, &self.images);
                related.coverage = together.coverage;
                (namespace, related)
            })
            .collect();
        let no_related = RelatedObjects::default();
        let evaluate = |object: &KubernetesObject<'_>| {
            let related = related.get(object.reference.namespace.as_str()).unwrap_or(&no_related);
            let gateway = Gateway::recognize(object, &self.images, related).and_then(Recognized::gateway);
            let gateway = gateway.filter(|gateway| !gateway.is_possible());
            let is_namespace = object.kind == Kind::Namespace;
            let mode = (together.mode)(&object.reference.namespace);
            let mode = if is_namespace { mode.max(Mode::Audit) } else { mode };
            let context = self.context_of(object, related, mode, together.today);
            Evaluated {
                is_of_gateway: RuleInput::of(object, &context, &self.images).is_some(),
                findings: self.evaluate(object, &context),
                gateway: gateway.map(|gateway| GatewaySummary::of(&gateway, &self.images)),
            }
        };
        objects.iter().copied().map(evaluate).collect()
    }

    fn context_of<'s>(
        &self,
        object: &KubernetesObject<'_>,
        related: &'s RelatedObjects,
        mode: Mode,
        today: Date,
    ) -> Context<'s> {
        // no user name is known here, so an owner reference counts only if the owner is among the objects
        let has_owner = object.owner().is_some_and(|owner| related.has_owner(owner));
        let is_evaluated_at_owner = has_owner && self.controlled_pods == ControlledPods::Audit;
        Context {
            mode,
            expectations: self.expectations(&object.reference.namespace, &related.namespace_annotations),
            related,
            change: &|| Change::Everything,
            requester: if is_evaluated_at_owner { Requester::Exempt } else { Requester::User },
            is_fixable: !object.has_controlling_owner(),
            is_dry_run: false,
            today,
        }
    }
}
