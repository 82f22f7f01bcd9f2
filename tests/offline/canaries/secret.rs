//! Texts in the form of real secrets, and the search for any part of one.

use proptest::prelude::*;
use proptest::test_runner::TestRng;

/// A part of a secret of this length counts as a leak.
const PART: usize = 8;

/// The start of each group of a secret's body. No output of ours contains it.
const MARK: &str = "Qz";

/// Number of characters after the mark in each group. A part is longer than a group with its mark, so it contains a
/// mark.
const GROUP: usize = 4;

/// The characters of keys, in base64 and otherwise.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random secrets, and a record of all of them.
pub(crate) struct Canaries {
    rng: TestRng,
    bodies: Vec<String>,
}

impl Canaries {
    /// No secrets yet.
    pub(crate) fn new(rng: TestRng) -> Self {
        Self { rng, bodies: Vec::new() }
    }

    /// True with a probability of 1 in `count`.
    pub(crate) fn one_in(&mut self, count: u32) -> bool {
        self.rng.random_ratio(1, count)
    }

    /// A random number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.rng.random_range(0..bound)
    }

    /// A text with a secret, to replace `text`: the secret alone, after `text`, or before it.
    pub(crate) fn instead_of(&mut self, text: &str) -> String {
        let secret = self.secret();
        match self.below(5) {
            0 | 1 => secret,
            2 => format!("{text}{secret}"),
            3 => format!("{secret}{text}"),
            _ => format!("{text}\n{secret}"),
        }
    }

    /// A new secret.
    pub(crate) fn secret(&mut self) -> String {
        let body = self.body();
        match self.below(16) {
            0 => format!("GatewayKey gw&202601010000&{body}=="),
            1 => format!("gw&202601010000&{body}{}==", self.body()),
            2 => format!("SharedAccessSignature uid=gw&ex=2026-01-01T00:00:00.0000000Z&sn={body}=="),
            3 => format!("eyJhbGciOiJSUzI1NiJ9.{body}.{}-_{}", self.body(), self.body()),
            4 => format!("3Kx8Q~{body}.~_"),
            5 => format!("InstrumentationKey={body};IngestionEndpoint=https://{}.example/", self.body()),
            6 => format!("пароль-é𝄞-{body}-\u{200b}\u{202e}"),
            7 => format!("-----BEGIN PRIVATE KEY-----\n{body}\n{}\n-----END PRIVATE KEY-----\n", self.body()),
            8 => format!("\"\\{body}\t'{}\u{7f}", self.body()),
            9 => format!("https://gw:{body}@{}.configuration.azure-api.net", self.body()),
            10 => format!("file:///mnt/secrets/{body}"),
            11 => format!("$(TOKEN){body}$({})$$", self.body()),
            12 => format!("- {body}: {{{{ {} }}}} # {}", self.body(), self.body()),
            13 => format!("workloadIdentity\n{body}"),
            14 => format!(" {body} "),
            _ => body,
        }
    }

    /// Can `text` contain a part of a secret? A quick test before the full search.
    pub(crate) fn may_be_in(text: &str) -> bool {
        text.to_ascii_lowercase().contains(&MARK.to_ascii_lowercase())
    }

    /// The first part of a secret in `text`, compared without case.
    pub(crate) fn found_in(&self, text: &str) -> Option<&str> {
        if !Self::may_be_in(text) {
            return None;
        }
        let text = text.to_ascii_lowercase();
        self.bodies.iter().flat_map(|body| parts(body)).find(|part| text.contains(&part.to_ascii_lowercase()))
    }

    fn body(&mut self) -> String {
        let mut body = String::new();
        for _ in 0..self.rng.random_range(4..8) {
            body += MARK;
            body.extend((0..GROUP).map(|_| char::from(ALPHABET[self.rng.random_range(0..ALPHABET.len())])));
        }
        self.bodies.push(body.clone());
        body
    }
}

/// Every part of a body. The body is ASCII, so a part starts at each byte.
fn parts(body: &str) -> impl Iterator<Item = &str> {
    (0..=body.len() - PART).filter_map(move |start| body.get(start..start + PART))
}
