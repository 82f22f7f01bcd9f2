//! Finds manifests of gateways in texts that are not read as manifests: in base64, or in one line.

use super::plain_key;
use apim_keyless_manifest::{is_about_gateway, is_applied, is_manifest};
use jsonptr::PointerBuf;
use serde_json::Value;

/// What to do about such a text.
pub(super) const MESSAGE: &str = "a manifest of a gateway as a text that is not evaluated where it is; write the text \
                                  into a file of its own, without base64, and check that file";

/// JSON pointers to the texts of an object with a manifest of a gateway. Texts that were evaluated are no longer in it.
pub(super) fn find(object: &Value) -> Vec<PointerBuf> {
    let mut found = Vec::new();
    let Value::Object(members) = object else { return found };
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    for (key, member) in members.iter().filter(|(key, _)| is_applied(key, true)) {
        let is_encoded = key == "binaryData" || is_secret && key == "data";
        find_in(&mut found, member, &PointerBuf::from_tokens([key.as_str()]), is_encoded);
    }
    found
}

fn find_in(found: &mut Vec<PointerBuf>, value: &Value, at: &PointerBuf, is_encoded: bool) {
    match value {
        Value::String(text) => {
            let decoded = || plain_key::decoded(text).is_some_and(|text| is_manifest_of_gateway(&text));
            if if is_encoded { decoded() } else { is_manifest_of_gateway(text) } {
                found.push(at.clone());
            }
        }
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| is_applied(key, false)) {
                find_in(found, member, &at.with_trailing_token(key.as_str()), is_encoded);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                find_in(found, element, &at.with_trailing_token(index), is_encoded);
            }
        }
        _ => {}
    }
}

fn is_manifest_of_gateway(text: &str) -> bool {
    is_about_gateway(text) && is_manifest(text)
}
