//! Objects that are looked at together: those of some files, or of a whole cluster.

use super::{Context, ControlledPods, Maker, Mode, Policy, Ruling};
use crate::gateway::{Change, Subject, Surroundings};
use std::collections::BTreeMap;

impl Policy {
    /// Judges each of `subjects` as if it were new, with the others of its namespace as its surroundings.
    ///
    /// The rulings stand in the order of the subjects.
    pub fn examine_together(&self, subjects: &[Subject<'_>], mode: Mode) -> Vec<Vec<Ruling>> {
        let mut namespaces: BTreeMap<&str, Vec<&Subject<'_>>> = BTreeMap::new();
        for subject in subjects {
            namespaces.entry(&subject.identity.namespace).or_default().push(subject);
        }
        let surroundings: BTreeMap<&str, Surroundings> = namespaces
            .into_iter()
            .map(|(namespace, of_it)| (namespace, Surroundings::of(of_it, &self.images)))
            .collect();
        let nothing = Surroundings::default();
        let examine = |subject: &Subject<'_>| {
            let surroundings = surroundings.get(subject.identity.namespace.as_str()).unwrap_or(&nothing);
            self.examine(subject, &self.context_of(subject, surroundings, mode))
        };
        subjects.iter().map(examine).collect()
    }

    fn context_of<'s>(&self, subject: &Subject<'_>, surroundings: &'s Surroundings, mode: Mode) -> Context<'s> {
        // nobody tells who wrote a file, so an owner counts only if it stands beside what it is said to own
        let has_owner = subject.owner().is_some_and(|owner| surroundings.has_workload(owner.kind, &owner.name));
        let is_left_to_owner = has_owner && self.controlled_pods == ControlledPods::Audit;
        Context {
            mode,
            expectations: self.expectations(&subject.identity.namespace, &surroundings.namespace_annotations),
            surroundings,
            change: &|| Change::Everything,
            maker: if is_left_to_owner { Maker::Controller } else { Maker::Anybody },
            can_be_mended: true,
        }
    }
}
