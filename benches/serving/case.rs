//! What is asked: reviews that a real API server sent, and one that is as long as a ConfigMap can be.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A review at a door.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RuleInput {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its name in the table.
    pub(crate) told: &'static str,
    /// The path of the door.
    path: &'static str,
    /// The recorded review.
    review: &'static str,
    /// What becomes of it.
    outcome: Level,
    /// Characters of data that it is given beside its own.
    padding: usize,
    /// Whether it is driven at half of each server's capacity, too.
    pub(crate) is_timed: bool,
}

/// What becomes of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Allowed,
    Patched,
    Error,
}

const MUTATE: &str = "/enforce/mutate";
const VALIDATE: &str = "/enforce/validate";

/// All of them, the official chart's Deployment first.
pub(crate) const CASES: &[RuleInput] = &[
    RuleInput::new("chart-validate", "chart's Deployment at validate", VALIDATE, "chart-deployment-at-validation")
        .timed(),
    RuleInput::new("chart-mutate", "chart's Deployment at mutate", MUTATE, "chart-deployment"),
    RuleInput::new("chart-patch", "the same without its label, patched", MUTATE, "chart-deployment-bare")
        .ends(Level::Patched)
        .timed(),
    RuleInput::new("chart-refused", "the same with a key, refused", VALIDATE, "chart-deployment-with-key")
        .ends(Level::Error),
    RuleInput::new("chart-update", "an update of its image at validate", VALIDATE, "chart-deployment-image-changed"),
    RuleInput::new("service-account", "chart's ServiceAccount at validate", VALIDATE, "chart-service-account"),
    RuleInput::new("config-map", "chart's ConfigMap at validate", VALIDATE, "chart-config-map"),
    RuleInput::new("foreign", "somebody else's Deployment at validate", VALIDATE, "foreign-deployment-of-a-chart")
        .timed(),
    RuleInput::new("foreign-short", "a short one of somebody else", VALIDATE, "foreign-deployment"),
    RuleInput {
        padding: 1024 * 1024,
        ..RuleInput::new("long", "a ConfigMap of 1 MiB at validate", VALIDATE, "foreign-config-map")
    },
];

impl RuleInput {
    const fn new(name: &'static str, told: &'static str, path: &'static str, review: &'static str) -> Self {
        Self { name, told, path, review, outcome: Level::Allowed, padding: 0, is_timed: false }
    }

    const fn ends(self, outcome: Level) -> Self {
        Self { outcome, ..self }
    }

    const fn timed(self) -> Self {
        Self { is_timed: true, ..self }
    }

    /// Whether it is longer than what was recorded.
    pub(crate) fn is_long(&self) -> bool {
        self.padding > 0
    }

    /// The review as it is sent.
    pub(crate) fn body(&self) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reviews");
        let text = fs::read_to_string(folder.join(format!("{}.json", self.review))).unwrap();
        let mut review: Value = serde_json::from_str(&text).unwrap();
        if self.padding > 0 {
            review["request"]["object"]["data"]["ledger.csv"] = json!("a,b;c d\n".repeat(self.padding / 8));
        }
        review.to_string()
    }

    /// The whole request, with the headers that an API server sends.
    pub(crate) fn request(&self) -> Vec<u8> {
        let body = self.body();
        format!(
            "POST {}?timeout=5s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n\
             Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\
             Accept-Encoding: gzip\r\n\r\n{body}",
            self.path,
            body.len()
        )
        .into_bytes()
    }

    /// That an answer of the webhook is what the case is there for.
    pub(crate) fn verify(&self, answer: &[u8]) {
        let review: Value = serde_json::from_str(&self.body()).unwrap();
        let answer: Value = serde_json::from_slice(answer).unwrap();
        let response = &answer["response"];
        let outcome = match (response["allowed"].as_bool().unwrap(), response.get("patch")) {
            (true, None) => Level::Allowed,
            (true, Some(_)) => Level::Patched,
            (false, _) => Level::Error,
        };
        assert_eq!(response["uid"], review["request"]["uid"], "{}", self.name);
        assert_eq!(outcome, self.outcome, "{}: {answer:#}", self.name);
    }
}
