//! Which labels a selector is about.

use crate::gateway::well_known::Keys;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};

/// Does a selector select something with these labels? None selects everything; one that can't be read, nothing.
pub fn selects(selector: Option<&LabelSelector>, labels: &Keys) -> bool {
    let Some(selector) = selector else { return true };
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}
