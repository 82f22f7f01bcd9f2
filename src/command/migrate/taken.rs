//! The Secrets that an object or a mapping takes, in its references and in its texts.

use super::mentions::mentions;
use crate::migration_sources::taken_in_script;
use apim_keyless_core::migration::taken_secrets;
use serde_json::Value;
use std::collections::BTreeSet;

/// Deepest text in a text that is read.
const MAX_DEPTH: usize = 4;
/// What a permission only to read a Secret allows.
const READING: [&str; 3] = ["get", "list", "watch"];
/// Ends of annotations that name a Secret to copy, as NAMESPACE/NAME.
const COPYING: [&str; 2] = ["/reflects", "/replicate-from"];
/// Texts of what writes a Secret.
const WRITING: [&str; 4] = ["create secret", "patch secret", "delete secret", "kind: Secret"];

/// The Secrets that a value takes.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Their names, in the namespace of the object.
    pub(super) names: BTreeSet<String>,
    /// Texts that can be their names, in the namespace of the object.
    pub(super) mentions: BTreeSet<String>,
    /// Their names, or patterns of them, in commands, which can be for any namespace.
    pub(super) commands: BTreeSet<String>,
    /// The names of those that it copies, which can be in any namespace.
    pub(super) copies: BTreeSet<String>,
    /// Whether a command writes a Secret.
    pub(super) writes: bool,
}

impl Taken {
    /// The Secrets of a value, also in the values of a chart that it has as a text.
    pub(super) fn of(value: &Value) -> Self {
        let mut taken = Self::default();
        taken.add_root(value, 0);
        taken
    }

    fn add_root(&mut self, value: &Value, depth: usize) {
        self.names.extend(taken_secrets(value).into_iter().map(str::to_owned));
        self.mentions.extend(mentions(value).into_iter().map(str::to_owned));
        self.add_permissions(value);
        self.add(value, depth);
    }

    /// A permission only to read a Secret belongs to something that reads it. What renews a key can write it.
    fn add_permissions(&mut self, value: &Value) {
        let texts = |rule: &'_ Value, key: &str| -> Vec<String> {
            let items = rule.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        for rule in value.get("rules").and_then(Value::as_array).into_iter().flatten() {
            let is_of_secrets = texts(rule, "resources").iter().any(|resource| resource == "secrets");
            let is_reading = texts(rule, "verbs").iter().all(|verb| READING.contains(&verb.as_str()));
            if is_of_secrets && is_reading {
                self.names.extend(texts(rule, "resourceNames"));
            }
        }
    }

    fn add(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.add_text(text, depth),
            Value::Array(items) => {
                // the words of a command
                let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                if let Some(words) = words {
                    self.add_command(&words.join(" "));
                    self.add_flags(&words);
                }
                for item in items {
                    self.add(item, depth);
                }
            }
            Value::Object(members) => {
                let text = |key: &str| members.get(key).and_then(Value::as_str);
                let is_of_secret = |name: &&str| name.to_ascii_lowercase().contains("secret");
                // a parameter of a chart, or an operation of a JSON patch
                let key = text("name").filter(is_of_secret).or_else(|| text("path").filter(is_of_secret));
                if let (Some(_), Some(name)) = (key, text("value")) {
                    self.names.insert(name.to_owned());
                }
                self.add_copies(value);
                // a kustomization makes the Secrets of its generators
                let members = members.iter().filter(|(key, _)| *key != "secretGenerator");
                for (_, member) in members {
                    self.add(member, depth);
                }
            }
            _ => {}
        }
    }

    /// The names in flags such as `--token-secret=NAME` and `--token-secret NAME`, also behind a namespace.
    fn add_flags(&mut self, words: &[&str]) {
        for (index, word) in words.iter().enumerate() {
            let (flag, value) = word.split_once('=').map_or((*word, None), |(flag, value)| (flag, Some(value)));
            if !flag.starts_with('-') || !flag.to_ascii_lowercase().contains("secret") {
                continue;
            }
            let value = value.or_else(|| words.get(index + 1).copied());
            self.names.extend(value.and_then(|value| value.rsplit('/').next()).map(str::to_owned));
        }
    }

    /// What copies a Secret: the annotations of Reflector and of Replicator, the rules of Kyverno.
    fn add_copies(&mut self, value: &Value) {
        let members = value.as_object().into_iter().flatten();
        let of_annotations = members.filter(|(key, _)| COPYING.iter().any(|end| key.ends_with(end)));
        let of_annotations = of_annotations.filter_map(|(_, source)| source.as_str()?.rsplit('/').next());
        let of_rule = value.pointer("/clone/name").and_then(Value::as_str);
        self.copies.extend(of_annotations.chain(of_rule).map(str::to_owned));
    }

    fn add_text(&mut self, text: &str, depth: usize) {
        if !text.contains("ecret") {
            return;
        }
        self.add_command(text);
        if depth < MAX_DEPTH
            && text.contains(':')
            && let Some(inner) = apim_keyless_manifest::value(text).filter(|inner| !inner.is_string())
        {
            self.add_root(&inner, depth + 1);
        }
    }

    fn add_command(&mut self, text: &str) {
        self.writes |= WRITING.iter().any(|words| text.contains(words));
        self.commands.extend(taken_in_script(text).into_iter().map(|taken| taken.name));
    }
}

/// Whether a name is one of a pattern, in which `*` stands for any text.
pub(super) fn is_match(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(start).and_then(|name| name.strip_suffix(end));
    let Some(mut inner) = inner else { return false };
    for part in middle.split('*') {
        let Some((_, rest)) = inner.split_once(part) else { return false };
        inner = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Taken, is_match};
    use serde_json::json;

    #[test]
    fn a_pattern_has_its_parts_in_their_order() {
        for (pattern, name, expected) in [
            ("*", "orders", true),
            ("*-token", "orders-token", true),
            ("*-token", "orders-key", false),
            ("orders-*", "orders-token", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*b", "ab", false),
            ("orders", "orders", true),
        ] {
            assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_secret_is_taken_in_references_texts_and_commands() {
        let command = "kubectl get secret token";
        for value in [
            json!({"env": [{"valueFrom": {"secretKeyRef": {"name": "token"}}}]}),
            json!({"parameters": [{"name": "auth.existingSecret", "value": "token"}]}),
            json!({"values": "auth:\n  existingSecret: token\n"}),
            json!({"args": ["--a", "--token-secret=token"]}),
            json!({"args": ["--token-secret", "shop/token"]}),
            json!({"patch": "- {op: replace, path: /spec/a/secretRef/name, value: token}\n"}),
            json!({"patch": "- op: add\n  path: /spec/a\n  value: [{secretRef: {name: token}}]\n"}),
            json!({"rules": [{"resources": ["secrets"], "verbs": ["get"], "resourceNames": ["token"]}]}),
        ] {
            assert!(Taken::of(&value).names.contains("token"), "{value}");
        }
        for value in [
            json!({"command": ["sh", "-c", command]}),
            json!({"command": ["kubectl", "get", "secret", "token"]}),
            json!({"steps": [{"run": command}]}),
            json!({"inputs": {"command": "get", "arguments": "secret token -o json"}}),
        ] {
            assert!(Taken::of(&value).commands.contains("token"), "{value}");
        }
        for value in [
            json!({"metadata": {"annotations": {"reflector.v1.k8s.emberstack.com/reflects": "shop/token"}}}),
            json!({"generate": {"kind": "Secret", "clone": {"namespace": "shop", "name": "token"}}}),
        ] {
            assert!(Taken::of(&value).copies.contains("token"), "{value}");
        }
        let renewing =
            json!({"rules": [{"resources": ["secrets"], "verbs": ["get", "patch"], "resourceNames": ["token"]}]});
        assert!(Taken::of(&renewing).names.is_empty());
        let taken = Taken::of(&json!({"command": ["kubectl", "create", "secret", "generic", "token"]}));
        assert!(taken.writes && taken.commands.is_empty(), "{taken:?}");
    }
}
