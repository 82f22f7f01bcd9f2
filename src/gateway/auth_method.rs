//! What a value of `config.service.auth` says about how a gateway signs in.
//!
//! Values in primary sources: token text (portal, chart), `azureAdApp` (settings reference, chart), `workloadIdentity`
//! (workload identity article, chart ≥ 1.15), `key` (token article, 2026).

use super::Setting;

/// The value that signs in without a key.
pub const WORKLOAD_IDENTITY: &str = "workloadIdentity";
/// Text of this many characters or more is taken for a token: every method's name is far shorter, every token far longer.
const TOKEN_LENGTH: usize = 40;

/// How a text of the auth setting is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// Nothing, or blanks.
    Empty,
    /// An auth key, written out.
    Key,
    /// `workloadIdentity` in another case or with blanks around it.
    Misspelt,
    /// Another method: `azureAdApp`, `key`, or what nobody knows.
    Other,
    /// Exactly `workloadIdentity`.
    WorkloadIdentity,
}

impl AuthMethod {
    /// Reads the text of `setting`, which is [`Setting::Auth`] or [`Setting::AuthKey`].
    pub fn of(setting: Setting, text: &str) -> Self {
        let trimmed = text.trim();
        match trimmed {
            "" => Self::Empty,
            _ if setting == Setting::AuthKey || is_token(trimmed) => Self::Key,
            WORKLOAD_IDENTITY if trimmed.len() == text.len() => Self::WorkloadIdentity,
            _ if trimmed.eq_ignore_ascii_case(WORKLOAD_IDENTITY) => Self::Misspelt,
            _ => Self::Other,
        }
    }
}

fn is_token(text: &str) -> bool {
    text.chars().count() >= TOKEN_LENGTH
        || ["gatewaykey", "sharedaccesssignature"].iter().any(|start| begins_without_case(text, start))
}

fn begins_without_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_the_value_is_told_apart() {
        for (text, method) in [
            ("workloadIdentity", AuthMethod::WorkloadIdentity),
            ("WorkloadIdentity", AuthMethod::Misspelt),
            ("workloadIdentity\n", AuthMethod::Misspelt),
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
