//! Auth keys of gateways that are in no value: in comments, in documents that cannot be read, and as keys of mappings.

use super::IgnoredRules;
use super::document::{self, Document};
use super::ignore_comment::comment;
use super::node;
use super::outline::{self, Token};
use super::source::{Line, SourceFile};
use apim_keyless_core::gateway::has_signed_part;
use std::ops::Range;
use std::sync::Arc;

/// Beginnings of an auth key.
const KEY_PREFIXES: [&str; 2] = ["GatewayKey ", "SharedAccessSignature "];
/// Least length of what follows: an explanation has a word there, or a placeholder.
const KEY_BYTES: usize = 24;

/// Least length of base64 as the key of a mapping: names of fields have fewer letters and digits of all kinds.
const BASE64_BYTES: usize = 20;

/// An auth key in plain text in a comment, or in a document that cannot be read.
#[derive(Clone, Debug)]
pub struct LooseKey {
    /// Path of its file as given; `-` for standard input.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters of what contains it, from 1.
    pub column: usize,
    /// The rules that comments ignore for the object in or above which it is.
    pub ignored: Option<Arc<IgnoredRules>>,
}

/// The lines with such a key, each with the byte of the line at which the comment or the text begins.
pub(super) fn find(source: &SourceFile) -> Vec<(Line<'_>, usize)> {
    let may_hold_key = has_signed_part(&source.text) || KEY_PREFIXES.iter().any(|prefix| source.text.contains(prefix));
    let mut lines = source.lines().filter(|line| may_hold_key && holds_key(line.text)).peekable();
    if lines.peek().is_none() {
        return Vec::new();
    }
    let (tokens, unread) = tokens(&document::split(source));
    let found = |line: Line<'_>| match comment(line, &tokens) {
        Some((at, text)) if holds_key(text) => Some(at),
        _ if unread.iter().any(|range| range.contains(&line.start)) => {
            Some(line.text.len() - line.text.trim_start().len())
        }
        _ => None,
    };
    lines.filter_map(|line| Some((line, found(line)?))).collect()
}

/// The keys and scalars of all documents, and the ranges of those that cannot be read.
fn tokens(documents: &[Document<'_>]) -> (Vec<Token>, Vec<Range<usize>>) {
    let (mut tokens, mut unread) = (Vec::new(), Vec::new());
    for document in documents {
        match node::tree(document.text) {
            Ok(root) => tokens.extend(outline::outline(document, root).tokens),
            Err(_) => unread.push(document.start..document.start + document.text.len()),
        }
    }
    (tokens, unread)
}

/// Whether a text contains a key, and not only a word about keys.
fn holds_key(text: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_alphanumeric() || "+/=&_-.%".contains(letter);
    let follows = |prefix: &&str| {
        text.match_indices(prefix).any(|(at, _)| {
            let rest = text.get(at + prefix.len()..).unwrap_or_default().trim_start();
            let key = rest.split(|letter: char| !is_digit(letter)).next().unwrap_or_default();
            let has = |class: fn(&u8) -> bool| key.bytes().any(|byte| class(&byte));
            key.len() >= KEY_BYTES && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        })
    };
    text.contains('&') && text.split_whitespace().any(has_signed_part) || KEY_PREFIXES.iter().any(follows)
}

/// Whether the key of a mapping is an auth key or base64 of one: names of fields and settings look like other keys, too.
pub(super) fn is_key_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let has = |run: &str, class: fn(&u8) -> bool| run.bytes().any(|byte| class(&byte));
    let is_base64 = |run: &str| {
        run.len() >= BASE64_BYTES
            && has(run, u8::is_ascii_uppercase)
            && has(run, u8::is_ascii_lowercase)
            && has(run, u8::is_ascii_digit)
    };
    lower.contains("gatewaykey ")
        || lower.contains("sharedaccesssignature ")
        || has_signed_part(name)
        || name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, usize)> {
        let source = SourceFile::new("a", text);
        find(&source).into_iter().map(|(line, at)| (line.number, at)).collect()
    }

    #[test]
    fn an_auth_key_as_the_key_of_a_mapping_is_told_from_names() {
        for name in [
            "GatewayKey gw&202612312359&c2VjcmV0",
            "SharedAccessSignature x",
            "gw&202612312359&c2VjcmV0",
            "R2F0ZXdheUtleSBndyYyMDI2",
        ] {
            assert!(is_key_name(name), "{name}");
        }
        for name in [
            "config.service.auth.key",
            "GatewayKey",
            "azure.workload.identity/service-account-token-expiration",
            "apim-gateway-2-token-of-the-orders-gateway",
            "telemetry.metrics.cloud.v2.local",
        ] {
            assert!(!is_key_name(name), "{name}");
        }
    }

    #[test]
    fn a_key_in_a_comment_or_an_unread_document_is_found() {
        for (text, places) in [
            ("a: 1\n# GatewayKey gw&202501010000&c2VjcmV0\n", &[(2, 0)][..]),
            ("a: 1 # old: gw&202501010000&c2VjcmV0\n", &[(1, 5)]),
            ("# token SharedAccessSignature 0123456789abcdefghijklmnop\n", &[(1, 0)]),
            ("a: 1\n---\n  {{ if }} GatewayKey gw&202501010000&c2VjcmV0\n", &[(3, 2)]),
            // a value, which is found as one
            ("a: 'x # GatewayKey gw&202501010000&c2VjcmV0'\n", &[]),
            ("a: |\n  # gw&202501010000&c2VjcmV0\n", &[]),
            (
                "# GatewayKey <name>&<expiry>&<signature>\n# begins with GatewayKey and is long, even very very long\n",
                &[],
            ),
            ("# GatewayKey ${TOKEN_OF_THE_ORDERS_GATEWAY_1}\n# https://a.example/?a=1&b=2&c=202701010000\n", &[]),
        ] {
            assert_eq!(found(text), places, "{text}");
        }
    }
}
