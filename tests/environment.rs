//! The environment as it is resolved, against the environment as the documents have it, over generated containers.
//!
//! The model (`environment/model.rs`) knows what Secrets and unseen `ConfigMap`s truly hold, and what of a variable
//! would be another if they held something else. Then
//! - a text is told only of what is that text in any case,
//! - a key is told only of what a Secret, or a file of another container, has a part in or may have,
//! - a beginning is told only of what begins with it in any case and isn't seen as a whole; and no longer one is known,
//! - what something seen sets is told, and all that is set is told in order, with its place;
//!
//! so that where everything is seen, the two are the same to the letter.
//!
//! What is allowed beside it: whether a hidden thing that may set a variable is told as a key or as unseen. A `ConfigMap`
//! that is known to be absent is as hidden as any other: it may be made before anything runs. A `$` is never followed by a letter outside ASCII: the
//! kubelet makes a text of it that isn't UTF-8.
//!
//! 100,000 containers take half a minute without optimisation; `CASES` asks for another number.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "environment/fate.rs"]
mod fate;
#[path = "environment/model.rs"]
mod model;
#[path = "environment/names.rs"]
mod names;
#[path = "environment/render.rs"]
mod render;
#[path = "environment/world.rs"]
mod world;

use apim_keyless::gateway::{
    Container, Coverage, EnvValue, Environment, Images, KubernetesObject, RelatedObjects, Setting, Variable,
};
use fate::Fate;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::borrow::Cow;
use world::CONTAINERS;

/// How many containers are compared.
const CASES: usize = 100_000;

/// A value of which nothing is known.
const UNKNOWN: EnvValue<'_> = EnvValue::Unknown(Cow::Borrowed(""));

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(worlds()) })]

    #[test]
    fn the_environment_is_as_the_documents_have_it(world in world::world()) {
        let config_maps: Vec<KubernetesObject<'_>> = render::config_maps(&world).iter().map(object).collect();
        let mut related = RelatedObjects::of(&config_maps, &Images::default());
        related.coverage = if world.is_whole { Coverage::Complete } else { Coverage::Given };
        let deployment = object(&render::deployment(&world));
        let workload = deployment.workload().unwrap();
        let containers = workload.containers();
        prop_assert_eq!(containers.len(), CONTAINERS);
        for (container, generated) in containers.iter().zip(&world.containers) {
            let resolved = Environment::of(container, workload, &related);
            prop_assert!(settings_agree(&resolved));
            compare(&resolved, &model::Environment::of(generated, &world), container)?;
        }
    }

    #[test]
    fn a_setting_is_known_in_each_spelling_that_dotnet_reads(name in names::spelling()) {
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

/// Are the settings of the environment its variables that are named as one?
fn settings_agree(resolved: &Environment<'_>) -> bool {
    let named =
        resolved.variables().iter().filter_map(|variable| Some((names::setting(&variable.name)?, variable.index)));
    resolved.settings().map(|(setting, variable)| (setting, variable.index)).eq(named)
}

fn compare(resolved: &Environment<'_>, truth: &model::Environment, container: &Container<'_>) -> TestCaseResult {
    let variables = resolved.variables();
    let at = container.at();
    let place = |variable: &Variable<'_>| {
        (variable.name.to_string(), container.place_of(variable.index).as_str().replacen(at.as_str(), "", 1))
    };
    let set: Vec<(String, String)> = variables.iter().map(place).collect();
    prop_assert_eq!(&set, &truth.set);
    prop_assert_eq!(resolved.is_fully_known(), truth.is_whole);
    let mut names = truth.names();
    names.extend(set.into_iter().map(|(name, _)| name));
    for name in names {
        let last = variables.iter().rfind(|variable| variable.name == name);
        // what may be overridden is told for judgement, and not as what the container gets
        let last = last.map(|variable| if variable.may_be_overridden { &UNKNOWN } else { &variable.value });
        compare_variable(&name, last, &truth.fate(&name))?;
    }
    Ok(())
}

fn compare_variable(name: &str, resolved: Option<&EnvValue<'_>>, fate: &Fate) -> TestCaseResult {
    let agrees = match resolved {
        Some(EnvValue::Text(text)) => fate.is_seen() && fate.text.as_deref() == Some(text.as_ref()),
        Some(EnvValue::Key(_)) => fate.is_secret,
        Some(EnvValue::Unknown(beginning)) => fate.is_unseen && *beginning == fate.known,
        None => !fate.is_seen() || fate.text.is_none(),
    };
    prop_assert!(agrees, "{name} is {resolved:?} but truly {fate:?}");
    Ok(())
}
