//! The clouds of Azure, and which of them an address belongs to.
//!
//! Settings reference and Microsoft's articles on Azure in China and Azure Government: the audience is
//! `https://azure-api.net/configuration`, `.cn` or `.us`; the authority `https://login.microsoftonline.com`,
//! `https://login.partner.microsoftonline.cn` or `https://login.microsoftonline.us`.

use std::fmt;

/// A cloud of Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Azure operated by 21Vianet.
    China,
    /// The public cloud.
    Public,
    /// Azure Government.
    UsGovernment,
}

impl Cloud {
    /// The cloud of a configuration API's address or of an audience; `None` if the host is none of API Management's.
    pub fn of_api_management(address: &str) -> Option<Self> {
        let host = host(address);
        let is_of = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        [(Self::China, "azure-api.cn"), (Self::Public, "azure-api.net"), (Self::UsGovernment, "azure-api.us")]
            .into_iter()
            .find_map(|(cloud, domain)| is_of(domain).then_some(cloud))
    }

    /// The cloud of an authority; `None` if it is none of Entra's well-known hosts.
    pub fn of_authority(address: &str) -> Option<Self> {
        match host(address).as_str() {
            "login.microsoftonline.com" | "login.microsoft.com" | "login.windows.net" | "sts.windows.net" => {
                Some(Self::Public)
            }
            "login.microsoftonline.us" | "login.microsoftonline.microsoft.us" => Some(Self::UsGovernment),
            "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => Some(Self::China),
            _ => None,
        }
    }

    /// The form of the address of a configuration API in this cloud, for a message.
    pub fn configuration_host(self) -> &'static str {
        match self {
            Self::China => "NAME.configuration.azure-api.cn",
            Self::Public => "NAME.configuration.azure-api.net",
            Self::UsGovernment => "NAME.configuration.azure-api.us",
        }
    }

    /// The audience of the configuration API in this cloud.
    pub fn token_audience(self) -> &'static str {
        match self {
            Self::China => "https://azure-api.cn/configuration",
            Self::Public => "https://azure-api.net/configuration",
            Self::UsGovernment => "https://azure-api.us/configuration",
        }
    }

    /// The address of Entra in this cloud.
    pub fn authority(self) -> &'static str {
        match self {
            Self::China => "https://login.partner.microsoftonline.cn",
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::China => "Azure in China",
            Self::Public => "the public cloud",
            Self::UsGovernment => "Azure Government",
        })
    }
}

/// The host of an address in lower case, without scheme, port, path and final dot.
fn host(address: &str) -> String {
    let address = address.trim().to_ascii_lowercase();
    let rest = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_belongs_to_the_cloud_of_its_domain() {
        for (address, cloud) in [
            ("contoso.configuration.azure-api.net", Some(Cloud::Public)),
            ("https://contoso.configuration.azure-api.us/", Some(Cloud::UsGovernment)),
            ("HTTPS://AZURE-API.CN/configuration", Some(Cloud::China)),
            ("https://notazure-api.cn", None),
            ("gateway.contoso.example", None),
        ] {
            assert_eq!(Cloud::of_api_management(address), cloud, "{address}");
        }
        for cloud in [Cloud::China, Cloud::Public, Cloud::UsGovernment] {
            assert_eq!(Cloud::of_api_management(cloud.token_audience()), Some(cloud));
            assert_eq!(Cloud::of_api_management(cloud.configuration_host()), Some(cloud));
            assert_eq!(Cloud::of_authority(&format!("{}/", cloud.authority())), Some(cloud));
        }
        assert_eq!(Cloud::of_authority("https://sts.contoso.example"), None);
    }
}
