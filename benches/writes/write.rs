//! What is written.

use crate::set_up::{Scope, SetUp};
use crate::webhook::objects::{BARE, CHART_IDENTITY, one};
use serde_json::{Value, json};

const CERTIFICATES: &str = include_str!("../../tests/manifests/foreign-certificates.yaml");

/// The creation of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// The chart's, with nothing missing.
    Complete,
    /// One with all that identity needs left out.
    Bare,
    /// Somebody else's, in a namespace that is enforced.
    Foreign,
    /// The same where the whole cluster is enforced.
    ForeignInCluster,
}

impl Write {
    /// In the order of their turns.
    pub(crate) const ALL: [Self; 4] = [Self::Complete, Self::Bare, Self::Foreign, Self::ForeignInCluster];

    /// The scope of our webhook configurations that it is written under.
    pub(crate) fn scope(self) -> Scope {
        if self == Self::ForeignInCluster { Scope::Cluster } else { Scope::OptIn }
    }

    /// Where it is written.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            // the tests' policy accepts the chart's ServiceAccount there
            Self::Complete => "chart-enforced",
            Self::Bare | Self::Foreign => Scope::OptIn.namespace(),
            Self::ForeignInCluster => Scope::Cluster.namespace(),
        }
    }

    /// The Deployment, which gets another name at each write.
    pub(crate) fn object(self) -> Value {
        let mut object = match self {
            Self::Complete => one(CHART_IDENTITY, "Deployment"),
            Self::Bare => one(BARE, "Deployment"),
            Self::Foreign | Self::ForeignInCluster => one(CERTIFICATES, "Deployment"),
        };
        let metadata = json!({
            "generateName": format!("{}-", object["metadata"]["name"].as_str().unwrap()),
            "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"],
        });
        object["metadata"] = metadata;
        object
    }

    /// How often we are asked about one of it.
    pub(crate) fn reviews(self, set_up: SetUp) -> usize {
        match (set_up, self) {
            // its conditions leave it out
            (SetUp::Ours, Self::ForeignInCluster) => 0,
            // once at each door
            (SetUp::Ours, _) => 2,
            (SetUp::Nothing | SetUp::Native, _) => 0,
        }
    }

    /// What a reader of the tables calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete gateway",
            Self::Bare => "bare gateway",
            Self::Foreign => "foreign",
            Self::ForeignInCluster => "foreign, scope cluster",
        }
    }
}
