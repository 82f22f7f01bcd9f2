//! The gateway's settings that rules read, and how a name is compared.
//!
//! Names: the settings reference (MicrosoftDocs/azure-docs, articles/api-management/self-hosted-gateway-settings-reference.md).
//! .NET's configuration reads names without case and takes `__` and `:` for the separator; how the gateway itself
//! compares is not documented, so the widest equivalence counts.

use std::borrow::Cow;

/// Prefix of every setting by which a gateway reaches its configuration.
const CONFIG_SERVICE: &str = "config.service.";

/// A setting that a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `config.service.auth`: how the gateway signs in.
    Auth,
    /// `config.service.auth.key`: the key, in the form of the token article of 2026.
    AuthKey,
    /// `config.service.auth.azureAd.clientSecret`: the secret of an Entra app.
    ClientSecret,
    /// `config.service.endpoint`: where its configuration is.
    Endpoint,
    /// `gateway.name`: which gateway resource it is; needed with Entra sign-in.
    GatewayName,
    /// `k8s.ingress.enabled`: an experimental mode that may need no configuration API at all.
    IngressEnabled,
    /// Any other `config.service.…`.
    OtherConfigService,
}

impl Setting {
    /// The setting that a name of an environment variable or `ConfigMap` key stands for, if a rule reads it.
    pub fn of(name: &str) -> Option<Self> {
        // nearly every name is none, and most are told from one by their first letter
        name.starts_with(['c', 'C', 'g', 'G', 'k', 'K']).then_some(())?;
        let name = normalized(name);
        match name.as_ref() {
            "config.service.auth" => Some(Self::Auth),
            "config.service.auth.key" => Some(Self::AuthKey),
            "config.service.auth.azuread.clientsecret" => Some(Self::ClientSecret),
            "config.service.endpoint" => Some(Self::Endpoint),
            "gateway.name" => Some(Self::GatewayName),
            "k8s.ingress.enabled" => Some(Self::IngressEnabled),
            other if other.starts_with(CONFIG_SERVICE) => Some(Self::OtherConfigService),
            _ => None,
        }
    }

    /// The name as Microsoft writes it; only settings that a remedy writes or a sentence names have one of their own.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "config.service.auth",
            Self::AuthKey => "config.service.auth.key",
            Self::ClientSecret => "config.service.auth.azureAd.clientSecret",
            Self::Endpoint => "config.service.endpoint",
            Self::GatewayName => "gateway.name",
            Self::IngressEnabled => "k8s.ingress.enabled",
            Self::OtherConfigService => "config.service.*",
        }
    }

    /// Is it one of `config.service.*`, by which a gateway is recognised?
    pub fn is_config_service(self) -> bool {
        matches!(self, Self::Auth | Self::AuthKey | Self::ClientSecret | Self::Endpoint | Self::OtherConfigService)
    }

    /// Is what is wrong with one said where the other stands?
    pub fn is_sort_of(self, other: Self) -> bool {
        self == other || (self.is_auth() && other.is_auth())
    }

    /// Does its value decide how the gateway signs in?
    pub fn is_auth(self) -> bool {
        matches!(self, Self::Auth | Self::AuthKey)
    }
}

/// Does an `envFrom` prefix alone make every key a `config.service.*` name?
pub(super) fn prefix_makes_config_service(prefix: &str) -> bool {
    normalized(prefix).starts_with(CONFIG_SERVICE)
}

/// Can some key, put behind this `envFrom` prefix, become a setting that decides how the gateway signs in?
pub fn prefix_can_make_auth(prefix: &str) -> bool {
    let reaches =
        |start: &str| [Setting::Auth, Setting::AuthKey].iter().any(|setting| setting.name().starts_with(start));
    // a prefix that ends in one underscore may become a separator with the key's own first underscore
    reaches(&normalized(prefix))
        || prefix.strip_suffix('_').is_some_and(|start| reaches(&format!("{}.", normalized(start))))
}

/// A name as it is compared: lower case, `.` for `__` and `:`. Kubernetes allows only ASCII in these names.
fn normalized(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b':') {
        Cow::Owned(name.to_ascii_lowercase().replace("__", ".").replace(':', "."))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_dotnet_does() {
        for name in ["config.service.auth", "CONFIG__SERVICE__AUTH", "Config:Service:Auth", "config__service.AUTH"] {
            assert_eq!(Setting::of(name), Some(Setting::Auth), "{name}");
        }
        for name in ["config.service", "config_service_auth", "configXserviceXauth", "my.config.service.auth", ""] {
            assert_eq!(Setting::of(name), None, "{name}");
        }
        assert_eq!(Setting::of("config.service.auth.azureAd.clientId"), Some(Setting::OtherConfigService));
        assert_eq!(Setting::of("GATEWAY__NAME"), Some(Setting::GatewayName));
    }

    #[test]
    fn a_prefix_reaches_the_sign_in() {
        for prefix in [
            "",
            "config",
            "config.service.",
            "CONFIG__",
            "config_",
            "config__service_",
            "config.service.auth",
            "config.service.auth.",
        ] {
            assert!(prefix_can_make_auth(prefix), "{prefix}");
        }
        for prefix in ["telemetry.", "x", "config.services", "configs", "config-", "_", "config.service.auth.key.x"] {
            assert!(!prefix_can_make_auth(prefix), "{prefix}");
        }
    }
}
