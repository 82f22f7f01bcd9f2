//! What is written.

use crate::set_up::SetUp;
use crate::webhook::objects::{BARE, CHART_IDENTITY, one};
use serde_json::{Value, json};

const CERTIFICATES: &str = include_str!("../../tests/manifests/foreign-certificates.yaml");

/// The namespace of the chart's gateway.
pub(crate) const CHART_ENFORCED: &str = "chart-enforced";

/// The creation of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// The chart's, with nothing missing.
    Complete,
    /// One with all that identity needs left out.
    Bare,
    /// Somebody else's.
    Foreign,
}

impl Write {
    /// In the order of their turns.
    pub(crate) const ALL: [Self; 3] = [Self::Complete, Self::Bare, Self::Foreign];

    /// Where it is written.
    pub(crate) fn namespace(self, set_up: SetUp) -> &'static str {
        // the tests' policy accepts the chart's ServiceAccount there
        if self == Self::Complete { CHART_ENFORCED } else { set_up.namespace() }
    }

    /// The Deployment, which gets another name at each write.
    pub(crate) fn object(self) -> Value {
        let mut object = match self {
            Self::Complete => one(CHART_IDENTITY, "Deployment"),
            Self::Bare => one(BARE, "Deployment"),
            Self::Foreign => one(CERTIFICATES, "Deployment"),
        };
        let metadata = json!({
            "generateName": format!("{}-", object["metadata"]["name"].as_str().unwrap()),
            "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"],
        });
        object["metadata"] = metadata;
        object
    }

    /// How often we are asked about one of it.
    pub(crate) fn reviews(set_up: SetUp) -> usize {
        match set_up {
            // once at each door
            SetUp::Ours => 2,
            // the conditions of the webhooks leave others out, and nothing else is written there
            SetUp::Nothing | SetUp::Native | SetUp::OursInCluster => 0,
        }
    }

    /// What a reader of the tables calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete gateway",
            Self::Bare => "bare gateway",
            Self::Foreign => "foreign",
        }
    }
}
