//! The judgement as the laws ask for it.

use super::world::{World, parsed};
use apim_keyless::gateway::Change;
use apim_keyless::policy::{Context, Finding, Level, Mode, Policy, Requester};
use serde_json::Value;

/// The rulings on a new object in `world`, enforced.
pub(crate) fn evaluate(world: &World, object: &Value) -> Vec<Finding> {
    let (policy, object) = (world.policy(), parsed(object));
    let related = world.related(&policy);
    let context = Context {
        mode: Mode::Enforce,
        expectations: policy.expectations(&object.identity.namespace, &related.namespace_annotations),
        related: &related,
        change: &|| Change::Everything,
        requester: Requester::Other,
        is_fixable: true,
    };
    policy.evaluate(&object, &context)
}

/// The rulings whose remedies are carried out.
pub(crate) fn carried_out(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.level() == Level::Fixable);
    findings
}

/// A new object in `world`, mended; `None` if there is nothing to mend.
pub(crate) fn mended(world: &World, object: &Value) -> Option<Value> {
    Policy::fixed(&parsed(object), &carried_out(evaluate(world, object)))
}

/// For each object the rules that speak, and what becomes of it.
pub(crate) fn outcomes(world: &World) -> Vec<Vec<(&'static str, Level)>> {
    let findings = world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce);
    findings
        .iter()
        .map(|findings| findings.iter().map(|finding| (finding.rule.id, finding.level())).collect())
        .collect()
}
