//! The auth keys of gateways in texts: `GatewayKey NAME&EXPIRY&SIGNATURE`.

use super::json;
use crate::gateway::{GATEWAY_NAME_CHARACTERS, is_gateway_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::borrow::Cow;

/// The beginning of a gateway's key.
pub const KEY_PREFIX: &str = "GatewayKey ";

/// The names of the gateways whose keys a text has.
///
/// ```
/// use apim_keyless_core::migration::names_in_keys;
/// assert_eq!(names_in_keys("KEY='GatewayKey orders&202701010000&c2ln'"), ["orders"]);
/// assert!(names_in_keys("GatewayKey $TOKEN").is_empty());
/// ```
pub fn names_in_keys(text: &str) -> Vec<&str> {
    let keys = text.match_indices(KEY_PREFIX).filter_map(|(at, prefix)| text.get(at + prefix.len()..));
    let names = keys.filter_map(|rest| {
        // what is longer is no name, so that many keys without a name are read once
        let (end, _) = rest.char_indices().take(GATEWAY_NAME_CHARACTERS + 1).find(|(_, letter)| *letter == '&')?;
        rest.get(..end)
    });
    names.filter(|name| !name.is_empty() && is_gateway_name(name)).collect()
}

/// The texts in a Secret, also those that it has in base64.
pub fn texts_of_secret(secret: &Value) -> impl Iterator<Item = Cow<'_, str>> {
    let texts = |field| json::at(secret, &[field]).and_then(Value::as_object).into_iter().flatten();
    let texts = move |field| texts(field).filter_map(|(_, text)| text.as_str());
    let decoded = texts("data")
        .filter_map(|text| String::from_utf8(STANDARD.decode(text.split_whitespace().collect::<String>()).ok()?).ok());
    texts("stringData").map(Cow::Borrowed).chain(decoded.map(Cow::Owned))
}
