//! A change to a raw object, as data. Two verbs; neither moves an element, so that places told before stay true.

use jsonptr::{Pointer, PointerBuf};
use serde::Serialize;
use serde_json::{Map, Value};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Puts `value` behind the last element of the list at `at`, and makes the list if there is none.
    Append {
        /// The list.
        at: PointerBuf,
        /// The new element.
        value: Value,
    },
    /// Sets the member at `at`; missing objects on the way to it are made, missing elements of lists never.
    Set {
        /// The member.
        at: PointerBuf,
        /// Its new value.
        value: Value,
    },
}

/// The two things that an edit says, as reports write them.
#[derive(Serialize)]
struct Said<'a> {
    path: &'a str,
    value: &'a Value,
}

impl Edit {
    /// Sets a text.
    pub fn set(at: PointerBuf, text: impl Into<String>) -> Self {
        Self::Set { at, value: Value::String(text.into()) }
    }

    /// The place that it changes.
    pub fn at(&self) -> &Pointer {
        match self {
            Self::Append { at, .. } | Self::Set { at, .. } => at,
        }
    }

    /// What it puts there.
    pub fn value(&self) -> &Value {
        match self {
            Self::Append { value, .. } | Self::Set { value, .. } => value,
        }
    }

    /// `{"set": {"path", "value"}}` or `{"append": {…}}`.
    pub fn to_json(&self) -> Value {
        let verb = match self {
            Self::Append { .. } => "append",
            Self::Set { .. } => "set",
        };
        serde_json::json!({ verb: Said { path: self.at().as_str(), value: self.value() } })
    }

    /// Carries it out on `object`; tells whether anything changed. An edit that doesn't fit the object changes nothing.
    pub(super) fn apply(&self, object: &mut Value) -> bool {
        match self {
            Self::Append { at, value } => {
                let Some(slot) = slot(object, at) else { return false };
                if slot.is_null() {
                    *slot = Value::Array(Vec::new());
                }
                slot.as_array_mut().map(|list| list.push(value.clone())).is_some()
            }
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

/// The value at `at`; missing objects on the way are made, and a missing last member is made `null`.
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
    fn set_makes_objects_on_the_way_and_keeps_what_is_there() {
        let edits = [Edit::set(at("/metadata/labels/a~1b"), "1"), Edit::set(at("/metadata/labels/c"), "2")];
        assert_eq!(
            edited(json!({"metadata": null, "x": 1}), &edits),
            json!({"metadata": {"labels": {"a/b": "1", "c": "2"}}, "x": 1})
        );
    }

    #[test]
    fn append_makes_the_list() {
        let edit = Edit::Append { at: at("/list/0/inner"), value: json!("new") };
        assert_eq!(edited(json!({"list": [{}]}), std::slice::from_ref(&edit)), json!({"list": [{"inner": ["new"]}]}));
        assert_eq!(
            edited(json!({"list": [{"inner": ["old"]}]}), &[edit]),
            json!({"list": [{"inner": ["old", "new"]}]})
        );
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        for (object, pointer) in
            [(json!({"list": []}), "/list/0/x"), (json!({"a": "text"}), "/a/b"), (json!({"list": [1]}), "/list/-")]
        {
            let mut after = object.clone();
            assert!(!Edit::set(at(pointer), "x").apply(&mut after), "{pointer}");
            assert_eq!(after, object, "{pointer}");
        }
        assert!(!Edit::set(at("/a"), "same").apply(&mut json!({"a": "same"})));
    }
}
