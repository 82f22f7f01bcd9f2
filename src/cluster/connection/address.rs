//! The address of an API server in a kubeconfig.

use super::error::shown;
use hyper::Uri;
use hyper::http::uri::Authority;
use std::net::IpAddr;

/// Why a text is not the address of an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressProblem {
    NoScheme,
    OtherScheme,
    NoHost,
    BadPort,
    NotAUrl,
}

impl AddressProblem {
    /// What is wrong, after "server of cluster NAME".
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::NoScheme => "has no scheme",
            Self::OtherScheme => "begins with neither https:// nor http://",
            Self::NoHost => "has no host",
            Self::BadPort => "has a port that is not a number from 1 to 65535",
            Self::NotAUrl => "is not a URL",
        }
    }
}

/// Checks the address of an API server. The HTTP client panics or waits on some of the addresses that this rejects.
pub(super) fn check(text: &str) -> Result<Uri, AddressProblem> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let looks_like_a_scheme = text.starts_with("http:") || text.starts_with("https:");
        return Err(if looks_like_a_scheme { AddressProblem::NotAUrl } else { AddressProblem::NoScheme });
    };
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(AddressProblem::OtherScheme);
    }
    if rest.is_empty() || rest.starts_with(['/', ':', '?', '#']) {
        return Err(AddressProblem::NoHost);
    }
    let uri: Uri = text.parse().map_err(|_| AddressProblem::NotAUrl)?;
    let authority = uri.authority().ok_or(AddressProblem::NoHost)?;
    let host = authority.host();
    if host.is_empty() {
        return Err(AddressProblem::NoHost);
    }
    let after_user = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    match after_user.strip_prefix(host).and_then(|rest| rest.strip_prefix(':')) {
        Some(port) if !port.parse::<u16>().is_ok_and(|port| port > 0) => Err(AddressProblem::BadPort),
        _ => Ok(uri),
    }
}

/// Whether an address is one of this machine.
pub(super) fn is_local(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// An address as messages show it: without user and password, query and final slash.
pub(super) fn display(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("https");
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    shown(format!("{scheme}://{host}{}", uri.path()).trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_scheme_host_and_port() {
        for text in [
            "https://127.0.0.1:6443",
            "http://localhost",
            "HTTPS://api.example",
            "https://[::1]:6443",
            "https://a:b@api.example/k8s/clusters/c-1",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
        for (text, expected) in [
            ("", AddressProblem::NoScheme),
            ("127.0.0.1:6443", AddressProblem::NoScheme),
            ("api.example", AddressProblem::NoScheme),
            ("localhost:6443", AddressProblem::NoScheme),
            ("https:/api.example", AddressProblem::NotAUrl),
            ("ftp://api.example", AddressProblem::OtherScheme),
            ("https://", AddressProblem::NoHost),
            ("https:///a", AddressProblem::NoHost),
            ("https://:6443", AddressProblem::NoHost),
            ("https://a:70000", AddressProblem::BadPort),
            ("https://a:0", AddressProblem::BadPort),
            ("https://a:", AddressProblem::BadPort),
            ("https://[::1]:b", AddressProblem::NotAUrl),
            ("https://a b", AddressProblem::NotAUrl),
        ] {
            let found = check(text).err();
            assert!(found.is_some(), "{text} is accepted");
            if text != "https://[::1]:b" {
                assert_eq!(found, Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let uri = check("https://user:canary@api.example:6443/k8s/").unwrap();
        assert_eq!(display(&uri), "https://api.example:6443/k8s");
    }
}
