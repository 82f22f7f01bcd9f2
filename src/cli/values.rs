//! Parsers of argument values. Each error states the required form.

use apim_keyless_core::azure::issuer_problem;
use apim_keyless_core::gateway::{EndpointForm, ImageName, ImageVersion, Images};
use apim_keyless_core::migration::{IMAGE_VERSION, endpoint_of_version_2};
use apim_keyless_core::policy::{FIRST_VERSION, NamespaceSetting};
use humantime::parse_duration;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::time::Duration;

/// The placeholder of a rule's id in `--docs-url`.
const RULE_PLACEHOLDER: &str = "{rule}";
/// Longest DNS label (RFC 1123).
const LABEL_BYTES: usize = 63;
/// The shortest time after which the cache is stale. The watches that show the opposite end after half of it.
const CACHE_STALE_AFTER: Duration = Duration::from_secs(10);

/// The base URL of the rule pages; empty for no URL.
pub(super) fn docs_url(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_url = address.is_some_and(|address| {
        !address.starts_with('/')
            && !address.is_empty()
            && address.chars().all(|letter| letter.is_ascii_graphic() && !"\"<>\\^`|".contains(letter))
    });
    if text.is_empty() || is_url && !text.replace(RULE_PLACEHOLDER, "").contains(['{', '}']) {
        Ok(text.to_owned())
    } else {
        Err("write an http:// or https:// URL, with no placeholder except {rule}".to_owned())
    }
}

/// The name of a namespace: a DNS label.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let is_label = (1..=LABEL_BYTES).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_label.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "write the name of a namespace: up to {LABEL_BYTES} lowercase letters, digits and -, \
             with a letter or digit at both ends"
        )
    })
}

/// A client id or a tenant id.
pub(crate) fn guid(text: &str) -> Result<String, String> {
    of_form(text, NamespaceSetting::ClientId)
}

/// The name of a gateway resource.
pub(crate) fn gateway_name(text: &str) -> Result<String, String> {
    of_form(text, NamespaceSetting::GatewayName)
}

/// The name of a Kubernetes object.
pub(super) fn object_name(text: &str) -> Result<String, String> {
    of_form(text, NamespaceSetting::ServiceAccount)
}

/// The name of a gateway's own `ServiceAccount`.
pub(super) fn service_account(text: &str) -> Result<String, String> {
    if text == "default" {
        return Err("write the name of another ServiceAccount: every Pod of the namespace that names none runs under \
                    default, and would get the identity of the gateway"
            .to_owned());
    }
    object_name(text)
}

fn of_form(text: &str, setting: NamespaceSetting) -> Result<String, String> {
    let form = setting.form();
    if (form.matches)(text) { Ok(text.to_owned()) } else { Err(format!("write {}", form.description)) }
}

/// The address of a configuration API; one of version 1 becomes that of version 2.
pub(crate) fn endpoint(text: &str) -> Result<String, String> {
    let address = endpoint_of_version_2(text).unwrap_or_else(|| text.to_owned());
    let host = address.strip_prefix("https://").unwrap_or(&address).trim_end_matches('/');
    // the name of the API Management instance alone is no host, and the gateway adds the path itself
    if EndpointForm::of(&address) == EndpointForm::Usable && host.contains('.') && !host.contains(['/', '?', '#']) {
        return Ok(address);
    }
    Err("write the host of the configuration API, such as NAME.configuration.azure-api.net".to_owned())
}

/// The tag of an image that supports workload identity.
pub(super) fn image_tag(text: &str) -> Result<String, String> {
    let version = ImageName::with_tag("gateway", text).and_then(|name| {
        ImageName::parse(&name).filter(|parsed| parsed.tag == Some(text))?;
        Some(Images::default().version(&name, &FIRST_VERSION))
    });
    match version {
        Some(ImageVersion::Older) => Err(format!("write the tag of version {FIRST_VERSION} or newer")),
        Some(ImageVersion::Rolling) => Err(format!(
            "write the tag of one version, such as {IMAGE_VERSION}: this one moves from version to version"
        )),
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("write the tag of an image, such as {IMAGE_VERSION}")),
    }
}

/// The address of Entra: an https URL without a query.
pub(super) fn authority(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").filter(|host| !host.is_empty() && !host.starts_with('/'));
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/[]".contains(letter);
    host.filter(|host| host.chars().all(is_plain))
        .map(|_| text.to_owned())
        .ok_or_else(|| "write an https:// URL, such as https://login.microsoftonline.com".to_owned())
}

/// A name in a certificate.
pub(super) fn certificate_name(text: &str) -> Result<String, String> {
    ServerName::try_from(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("`{text}` is neither a DNS name nor an IP address"))
}

/// The issuer of a cluster's tokens.
pub(super) fn issuer(text: &str) -> Result<String, String> {
    issuer_problem(text).map_or_else(|| Ok(text.to_owned()), |problem| Err(problem.to_owned()))
}

/// A name or id that goes into scripts and templates.
pub(super) fn plain_text(text: &str) -> Result<String, String> {
    let is_plain = |character: char| !character.is_control() && !"\"'\\`$\u{85}\u{2028}\u{2029}".contains(character);
    if !text.trim().is_empty() && text.trim() == text && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("write a text without quotes, backslashes, $ and outer whitespace".to_owned())
    }
}

/// A duration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|_| "write a number and a unit, such as 30s, 2m or 1h".to_owned())
}

/// A duration that is longer than 0.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() {
        Err("write a duration that is longer than 0, such as 30s".to_owned())
    } else {
        Ok(duration)
    }
}

/// An address to listen on.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port from 0 to 65535, such as 127.0.0.1:8443, 0.0.0.0:8443 or [::]:8443; a host \
         name is not an address"
            .to_owned()
    })
}

/// A whole number that is not negative.
pub(super) fn whole_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write a whole number, 0 or more, without a unit".to_owned())
}

/// A number of MiB.
pub(super) fn mebibytes(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a whole number of MiB, 0 or more, without a unit".to_owned())
}

/// The time after which the cache is stale.
pub(super) fn cache_stale_after(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    let reason = "the API server may have nothing to send for a few seconds";
    (duration >= CACHE_STALE_AFTER)
        .then_some(duration)
        .ok_or_else(|| format!("write a duration of at least 10s: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_docs_url_is_empty_or_a_url_without_other_placeholders() {
        for text in ["", "https://docs.example/rules/", "http://docs.example/{rule}.md?a=b#c"] {
            assert!(docs_url(text).is_ok(), "{text}");
        }
        for text in
            ["docs.example", "ftp://docs.example", "https://", "https:///rules", "https://a b", "https://a/{id}"]
        {
            assert!(docs_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_without_a_path() {
        for text in ["contoso.configuration.azure-api.net", "https://contoso.configuration.azure-api.net/"] {
            assert!(endpoint(text).is_ok(), "{text}");
        }
        for text in
            ["contoso", "contoso.configuration.azure-api.net/x", "https://contoso.configuration.azure-api.net/x?y"]
        {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_namespace_is_a_dns_label() {
        for text in ["a", "team-a", "0", &"a".repeat(LABEL_BYTES)] {
            assert!(namespace(text).is_ok(), "{text}");
        }
        for text in ["", "NotValid!", "-a", "a-", "a.b", &"a".repeat(LABEL_BYTES + 1)] {
            assert!(namespace(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_cache_is_stale_after_10_seconds_or_more() {
        for (text, is_valid) in [("10s", true), ("2m", true), ("9s", false), ("0s", false), ("2", false), ("", false)] {
            assert_eq!(cache_stale_after(text).is_ok(), is_valid, "{text}");
        }
    }
}
