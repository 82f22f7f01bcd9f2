//! The issuer of a cluster's `ServiceAccount` tokens.

use std::net::Ipv4Addr;

/// Longest issuer or subject of a federated credential, in characters (Entra documentation, "Important considerations
/// and restrictions for federated identity credentials").
pub(super) const MAX_CHARACTERS: usize = 600;

/// Why a text cannot be the issuer of a federated credential, as an instruction; `None` if it can.
pub fn issuer_problem(issuer: &str) -> Option<&'static str> {
    let is_plain = |character: char| character.is_ascii_graphic() && !"'\"\\`<>{}|^$".contains(character);
    match issuer {
        _ if issuer.trim().len() < issuer.len() => {
            Some("remove the whitespace around it: Entra compares each character")
        }
        _ if !issuer.strip_prefix("https://").is_some_and(|rest| !rest.starts_with(['/', ':']) && !rest.is_empty()) => {
            Some("write the https:// URL of the cluster's issuer, with its final slash if it has one")
        }
        _ if !issuer.chars().all(is_plain) => {
            Some("write a URL without whitespace, quotes and other special characters")
        }
        _ if issuer.chars().count() > MAX_CHARACTERS => Some("write at most 600 characters"),
        _ => None,
    }
}

/// Whether Entra can fetch the signing keys from this issuer: it is an https URL whose host is neither private nor of the
/// cluster itself.
pub fn is_public_issuer(issuer: &str) -> bool {
    let Some(rest) = issuer.strip_prefix("https://") else { return false };
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let is_internal = host.split('.').any(|label| label == "svc") || host.rsplit('.').next() == Some("local");
    let is_private = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_private() || address.is_loopback());
    host.contains('.') && !is_internal && !is_private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_issuers_with_a_public_host_are_public() {
        for (issuer, expected) in [
            ("https://westeurope.oic.prod-aks.azure.com/00000000-0000-0000-0000-000000000000/1/", true),
            ("https://oidc.eks.eu-west-1.amazonaws.com/id/A", true),
            ("https://issuer.example:8443", true),
            ("https://kubernetes.default.svc", false),
            ("https://kubernetes.default.svc.cluster.local", false),
            ("https://Kubernetes.Default.Svc./", false),
            ("https://cluster.local", false),
            ("https://localhost:6443", false),
            ("https://kubernetes", false),
            ("https://10.0.0.1:6443", false),
            ("https://127.0.0.1", false),
            ("https://20.50.2.1", true),
            ("http://issuer.example", false),
            ("kubernetes/serviceaccount", false),
            ("https://", false),
            ("", false),
        ] {
            assert_eq!(is_public_issuer(issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn an_issuer_is_an_https_url_without_special_characters() {
        for issuer in
            ["https://issuer.example", "https://issuer.example/id/A_b-c.d/", "https://issuer.example:8443/?a=b"]
        {
            assert_eq!(issuer_problem(issuer), None, "{issuer}");
        }
        let long = format!("https://issuer.example/{}", "a".repeat(600));
        for issuer in [
            "",
            "https://",
            "https:///path",
            "http://issuer.example",
            " https://issuer.example",
            "https://issuer.example/\n",
            "https://issuer.example/a b",
            "https://issuer.example/'$(id)'",
            "https://issuer.example/ä",
            &long,
        ] {
            assert!(issuer_problem(issuer).is_some(), "{issuer}");
        }
    }
}
