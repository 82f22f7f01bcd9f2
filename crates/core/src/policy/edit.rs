//! A change to an object's JSON, as data. An edit never moves an element, so pointers into the object stay valid.

use super::dotted;
use jsonptr::{Pointer, PointerBuf};
use serde_json::{Map, Value};
use std::fmt;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Appends `value` to the list at `at`, and creates the list if it is missing.
    Append {
        /// The list.
        at: PointerBuf,
        /// The new element.
        value: Value,
    },
    /// Removes the member or list element at `at`, if it is there.
    Remove {
        /// The member or element.
        at: PointerBuf,
    },
    /// Sets the member at `at`. Missing objects on the path are created, missing list elements are not.
    Set {
        /// The member.
        at: PointerBuf,
        /// Its new value.
        value: Value,
    },
}

impl Edit {
    /// Sets the member at `at` to a string.
    pub fn set(at: PointerBuf, text: impl Into<String>) -> Self {
        Self::Set { at, value: Value::String(text.into()) }
    }

    /// JSON pointer to the list or member that the edit changes.
    pub fn at(&self) -> &Pointer {
        match self {
            Self::Append { at, .. } | Self::Remove { at } | Self::Set { at, .. } => at,
        }
    }

    /// What the edits do, for a message: `set PATH to VALUE, remove PATH`.
    pub fn described(edits: &[Self]) -> String {
        edits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// `{"op", "path", "value"}`; `op` is `set`, `append` or `remove`, which has the value `null`.
    pub fn to_json(&self) -> Value {
        let (op, value) = match self {
            Self::Append { value, .. } => ("append", value),
            Self::Remove { .. } => ("remove", &Value::Null),
            Self::Set { value, .. } => ("set", value),
        };
        serde_json::json!({"op": op, "path": self.at().as_str(), "value": value})
    }

    /// Applies edits to `object` and returns whether one changed anything. Elements are removed last and from the end
    /// of their list, so that the pointers of the other edits stay valid.
    pub fn apply_all<'e>(edits: impl IntoIterator<Item = &'e Self>, object: &mut Value) -> bool {
        let (mut removals, others): (Vec<_>, Vec<_>) =
            edits.into_iter().partition(|edit| matches!(edit, Self::Remove { .. }));
        let index = |edit: &&Self| edit.at().back().and_then(|token| token.encoded().parse::<usize>().ok());
        removals.sort_by_key(|edit| std::cmp::Reverse(index(edit)));
        removals.dedup();
        others.into_iter().chain(removals).fold(false, |changed, edit| edit.apply(object) | changed)
    }

    /// Applies the edit to `object` and returns whether it changed anything. An edit that does not fit changes nothing.
    pub(super) fn apply(&self, object: &mut Value) -> bool {
        match self {
            Self::Append { at, value } => {
                let Some(slot) = slot(object, at) else { return false };
                if slot.is_null() {
                    *slot = Value::Array(Vec::new());
                }
                slot.as_array_mut().map(|list| list.push(value.clone())).is_some()
            }
            // deleting an element that is not there panics
            Self::Remove { at } => at.resolve(&*object).is_ok() && at.delete(object).is_some(),
            Self::Set { at, value } => {
                let Some(slot) = slot(object, at) else { return false };
                *slot != *value && {
                    *slot = value.clone();
                    true
                }
            }
        }
    }
}

/// The value at `at`. Missing objects on the path are created, and a missing last member is set to `null`.
fn slot<'v>(object: &'v mut Value, at: &Pointer) -> Option<&'v mut Value> {
    at.tokens().try_fold(object, |value, token| {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(members) => Some(members.entry(token.decoded().into_owned()).or_insert(Value::Null)),
            Value::Array(elements) => elements.get_mut(token.encoded().parse::<usize>().ok()?),
            _ => None,
        }
    })
}

impl fmt::Display for Edit {
    /// What the edit does, as an imperative: `set PATH to VALUE`. Its value comes from the policy or is fixed, so it is no
    /// secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append { at, value } => write!(formatter, "append {value} to {}", dotted(at)),
            Self::Remove { at } => write!(formatter, "remove {}", dotted(at)),
            Self::Set { at, value } => write!(formatter, "set {} to {value}", dotted(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edited(object: Value, edits: &[Edit]) -> Value {
        let mut object = object;
        for edit in edits {
            edit.apply(&mut object);
        }
        object
    }

    fn at(pointer: &str) -> PointerBuf {
        PointerBuf::parse(pointer).unwrap()
    }

    #[test]
    fn set_creates_missing_objects_and_keeps_existing_members() {
        let edits = [Edit::set(at("/metadata/labels/a~1b"), "1"), Edit::set(at("/metadata/labels/c"), "2")];
        assert_eq!(
            edited(json!({"metadata": null, "x": 1}), &edits),
            json!({"metadata": {"labels": {"a/b": "1", "c": "2"}}, "x": 1})
        );
    }

    #[test]
    fn append_creates_a_missing_list() {
        let edit = Edit::Append { at: at("/list/0/inner"), value: json!("new") };
        assert_eq!(edited(json!({"list": [{}]}), std::slice::from_ref(&edit)), json!({"list": [{"inner": ["new"]}]}));
        assert_eq!(
            edited(json!({"list": [{"inner": ["old"]}]}), &[edit]),
            json!({"list": [{"inner": ["old", "new"]}]})
        );
    }

    #[test]
    fn an_edit_that_does_not_fit_changes_nothing() {
        for (object, pointer) in
            [(json!({"list": []}), "/list/0/x"), (json!({"a": "text"}), "/a/b"), (json!({"list": [1]}), "/list/-")]
        {
            let mut after = object.clone();
            assert!(!Edit::set(at(pointer), "x").apply(&mut after), "{pointer}");
            assert_eq!(after, object, "{pointer}");
        }
        assert!(!Edit::set(at("/a"), "same").apply(&mut json!({"a": "same"})));
    }

    #[test]
    fn what_is_removed_does_not_move_what_other_edits_point_to() {
        let remove = |pointer| Edit::Remove { at: at(pointer) };
        let edits =
            [remove("/list/0"), remove("/list/10"), remove("/list/2"), Edit::set(at("/list/3/a"), "x"), remove("/b")];
        let mut object = json!({"list": [0, 1, 2, {"a": "b"}, 4, 5, 6, 7, 8, 9, 10], "b": 1});
        assert!(Edit::apply_all(&edits, &mut object));
        assert_eq!(object, json!({"list": [1, {"a": "x"}, 4, 5, 6, 7, 8, 9]}));
        assert!(!Edit::apply_all(&[remove("/list/20"), remove("/c/d")], &mut object));
    }
}
