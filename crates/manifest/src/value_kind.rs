//! What a document, or an item of a list, is.

use super::{kustomization, template};
use serde_json::Value;

/// What the root of a document, or an item of a list, is.
pub(super) enum ValueKind {
    Nothing,
    Object,
    Template,
    /// A document that SOPS encrypted as a whole: not even its kind is known.
    Encrypted,
    /// The operations of a JSON patch (RFC 6902), as a file of Kustomize has them.
    JsonPatch,
    Kustomization,
    /// A mapping that is not an object: values of a chart, a Compose file.
    Mapping,
    NotAMapping(&'static str),
}

impl ValueKind {
    /// What a value in the file of this name is.
    pub(super) fn of(file: &str, value: &Value) -> Self {
        let is_text = |key: &str| value.get(key).is_some_and(Value::is_string);
        match value {
            Value::Null => Self::Nothing,
            Value::Array(operations) if kustomization::is_json_patch(operations) => Self::JsonPatch,
            Value::Array(_) => Self::NotAMapping("sequence"),
            Value::Object(_) if is_encrypted(value) && !is_object_of_sops(value) => Self::Encrypted,
            Value::Object(_) if kustomization::is_kustomization(file, value) => Self::Kustomization,
            Value::Object(_) if !is_text("kind") || !is_text("apiVersion") => Self::Mapping,
            Value::Object(_) if template::is_template(value) => Self::Template,
            Value::Object(_) => Self::Object,
            _ => Self::NotAMapping("scalar"),
        }
    }
}

/// Returns true for a document with the metadata of SOPS: some of its values are encrypted.
pub fn is_encrypted(value: &Value) -> bool {
    value.get("sops").is_some_and(|sops| sops.get("mac").is_some() || sops.get("version").is_some())
}

/// Returns true if the document says in plain text which object it is.
fn is_object_of_sops(value: &Value) -> bool {
    let is_plain = |key: &str| value.get(key).and_then(Value::as_str).is_some_and(|text| !text.starts_with("ENC["));
    is_plain("kind") && is_plain("apiVersion")
}
