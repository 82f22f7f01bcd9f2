//! Evaluates the migrated objects: what the webhook would set is set, and what it would deny is reported.

use super::{Migration, MigrationInput};
use crate::gateway::{Coverage, KubernetesObject, ObjectReference};
use crate::policy::{Date, Edit, Evaluated, Level, Mode, Policy, Together};
use serde_json::Value;
use std::collections::BTreeSet;

/// A migrated object: in the input, or new.
#[derive(Clone, Copy)]
enum Slot {
    Input(usize),
    Created(usize),
}

/// Applies the safe fixes of the migrated gateways' objects, and adds what is still denied to the migration.
pub(super) fn complete(
    values: &mut [Value],
    migration: &mut Migration,
    (inputs, policy): (&[MigrationInput<'_>], &Policy),
    today: Date,
) {
    let names = names(migration);
    if names.is_empty() {
        return;
    }
    for (slot, _, evaluated) in evaluate(values, migration, (inputs, policy), (&names, today)) {
        let fixable = evaluated.findings.iter().filter(|finding| finding.enforced_level() == Level::Fixable);
        let edits: Vec<&Edit> = fixable.flat_map(|finding| &finding.problem.fix).collect();
        let value = match slot {
            Slot::Input(index) => values.get_mut(index),
            Slot::Created(index) => migration.created.get_mut(index).map(|created| &mut created.value),
        };
        if let Some(value) = value {
            Edit::apply_all(edits.iter().copied(), value);
        }
    }
    let evaluated = evaluate(values, migration, (inputs, policy), (&names, today));
    migration.denied = evaluated
        .into_iter()
        .flat_map(|(_, reference, evaluated)| {
            let errors = evaluated.findings.into_iter().filter(|finding| finding.enforced_level() == Level::Error);
            errors.map(move |finding| (reference.clone(), finding.sentence()))
        })
        .collect();
}

/// A kind, a namespace and a name.
type Name = (String, String, String);

/// The objects of the migrated gateways.
fn names(migration: &Migration) -> BTreeSet<Name> {
    let objects = migration.gateways.iter().flat_map(|gateway| {
        let ObjectReference { kind, namespace, name, .. } = &gateway.object;
        let objects = gateway.objects().chain([(kind.as_str(), name.as_str())]);
        objects.map(|(kind, name)| (kind.to_owned(), namespace.clone(), name.to_owned()))
    });
    objects.collect()
}

/// Evaluates the objects together, and returns those of the names.
fn evaluate(
    values: &[Value],
    migration: &Migration,
    (inputs, policy): (&[MigrationInput<'_>], &Policy),
    (names, today): (&BTreeSet<Name>, Date),
) -> Vec<(Slot, ObjectReference, Evaluated)> {
    let of_input = values.iter().zip(inputs).enumerate().filter(|(_, (_, input))| input.object.is_some());
    let of_input = of_input.map(|(index, (value, input))| (Slot::Input(index), value, input.namespace));
    let created = migration.created.iter().enumerate();
    let created = created.map(|(index, new)| (Slot::Created(index), &new.value, new.namespace.as_str()));
    let objects: Vec<(Slot, KubernetesObject<'_>)> = of_input
        .chain(created)
        .filter_map(|(slot, value, namespace)| {
            Some((slot, KubernetesObject::recognize(value.to_string(), namespace).ok()??))
        })
        .collect();
    let references: Vec<&KubernetesObject<'_>> = objects.iter().map(|(_, object)| object).collect();
    let mode = |_: &str| Mode::Enforce;
    let together = Together { mode: &mode, coverage: Coverage::Given, today };
    let evaluated = policy.evaluate_together(&references, &together);
    let all = objects.iter().zip(evaluated).map(|((slot, object), evaluated)| {
        let ObjectReference { kind, namespace, name, .. } = &object.reference;
        let is_theirs = names.contains(&(kind.clone(), namespace.clone(), name.clone()));
        (is_theirs, (*slot, object.reference.clone(), evaluated))
    });
    all.filter_map(|(is_theirs, evaluated)| is_theirs.then_some(evaluated)).collect()
}
