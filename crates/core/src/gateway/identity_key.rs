//! Label and annotation keys of azure-workload-identity, misspellings of them, and the form of a GUID.
//!
//! Source of the keys and of the objects they are read from: azure-workload-identity, pkg/webhook/consts.go and
//! webhook.go.

use super::similarity::nearest;
use super::well_known::IDENTITY_PREFIX;

/// A key that azure-workload-identity reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKey {
    /// `client-id`, annotation of a `ServiceAccount`
    ClientId,
    /// `inject-proxy-sidecar`, annotation of a Pod
    InjectProxySidecar,
    /// `proxy-sidecar-port`, annotation of a Pod
    ProxySidecarPort,
    /// `skip-containers`, annotation of a Pod
    SkipContainers,
    /// `tenant-id`, annotation of a `ServiceAccount`
    TenantId,
    /// `service-account-token-expiration`, annotation of a Pod or a `ServiceAccount`
    TokenExpiration,
    /// `use`, label of a Pod; Microsoft's article and the chart set it on the `ServiceAccount` as well
    Use,
    /// `use-identity-binding` and other keys that start with `use-`, annotation of a Pod
    UseCustomEndpoint,
}

/// How a label or annotation key relates to the keys of azure-workload-identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMatch {
    /// azure-workload-identity reads this key.
    Known(IdentityKey),
    /// The key looks like one of azure-workload-identity's, but nothing reads it. Holds the intended key, if it is
    /// clear.
    Misspelled(Option<IdentityKey>),
}

/// [`IDENTITY_PREFIX`] without punctuation.
const PREFIX_LETTERS: &str = "azureworkloadidentity";
/// An unknown name counts as a misspelling of a known one from this similarity on (0 to 1).
const MINIMUM_SIMILARITY: f32 = 0.7;
/// Longest prefix of a label or annotation key (Kubernetes, "Labels and Selectors").
const PREFIX_BYTES: usize = 253;
/// Length of a GUID with its hyphens.
const GUID_BYTES: usize = 36;
/// Longest name after the prefix of a label or annotation key (Kubernetes, "Labels and Selectors").
const NAME_BYTES: usize = 63;

impl IdentityKey {
    /// Every key with a fixed name.
    const ALL: [Self; 7] = [
        Self::ClientId,
        Self::InjectProxySidecar,
        Self::ProxySidecarPort,
        Self::SkipContainers,
        Self::TenantId,
        Self::TokenExpiration,
        Self::Use,
    ];

    /// The name after `azure.workload.identity/`.
    fn name(self) -> &'static str {
        match self {
            Self::ClientId => "client-id",
            Self::InjectProxySidecar => "inject-proxy-sidecar",
            Self::ProxySidecarPort => "proxy-sidecar-port",
            Self::SkipContainers => "skip-containers",
            Self::TenantId => "tenant-id",
            Self::TokenExpiration => "service-account-token-expiration",
            Self::Use => "use",
            Self::UseCustomEndpoint => "use-identity-binding",
        }
    }

    /// The whole key, such as `azure.workload.identity/use`.
    pub fn key(self) -> String {
        format!("{IDENTITY_PREFIX}{}", self.name())
    }

    /// The key of this label or annotation, spelled exactly; `None` if azure-workload-identity reads no such key.
    pub fn of(key: &str) -> Option<Self> {
        let name = key.strip_prefix(IDENTITY_PREFIX)?;
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        known.or_else(|| name.starts_with("use-").then_some(Self::UseCustomEndpoint))
    }

    /// Returns true if the prefix of this label or annotation key is azure-workload-identity's, or looks like it.
    pub fn has_similar_prefix(key: &str) -> bool {
        // fast path: most prefixes are shorter, and none is much longer
        let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
        (PREFIX_LETTERS.len()..=PREFIX_BYTES).contains(&prefix.len())
            && letters(prefix).trim_end_matches("io").eq(PREFIX_LETTERS)
    }

    /// Classifies a label or annotation key; `None` if it has nothing to do with workload identity. Takes microseconds
    /// for a misspelled key.
    pub fn classify(key: &str) -> Option<KeyMatch> {
        if !Self::has_similar_prefix(key) {
            return None;
        }
        let (_, name) = key.split_once('/')?;
        if !key.starts_with(IDENTITY_PREFIX) {
            // under a similar prefix only a known name counts: azure-workload-identity.io/system is another valid key
            return Self::intended_by(name).map(|intended| KeyMatch::Misspelled(Some(intended)));
        }
        Some(Self::of(key).map_or_else(|| KeyMatch::Misspelled(Self::intended_by(name)), KeyMatch::Known))
    }

    /// The known key that a misspelled name most likely stands for.
    fn intended_by(name: &str) -> Option<Self> {
        // the API server denies a longer name, but only after it calls the webhooks
        let name = (name.len() <= NAME_BYTES).then(|| letters(name))?;
        let known = Self::ALL.map(|known| (letters(known.name()), known));
        nearest(&name, known.iter().map(|(letters, known)| (letters.as_str(), *known)), MINIMUM_SIMILARITY)
    }
}

/// The ASCII letters and digits of a text, in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}

/// The GUID of zeros, which templates have in place of an id.
const NIL_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// Returns true if a text is the GUID of zeros. It has the form of an id and is never one.
pub fn is_nil_guid(text: &str) -> bool {
    text == NIL_GUID
}

/// Returns true if a text has the form of an id in Entra: a GUID, such as `7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10`, that is not
/// the one of zeros.
pub fn is_guid(text: &str) -> bool {
    if is_nil_guid(text) {
        return false;
    }
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len());
    text.len() == GUID_BYTES && text.split('-').map(digits).eq([8, 4, 4, 4, 12].map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_keys_are_known_and_misspelled_keys_name_the_intended_one() {
        let misspelled = |intended| Some(KeyMatch::Misspelled(Some(intended)));
        for (key, expected) in [
            ("azure.workload.identity/client-id", Some(KeyMatch::Known(IdentityKey::ClientId))),
            ("azure.workload.identity/use-identity-binding", Some(KeyMatch::Known(IdentityKey::UseCustomEndpoint))),
            ("azure.workload.identity/client_id", misspelled(IdentityKey::ClientId)),
            ("azure.workload.identity/clientId", misspelled(IdentityKey::ClientId)),
            ("azure.workload.identity/clientid", misspelled(IdentityKey::ClientId)),
            ("azure.workload-identity/client-id", misspelled(IdentityKey::ClientId)),
            ("azure-workload-identity/use", misspelled(IdentityKey::Use)),
            ("azure.workload.identity.io/use", misspelled(IdentityKey::Use)),
            ("azure.workload.identity/tenantID", misspelled(IdentityKey::TenantId)),
            ("azure.workload.identity/Use", misspelled(IdentityKey::Use)),
            ("azure.workload.identity/skip-container", misspelled(IdentityKey::SkipContainers)),
            ("azure.workload.identity/note", Some(KeyMatch::Misspelled(None))),
            ("azure-workload-identity.io/system", None),
            ("app.kubernetes.io/name", None),
            ("client-id", None),
            ("use", None),
        ] {
            assert_eq!(IdentityKey::classify(key), expected, "{key}");
        }
    }
}
