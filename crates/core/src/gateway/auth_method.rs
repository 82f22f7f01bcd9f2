//! Classifies a value of `config.service.auth`: which authentication method does it select?
//!
//! Values in primary sources: token text (portal, chart), `azureAdApp` (settings reference, chart), `workloadIdentity`
//! (workload identity article, chart ≥ 1.15), `key` (token article, 2026).

use super::Setting;

/// The value that selects workload identity: authentication without a key.
pub const WORKLOAD_IDENTITY: &str = "workloadIdentity";
/// Text of at least this many characters counts as an auth key: every method name is far shorter, every auth key far
/// longer.
const MIN_AUTH_KEY_CHARACTERS: usize = 40;

/// The authentication method that a value of the auth setting selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// Empty or only whitespace.
    Empty,
    /// An auth key in plain text.
    Key,
    /// `workloadIdentity` in another case or with whitespace around it.
    Misspelled,
    /// Another method: `azureAdApp`, `key`, or an undocumented value.
    Other,
    /// Exactly `workloadIdentity`.
    WorkloadIdentity,
}

impl AuthMethod {
    /// Classifies the value `text` of `setting`, which is [`Setting::Auth`] or [`Setting::AuthKey`].
    ///
    /// Any nonempty value of [`Setting::AuthKey`] is a key.
    pub fn of(setting: Setting, text: &str) -> Self {
        let trimmed = text.trim();
        match trimmed {
            "" => Self::Empty,
            _ if setting == Setting::AuthKey || is_auth_key(trimmed) => Self::Key,
            WORKLOAD_IDENTITY if trimmed.len() == text.len() => Self::WorkloadIdentity,
            _ if trimmed.eq_ignore_ascii_case(WORKLOAD_IDENTITY) => Self::Misspelled,
            _ => Self::Other,
        }
    }
}

fn is_auth_key(text: &str) -> bool {
    text.chars().count() >= MIN_AUTH_KEY_CHARACTERS
        || ["gatewaykey", "sharedaccesssignature"].iter().any(|prefix| starts_with_ignoring_case(text, prefix))
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
            ("azureAdApp", AuthMethod::Other),
            ("key", AuthMethod::Other),
        ] {
            assert_eq!(AuthMethod::of(Setting::Auth, text), method, "{text:?}");
        }
        assert_eq!(AuthMethod::of(Setting::AuthKey, "short"), AuthMethod::Key);
        assert_eq!(AuthMethod::of(Setting::AuthKey, ""), AuthMethod::Empty);
    }
}
