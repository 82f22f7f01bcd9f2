//! What has changed since an earlier report.

use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_report::{Changes, GatewayChange, Report};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the JSON report that is read.
const VERSION: u64 = 1;

/// What is read of an earlier JSON report of `audit` or `check`. It ignores fields that it does not know.
#[derive(Debug, Default, Deserialize)]
pub struct Earlier {
    version: u64,
    findings: Vec<EarlierFinding>,
    gateways: Vec<EarlierGateway>,
}

#[derive(Debug, Deserialize)]
struct EarlierFinding {
    rule: String,
    fingerprint: String,
    cluster: Option<String>,
    object: Option<EarlierObject>,
}

#[derive(Debug, Deserialize)]
struct EarlierGateway {
    #[serde(default)]
    cluster: Option<String>,
    object: EarlierObject,
    authentication: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EarlierObject {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

/// Why a text is not an earlier report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EarlierError {
    /// Not the JSON of a report: line and column.
    #[error("{line}:{column}: not a JSON report; write one with --output json")]
    NotAReport {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A report of another version.
    #[error(
        "1:1: this report has version {0}, and this program reads version {VERSION}; write it again with --output json"
    )]
    OtherVersion(u64),
}

impl Earlier {
    /// Reads the JSON of a report.
    ///
    /// # Errors
    /// It is not one. The error quotes nothing of the text.
    pub fn parse(text: &str) -> Result<Self, EarlierError> {
        let earlier: Self = serde_json::from_str(text)
            .map_err(|error| EarlierError::NotAReport { line: error.line(), column: error.column().max(1) })?;
        if earlier.version == VERSION { Ok(earlier) } else { Err(EarlierError::OtherVersion(earlier.version)) }
    }

    /// What a report of this program looks like as an earlier one.
    pub fn of(report: &Report) -> Self {
        let object = |object: &ObjectReference| EarlierObject {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: Some(object.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            name: object.name.clone(),
        };
        let findings = report.findings.iter().map(|finding| EarlierFinding {
            rule: finding.rule.to_owned(),
            fingerprint: finding.fingerprint.clone(),
            cluster: finding.cluster.clone(),
            object: finding.object.as_ref().map(object),
        });
        let gateways = report.gateways.iter().flatten().map(|row| EarlierGateway {
            cluster: row.cluster.clone(),
            object: object(&row.object),
            authentication: row.summary.authentication.name().to_owned(),
        });
        Self { version: VERSION, findings: findings.collect(), gateways: gateways.collect() }
    }
}

/// Compares a report, whose findings have fingerprints, with an earlier one.
pub fn changes(earlier: &Earlier, report: &Report) -> Changes {
    let now = Earlier::of(report);
    let fingerprints = |report: &Earlier| -> BTreeSet<String> {
        report.findings.iter().map(|finding| finding.fingerprint.clone()).collect()
    };
    let (known, current) = (fingerprints(earlier), fingerprints(&now));
    let rows = earlier.gateways.iter().chain(&now.gateways);
    let has_clusters = rows.map(|row| &row.cluster).collect::<BTreeSet<_>>().len() > 1;
    let described = |findings: &[EarlierFinding], others: &BTreeSet<String>| -> Vec<String> {
        let gone = findings.iter().filter(|finding| !others.contains(&finding.fingerprint));
        gone.map(|finding| finding.described(has_clusters)).collect()
    };
    let methods = |report: &Earlier| -> BTreeMap<String, String> {
        report.gateways.iter().map(|row| (row.name(has_clusters), row.authentication.clone())).collect()
    };
    let (before, after) = (methods(earlier), methods(&now));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let gateways = names.into_iter().filter_map(|name| {
        let (from, to) = (before.get(name).cloned(), after.get(name).cloned());
        (from != to).then(|| GatewayChange { gateway: name.clone(), from, to })
    });
    Changes {
        fixed: described(&earlier.findings, &current),
        new: described(&now.findings, &known),
        unchanged: known.intersection(&current).count(),
        gateways: gateways.collect(),
    }
}

impl EarlierFinding {
    /// `RULE in [CLUSTER: ]KIND NAMESPACE/NAME`; the cluster if there are several.
    fn described(&self, has_clusters: bool) -> String {
        match &self.object {
            Some(object) => {
                format!("{} in {}", self.rule, object.name_in(self.cluster.as_deref().filter(|_| has_clusters)))
            }
            None => self.rule.clone(),
        }
    }
}

impl EarlierGateway {
    fn name(&self, has_clusters: bool) -> String {
        self.object.name_in(self.cluster.as_deref().filter(|_| has_clusters))
    }
}

impl EarlierObject {
    fn name_in(&self, cluster: Option<&str>) -> String {
        let namespace = self.namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let cluster = cluster.map(|cluster| format!("{cluster}: ")).unwrap_or_default();
        format!("{cluster}{} {namespace}{}", self.kind, self.name)
    }
}
