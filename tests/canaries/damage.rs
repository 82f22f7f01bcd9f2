//! Objects and files that are not as they should be: a secret where a list was expected, a text cut short.

use super::secret::Canaries;
use serde_json::{Value, json};

/// The object with a value of another type somewhere, which holds a secret.
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
        // a secret in the place of a name would be a name
        Value::String(_) | Value::Null => [json!([secret]), json!({"unknown": secret})][canaries.below(2)].clone(),
        _ => Value::from(secret),
    };
    object
}

/// The text with a sign too many or too few somewhere, or without its end.
pub(crate) fn of_another_syntax(text: &str, canaries: &mut Canaries) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    for _ in 0..=canaries.below(3) {
        let at = canaries.below(signs.len());
        match canaries.below(4) {
            0 => signs.truncate(at + 1),
            1 => _ = signs.remove(at),
            _ => signs
                .insert(at, ['"', '\'', ':', '\t', '\n', '{', ']', '*', '&', '!', '|', '%', '@'][canaries.below(13)]),
        }
        if signs.is_empty() {
            break;
        }
    }
    signs.into_iter().collect()
}
