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
use similar::TextDiff;

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
pub enum UnknownRule {
    /// It is like that of a rule.
    #[error("there is no rule {id}; did you mean {nearest}?")]
    #[allow(missing_docs, reason = "each field is the thing that its name says")]
    Misspelt { id: String, nearest: &'static str },
    /// It is like none.
    #[error("there is no rule {id}; `apim-keyless explain` lists all that there are")]
    #[allow(missing_docs, reason = "each field is the thing that its name says")]
    Unlike { id: String },
}

/// From this likeness on (0 to 1), an id is taken for a slip.
const LIKENESS: f32 = 0.6;

/// The rule of this id.
///
/// # Errors
/// There is none; the error names the nearest one, if one is near.
pub fn find(id: &str) -> Result<&'static Rule, UnknownRule> {
    if let Some(rule) = RULES.iter().find(|rule| rule.id == id) {
        return Ok(rule);
    }
    let likeness = |rule: &Rule| TextDiff::from_chars(id, rule.id).ratio();
    let near = RULES.iter().map(|rule| (likeness(rule), rule.id)).filter(|(likeness, _)| *likeness >= LIKENESS);
    Err(match near.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((_, nearest)) => UnknownRule::Misspelt { id: id.to_owned(), nearest },
        None => UnknownRule::Unlike { id: id.to_owned() },
    })
}
