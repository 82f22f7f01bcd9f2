//! The judgement as the laws ask for it.

use super::world::{World, subject};
use apim_keyless::gateway::Change;
use apim_keyless::policy::{Context, Maker, Mode, Outcome, Policy, Ruling};
use serde_json::Value;

/// The rulings on a new object in `world`, enforced.
pub(crate) fn examine(world: &World, object: &Value) -> Vec<Ruling> {
    let (policy, subject) = (world.policy(), subject(object));
    let surroundings = world.surroundings(&policy);
    let context = Context {
        mode: Mode::Enforce,
        expectations: policy.expectations(&subject.identity.namespace, &surroundings.namespace_annotations),
        surroundings: &surroundings,
        change: &|| Change::Everything,
        maker: Maker::Anybody,
        can_be_mended: true,
    };
    policy.examine(&subject, &context)
}

/// The rulings whose remedies are carried out.
pub(crate) fn carried_out(mut rulings: Vec<Ruling>) -> Vec<Ruling> {
    rulings.retain(|ruling| ruling.outcome() == Outcome::Mended);
    rulings
}

/// A new object in `world`, mended; `None` if there is nothing to mend.
pub(crate) fn mended(world: &World, object: &Value) -> Option<Value> {
    Policy::mend(&subject(object), &carried_out(examine(world, object)))
}

/// For each object the rules that speak, and what becomes of it.
pub(crate) fn outcomes(world: &World) -> Vec<Vec<(&'static str, Outcome)>> {
    let rulings = world.policy().examine_together(&world.subjects(), Mode::Enforce);
    rulings.iter().map(|rulings| rulings.iter().map(|ruling| (ruling.rule.id, ruling.outcome())).collect()).collect()
}
