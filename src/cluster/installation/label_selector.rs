//! Evaluates label selectors.

use apim_keyless_core::gateway::well_known::StringMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};

/// Whether a selector selects an object with these labels. No selector selects everything, a malformed one nothing.
pub fn selects(selector: Option<&LabelSelector>, labels: &StringMap) -> bool {
    let Some(selector) = selector else { return true };
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}
