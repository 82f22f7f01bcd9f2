//! Parsers of argument values. Each error states the required form.

use rustls::pki_types::ServerName;

/// Stands in `--docs-url` for a rule's id.
const RULE_PLACEHOLDER: &str = "{rule}";
/// Longest DNS label (RFC 1123).
const LABEL_BYTES: usize = 63;

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

/// A name in a certificate.
pub(super) fn certificate_name(text: &str) -> Result<String, String> {
    ServerName::try_from(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("`{text}` is neither a DNS name nor an IP address"))
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
    fn a_namespace_is_a_dns_label() {
        for text in ["a", "team-a", "0", &"a".repeat(LABEL_BYTES)] {
            assert!(namespace(text).is_ok(), "{text}");
        }
        for text in ["", "NotValid!", "-a", "a-", "a.b", &"a".repeat(LABEL_BYTES + 1)] {
            assert!(namespace(text).is_err(), "{text}");
        }
    }
}
