//! The rules, in alphabetical order. [`RULES`] is the complete list of what apim-keyless checks.

mod absent_config_map;
mod absent_service_account;
mod auth_key_literal;
mod auth_key_reference;
mod auth_setting_in_command;
mod client_secret_reference;
mod entra_app_auth_method;
mod indirect_auth_method;
mod malformed_client_id;
mod malformed_endpoint;
mod malformed_gateway_name;
mod malformed_namespace_setting;
mod malformed_tenant_id;
mod mismatched_cloud;
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
mod too_large_to_evaluate;
mod undocumented_identity_binding;
mod unexpected_client_id;
mod unexpected_service_account;
mod unlabeled_service_account;
mod unneeded_proxy_sidecar;
mod unready_service_account;
mod unsupported_version;
mod unverifiable_version;

use super::{Rule, printable};
use crate::gateway::similarity::{did_you_mean, meant};
use crate::gateway::{is_guid, is_nil_guid};

/// Every rule, in alphabetical order of the ids.
pub static RULES: &[&Rule] = &[
    &absent_config_map::RULE,
    &absent_service_account::RULE,
    &auth_key_literal::RULE,
    &auth_key_reference::RULE,
    &auth_setting_in_command::RULE,
    &client_secret_reference::RULE,
    &entra_app_auth_method::RULE,
    &indirect_auth_method::RULE,
    &malformed_client_id::RULE,
    &malformed_endpoint::RULE,
    &malformed_gateway_name::RULE,
    &malformed_namespace_setting::RULE,
    &malformed_tenant_id::RULE,
    &mismatched_cloud::RULE,
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
    &too_large_to_evaluate::RULE,
    &undocumented_identity_binding::RULE,
    &unexpected_client_id::RULE,
    &unexpected_service_account::RULE,
    &unlabeled_service_account::RULE,
    &unneeded_proxy_sidecar::RULE,
    &unready_service_account::RULE,
    &unsupported_version::RULE,
    &unverifiable_version::RULE,
];

/// The rules about a key in the auth setting, and about what cannot be evaluated. Only their findings count at a
/// workload that is only possibly a gateway.
static COUNT_FOR_POSSIBLE_GATEWAYS: [&Rule; 7] = [
    &auth_key_literal::RULE,
    &auth_key_reference::RULE,
    &auth_setting_in_command::RULE,
    &entra_app_auth_method::RULE,
    &indirect_auth_method::RULE,
    &other_auth_method::RULE,
    &too_large_to_evaluate::RULE,
];

/// The rules about the identity of a workload, which an Entra app does not use.
static IDENTITY: [&Rule; 5] = [
    &missing_identity_label::RULE,
    &missing_service_account::RULE,
    &skipped_container::RULE,
    &token_expiration_out_of_range::RULE,
    &unexpected_service_account::RULE,
];

/// The rule whose mode decides how strictly this one is enforced at a workload that authenticates as an Entra app.
pub(super) fn decides_for_entra_app(rule: &Rule) -> Option<&'static Rule> {
    IDENTITY.iter().any(|identity| identity.id == rule.id).then_some(&entra_app_auth_method::RULE)
}

/// Returns true if findings of this rule count at a workload that is only possibly a gateway.
pub(super) fn counts_for_possible_gateways(rule: &Rule) -> bool {
    COUNT_FOR_POSSIBLE_GATEWAYS.iter().any(|counting| counting.id == rule.id)
}

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

/// Why a text is not an id in Entra, for a message.
fn not_an_id(text: &str) -> &'static str {
    if is_nil_guid(text) { "the GUID of zeros is a placeholder" } else { "the value is not a GUID" }
}

/// A text that is not the id of a rule. The error names every rule that can be meant.
#[derive(Debug, thiserror::Error)]
#[error("there is no rule {}; {}", printable(.id), did_you_mean(.meant).unwrap_or_else(|| LIST_ALL.to_owned()))]
pub struct UnknownRule {
    id: String,
    meant: Vec<&'static str>,
}

const LIST_ALL: &str = "run `apim-keyless explain` to list all rules";

/// Finds a rule by its id.
///
/// # Errors
/// No rule has this id.
pub fn find(id: &str) -> Result<&'static Rule, UnknownRule> {
    let found = RULES.iter().copied().find(|rule| rule.id == id);
    found.ok_or_else(|| UnknownRule { id: id.to_owned(), meant: meant(id, RULES.iter().map(|rule| rule.id)) })
}
