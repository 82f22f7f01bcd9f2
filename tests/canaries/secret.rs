//! Texts that no one may ever read again, shaped as real secrets are, and the search for any part of one.

use proptest::prelude::*;
use proptest::test_runner::TestRng;

/// From this length on, a part of a secret is the secret.
const PART: usize = 8;

/// What each group of a secret's body begins with; nothing of ours ever says it.
const MARK: &str = "Qz";

/// Signs that follow the mark in each group. A part is longer than a group and its mark, so it holds a mark.
const SIGNS: usize = 4;

/// What keys are written in, base64 or not.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Secrets, drawn as they are asked for, and remembered.
pub(crate) struct Canaries {
    rng: TestRng,
    bodies: Vec<String>,
}

impl Canaries {
    /// None yet.
    pub(crate) fn new(rng: TestRng) -> Self {
        Self { rng, bodies: Vec::new() }
    }

    /// Is it one of so many?
    pub(crate) fn one_in(&mut self, so_many: u32) -> bool {
        self.rng.random_ratio(1, so_many)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.rng.random_range(0..bound)
    }

    /// A text of a secret that stands where `text` stood: in its place, behind it, before it.
    pub(crate) fn instead_of(&mut self, text: &str) -> String {
        let secret = self.secret();
        match self.below(5) {
            0 | 1 => secret,
            2 => format!("{text}{secret}"),
            3 => format!("{secret}{text}"),
            _ => format!("{text}\n{secret}"),
        }
    }

    /// A secret.
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

    /// Is it worth a closer look whether `told` shows a part of any secret?
    pub(crate) fn may_be_in(told: &str) -> bool {
        told.to_ascii_lowercase().contains(&MARK.to_ascii_lowercase())
    }

    /// The part of a secret that `told` shows, if it shows one, in whatever case.
    pub(crate) fn found_in(&self, told: &str) -> Option<&str> {
        if !Self::may_be_in(told) {
            return None;
        }
        let told = told.to_ascii_lowercase();
        self.bodies.iter().flat_map(|body| containers(body)).find(|part| told.contains(&part.to_ascii_lowercase()))
    }

    fn body(&mut self) -> String {
        let mut body = String::new();
        for _ in 0..self.rng.random_range(4..8) {
            body += MARK;
            body.extend((0..SIGNS).map(|_| char::from(ALPHABET[self.rng.random_range(0..ALPHABET.len())])));
        }
        self.bodies.push(body.clone());
        body
    }
}

/// Every part of a body. It is ASCII, so each byte begins one.
fn containers(body: &str) -> impl Iterator<Item = &str> {
    (0..=body.len() - PART).filter_map(move |start| body.get(start..start + PART))
}
