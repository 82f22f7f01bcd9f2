//! Compares the resolved environment with a model of the documented behavior, over generated containers.
//!
//! The model (`environment/model.rs`) knows the true contents of Secrets and unknown `ConfigMap`s, and which parts of a
//! variable depend on them. The test checks that the resolver
//! - returns `EnvValue::Text` only for a text that no hidden source can change,
//! - returns `EnvValue::Secret` only for a value that depends, or may depend, on a Secret or on a file of another
//!   container,
//! - returns `EnvValue::Unknown` only for a value that is not fully known, with the longest start that no hidden source
//!   can change,
//! - returns every setting that a known source sets, and all of them in order, each with its path.
//!
//! So the two are identical where all sources are known. With `ConfigMap`s of the cache, which keeps only what a rule
//! reads, a value may be unknown instead, but never different.
//!
//! One difference is allowed: a hidden source that may set a variable can be reported as a key or as unknown. A
//! `ConfigMap` that is known to be absent counts as hidden, because it may be created before the container starts. No
//! generated `$` precedes a non-ASCII letter: the kubelet makes a text of it that is not UTF-8.
//!
//! 100,000 containers take half a minute without optimization. `CASES` sets another number.

pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod render;
pub(crate) mod true_value;
pub(crate) mod world;

use apim_keyless_core::gateway::{
    Container, Coverage, EnvValue, Environment, Images, KubernetesObject, RelatedObjects, Setting, Variable,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::borrow::Cow;
use true_value::TrueValue;
use world::CONTAINERS;

/// Number of compared containers.
const CASES: usize = 100_000;

/// A value with no known start.
const UNKNOWN: EnvValue<'_> = EnvValue::Unknown(Cow::Borrowed(""));

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(worlds()) })]

    #[test]
    fn the_resolved_environment_matches_the_documented_one(world in world::world()) {
        let config_maps: Vec<KubernetesObject<'_>> = render::config_maps(&world).iter().map(object).collect();
        let mut related = RelatedObjects::of(&config_maps, &Images::default());
        related.coverage = if world.is_complete { Coverage::Complete } else { Coverage::Given };
        let deployment = object(&render::deployment(&world));
        let workload = deployment.workload().unwrap();
        let containers = workload.containers();
        prop_assert_eq!(containers.len(), CONTAINERS);
        let cached = render::cached(&world, related.coverage);
        for (container, generated) in containers.iter().zip(&world.containers) {
            let truth = model::Environment::of(generated, &world);
            compare(&Environment::of(container, workload, &related), &truth, container, agrees)?;
            compare(&Environment::of(container, workload, &cached), &truth, container, agrees_as_far_as_known)?;
        }
    }

    #[test]
    fn a_setting_is_recognized_in_every_spelling_that_dotnet_accepts(name in names::spelling()) {
        prop_assert_eq!(Setting::of(&name), names::setting(&name), "{}", name);
    }
}

fn worlds() -> u32 {
    let cases = std::env::var("CASES").ok().map_or(CASES, |cases| cases.parse().unwrap());
    u32::try_from(cases.div_ceil(CONTAINERS)).unwrap()
}

fn object(object: &serde_json::Value) -> KubernetesObject<'static> {
    KubernetesObject::recognize(object.to_string(), world::NAMESPACE).unwrap().unwrap()
}

fn compare(
    resolved: &Environment<'_>,
    truth: &model::Environment,
    container: &Container<'_>,
    agrees: fn(Option<&EnvValue<'_>>, &TrueValue) -> bool,
) -> TestCaseResult {
    let at = container.at();
    let place = |variable: &Variable<'_>| {
        (variable.name.to_string(), container.entry_pointer(variable.index).as_str().replacen(at.as_str(), "", 1))
    };
    let set: Vec<(String, String)> = resolved.settings().map(|(_, variable)| place(variable)).collect();
    let is_setting = |name: &str| names::setting(name).is_some();
    let true_set: Vec<_> = truth.set.iter().filter(|(name, _)| is_setting(name)).cloned().collect();
    prop_assert_eq!(&set, &true_set);
    prop_assert!(resolved.settings().all(|(setting, variable)| names::setting(&variable.name) == Some(setting)));
    prop_assert_eq!(resolved.is_fully_known(), truth.is_complete);
    for name in truth.names().into_iter().filter(|name| is_setting(name)) {
        let last = resolved.settings().rfind(|(_, variable)| variable.name == name);
        // a value that may be overridden is listed for the rules; the container may get another one
        let last = last.map(|(_, variable)| if variable.may_be_overridden { &UNKNOWN } else { &variable.value });
        let true_value = truth.true_value(&name);
        prop_assert!(agrees(last, &true_value), "{name} is resolved as {last:?}, but its true value is {true_value:?}");
    }
    Ok(())
}

fn agrees(resolved: Option<&EnvValue<'_>>, true_value: &TrueValue) -> bool {
    match resolved {
        Some(EnvValue::Text(text)) => true_value.is_known() && true_value.text.as_deref() == Some(text.as_ref()),
        Some(EnvValue::Secret(_)) => true_value.depends_on_secret,
        Some(EnvValue::Unknown(start)) => true_value.depends_on_unknown && *start == true_value.known_start,
        None => !true_value.is_known() || true_value.text.is_none(),
    }
}

/// The same, but a value may also be known less far.
fn agrees_as_far_as_known(resolved: Option<&EnvValue<'_>>, true_value: &TrueValue) -> bool {
    let is_start = |start: &str| match &true_value.text {
        Some(text) if true_value.is_known() => text.starts_with(start),
        _ => true_value.known_start.starts_with(start),
    };
    agrees(resolved, true_value) || matches!(resolved, Some(EnvValue::Unknown(start)) if is_start(start))
}
