//! The register of rules, in alphabetical order: this list *is* the list of what apim-keyless judges.

mod auth_key_literal;
mod auth_key_reference;
mod missing_auth_method;
mod missing_client_id;
mod missing_configuration_reference;
mod missing_identity_label;
mod missing_service_account;
mod other_auth_method;
mod rolling_version;
mod unlabelled_service_account;
mod unsupported_version;

use super::Rule;

/// Every rule.
pub static RULES: &[&Rule] = &[
    &auth_key_literal::RULE,
    &auth_key_reference::RULE,
    &missing_auth_method::RULE,
    &missing_client_id::RULE,
    &missing_configuration_reference::RULE,
    &missing_identity_label::RULE,
    &missing_service_account::RULE,
    &other_auth_method::RULE,
    &rolling_version::RULE,
    &unlabelled_service_account::RULE,
    &unsupported_version::RULE,
];

/// A text that is no rule's id.
#[derive(Debug, thiserror::Error)]
#[error("there is no rule {id}; the nearest is {nearest}")]
pub struct UnknownRule {
    id: String,
    nearest: &'static str,
}

/// The rule of this id.
///
/// # Errors
/// There is none; the error names the nearest one.
pub fn find(id: &str) -> Result<&'static Rule, UnknownRule> {
    RULES.iter().copied().find(|rule| rule.id == id).ok_or_else(|| {
        let likeness =
            |rule: &&&Rule| (similar::TextDiff::from_chars(id, rule.id).ratio() * 1000.0) as u32;
        UnknownRule {
            id: id.to_owned(),
            nearest: RULES.iter().max_by_key(likeness).map_or("", |rule| rule.id),
        }
    })
}
