//! The table of what can be set for a namespace: each key with its names in the policy document and on a Namespace, and
//! the form of its values. Document, annotations, the chart's schema and `doctor` use this one table.

use crate::gateway::well_known::OUR_PREFIX;
use crate::gateway::{is_gateway_name, is_guid};
use semver::Version;
use strum::VariantArray;

/// The first image version that supports workload identity (release notes Container-v2.11.0).
/// A policy can raise this minimum, never lower it.
pub const FIRST_VERSION: Version = Version::new(2, 11, 0);

/// What can be set for a namespace. The variants are in the order of their names in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum NamespaceSetting {
    /// Secrets that a gateway may reference by `envFrom`. Only the document can allow them.
    AllowedSecrets,
    /// Client ids of `ServiceAccount`s.
    ClientId,
    /// `ConfigMap`s of gateways.
    ConfigMap,
    /// Names of gateway resources. As a default it would give every gateway of the cluster one name.
    GatewayName,
    /// The oldest image version.
    MinimumVersion,
    /// `ServiceAccount`s of gateways.
    ServiceAccount,
    /// Tenant ids of `ServiceAccount`s.
    TenantId,
}

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub struct ValueForm {
    /// The form, as messages name it.
    pub description: &'static str,
    /// The form as a regular expression, for a JSON schema. It may accept more than `matches`.
    pub pattern: &'static str,
    /// Most characters.
    pub max_length: Option<usize>,
    /// Whether a text has this form.
    pub matches: fn(&str) -> bool,
}

impl NamespaceSetting {
    /// Every key, in the order of the names in the document.
    pub fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// The names in the document of the keys that it may set for all namespaces, or else for one.
    pub(super) const fn fields(is_default: bool) -> &'static [&'static str] {
        if is_default {
            &["allowedSecrets", "clientId", "configMap", "minimumVersion", "serviceAccount", "tenantId"]
        } else {
            &["allowedSecrets", "clientId", "configMap", "gatewayName", "minimumVersion", "serviceAccount", "tenantId"]
        }
    }

    /// Its name in the document.
    pub fn field(self) -> &'static str {
        match self {
            Self::AllowedSecrets => "allowedSecrets",
            Self::ClientId => "clientId",
            Self::ConfigMap => "configMap",
            Self::GatewayName => "gatewayName",
            Self::MinimumVersion => "minimumVersion",
            Self::ServiceAccount => "serviceAccount",
            Self::TenantId => "tenantId",
        }
    }

    /// Its annotation without the prefix `apim-keyless.dev/`; `None` if only the document can set it.
    pub fn annotation(self) -> Option<&'static str> {
        match self {
            Self::AllowedSecrets => None,
            Self::ClientId => Some("client-id"),
            Self::ConfigMap => Some("config-map"),
            Self::GatewayName => Some("gateway-name"),
            Self::MinimumVersion => Some("minimum-version"),
            Self::ServiceAccount => Some("service-account"),
            Self::TenantId => Some("tenant-id"),
        }
    }

    /// Whether the document's `defaults` may set it.
    pub fn can_be_default(self) -> bool {
        self != Self::GatewayName
    }

    /// Whether its value can be a list.
    pub fn can_be_list(self) -> bool {
        self != Self::MinimumVersion
    }

    /// The form of its values.
    pub fn form(self) -> &'static ValueForm {
        match self {
            Self::ClientId | Self::TenantId => &GUID,
            Self::GatewayName => &GATEWAY_NAME,
            Self::MinimumVersion => &MINIMUM_VERSION,
            Self::AllowedSecrets | Self::ConfigMap | Self::ServiceAccount => &OBJECT_NAME,
        }
    }

    /// The key of an annotation.
    pub(super) fn of_annotation(key: &str) -> Option<Self> {
        let name = key.strip_prefix(OUR_PREFIX)?;
        Self::VARIANTS.iter().copied().find(|setting| setting.annotation() == Some(name))
    }

    /// The values in the text of an annotation, such as `a, b`; `None` if one has not the form, or if the text is longer
    /// than [`LIST_BYTES`] or has more than [`LIST_VALUES`]. An empty text has none.
    pub(super) fn values_in(self, text: &str) -> Option<Vec<String>> {
        if text.len() > LIST_BYTES {
            return None;
        }
        let members = || text.split(',').map(str::trim).filter(|one| !one.is_empty());
        let has_form = members().all(self.form().matches) && (self.can_be_list() || members().nth(1).is_none());
        (has_form && members().nth(LIST_VALUES).is_none()).then(|| members().map(str::to_owned).collect())
    }
}

/// Longest list in an annotation, in bytes. Every Namespace that is written is read, also by others than its owner.
const LIST_BYTES: usize = 4096;
/// Most values of a list in an annotation.
const LIST_VALUES: usize = 64;

/// A client id or tenant id of Microsoft Entra.
static GUID: ValueForm = ValueForm {
    description: "a GUID, such as 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
    pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    max_length: None,
    matches: is_guid,
};

/// The name of a Secret, a `ConfigMap` or a `ServiceAccount`: a DNS subdomain (RFC 1123).
static OBJECT_NAME: ValueForm = ValueForm {
    description: "a name of a Kubernetes object: up to 253 lowercase letters, digits, - and .",
    pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
    max_length: Some(253),
    matches: is_object_name,
};

/// The name of a gateway resource in API Management.
static GATEWAY_NAME: ValueForm = ValueForm {
    description: "a name of a gateway resource: up to 80 characters, without outer whitespace, = or placeholders",
    pattern: "^[^\\s*#&+:<>?=${}]([^\\t\\r\\n*#&+:<>?=${}]*[^\\s*#&+:<>?=${}])?$",
    max_length: Some(80),
    matches: |text| !text.trim().is_empty() && is_gateway_name(text),
};

/// An image version from which on gateways support workload identity.
static MINIMUM_VERSION: ValueForm = ValueForm {
    description: "a version of three numbers, 2.11.0 or newer, of up to 9 digits each: a minimum can be raised, never lowered",
    pattern: "^(([3-9]|[1-9][0-9]{1,8})[.][0-9]{1,9}|2[.](1[1-9]|[2-9][0-9]|[1-9][0-9]{2,8}))[.][0-9]{1,9}(-[0-9A-Za-z.-]+)?([+][0-9A-Za-z.-]+)?$",
    max_length: None,
    matches: |text| Version::parse(text).is_ok_and(|version| version >= FIRST_VERSION && has_small_numbers(&version)),
};

/// The first number of more than 9 digits. CEL's numbers end at 2^63, and native policies compare tags of up to 9 digits.
const TOO_LARGE_NUMBER: u64 = 1_000_000_000;

fn has_small_numbers(version: &Version) -> bool {
    [version.major, version.minor, version.patch].into_iter().all(|number| number < TOO_LARGE_NUMBER)
}

/// Whether a text is a DNS subdomain (RFC 1123), as the names of most Kubernetes objects are.
pub(super) fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// Whether a text is a DNS label (RFC 1123), as the name of a Namespace is. The length of a label in a subdomain is not
/// limited by the API server.
pub(super) fn is_dns_label(text: &str) -> bool {
    let is_end = |letter: Option<u8>| letter.is_some_and(|one| one.is_ascii_lowercase() || one.is_ascii_digit());
    is_end(text.bytes().next())
        && is_end(text.bytes().last())
        && text.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_those_of_the_table() {
        for is_default in [false, true] {
            let settings = NamespaceSetting::all().iter().filter(|setting| !is_default || setting.can_be_default());
            let names: Vec<_> = settings.map(|setting| setting.field()).collect();
            assert_eq!(names, NamespaceSetting::fields(is_default));
            assert!(names.is_sorted());
        }
    }

    #[test]
    fn a_value_has_its_form_or_is_malformed() {
        use NamespaceSetting::{ClientId, ConfigMap, GatewayName, MinimumVersion};
        for (setting, text, number) in [
            (ClientId, "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10", Some(1)),
            (ClientId, "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10 ,7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d11", Some(2)),
            (ClientId, "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d1", None),
            (ClientId, " ", Some(0)),
            (ClientId, &" ".repeat(4097), None),
            (ConfigMap, &"a,".repeat(64), Some(64)),
            (ConfigMap, &"a,".repeat(65), None),
            (ConfigMap, "orders.env, a-b", Some(2)),
            (ConfigMap, "orders_env", None),
            (ConfigMap, "Orders", None),
            (ConfigMap, "a..b", None),
            (ConfigMap, "-a", None),
            (GatewayName, "Orders of the shop", Some(1)),
            (GatewayName, "=orders", None),
            (GatewayName, "${name}", None),
            (MinimumVersion, "2.11.0", Some(1)),
            (MinimumVersion, "2.12", None),
            (MinimumVersion, "2.10.9", None),
            (MinimumVersion, "2.11.0-beta", None),
            (MinimumVersion, "2.11.0, 2.12.0", None),
            (MinimumVersion, "999999999.999999999.999999999", Some(1)),
            (MinimumVersion, "1000000000.0.0", None),
            (MinimumVersion, "2.1000000000.0", None),
            (MinimumVersion, "2.11.1000000000", None),
            (MinimumVersion, "18446744073709551615.0.0", None),
            (MinimumVersion, "99999999999999999999.0.0", None),
        ] {
            assert_eq!(setting.values_in(text).map(|values| values.len()), number, "{setting:?} {text}");
        }
        assert!(!is_object_name(&"a".repeat(254)) && is_object_name(&"a".repeat(253)));
    }
}
