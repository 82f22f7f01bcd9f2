//! Classifies a value of `config.service.endpoint`.
//!
//! Version 2 of the configuration API is `{name}.configuration.azure-api.net`, with or without `https://`, and allows
//! custom host names (MicrosoftDocs/azure-docs, articles/api-management/self-hosted-gateway-overview.md); version 1,
//! `{name}.management.azure-api.net/subscriptions/…`, was retired on 1 October 2023
//! (self-hosted-gateway-migration-guide.md, breaking-changes/self-hosted-gateway-v0-v1-retirement-oct-2023.md).

use super::environment::is_too_long;

/// The form of a value of `config.service.endpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointForm {
    /// Empty or only whitespace.
    Empty,
    /// Another host in API Management's domain, such as that of the gateway's own traffic (`{name}.azure-api.net`), or a
    /// misspelled one. It is never the configuration API's.
    GatewayHost,
    /// No valid address: it has no host, contains whitespace, a placeholder or a scheme other than `https`, or is too long.
    Malformed,
    /// An address of version 1 of the configuration API, or of Azure Resource Manager.
    Retired,
    /// A valid address that is not retired.
    Usable,
}

impl EndpointForm {
    /// Returns true if the host of an address is Azure Resource Manager's.
    pub fn is_resource_manager(text: &str) -> bool {
        let address = text.trim().to_ascii_lowercase();
        is_resource_manager(host_of(&address))
    }

    /// Classifies the value `text` of `config.service.endpoint`.
    pub fn of(text: &str) -> Self {
        if is_too_long(text) {
            return Self::Malformed;
        }
        let trimmed = text.trim();
        let lower = trimmed.to_ascii_lowercase();
        let address = lower.strip_prefix("https://").unwrap_or(&lower);
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
        // a trailing dot is valid: with it the resolver does not try the cluster's search domains first
        let host = host.strip_suffix('.').unwrap_or(host);
        match () {
            () if trimmed.is_empty() => Self::Empty,
            () if is_retired(&lower) => Self::Retired,
            () if trimmed.len() < text.len() => Self::Malformed,
            () if !(is_host(host) && port.is_none_or(is_port) && path.bytes().all(is_path_byte)) => Self::Malformed,
            () if is_gateway_host(host) => Self::GatewayHost,
            () => Self::Usable,
        }
    }
}

/// The domain of API Management in each cloud, with the dot before it.
const DOMAINS: [&str; 3] = [".azure-api.net", ".azure-api.cn", ".azure-api.us"];

/// Returns true for a host of API Management that is not below `configuration`: the first label is the name of the
/// instance, and a second one names another endpoint, such as `developer` or a region.
fn is_gateway_host(host: &str) -> bool {
    let name = DOMAINS.iter().find_map(|domain| host.strip_suffix(domain));
    name.is_some_and(|name| !name.ends_with(".configuration"))
}

/// Returns true if the text, which may be malformed, is or was an address of a gateway's configuration API: version 2,
/// version 1, or that of Azure Resource Manager for an API Management instance.
pub(super) fn is_configuration_endpoint(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // a placeholder such as `{{ .Values.name }}` contains whitespace
    let after_placeholder = lower.rsplit_once("}}").map_or(lower.as_str(), |(_, rest)| rest);
    let host = host_of(after_placeholder.trim());
    let names_host_of = |service: &str| {
        DOMAINS.iter().any(|domain| host.strip_suffix(domain).is_some_and(|name| name.ends_with(service)))
    };
    names_host_of(".configuration")
        || names_host_of(".management")
        || is_resource_manager(host)
        || (lower.contains("/subscriptions/") && lower.contains("/microsoft.apimanagement/"))
}

/// Longest name of a host (RFC 1035).
const HOST_BYTES: usize = 253;
/// The part of an address in which its host is searched.
const SCHEME_AND_HOST_BYTES: usize = HOST_BYTES + "https://".len() + 1;

/// The host of an address, with or without a scheme; the text before the first character that ends a host.
fn host_of(address: &str) -> &str {
    let beginning = address.floor_char_boundary(SCHEME_AND_HOST_BYTES);
    let address = address.get(..beginning).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = |character: char| matches!(character, '/' | ':' | '?' | '#') || character.is_whitespace();
    let is_noise = |character: char| !character.is_ascii_alphanumeric() && !matches!(character, '}' | '>' | ')');
    address.split(end).next().unwrap_or_default().trim_end_matches(is_noise)
}

/// Returns true for the host of Azure Resource Manager in one of the clouds.
fn is_resource_manager(host: &str) -> bool {
    host.starts_with("management.azure.")
        || matches!(host, "management.chinacloudapi.cn" | "management.usgovcloudapi.net")
}

/// Returns true for an address of version 1, even if it is also malformed: the retirement is the more useful finding.
fn is_retired(address: &str) -> bool {
    let host = host_of(address);
    DOMAINS.iter().any(|domain| host.strip_suffix(domain).is_some_and(|name| name.ends_with(".management")))
        || is_resource_manager(host)
        || address.contains("/subscriptions/")
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() <= HOST_BYTES && host.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/%?=&+,:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_endpoint_is_classified() {
        for (text, endpoint) in [
            ("contoso.configuration.azure-api.net", EndpointForm::Usable),
            ("https://contoso.configuration.azure-api.net", EndpointForm::Usable),
            ("HTTPS://contoso.configuration.azure-api.net/", EndpointForm::Usable),
            ("https://gateway.contoso.example:8443", EndpointForm::Usable),
            ("contoso.configuration.azure-api.cn", EndpointForm::Usable),
            ("contoso.azure-api.net", EndpointForm::GatewayHost),
            ("https://contoso-westeurope-01.regional.azure-api.net/", EndpointForm::GatewayHost),
            ("contoso.configuraton.azure-api.net", EndpointForm::GatewayHost),
            ("contoso.developer.azure-api.us", EndpointForm::GatewayHost),
            ("https://management.chinacloudapi.cn/subscriptions/x", EndpointForm::Retired),
            ("contoso.configuration.azure-api.net.", EndpointForm::Usable),
            ("https://contoso.management.azure-api.net./", EndpointForm::Retired),
            ("http://contoso.management.azure-api.net", EndpointForm::Retired),
            (" https://contoso.management.azure-api.net", EndpointForm::Retired),
            ("contoso.management.azure-api.net?api-version=2019-12-01", EndpointForm::Retired),
            ("", EndpointForm::Empty),
            (" \n", EndpointForm::Empty),
            ("https://contoso.management.azure-api.net/subscriptions/x?api-version=2019-12-01", EndpointForm::Retired),
            ("contoso.management.azure-api.net", EndpointForm::Retired),
            ("https://contoso.management.azure-api.net:3443/", EndpointForm::Retired),
            ("https://management.azure.com/subscriptions/x/resourceGroups/y", EndpointForm::Retired),
            ("https://management.azure.com", EndpointForm::Retired),
            ("http://contoso.configuration.azure-api.net", EndpointForm::Malformed),
            ("https://<service-name>.configuration.azure-api.net", EndpointForm::Malformed),
            ("https://{apim-name}.configuration.azure-api.net", EndpointForm::Malformed),
            ("$(APIM).configuration.azure-api.net", EndpointForm::Malformed),
            ("contoso.configuration.azure-api.net\n", EndpointForm::Malformed),
            (" contoso.configuration.azure-api.net", EndpointForm::Malformed),
            ("=contoso.configuration.azure-api.net", EndpointForm::Malformed),
            ("https://", EndpointForm::Malformed),
            ("contoso..azure-api.net", EndpointForm::Malformed),
            ("contoso.azure-api.net:port", EndpointForm::Malformed),
            ("contoso.configuration.azure-api.net:0", EndpointForm::Malformed),
            ("contoso.configuration.azure-api.net:65536", EndpointForm::Malformed),
            ("contoso.configuration.azure-api.net/path-1/?a=b", EndpointForm::Usable),
            ("contoso.configuration.azure-api.net/a path", EndpointForm::Malformed),
            ("paste URL here", EndpointForm::Malformed),
        ] {
            assert_eq!(EndpointForm::of(text), endpoint, "{text:?}");
        }
    }

    #[test]
    fn only_an_address_of_a_configuration_api_identifies_a_gateway() {
        for text in [
            "contoso.configuration.azure-api.net",
            "https://contoso.configuration.azure-api.us/",
            "http://contoso.configuration.azure-api.cn:443",
            " contoso.configuration.azure-api.net\n",
            "\"https://contoso.configuration.azure-api.net\"",
            "${NAME}.configuration.azure-api.net",
            "https://{{ .Values.name }}.configuration.azure-api.net",
            "https://contoso.management.azure-api.net/subscriptions/x?api-version=2019-12-01",
            "https://management.azure.com/subscriptions/x",
            "management.usgovcloudapi.net",
            "arm.example/subscriptions/x/providers/Microsoft.ApiManagement/service/y",
        ] {
            assert!(is_configuration_endpoint(text), "{text:?}");
        }
        assert!(EndpointForm::is_resource_manager(" https://Management.Azure.com/subscriptions/x"));
        assert!(!EndpointForm::is_resource_manager("contoso.management.azure-api.net"));
        for text in [
            "",
            "http://config-server.platform.svc:8888",
            "https://contoso.azure-api.net/config-server",
            "https://pubsub.example/subscriptions/x",
            "https://example.com/?next=contoso.configuration.azure-api.net",
            "configuration.azure-api.net.example.com",
            "${ENDPOINT}",
        ] {
            assert!(!is_configuration_endpoint(text), "{text:?}");
        }
    }
}
