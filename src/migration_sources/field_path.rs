//! Paths of Kustomize's replacements into an object: `spec.containers.[name=gateway].image`.

use jsonptr::PointerBuf;
use serde_json::Value;

/// The path as a JSON pointer, without conditions and wildcards.
pub(super) fn pointer(path: &str) -> String {
    PointerBuf::from_tokens(tokens(path)).to_string()
}

/// Whether an object has a value at a path.
pub(super) fn is_in(value: &Value, path: &str) -> bool {
    is_below(value, &tokens(path))
}

fn is_below(value: &Value, tokens: &[String]) -> bool {
    let Some((first, rest)) = tokens.split_first() else { return true };
    match value {
        Value::Object(members) => {
            let name = first.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(first);
            members.get(name).is_some_and(|member| is_below(member, rest))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter(|(index, item)| is_selected(first, *index, item))
            .any(|(_, item)| is_below(item, rest)),
        _ => false,
    }
}

/// Whether a token selects an element of a list: `*`, its position, or `[KEY=VALUE]`.
fn is_selected(token: &str, index: usize, item: &Value) -> bool {
    let condition = token.strip_prefix('[').and_then(|token| token.strip_suffix(']')?.split_once('='));
    condition.map_or_else(
        || token == "*" || token == index.to_string(),
        |(key, wanted)| item.get(key).and_then(Value::as_str) == Some(wanted),
    )
}

/// The tokens of a path. A dot in a name has a backslash before it, or is in brackets.
fn tokens(path: &str) -> Vec<String> {
    let (mut tokens, mut token, mut is_escaped, mut is_in_brackets) = (Vec::new(), String::new(), false, false);
    for letter in path.chars() {
        match letter {
            '\\' if !is_escaped => is_escaped = true,
            '.' if !is_escaped && !is_in_brackets => tokens.push(std::mem::take(&mut token)),
            _ => {
                is_in_brackets = letter == '[' || is_in_brackets && letter != ']';
                token.push(letter);
                is_escaped = false;
            }
        }
    }
    tokens.push(token);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_selects_as_kustomize_does() {
        let value = json!({"spec": {"containers": [{"name": "a.b", "env": [{"name": "X"}]}]}, "data": {"a.b": "c"}});
        for (path, expected) in [
            ("spec.containers.0.env.0.name", true),
            ("spec.containers.[name=a.b].env.[name=X].name", true),
            ("spec.containers.*.name", true),
            ("data.a\\.b", true),
            ("data.[a.b]", true),
            ("data.a.b", false),
            ("spec.containers.[name=a].env", false),
            ("spec.containers.1", false),
        ] {
            assert_eq!(is_in(&value, path), expected, "{path}");
        }
    }
}
