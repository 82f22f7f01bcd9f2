//! Classifies a value of `config.service.endpoint`.
//!
//! Version 2 of the configuration API is `{name}.configuration.azure-api.net`, with or without `https://`, and allows
//! custom host names (MicrosoftDocs/azure-docs, articles/api-management/self-hosted-gateway-overview.md); version 1,
//! `{name}.management.azure-api.net/subscriptions/…`, was retired on 1 October 2023
//! (self-hosted-gateway-migration-guide.md, breaking-changes/self-hosted-gateway-v0-v1-retirement-oct-2023.md).

/// The form of a value of `config.service.endpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointForm {
    /// Empty or only whitespace.
    Empty,
    /// No valid address: it has no host, or contains whitespace, a placeholder or a scheme other than `https`.
    Malformed,
    /// An address of version 1 of the configuration API, or of Azure Resource Manager.
    Retired,
    /// A valid address that is not retired.
    Usable,
}

impl EndpointForm {
    /// Classifies the value `text` of `config.service.endpoint`.
    pub fn of(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let address = lower.strip_prefix("https://").unwrap_or(&lower);
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
        // a trailing dot is valid: with it the resolver does not try the cluster's search domains first
        let host = host.strip_suffix('.').unwrap_or(host);
        match () {
            () if text.trim().is_empty() => Self::Empty,
            () if is_retired(lower.trim()) => Self::Retired,
            () if is_host(host) && port.is_none_or(is_port) && path.bytes().all(is_path_byte) => Self::Usable,
            () => Self::Malformed,
        }
    }
}

/// Returns true for an address of version 1, even if it is also malformed: the retirement is the more useful finding.
fn is_retired(address: &str) -> bool {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = address.split(['/', ':', '?', '#']).next().unwrap_or_default().trim_end_matches('.');
    [".management.azure-api.net", ".management.azure-api.cn", ".management.azure-api.us"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
        || host.starts_with("management.azure.")
        || address.contains("/subscriptions/")
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label)
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
            ("paste URL here", EndpointForm::Malformed),
        ] {
            assert_eq!(EndpointForm::of(text), endpoint, "{text:?}");
        }
    }
}
