//! Finds auth keys in plain text in whatever a file holds: a Secret, the values of a chart, a generator of Kustomize.
//!
//! Rules find the keys that a gateway of the cluster reads. In a file, a key is lost wherever it is, because everybody
//! who can read the file can use it.

use apim_keyless_core::gateway::{AuthMethod, Setting, has_signed_part};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonptr::PointerBuf;
use serde_json::Value;

/// What to do about a key.
pub(super) const MESSAGE: &str = "Remove it and revoke the key: it is an auth key in plain text, and everybody who can \
                                  read this file can use it. A gateway with workload identity needs no key";

/// Beginnings of an auth key.
const KEY_PREFIXES: [&str; 2] = ["GatewayKey ", "SharedAccessSignature "];
/// The same in base64: the letters that are the same whatever follows.
const BASE64_PREFIXES: [&str; 2] = ["R2F0ZXdheUtleS", "U2hhcmVkQWNjZXNzU2lnbmF0dXJlI"];
/// Ends of paths in the chart's values that hold a key: of the chart, of its first versions, of the Arc extension.
const CHART_KEYS: [&[&str]; 3] = [&["gateway", "auth", "key"], &["gateway", "authKey"], &["gateway", "auth", "token"]];
/// Deepest nesting of texts that are YAML themselves.
const MAX_NESTED: usize = 2;

/// JSON pointers to the values with an auth key in plain text.
pub(in crate::command) fn find(value: &Value) -> Vec<PointerBuf> {
    find_nested(value, 0)
}

fn find_nested(value: &Value, nested: usize) -> Vec<PointerBuf> {
    let mut search = Search { is_secret: is_secret(value), path: Vec::new(), found: Vec::new(), nested };
    search.value(value);
    search.found
}

fn is_secret(value: &Value) -> bool {
    let is = |key: &str, text: &str| value.get(key).and_then(Value::as_str) == Some(text);
    is("apiVersion", "v1") && is("kind", "Secret")
}

struct Search<'v> {
    is_secret: bool,
    path: Vec<Step<'v>>,
    found: Vec<PointerBuf>,
    /// How many texts contain the value.
    nested: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

impl<'v> Search<'v> {
    fn value(&mut self, value: &'v Value) {
        match value {
            // base64 is not encryption
            Value::String(text)
                if self.is_base64()
                    && decoded(text).is_some_and(|text| self.is_key(&text) || self.holds_key(&text)) =>
            {
                self.add();
            }
            Value::String(text) if self.is_key(text) || self.holds_key(text) => self.add(),
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    self.value(element);
                    self.path.pop();
                }
            }
            Value::Object(members) => {
                let [name, text] = ["name", "value"].map(|key| members.get(key).and_then(Value::as_str));
                let is_named_key = name.zip(text).is_some_and(|(name, text)| is_key_of(name, text));
                for (key, member) in members {
                    self.member(key, member, is_named_key && key == "value");
                }
            }
            _ => {}
        }
    }

    /// Searches a member of a mapping. `is_key`: its value is an auth key, as a name beside it says.
    fn member(&mut self, key: &'v str, member: &'v Value, is_key: bool) {
        self.path.push(Step::Key(key));
        if is_key {
            self.add();
        } else {
            self.value(member);
        }
        self.path.pop();
    }

    /// Whether the text at this path is base64, as Kubernetes says.
    fn is_base64(&self) -> bool {
        let is_below = |key| self.path.first() == Some(&Step::Key(key));
        is_below("binaryData") || self.is_secret && is_below("data")
    }

    /// Whether the text at this path is an auth key.
    fn is_key(&self, text: &str) -> bool {
        let is_of_name = matches!(self.path.last(), Some(Step::Key(name)) if is_key_of(name, text));
        is_of_name || is_key_text(text) || self.is_chart_key() && is_any_key(text)
    }

    fn is_chart_key(&self) -> bool {
        let ends_with = |keys: &&[&str]| {
            let last = self.path.iter().rev().zip(keys.iter().rev());
            self.path.len() >= keys.len() && last.into_iter().all(|(step, key)| *step == Step::Key(key))
        };
        CHART_KEYS.iter().any(ends_with)
    }

    /// Whether a text is YAML that holds an auth key.
    fn holds_key(&self, text: &str) -> bool {
        let value = || apim_keyless_manifest::value(text);
        let is_read = self.nested < MAX_NESTED && is_yaml(text);
        is_read && value().is_some_and(|value| !find_nested(&value, self.nested + 1).is_empty())
    }

    fn add(&mut self) {
        let tokens = self.path.iter().map(|step| match step {
            Step::Key(key) => (*key).to_owned(),
            Step::Index(index) => index.to_string(),
        });
        self.found.push(PointerBuf::from_tokens(tokens.collect::<Vec<_>>()));
    }
}

/// What a text is base64 of.
pub(super) fn decoded(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text.split_whitespace().collect::<String>()).ok()?;
    String::from_utf8(bytes).ok()
}

/// Whether a text contains an auth key in base64.
fn holds_base64_key(text: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_alphanumeric() || "+/".contains(letter);
    let is_key = |at: usize| {
        let run = text.get(at..).and_then(|rest| rest.split(|letter| !is_digit(letter)).next()).unwrap_or_default();
        // four digits are three bytes; what is behind them does not matter
        let whole = run.get(..run.len() / 4 * 4).unwrap_or_default();
        decoded(whole).is_some_and(|text| is_key_text(&text))
    };
    BASE64_PREFIXES.iter().any(|prefix| text.match_indices(prefix).any(|(at, _)| is_key(at)))
}

/// Whether a setting, or a parameter of the chart, of this name has an auth key as its value.
fn is_key_of(name: &str, text: &str) -> bool {
    match Setting::of(name) {
        Some(setting @ (Setting::Auth | Setting::AuthKey)) => AuthMethod::of(setting, text) == AuthMethod::Key,
        _ => CHART_KEYS.iter().any(|keys| name.ends_with(&keys.join("."))) && is_any_key(text),
    }
}

/// Whether a text that can only be a key is one, and not a placeholder or a reference to a secret store.
fn is_any_key(text: &str) -> bool {
    AuthMethod::of(Setting::AuthKey, text) == AuthMethod::Key
}

/// Whether a text, such as `value=GatewayKey …`, shows itself an auth key or contains one.
fn is_key_text(text: &str) -> bool {
    let literal = text.split_once('=').map_or(text, |(_, value)| value).trim_start_matches(['"', '\'']);
    let begins = |text: &str| {
        let text = text.trim_start();
        let after = KEY_PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
        after.is_some_and(|rest| !rest.contains('$')) && AuthMethod::of(Setting::Auth, text) == AuthMethod::Key
    };
    let is_option = || {
        let option = text.trim_start_matches(['-', '/']).split_once('=');
        option.is_some_and(|(name, value)| is_key_of(name, value))
    };
    let has_key = text.contains('&') && has_signed_part(text) || holds_base64_key(text);
    begins(text) || begins(literal) || is_option() || has_key
}

/// Whether a text can be a YAML mapping with a key in it: most texts are not.
fn is_yaml(text: &str) -> bool {
    text.contains('\n') && text.contains(':') && ["key", "Key", "token", "auth"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "GatewayKey orders&202701010000&c2VjcmV0";

    fn found(value: &Value) -> Vec<String> {
        find(value).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_key_is_found_wherever_it_is() {
        let base64 = STANDARD.encode(KEY);
        for (value, at) in [
            (json!({"apiVersion": "v1", "kind": "Secret", "data": {"value": base64}}), "/data/value"),
            (json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"value": KEY}}), "/stringData/value"),
            (json!({"gateway": {"auth": {"key": "short"}}}), "/gateway/auth/key"),
            (json!({"apim": {"gateway": {"authKey": "short"}}}), "/apim/gateway/authKey"),
            (json!({"spec": {"values": {"gateway": {"auth": {"key": KEY}}}}}), "/spec/values/gateway/auth/key"),
            (json!({"values": format!("gateway:\n  auth:\n    key: {KEY}\n")}), "/values"),
            (json!({"p": [{"name": "a"}, {"name": "gateway.auth.key", "value": "short"}]}), "/p/1/value"),
            (json!({"env": [{"name": "config.service.auth", "value": KEY}]}), "/env/0/value"),
            (json!({"secretGenerator": [{"literals": [format!("value={KEY}")]}]}), "/secretGenerator/0/literals/0"),
            (
                json!({"secretGenerator": [{"literals": ["a=orders&202701010000&c2Vj"]}]}),
                "/secretGenerator/0/literals/0",
            ),
            (json!({"environment": {"config.service.auth": KEY}}), "/environment/config.service.auth"),
            (json!({"args": [format!("--config.service.auth={KEY}")]}), "/args/0"),
            (json!({"args": ["--config.service.auth.key=short"]}), "/args/0"),
            (json!({"command": ["/gateway", "--config.service.auth", KEY]}), "/command/2"),
            (json!({"args": [format!("kubectl create secret --from-literal=value=\"{KEY}\"")]}), "/args/0"),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "binaryData": {"value": base64}}), "/binaryData/value"),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"value": base64}}), "/data/value"),
            (json!({"secretGenerator": [{"literals": [format!("value={base64}")]}]}), "/secretGenerator/0/literals/0"),
            (
                json!({"apiVersion": "v1", "kind": "Secret",
                    "data": {"values.yaml": STANDARD.encode("gateway:\n  auth:\n    key: short\n")}}),
                "/data/values.yaml",
            ),
        ] {
            assert_eq!(found(&value), [at], "{value}");
        }
    }

    #[test]
    fn other_texts_are_not_keys() {
        for value in [
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"value": STANDARD.encode("hunter2"), "tls": "&&&"}}),
            json!({"gateway": {"auth": {"key": "", "type": "WorkloadIdentity"}}}),
            json!({"gateway": {"auth": {"key": "${TOKEN}"}}}),
            json!({"gateway": {"auth": {"key": "vault:secret/data/gateways#token"}}}),
            json!({"args": ["--from-literal=value=\"GatewayKey $TOKEN\"", "https://a.example/?a=1&b=2&c=202701010000"]}),
            json!({"config.service.auth": "workloadIdentity", "auth": {"key": "hunter2"}}),
            json!({"args": ["--config.service.auth=workloadIdentity", "--config.service.auth.key=$(KEY)"]}),
            json!({"spec": {"target": {"template": {"data": {"value": "GatewayKey {{ .token }}"}}}}}),
        ] {
            assert_eq!(found(&value), Vec::<String>::new(), "{value}");
        }
    }
}
