//! Runs the rules for the property tests.

use super::world::{World, parsed};
use crate::TODAY;
use apim_keyless_core::gateway::Change;
use apim_keyless_core::policy::{Context, Finding, Level, Mode, Policy, Requester};
use serde_json::Value;

/// The findings for a new object in `world`, in mode enforce.
pub fn evaluate(world: &World, object: &Value) -> Vec<Finding> {
    let (policy, object) = (world.policy(), parsed(object));
    let related = world.related(&policy);
    let context = Context {
        mode: Mode::Enforce,
        expectations: policy.expectations(&object.reference.namespace, &related.namespace_annotations),
        related: &related,
        change: &|| Change::Everything,
        requester: Requester::User,
        is_fixable: true,
        is_dry_run: false,
        today: TODAY,
    };
    policy.evaluate(&object, &context)
}

/// The findings that the mutating webhook fixes.
pub fn fixable(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.level() == Level::Fixable);
    findings
}

/// A new object in `world` with all fixes applied; `None` if there is nothing to fix.
pub fn fixed(world: &World, object: &Value) -> Option<Value> {
    Policy::fixed(&parsed(object), &fixable(evaluate(world, object)))
}

/// Rule and level of each finding, by object.
pub fn levels(world: &World) -> Vec<Vec<(&'static str, Level)>> {
    let findings = world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce, TODAY);
    findings
        .iter()
        .map(|evaluated| evaluated.findings.iter().map(|finding| (finding.rule.id, finding.level())).collect())
        .collect()
}
