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

/// The other documented settings below `config.service.auth`, in the form that is compared.
const OTHER_AUTH: [&str; 3] = [
    "config.service.auth.azuread.certificatepath",
    "config.service.auth.azuread.clientid",
    "config.service.auth.azuread.tenantid",
];

/// The names, in the form that is compared, that a key of a `ConfigMap` can complete behind an `envFrom[].prefix` so that
/// the container authenticates to the configuration API.
const COMPLETED: [&str; 4] = [
    "config.service.auth",
    "config.service.auth.key",
    "config.service.auth.azuread.clientsecret",
    "config.service.endpoint",
];

/// Longest key, in bytes, that can complete one of [`COMPLETED`]: a host prefix, and a separator of two characters for
/// each dot.
const COMPLETING_BYTES: usize = "aspnetcore_config__service__auth__azuread__clientsecret".len();

/// Longest name of a setting, in bytes: as in [`COMPLETING_BYTES`]. A longer name of any length costs nothing.
const SETTING_BYTES: usize = "aspnetcore_config__service__auth__azuread__certificatepath".len();

/// Prefixes of environment variables that .NET's hosts remove, in the form that is compared.
const HOST_PREFIXES: [&str; 2] = ["dotnet_", "aspnetcore_"];

/// A setting that a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `config.service.auth`: how the gateway authenticates.
    Auth,
    /// `config.service.auth.key`: the auth key, as the token article of 2026 sets it.
    AuthKey,
    /// `config.service.auth.azureAd.authority`: the address of Entra.
    Authority,
    /// `config.service.auth.azureAd.clientSecret`: the client secret of an Entra app.
    ClientSecret,
    /// `config.service.endpoint`: the address of the configuration API.
    Endpoint,
    /// `gateway.name`: name of the gateway resource in API Management; required for Entra authentication.
    GatewayName,
    /// `k8s.ingress.enabled`: an experimental mode that may work without the configuration API.
    IngressEnabled,
    /// Any other documented setting below `config.service.auth`.
    OtherAuth,
    /// `config.service.auth.tokenAudience`: the audience of the token for the configuration API.
    TokenAudience,
}

impl Setting {
    /// The setting that an environment variable or a `ConfigMap` key of this name sets; `None` if no rule reads it.
    pub fn of(name: &str) -> Option<Self> {
        // fast path: the length and the first letter exclude most names
        if name.len() > SETTING_BYTES {
            return None;
        }
        let name = if name.starts_with(['a', 'A', 'd', 'D']) { without_host_prefix(name) } else { name };
        name.starts_with(['c', 'C', 'g', 'G', 'k', 'K']).then_some(())?;
        let name = normalized(name);
        match name.as_ref() {
            "config.service.auth" => Some(Self::Auth),
            "config.service.auth.key" => Some(Self::AuthKey),
            "config.service.auth.azuread.authority" => Some(Self::Authority),
            "config.service.auth.azuread.clientsecret" => Some(Self::ClientSecret),
            "config.service.auth.tokenaudience" => Some(Self::TokenAudience),
            "config.service.endpoint" => Some(Self::Endpoint),
            "gateway.name" => Some(Self::GatewayName),
            "k8s.ingress.enabled" => Some(Self::IngressEnabled),
            other if OTHER_AUTH.contains(&other) => Some(Self::OtherAuth),
            _ => None,
        }
    }

    /// The setting that a key sets behind an `envFrom[].prefix`.
    pub(super) fn behind(prefix: &str, key: &str) -> Option<Self> {
        if prefix.is_empty() {
            return Self::of(key);
        }
        let is_short = prefix.len() + key.len() <= SETTING_BYTES;
        is_short.then(|| format!("{prefix}{key}")).and_then(|name| Self::of(&name))
    }

    /// The name as Microsoft spells it; `config.service.auth.*` for [`Setting::OtherAuth`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "config.service.auth",
            Self::AuthKey => "config.service.auth.key",
            Self::Authority => "config.service.auth.azureAd.authority",
            Self::ClientSecret => "config.service.auth.azureAd.clientSecret",
            Self::Endpoint => "config.service.endpoint",
            Self::GatewayName => "gateway.name",
            Self::IngressEnabled => "k8s.ingress.enabled",
            Self::OtherAuth => "config.service.auth.*",
            Self::TokenAudience => "config.service.auth.tokenAudience",
        }
    }

    /// Returns true for the documented settings of `config.service.*` with which a gateway finds its configuration API
    /// and authenticates to it. A container that sets one of these is recognized as a gateway's; [`Setting::Endpoint`]
    /// depends on its value. Applications of other kinds have settings of their own with names that begin in the same way.
    pub fn is_config_service(self) -> bool {
        !matches!(self, Self::GatewayName | Self::IngressEnabled)
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

/// Returns true if some `envFrom[].prefix` makes one of [`COMPLETED`] of this key, in any spelling.
pub(super) fn key_can_complete_setting(key: &str) -> bool {
    // fast path: the length and the last letter exclude most keys
    if key.len() > COMPLETING_BYTES || !key.ends_with(['h', 'H', 'y', 'Y', 't', 'T']) {
        return false;
    }
    let is_end = |end: &str| {
        COMPLETED.iter().any(|name| {
            let host = end.strip_suffix(name).filter(|host| !host.is_empty());
            name.ends_with(end) || host.is_some_and(|host| HOST_PREFIXES.iter().any(|prefix| prefix.ends_with(host)))
        })
    };
    let end = normalized(key);
    // a first underscore can form the separator `__` with the last underscore of the prefix
    is_end(&end) || end.strip_prefix('_').is_some_and(|rest| is_end(&format!(".{rest}")))
}

/// Returns true if this `envFrom[].prefix` alone makes every key a `config.service.*` name.
pub(super) fn prefix_makes_config_service(prefix: &str) -> bool {
    // the beginning decides, in any spelling
    let beginning = prefix.get(..prefix.floor_char_boundary(SETTING_BYTES)).unwrap_or_default();
    normalized(beginning).starts_with(CONFIG_SERVICE)
}

/// Returns true if some key can form the name of a credential or of the endpoint, in any spelling, together with this
/// `envFrom[].prefix`, or if the prefix alone makes every key a `config.service.*` name.
pub fn prefix_can_make_setting(prefix: &str) -> bool {
    prefix_makes_config_service(prefix) || prefix_can_make(prefix, &COMPLETED)
}

/// Returns true if some key can form `config.service.auth` or `config.service.auth.key`, in any spelling, together with
/// this `envFrom[].prefix`.
pub fn prefix_can_make_auth(prefix: &str) -> bool {
    prefix_can_make(prefix, &[Setting::Auth, Setting::AuthKey].map(Setting::name))
}

/// Returns true if some key can form one of `names`, in any spelling, together with this `envFrom[].prefix`.
fn prefix_can_make(prefix: &str, names: &[&str]) -> bool {
    let begins_name = |prefix: &str| {
        let start = normalized(prefix);
        let begins_after = |host: &str| match start.strip_prefix(host) {
            Some(rest) => names.iter().any(|name| name.starts_with(rest)),
            None => host.starts_with(start.as_ref()),
        };
        begins_after("") || HOST_PREFIXES.into_iter().any(begins_after)
    };
    if prefix.is_empty() || prefix.len() > SETTING_BYTES {
        return prefix.is_empty();
    }
    // a final underscore can form the separator `__` with the first underscore of the key
    begins_name(prefix) || prefix.strip_suffix('_').is_some_and(|start| begins_name(&format!("{start}.")))
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
        assert_eq!(Setting::of("config.service.auth.azureAd.clientId"), Some(Setting::OtherAuth));
        assert_eq!(Setting::of("config.service.url"), None);
        assert_eq!(Setting::of("GATEWAY__NAME"), Some(Setting::GatewayName));
        for name in ["DOTNET_config.service.auth", "aspnetcore_CONFIG__SERVICE__AUTH", "Dotnet_config:service:auth"] {
            assert_eq!(Setting::of(name), Some(Setting::Auth), "{name}");
        }
        for name in ["DOTNET__config.service.auth", "DOTNET_DOTNET_config.service.auth", "NET_config.service.auth"] {
            assert_eq!(Setting::of(name), None, "{name}");
        }
    }

    #[test]
    fn the_longest_spelling_of_each_setting_is_known() {
        use Setting::{
            Auth, AuthKey, Authority, ClientSecret, Endpoint, GatewayName, IngressEnabled, OtherAuth, TokenAudience,
        };
        let of_names = [Auth, AuthKey, Authority, ClientSecret, Endpoint, GatewayName, IngressEnabled, TokenAudience]
            .map(|setting| (setting.name(), setting));
        for (name, setting) in of_names.into_iter().chain(OTHER_AUTH.map(|name| (name, OtherAuth))) {
            let longest = format!("aspnetcore_{}", name.replace('.', "__"));
            assert_eq!(Setting::of(&longest), Some(setting), "{longest}");
            let splits = (0..longest.len()).map(|at| longest.split_at(at));
            for (prefix, key) in splits {
                assert_eq!(Setting::behind(prefix, key), Some(setting), "{prefix} {key}");
            }
        }
    }

    #[test]
    fn a_prefix_of_any_length_is_compared() {
        for start in ["config.service.", "CONFIG__SERVICE__", "config:service.", "Config__Service___"] {
            let prefix = format!("{start}{}", "é_".repeat(1000));
            assert!(prefix_makes_config_service(&prefix) && prefix_can_make_setting(&prefix), "{start}");
            assert!(!prefix_can_make_auth(&prefix), "{start}");
        }
        assert!(!prefix_makes_config_service("config.service") && !prefix_makes_config_service("config__service_"));
    }

    #[test]
    fn every_end_of_a_setting_can_complete_it() {
        let spellings = COMPLETED.iter().flat_map(|name| {
            let upper = name.replace('.', "__").to_ascii_uppercase();
            [upper.clone(), upper.replace("__", ":"), format!("dotnet_{upper}"), format!("ASPNETCORE_{upper}")]
        });
        let splits = spellings.flat_map(|spelling| {
            let split = |at| spelling.split_at(at);
            (0..spelling.len()).map(split).map(|(prefix, key)| (prefix.to_owned(), key.to_owned())).collect::<Vec<_>>()
        });
        for (prefix, key) in splits {
            assert!(key_can_complete_setting(&key), "{prefix} {key}");
        }
        for key in
            ["", "telemetry.logs.std", "path", "config.service.auth.tokenAudience", "xauth", "NETconfig.service.auth"]
        {
            assert!(!key_can_complete_setting(key), "{key}");
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

    #[test]
    fn every_setting_has_the_name_of_microsofts_reference() {
        for setting in [
            Setting::Auth,
            Setting::AuthKey,
            Setting::Authority,
            Setting::ClientSecret,
            Setting::Endpoint,
            Setting::GatewayName,
            Setting::IngressEnabled,
            Setting::TokenAudience,
        ] {
            assert_eq!(Setting::of(setting.name()), Some(setting));
        }
        assert!(OTHER_AUTH.iter().all(|name| Setting::of(name) == Some(Setting::OtherAuth)));
    }

    #[test]
    fn a_finding_covers_the_same_setting_or_both_auth_settings() {
        for (setting, other, is_reported) in [
            (Setting::Auth, Setting::Auth, true),
            (Setting::Auth, Setting::AuthKey, true),
            (Setting::GatewayName, Setting::GatewayName, true),
            (Setting::Auth, Setting::ClientSecret, false),
            (Setting::GatewayName, Setting::AuthKey, false),
        ] {
            assert_eq!(setting.is_reported_with(other), is_reported, "{setting:?} {other:?}");
        }
    }

    #[test]
    fn a_prefix_of_config_service_names_makes_settings() {
        for (prefix, can_make, makes_each) in [
            ("config.service.", true, true),
            ("CONFIG__SERVICE__x", true, true),
            ("config.service", true, false),
            ("DOTNET_", true, false),
            ("telemetry.", false, false),
        ] {
            assert_eq!(prefix_can_make_setting(prefix), can_make, "{prefix}");
            assert_eq!(prefix_makes_config_service(prefix), makes_each, "{prefix}");
        }
    }
}
