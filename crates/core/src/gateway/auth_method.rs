//! Classifies a value of `config.service.auth`: which authentication method does it select?
//!
//! Values in primary sources: token text (portal, chart), `azureAdApp` (settings reference, chart), `workloadIdentity`
//! (workload identity article, chart ≥ 1.15), `key` (token article, 2026).

use super::environment::is_too_long;
use super::unresolved::{is_address, is_placeholder, is_store_reference};
use super::{OddCharacter, Setting};

/// The value that selects workload identity: authentication without a key.
pub const WORKLOAD_IDENTITY: &str = "workloadIdentity";
/// Text of at least this many characters counts as an auth key: every method name is far shorter, every auth key far
/// longer.
const MIN_AUTH_KEY_CHARACTERS: usize = 40;

/// The value that selects an Entra app with a client secret or a certificate.
const ENTRA_APP: &str = "azureAdApp";

/// Beginnings of an auth key.
const KEY_PREFIXES: [&str; 2] = ["gatewaykey", "sharedaccesssignature"];

/// Digits of the expiry date in an auth key: `NAME&YYYYMMDDHHMM&SIGNATURE`.
const EXPIRY_DIGITS: usize = 12;

/// The authentication method that a value of the auth setting selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// Empty or only whitespace.
    Empty,
    /// `azureAdApp`: an Entra app with a client secret or a certificate.
    EntraApp,
    /// An auth key in plain text, or a text that is longer than any other value.
    Key,
    /// `workloadIdentity` in another case, or with whitespace, quotes or invisible characters in it.
    Misspelled,
    /// Another method: `key`, or an undocumented value.
    Other,
    /// A placeholder, such as `${TOKEN}`, that stands for a value that nobody knows.
    Placeholder,
    /// A reference to a value of a secret store, such as `vault:…`.
    StoreReference,
    /// Exactly `workloadIdentity`.
    WorkloadIdentity,
}

impl AuthMethod {
    /// Classifies the value `text` of `setting`, which is [`Setting::Auth`] or [`Setting::AuthKey`].
    ///
    /// Any nonempty value of [`Setting::AuthKey`] is a key.
    pub fn of(setting: Setting, text: &str) -> Self {
        // fast path: the value of most gateways
        if setting == Setting::Auth && text == WORKLOAD_IDENTITY {
            return Self::WorkloadIdentity;
        }
        if is_too_long(text) {
            return Self::Key;
        }
        let trimmed = text.trim();
        let after_prefix = KEY_PREFIXES.iter().find_map(|prefix| {
            starts_with_ignoring_case(trimmed, prefix).then(|| trimmed.get(prefix.len()..).unwrap_or_default())
        });
        match trimmed {
            "" => Self::Empty,
            _ if after_prefix.is_none() && is_store_reference(trimmed) => Self::StoreReference,
            _ if is_placeholder(after_prefix.unwrap_or(trimmed).trim()) => Self::Placeholder,
            _ if after_prefix.is_none() && is_address(trimmed) => Self::StoreReference,
            _ if after_prefix.is_some() => Self::Key,
            _ if setting == Setting::AuthKey || trimmed.chars().nth(MIN_AUTH_KEY_CHARACTERS - 1).is_some() => Self::Key,
            _ if trimmed.eq_ignore_ascii_case(ENTRA_APP) => Self::EntraApp,
            _ if OddCharacter::remove_unmeant(trimmed).eq_ignore_ascii_case(WORKLOAD_IDENTITY) => Self::Misspelled,
            _ => Self::Other,
        }
    }
}

/// Whether a text begins as an auth key does.
pub fn begins_as_key(text: &str) -> bool {
    KEY_PREFIXES.iter().any(|prefix| starts_with_ignoring_case(text.trim(), prefix))
}

/// Whether a text contains `NAME&YYYYMMDDHHMM&SIGNATURE`, which is an auth key with or without its prefix.
pub fn has_signed_part(text: &str) -> bool {
    let is_expiry = |part: &&str| part.len() == EXPIRY_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('&').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_signature =
            |next: &&str| next.starts_with(|first: char| first.is_ascii_alphanumeric() || "+/".contains(first));
        if is_expiry(&part) && parts.peek().is_some_and(is_signature) {
            return true;
        }
    }
    false
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_the_value_is_classified() {
        for (text, method) in [
            ("workloadIdentity", AuthMethod::WorkloadIdentity),
            ("WorkloadIdentity", AuthMethod::Misspelled),
            ("workloadIdentity\n", AuthMethod::Misspelled),
            ("", AuthMethod::Empty),
            (" \n", AuthMethod::Empty),
            ("GatewayKey orders&202601010000&c2lnbmF0dXJl", AuthMethod::Key),
            ("gatewaykey x", AuthMethod::Key),
            ("SharedAccessSignature…", AuthMethod::Key),
            ("orders&202601010000&bm8gcHJlZml4IGJ1dCBhIGtleQ==", AuthMethod::Key),
            ("work\u{200b}loadIdentity", AuthMethod::Misspelled),
            ("\u{201c}workloadIdentity\u{201d}", AuthMethod::Misspelled),
            ("azureAdApp", AuthMethod::EntraApp),
            ("vault:secret/data/gateways/orders-of-contoso#token", AuthMethod::StoreReference),
            ("orders-token@azurekeyvault", AuthMethod::StoreReference),
            ("GatewayKey orders-token@azurekeyvault", AuthMethod::Key),
            ("akv://contoso/token-of-the-orders-gateway-of-contoso", AuthMethod::StoreReference),
            ("keyvaultref:contoso/token-of-the-orders-gateway", AuthMethod::StoreReference),
            ("${GATEWAY_TOKEN}", AuthMethod::Placeholder),
            ("GatewayKey %%TOKEN_OF_THE_ORDERS_GATEWAY_OF_CONTOSO%%", AuthMethod::Placeholder),
            ("__TOKEN_OF_THE_ORDERS_GATEWAY_OF_CONTOSO__", AuthMethod::Placeholder),
            ("GatewayKey <orders&202601010000&c2lnbmF0dXJl>", AuthMethod::Key),
            ("GatewayKey https://contoso.example/c2lnbmF0dXJl", AuthMethod::Key),
            ("GatewayKey ${GATEWAY_TOKEN_OF_THE_ORDERS_GATEWAY}", AuthMethod::Placeholder),
            ("GatewayKey orders&202601010000&c2lnbmF0dXJl${X}", AuthMethod::Key),
            ("orders&202601010000&bm8gcHJlZml4IGJ1dCBhIGtleQ==${X}", AuthMethod::Key),
            ("key", AuthMethod::Other),
            (&"a".repeat(39), AuthMethod::Other),
            (&"a".repeat(40), AuthMethod::Key),
        ] {
            assert_eq!(AuthMethod::of(Setting::Auth, text), method, "{text:?}");
        }
        assert_eq!(AuthMethod::of(Setting::AuthKey, "short"), AuthMethod::Key);
        for text in [" ".repeat(1025), format!("workloadIdentity{}", " ".repeat(1024)), format!("${{{:1024}}}", 'A')] {
            assert_eq!(AuthMethod::of(Setting::Auth, &text), AuthMethod::Key);
        }
        assert_eq!(AuthMethod::of(Setting::Auth, &format!("{WORKLOAD_IDENTITY:1024}")), AuthMethod::Misspelled);
        assert_eq!(AuthMethod::of(Setting::AuthKey, "ref+vault://gateways/orders"), AuthMethod::StoreReference);
        assert_eq!(AuthMethod::of(Setting::AuthKey, ""), AuthMethod::Empty);
    }
}
