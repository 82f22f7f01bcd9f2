//! Pointers in an object: which an edit sets, which differ, which a fix may change at all.

use apim_keyless_core::gateway::well_known::{CLIENT_ID, TENANT_ID, USE};
use apim_keyless_core::gateway::{ContainerList, KubernetesObject, ObjectView, Setting, Workload};
use apim_keyless_core::policy::Edit;
use jsonptr::{Pointer, PointerBuf};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The values that edits set, by pointer.
pub type Named = BTreeMap<PointerBuf, Value>;

/// The pointer and the value of each edit. An appended element comes after the existing ones.
pub fn named_places<'e>(before: &Value, edits: impl Iterator<Item = &'e Edit>) -> Named {
    let mut named = Named::new();
    for edit in edits {
        let mut at = edit.at().to_buf();
        if let Edit::Append { .. } = edit {
            let existing = at.resolve(before).ok().and_then(Value::as_array).map_or(0, Vec::len);
            let appended = named.keys().filter(|other| other.parent().is_some_and(|list| list == edit.at())).count();
            at.push_back(existing + appended);
        }
        let value = match edit {
            Edit::Append { value, .. } | Edit::Set { value, .. } => value.clone(),
            Edit::Remove { .. } => Value::Null,
        };
        named.insert(at, value);
    }
    named
}

/// The pointers at which `after` differs from `before`: the deepest ones, but never inside a pointer of `named`.
///
/// A list or an object that an edit creates on the path to its pointer does not count as a difference, because only an
/// absent or `null` value becomes one.
pub fn differences(before: &Value, after: &Value, named: &Named) -> BTreeSet<PointerBuf> {
    let mut found = BTreeSet::new();
    differ(&PointerBuf::root(), Some(before), Some(after), &mut |at, is_deepest| {
        let ends_here = is_deepest || named.contains_key(at);
        ends_here.then(|| found.insert(at.clone())).is_some()
    });
    found
}

/// Walks to every pointer at which two values differ. `ends` gets each pointer and whether it is the deepest one, and
/// decides whether the walk ends there.
fn differ(
    at: &PointerBuf,
    before: Option<&Value>,
    after: Option<&Value>,
    ends: &mut impl FnMut(&PointerBuf, bool) -> bool,
) {
    if before == after {
        return;
    }
    let inside = match (before, after) {
        (None | Some(Value::Null), Some(Value::Object(_) | Value::Array(_)))
        | (Some(Value::Object(_)), Some(Value::Object(_)))
        | (Some(Value::Array(_)), Some(Value::Array(_))) => Some((members(before), members(after))),
        _ => None,
    };
    if ends(at, inside.is_none()) {
        return;
    }
    let Some((before, after)) = inside else { return };
    for token in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let mut place = at.clone();
        place.push_back(token.as_str());
        differ(&place, before.get(token), after.get(token), ends);
    }
}

/// The members of an object, or the elements of a list by index.
fn members(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members.clone(),
        Some(Value::Array(elements)) => {
            elements.iter().enumerate().map(|(index, element)| (index.to_string(), element.clone())).collect()
        }
        _ => Map::new(),
    }
}

/// Do two pointers overlap: are they equal, or is one inside the other?
pub fn overlap(one: &Pointer, other: &Pointer) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// May a fix make this edit? A fix never changes a selector, an image or a key.
pub fn is_listed(object: &KubernetesObject<'_>, edit: &Edit) -> bool {
    let at = edit.at();
    match (&object.view, edit) {
        (ObjectView::Workload(workload), Edit::Append { .. }) => {
            lists_of_sources(workload).iter().any(|list| list == at)
        }
        (ObjectView::Workload(workload), Edit::Set { .. }) => {
            at == workload.pointer_to(["metadata", "labels", USE])
                || at == workload.pointer_to(["spec", "serviceAccountName"])
        }
        (ObjectView::ServiceAccount(_), Edit::Set { .. }) => {
            [["labels", USE], ["annotations", CLIENT_ID], ["annotations", TENANT_ID]]
                .iter()
                .any(|[map, key]| at == PointerBuf::from_tokens(["metadata", *map, *key]))
        }
        (ObjectView::ConfigMap(_), Edit::Set { .. }) => {
            let tokens: Vec<_> = at.tokens().map(|token| token.decoded().into_owned()).collect();
            matches!(tokens.as_slice(), [data, key] if data == "data" && matches!(Setting::of(key), Some(Setting::Auth | Setting::GatewayName)))
        }
        // a safe fix removes nothing
        (ObjectView::Namespace(_) | ObjectView::Service(_), _)
        | (_, Edit::Remove { .. })
        | (ObjectView::ServiceAccount(_) | ObjectView::ConfigMap(_), Edit::Append { .. }) => false,
    }
}

fn lists_of_sources(workload: &Workload) -> Vec<PointerBuf> {
    let containers = workload.containers().into_iter().filter(|container| container.list == ContainerList::Containers);
    containers.map(|container| container.pointer_to(["envFrom"])).collect()
}
