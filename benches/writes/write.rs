//! The objects that are written.

use crate::set_up::SetUp;
use serde_json::{Value, json};
use test_support::webhook::objects::{BARE, CHART_IDENTITY, one};

const CERTIFICATES: &str = include_str!("../../tests/manifests/non-gateway-certificates.yaml");

/// The namespace of the chart's gateway.
pub(crate) const CHART_ENFORCED: &str = "chart-enforced";

/// The creation of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// The chart's gateway, with nothing missing.
    Complete,
    /// A gateway without the fields that workload identity needs.
    Bare,
    /// A Deployment of another application.
    OtherApplication,
}

impl Write {
    /// All writes, in the order of their turns.
    pub(crate) const ALL: [Self; 3] = [Self::Complete, Self::Bare, Self::OtherApplication];

    /// The namespace that it is written to.
    pub(crate) fn namespace(self, set_up: SetUp) -> &'static str {
        // the tests' policy accepts the chart's ServiceAccount only there
        if self == Self::Complete { CHART_ENFORCED } else { set_up.namespace() }
    }

    /// The Deployment. It has a `generateName`, so each write creates another one.
    pub(crate) fn object(self) -> Value {
        let mut object = match self {
            Self::Complete => one(CHART_IDENTITY, "Deployment"),
            Self::Bare => one(BARE, "Deployment"),
            Self::OtherApplication => one(CERTIFICATES, "Deployment"),
        };
        let metadata = json!({
            "generateName": format!("{}-", object["metadata"]["name"].as_str().unwrap()),
            "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"],
        });
        object["metadata"] = metadata;
        object
    }

    /// The number of reviews for each write.
    pub(crate) fn reviews(self, set_up: SetUp) -> usize {
        match set_up {
            // the conditions exclude other applications
            SetUp::OptIn | SetUp::Cluster if self == Self::OtherApplication => 0,
            // the mutating webhook has nothing to set
            SetUp::OptIn | SetUp::Cluster if self == Self::Complete => 1,
            SetUp::OptIn | SetUp::Cluster => 2,
            SetUp::NoWebhook | SetUp::Native => 0,
        }
    }

    /// Its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete gateway",
            Self::Bare => "bare gateway",
            Self::OtherApplication => "other application",
        }
    }
}
