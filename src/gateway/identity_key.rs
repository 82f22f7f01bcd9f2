//! Keys of labels and annotations that azure-workload-identity reads, and those that are nearly such.
//!
//! Keys and where they count: azure-workload-identity, pkg/webhook/consts.go and webhook.go.

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
    /// `use-identity-binding` and its like, annotation of a Pod
    UseCustomEndpoint,
}

/// How a key is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadKey {
    /// It is one of azure-workload-identity's.
    Known(IdentityKey),
    /// It is nearly one, and read by nobody; what is meant, if it can be told.
    Misspelt(Option<IdentityKey>),
}

/// The letters of [`IDENTITY_PREFIX`].
const PREFIX_LETTERS: &str = "azureworkloadidentity";
/// From this likeness on (0 to 1), an unknown name is taken for a slip of a known one.
const SIMILARITY: f32 = 0.7;
/// Longest name behind the prefix of a label or annotation (Kubernetes, "Labels and Selectors").
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

    /// The name behind `azure.workload.identity/`.
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

    /// The whole key.
    pub fn key(self) -> String {
        format!("{IDENTITY_PREFIX}{}", self.name())
    }

    /// How `key` is read; `None` if it has nothing to do with workload identity.
    pub fn read(key: &str) -> Option<ReadKey> {
        let (prefix, name) = key.split_once('/')?;
        // nearly every prefix is shorter than these letters
        if prefix.len() < PREFIX_LETTERS.len() || !letters(prefix).trim_end_matches("io").eq(PREFIX_LETTERS) {
            return None;
        }
        if format!("{prefix}/") != IDENTITY_PREFIX {
            // azure-workload-identity.io/system and its like are keys of other things
            return Self::meant_by(name).map(|meant| ReadKey::Misspelt(Some(meant)));
        }
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        let known = known.or_else(|| name.starts_with("use-").then_some(Self::UseCustomEndpoint));
        Some(known.map_or_else(|| ReadKey::Misspelt(Self::meant_by(name)), ReadKey::Known))
    }

    fn meant_by(name: &str) -> Option<Self> {
        // Kubernetes refuses a longer one, but only after its webhooks were asked
        let name = (name.len() <= NAME_BYTES).then(|| letters(name))?;
        let known = Self::ALL.map(|known| (letters(known.name()), known));
        nearest(&name, known.iter().map(|(letters, known)| (letters.as_str(), *known)), SIMILARITY)
    }
}

/// What is left of a name without case and signs.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}

/// Is a text a GUID, such as `00000000-0000-0000-0000-000000000000`?
pub fn is_guid(text: &str) -> bool {
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len());
    text.split('-').map(digits).eq([8, 4, 4, 4, 12].map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_every_letter_and_near_misses_by_what_is_meant() {
        let misspelt = |meant| Some(ReadKey::Misspelt(Some(meant)));
        for (key, read) in [
            ("azure.workload.identity/client-id", Some(ReadKey::Known(IdentityKey::ClientId))),
            ("azure.workload.identity/use-identity-binding", Some(ReadKey::Known(IdentityKey::UseCustomEndpoint))),
            ("azure.workload.identity/client_id", misspelt(IdentityKey::ClientId)),
            ("azure.workload.identity/clientId", misspelt(IdentityKey::ClientId)),
            ("azure.workload.identity/clientid", misspelt(IdentityKey::ClientId)),
            ("azure.workload-identity/client-id", misspelt(IdentityKey::ClientId)),
            ("azure-workload-identity/use", misspelt(IdentityKey::Use)),
            ("azure.workload.identity.io/use", misspelt(IdentityKey::Use)),
            ("azure.workload.identity/tenantID", misspelt(IdentityKey::TenantId)),
            ("azure.workload.identity/Use", misspelt(IdentityKey::Use)),
            ("azure.workload.identity/skip-container", misspelt(IdentityKey::SkipContainers)),
            ("azure.workload.identity/note", Some(ReadKey::Misspelt(None))),
            ("azure-workload-identity.io/system", None),
            ("app.kubernetes.io/name", None),
            ("client-id", None),
            ("use", None),
        ] {
            assert_eq!(IdentityKey::read(key), read, "{key}");
        }
    }
}
