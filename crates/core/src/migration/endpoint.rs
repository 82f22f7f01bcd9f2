//! Addresses of older configuration APIs, and what they say about a gateway.
//!
//! Version 1: `https://NAME.management.azure-api.net/subscriptions/…`; Azure Resource Manager:
//! `https://management.azure.com/subscriptions/…/service/NAME/gateways/GATEWAY`; version 2:
//! `NAME.configuration.azure-api.net` (MicrosoftDocs/azure-docs, self-hosted-gateway-migration-guide.md).

/// The domains of API Management in each cloud, with the host of Azure Resource Manager there.
const DOMAINS: [(&str, &str); 3] = [
    ("azure-api.net", "management.azure.com"),
    ("azure-api.cn", "management.chinacloudapi.cn"),
    ("azure-api.us", "management.usgovcloudapi.net"),
];

/// The resource provider of API Management, before the names of its resources in an address.
const PROVIDER: &str = "Microsoft.ApiManagement";

/// The address of version 2 for an address of version 1 or of Azure Resource Manager, which contain the name of the
/// instance. `None` for other addresses, and if the name is a placeholder.
pub fn endpoint_of_version_2(address: &str) -> Option<String> {
    let lower = address.trim().to_ascii_lowercase();
    let host = host_of(&lower);
    DOMAINS.iter().find_map(|(domain, resource_manager)| {
        let name = if host == *resource_manager {
            segment_after(&lower, "service")?
        } else {
            host.strip_suffix(domain)?.strip_suffix(".management.")?
        };
        is_name(name).then(|| configuration_host(name, domain))
    })
}

/// The address of version 2 of the instance whose gateway host, `NAME.azure-api.net`, this address is. `None` for other
/// addresses.
pub fn endpoint_of_gateway_host(address: &str) -> Option<String> {
    let lower = address.trim().to_ascii_lowercase();
    let host = host_of(&lower);
    DOMAINS.iter().find_map(|(domain, _)| {
        let name = host.strip_suffix(domain)?.strip_suffix('.')?;
        is_name(name).then(|| configuration_host(name, domain))
    })
}

/// The name of the gateway in an address that ends in `…/gateways/NAME`.
pub fn gateway_in_address(address: &str) -> Option<String> {
    segment_after(address, "gateways").filter(|name| is_name(name)).map(str::to_owned)
}

/// Whether two addresses are of the same configuration API.
pub fn is_same_endpoint(one: &str, other: &str) -> bool {
    host_of(&one.trim().to_ascii_lowercase()) == host_of(&other.trim().to_ascii_lowercase())
}

fn configuration_host(name: &str, domain: &str) -> String {
    format!("{name}.configuration.{domain}")
}

fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().unwrap_or_default().trim_end_matches('.')
}

/// The path segment after the segment `name`: the first of the provider's own, because a resource group can have any name.
fn segment_after<'t>(address: &'t str, name: &str) -> Option<&'t str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    let start = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case(PROVIDER)).unwrap_or_default();
    let mut segments = segments.into_iter().skip(start);
    segments.find(|segment| segment.eq_ignore_ascii_case(name))?;
    segments.next().map(str::trim)
}

/// Returns true for the name of a resource, and not for a placeholder.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_address_names_that_of_version_2() {
        for (address, expected) in [
            (
                "https://contoso.management.azure-api.net/subscriptions/x/gateways/orders?api-version=1",
                Some("contoso.configuration.azure-api.net"),
            ),
            ("contoso.management.azure-api.us:443", Some("contoso.configuration.azure-api.us")),
            ("https://contoso.management.azure-api.cn./", Some("contoso.configuration.azure-api.cn")),
            (
                "https://management.azure.com/subscriptions/x/resourceGroups/y/providers/Microsoft.ApiManagement/service/Contoso/gateways/orders",
                Some("contoso.configuration.azure-api.net"),
            ),
            (
                "https://management.usgovcloudapi.net/subscriptions/x/service/contoso",
                Some("contoso.configuration.azure-api.us"),
            ),
            (
                "https://management.azure.com/subscriptions/x/resourceGroups/service/providers/Microsoft.ApiManagement/service/contoso/gateways/orders",
                Some("contoso.configuration.azure-api.net"),
            ),
            ("https://management.azure.com/subscriptions/x", None),
            ("https://<name>.management.azure-api.net/subscriptions", None),
            ("https://a.b.management.azure-api.net", None),
            ("https://gateway.contoso.example", None),
        ] {
            assert_eq!(endpoint_of_version_2(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_one_host_are_the_same() {
        assert!(is_same_endpoint(
            "https://Contoso.configuration.azure-api.net/",
            "contoso.configuration.azure-api.net"
        ));
        assert!(!is_same_endpoint("contoso.configuration.azure-api.net", "fabrikam.configuration.azure-api.net"));
    }

    #[test]
    fn a_gateway_host_names_its_instance() {
        let endpoint = |address| endpoint_of_gateway_host(address);
        assert_eq!(endpoint("https://Contoso.azure-api.net/").as_deref(), Some("contoso.configuration.azure-api.net"));
        assert_eq!(endpoint("https://contoso.configuration.azure-api.net"), None);
        assert_eq!(endpoint("https://contoso.example"), None);
    }

    #[test]
    fn an_address_names_the_gateway_after_gateways() {
        let gateway = gateway_in_address("https://x/service/Contoso/gateways/orders?api-version=1");
        assert_eq!(gateway.as_deref(), Some("orders"));
        let group = "https://x/resourceGroups/gateways/providers/microsoft.apimanagement/service/contoso";
        assert_eq!(gateway_in_address(group), None, "a resource group is no gateway");
        assert_eq!(gateway_in_address(&format!("{group}/gateways/gateways")).as_deref(), Some("gateways"));
        assert_eq!(gateway_in_address("https://x/gateways/<gateway>"), None);
        assert_eq!(gateway_in_address("https://x/gateways"), None);
    }
}
