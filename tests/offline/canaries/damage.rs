//! Damaged objects and files: a secret where a list is expected, a truncated text.

use super::secret::Canaries;
use serde_json::{Value, json};

/// The object with a random value replaced by a secret of another type.
pub(crate) fn of_another_type(object: &Value, canaries: &mut Canaries) -> Value {
    let mut object = object.clone();
    let mut here = &mut object;
    loop {
        let has_members = match here {
            Value::Array(elements) => !elements.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => false,
        };
        if !has_members || canaries.one_in(6) {
            break;
        }
        here = match here {
            Value::Array(elements) => {
                let index = canaries.below(elements.len());
                &mut elements[index]
            }
            Value::Object(members) => {
                let index = canaries.below(members.len());
                members.values_mut().nth(index).unwrap()
            }
            _ => unreachable!("a scalar has no members"),
        };
    }
    let secret = canaries.secret();
    *here = match here {
        // a text instead of a name would be a name, and names may be reported
        Value::String(_) | Value::Null => [json!([secret]), json!({"unknown": secret})][canaries.below(2)].clone(),
        _ => Value::from(secret),
    };
    object
}

/// The text with characters inserted or removed, or truncated.
pub(crate) fn of_another_syntax(text: &str, canaries: &mut Canaries) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=canaries.below(3) {
        let at = canaries.below(characters.len());
        match canaries.below(4) {
            0 => characters.truncate(at + 1),
            1 => _ = characters.remove(at),
            _ => characters
                .insert(at, ['"', '\'', ':', '\t', '\n', '{', ']', '*', '&', '!', '|', '%', '@'][canaries.below(13)]),
        }
        if characters.is_empty() {
            break;
        }
    }
    characters.into_iter().collect()
}
