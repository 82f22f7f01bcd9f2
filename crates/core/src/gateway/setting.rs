//! The gateway's settings that rules read, and how their names are compared.
//!
//! Names: the settings reference (MicrosoftDocs/azure-docs,
//! articles/api-management/self-hosted-gateway-settings-reference.md). .NET's configuration ignores case in names and
//! accepts `__` and `:` as separators. .NET's hosts also read environment variables with the prefixes `DOTNET_` and
//! `ASPNETCORE_` and remove the prefix (learn.microsoft.com/dotnet/core/extensions/generic-host,
//! learn.microsoft.com/aspnet/core/fundamentals/host/web-host). How the gateway itself compares names is not documented,
//! so every spelling that .NET accepts counts.

use std::borrow::Cow;

/// Prefix of every setting that a gateway needs to reach its configuration API.
const CONFIG_SERVICE: &str = "config.service.";

/// Prefixes of environment variables that .NET's hosts remove, in the form that is compared.
const HOST_PREFIXES: [&str; 2] = ["dotnet_", "aspnetcore_"];

/// A setting that a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `config.service.auth`: how the gateway authenticates.
    Auth,
    /// `config.service.auth.key`: the auth key, as the token article of 2026 sets it.
    AuthKey,
    /// `config.service.auth.azureAd.clientSecret`: the client secret of an Entra app.
    ClientSecret,
    /// `config.service.endpoint`: the address of the configuration API.
    Endpoint,
    /// `gateway.name`: name of the gateway resource in API Management; required for Entra authentication.
    GatewayName,
    /// `k8s.ingress.enabled`: an experimental mode that may work without the configuration API.
    IngressEnabled,
    /// Any other name that starts with `config.service.`.
    OtherConfigService,
}

impl Setting {
    /// The setting that an environment variable or a `ConfigMap` key of this name sets; `None` if no rule reads it.
    pub fn of(name: &str) -> Option<Self> {
        // fast path: the first letter excludes most names
        let name = if name.starts_with(['a', 'A', 'd', 'D']) { without_host_prefix(name) } else { name };
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

    /// The name as Microsoft spells it; `config.service.*` for [`Setting::OtherConfigService`].
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

    /// Returns true for `config.service.*`: a container that sets one of these is recognized as a gateway's.
    pub fn is_config_service(self) -> bool {
        matches!(self, Self::Auth | Self::AuthKey | Self::ClientSecret | Self::Endpoint | Self::OtherConfigService)
    }

    /// Returns true if a finding about one of the two settings also covers the other: they are the same, or both decide
    /// how the gateway authenticates.
    pub fn is_reported_with(self, other: Self) -> bool {
        self == other || (self.is_auth() && other.is_auth())
    }

    /// Returns true if the value decides how the gateway authenticates: `config.service.auth` or
    /// `config.service.auth.key`.
    pub fn is_auth(self) -> bool {
        matches!(self, Self::Auth | Self::AuthKey)
    }
}

/// Returns true if this `envFrom[].prefix` alone makes every key a `config.service.*` name.
pub(super) fn prefix_makes_config_service(prefix: &str) -> bool {
    normalized(prefix).starts_with(CONFIG_SERVICE)
}

/// Returns true if some key can form `config.service.auth` or `config.service.auth.key`, in any spelling, together with
/// this `envFrom[].prefix`.
pub fn prefix_can_make_auth(prefix: &str) -> bool {
    let begins_auth = |prefix: &str| {
        let start = normalized(prefix);
        let names = || [Setting::Auth, Setting::AuthKey].map(Setting::name);
        let begins_after = |host: &str| match start.strip_prefix(host) {
            Some(rest) => names().iter().any(|name| name.starts_with(rest)),
            None => host.starts_with(start.as_ref()),
        };
        begins_after("") || HOST_PREFIXES.into_iter().any(begins_after)
    };
    // a final underscore can form the separator `__` with the first underscore of the key
    begins_auth(prefix) || prefix.strip_suffix('_').is_some_and(|start| begins_auth(&format!("{start}.")))
}

/// Returns true if a key that is not itself a name of the auth setting can become one by this `envFrom[].prefix`. The
/// review of the `ConfigMap` cannot recognize such a key.
pub fn prefix_can_hide_auth(prefix: &str) -> bool {
    let is_host_prefix = HOST_PREFIXES.iter().any(|host| host.eq_ignore_ascii_case(prefix));
    !prefix.is_empty() && !is_host_prefix && prefix_can_make_auth(prefix)
}

/// The name of an environment variable without the prefix that a .NET host removes.
fn without_host_prefix(name: &str) -> &str {
    let is_host_prefix = |host: &&str| name.get(..host.len()).is_some_and(|start| start.eq_ignore_ascii_case(host));
    let prefix = HOST_PREFIXES.iter().find(|host| is_host_prefix(host));
    prefix.and_then(|host| name.get(host.len()..)).unwrap_or(name)
}

/// A name in the form that is compared: lower case, with `.` for `__` and `:`. Kubernetes allows only ASCII in these
/// names.
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
    fn names_are_compared_as_in_dotnet() {
        for name in ["config.service.auth", "CONFIG__SERVICE__AUTH", "Config:Service:Auth", "config__service.AUTH"] {
            assert_eq!(Setting::of(name), Some(Setting::Auth), "{name}");
        }
        for name in ["config.service", "config_service_auth", "configXserviceXauth", "my.config.service.auth", ""] {
            assert_eq!(Setting::of(name), None, "{name}");
        }
        assert_eq!(Setting::of("config.service.auth.azureAd.clientId"), Some(Setting::OtherConfigService));
        assert_eq!(Setting::of("GATEWAY__NAME"), Some(Setting::GatewayName));
        for name in ["DOTNET_config.service.auth", "aspnetcore_CONFIG__SERVICE__AUTH", "Dotnet_config:service:auth"] {
            assert_eq!(Setting::of(name), Some(Setting::Auth), "{name}");
        }
        for name in ["DOTNET__config.service.auth", "DOTNET_DOTNET_config.service.auth", "NET_config.service.auth"] {
            assert_eq!(Setting::of(name), None, "{name}");
        }
    }

    #[test]
    fn detects_prefixes_that_can_make_an_auth_setting() {
        for prefix in [
            "",
            "config",
            "config.service.",
            "CONFIG__",
            "config_",
            "config__service_",
            "config.service.auth",
            "config.service.auth.",
            "D",
            "DOTNET_",
            "dotnet_config.",
            "ASPNETCORE_CONFIG__",
            "aspnet",
        ] {
            assert!(prefix_can_make_auth(prefix), "{prefix}");
            let is_visible_in_the_key = ["", "DOTNET_"].contains(&prefix);
            assert_eq!(prefix_can_hide_auth(prefix), !is_visible_in_the_key, "{prefix}");
        }
        for prefix in [
            "telemetry.",
            "x",
            "config.services",
            "configs",
            "config-",
            "_",
            "config.service.auth.key.x",
            "DOTNET_x",
            "DOTNET__",
        ] {
            assert!(!prefix_can_make_auth(prefix), "{prefix}");
        }
    }
}
