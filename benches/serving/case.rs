//! The cases: reviews that a real API server sent, and one with a ConfigMap of the maximum size.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A review and the endpoint that it is sent to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its name in the table.
    pub(crate) label: &'static str,
    /// The path of the endpoint.
    path: &'static str,
    /// The file name of the recorded review.
    review: &'static str,
    /// The expected outcome.
    outcome: Outcome,
    /// Bytes of data that are added to the ConfigMap.
    padding: usize,
    /// Is it measured at half of each server's capacity as well?
    pub(crate) is_timed: bool,
}

/// The outcome of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Patched,
    Denied,
}

const MUTATE: &str = "/enforce/mutate";
const VALIDATE: &str = "/enforce/validate";

/// All cases. The first one is the official chart's Deployment.
pub(crate) const CASES: &[Case] = &[
    Case::new("chart-validate", "chart's Deployment at validate", VALIDATE, "chart-deployment-at-validation").timed(),
    Case::new("chart-mutate", "chart's Deployment at mutate", MUTATE, "chart-deployment"),
    Case::new("chart-patch", "the same without its label, patched", MUTATE, "chart-deployment-bare")
        .expecting(Outcome::Patched)
        .timed(),
    Case::new("chart-denied", "the same with a key, denied", VALIDATE, "chart-deployment-with-key")
        .expecting(Outcome::Denied),
    Case::new("chart-update", "an update of its image at validate", VALIDATE, "chart-deployment-image-changed"),
    Case::new("service-account", "chart's ServiceAccount at validate", VALIDATE, "chart-service-account"),
    Case::new("config-map", "chart's ConfigMap at validate", VALIDATE, "chart-config-map"),
    Case::new("non-gateway", "non-gateway Deployment at validate", VALIDATE, "non-gateway-deployment-of-a-chart")
        .timed(),
    Case::new("non-gateway-short", "short non-gateway Deployment at validate", VALIDATE, "non-gateway-deployment"),
    Case {
        padding: 1024 * 1024,
        ..Case::new("long", "a ConfigMap of 1 MiB at validate", VALIDATE, "non-gateway-config-map")
    },
];

impl Case {
    const fn new(name: &'static str, label: &'static str, path: &'static str, review: &'static str) -> Self {
        Self { name, label, path, review, outcome: Outcome::Allowed, padding: 0, is_timed: false }
    }

    const fn expecting(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }

    const fn timed(self) -> Self {
        Self { is_timed: true, ..self }
    }

    /// Was data added to the recorded review?
    pub(crate) fn is_long(&self) -> bool {
        self.padding > 0
    }

    /// The body of the review.
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

    /// Asserts that a response of the webhook has the expected outcome.
    pub(crate) fn verify(&self, body: &[u8]) {
        let review: Value = serde_json::from_str(&self.body()).unwrap();
        let answer: Value = serde_json::from_slice(body).unwrap();
        let response = &answer["response"];
        let outcome = match (response["allowed"].as_bool().unwrap(), response.get("patch")) {
            (true, None) => Outcome::Allowed,
            (true, Some(_)) => Outcome::Patched,
            (false, _) => Outcome::Denied,
        };
        assert_eq!(response["uid"], review["request"]["uid"], "{}", self.name);
        assert_eq!(outcome, self.outcome, "{}: {answer:#}", self.name);
    }
}
