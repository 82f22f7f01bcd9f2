//! Reads and changes values of objects by path.

use crate::policy::Edit;
use jsonptr::PointerBuf;
use serde_json::Value;

/// The value at a path.
pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The text at a path.
pub(super) fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    at(value, path)?.as_str()
}

/// The items of the list at a path; none if there is no list.
pub(super) fn items<'v>(value: &'v Value, path: &[&str]) -> impl Iterator<Item = &'v Value> + use<'v> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
}

/// Sets the value at a path, and creates the objects on it.
pub(super) fn set(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    let edit = Edit::Set { at: PointerBuf::from_tokens(path.iter().copied()), value: new.into() };
    Edit::apply_all([&edit], value);
}

/// Appends an item to the list of an object, which is created.
pub(super) fn append(object: &mut Value, list: &str, item: Value) {
    let edit = Edit::Append { at: PointerBuf::from_tokens([list]), value: item };
    Edit::apply_all([&edit], object);
}

/// Removes the items of a list that `is_taken` selects, and the list if none is left.
pub(super) fn take(object: &mut Value, list: &str, is_taken: impl Fn(&Value) -> bool) -> Vec<Value> {
    let Some(items) = object.get_mut(list).and_then(Value::as_array_mut) else { return Vec::new() };
    let (taken, kept): (Vec<_>, Vec<_>) = std::mem::take(items).into_iter().partition(is_taken);
    *items = kept;
    if items.is_empty()
        && !taken.is_empty()
        && let Some(members) = object.as_object_mut()
    {
        members.remove(list);
    }
    taken
}

/// Removes a member of the object at a path, and returns it.
pub(super) fn remove(value: &mut Value, path: &[&str], key: &str) -> Option<Value> {
    let object = path.iter().try_fold(value, |value, key| value.get_mut(key))?;
    object.as_object_mut()?.remove(key)
}

/// Returns true if a text anywhere in the value satisfies `is_it`.
pub(super) fn any_text(value: &Value, is_it: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_it(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_it)),
        Value::Object(members) => members.values().any(|member| any_text(member, is_it)),
        _ => false,
    }
}

/// Adds the texts anywhere in the value.
pub(super) fn all_texts<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| all_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|member| all_texts(member, texts)),
        _ => {}
    }
}
