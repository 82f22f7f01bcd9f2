//! The rules, in alphabetical order. [`RULES`] is the complete list of what apim-keyless checks.

mod absent_config_map;
mod absent_service_account;
mod auth_key_literal;
mod auth_key_reference;
mod auth_setting_in_command;
mod client_secret_reference;
mod indirect_auth_method;
mod malformed_client_id;
mod malformed_endpoint;
mod malformed_gateway_name;
mod malformed_tenant_id;
mod misplaced_identity_setting;
mod missing_auth_method;
mod missing_client_id;
mod missing_configuration_reference;
mod missing_endpoint;
mod missing_gateway_name;
mod missing_identity_label;
mod missing_service_account;
mod misspelled_auth_method;
mod misspelled_identity_key;
mod other_auth_method;
mod overridden_identity_variable;
mod preview_version;
mod retired_endpoint;
mod rolling_version;
mod skipped_container;
mod token_expiration_out_of_range;
mod unexpected_client_id;
mod unexpected_service_account;
mod unlabeled_service_account;
mod unneeded_proxy_sidecar;
mod unready_service_account;
mod unsupported_version;
mod unverifiable_version;

use super::Rule;
use crate::gateway::{is_guid, similarity::nearest};

/// Every rule, in alphabetical order of the ids.
pub static RULES: &[&Rule] = &[
    &absent_config_map::RULE,
    &absent_service_account::RULE,
    &auth_key_literal::RULE,
    &auth_key_reference::RULE,
    &auth_setting_in_command::RULE,
    &client_secret_reference::RULE,
    &indirect_auth_method::RULE,
    &malformed_client_id::RULE,
    &malformed_endpoint::RULE,
    &malformed_gateway_name::RULE,
    &malformed_tenant_id::RULE,
    &misplaced_identity_setting::RULE,
    &missing_auth_method::RULE,
    &missing_client_id::RULE,
    &missing_configuration_reference::RULE,
    &missing_endpoint::RULE,
    &missing_gateway_name::RULE,
    &missing_identity_label::RULE,
    &missing_service_account::RULE,
    &misspelled_auth_method::RULE,
    &misspelled_identity_key::RULE,
    &other_auth_method::RULE,
    &overridden_identity_variable::RULE,
    &preview_version::RULE,
    &retired_endpoint::RULE,
    &rolling_version::RULE,
    &skipped_container::RULE,
    &token_expiration_out_of_range::RULE,
    &unexpected_client_id::RULE,
    &unexpected_service_account::RULE,
    &unlabeled_service_account::RULE,
    &unneeded_proxy_sidecar::RULE,
    &unready_service_account::RULE,
    &unsupported_version::RULE,
    &unverifiable_version::RULE,
];

/// Most names or ids that a message lists.
const LISTED: usize = 2;

/// The names or ids of a list, for a message: at most [`LISTED`], and how many more there are.
fn listed(all: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = all.iter().take(LISTED).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(LISTED) {
        0 => shown.join(" or "),
        more => format!("{} or {more} more", shown.join(", ")),
    }
}

/// The texts that are GUIDs. An annotation of a Namespace may hold any text, and messages quote only ids.
fn guids(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).filter(|id| is_guid(id)).collect()
}

/// A text that is not the id of a rule.
#[derive(Debug, thiserror::Error)]
pub enum UnknownRule {
    /// It is similar to the id of a rule.
    #[error("there is no rule {id}; did you mean {nearest}?")]
    #[allow(missing_docs, reason = "the names of the fields say what they are")]
    Misspelled { id: String, nearest: &'static str },
    /// It is similar to no rule's id.
    #[error("there is no rule {id}; run `apim-keyless explain` to list all rules")]
    #[allow(missing_docs, reason = "the names of the fields say what they are")]
    NotSimilar { id: String },
}

/// Least similarity (0 to 1) of an id to a rule's id for which the error suggests that rule.
const MIN_SIMILARITY: f32 = 0.6;

/// Finds a rule by its id.
///
/// # Errors
/// No rule has this id. The error names the most similar rule, if one is similar enough.
pub fn find(id: &str) -> Result<&'static Rule, UnknownRule> {
    if let Some(rule) = RULES.iter().find(|rule| rule.id == id) {
        return Ok(rule);
    }
    Err(match nearest(id, RULES.iter().map(|rule| (rule.id, rule.id)), MIN_SIMILARITY) {
        Some(nearest) => UnknownRule::Misspelled { id: id.to_owned(), nearest },
        None => UnknownRule::NotSimilar { id: id.to_owned() },
    })
}
