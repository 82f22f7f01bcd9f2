//! One gateway in the inventory of a report.

use super::{Diagnostic, Report};
use apim_keyless_core::gateway::{GatewaySummary, ObjectReference};
use apim_keyless_core::policy::{Level, Mode};
use std::collections::HashMap;

/// One gateway of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRow {
    /// The cluster, if it is in one.
    pub cluster: Option<String>,
    /// The workload.
    pub object: ObjectReference,
    /// `metadata.uid` of the workload, if it is in a cluster.
    pub uid: Option<String>,
    /// How it authenticates, and what it runs.
    pub summary: GatewaySummary,
    /// The `ConfigMap`s that it refers to.
    pub config_maps: Vec<String>,
    /// The mode of its namespace.
    pub mode: Mode,
    /// The worst level of the findings of the workload, and of the `ServiceAccount` and the `ConfigMap`s that it refers
    /// to; `None` if they have none. [`Report::rate_gateways`] fills it in.
    pub level: Option<Level>,
    /// The rules of the errors among these findings, in the order of their names.
    pub blocked_by: Vec<&'static str>,
}

/// Cluster, kind, namespace and name of an object. Of the kinds that a gateway refers to, only one API group is
/// evaluated.
pub(crate) type ObjectKey<'a> = (Option<&'a str>, &'a str, &'a str, &'a str);

impl GatewayRow {
    /// A gateway that is not rated yet.
    pub fn new(object: ObjectReference, summary: GatewaySummary, mode: Mode) -> Self {
        Self {
            cluster: None,
            object,
            uid: None,
            summary,
            config_maps: Vec::new(),
            mode,
            level: None,
            blocked_by: Vec::new(),
        }
    }

    /// The objects whose findings count for it.
    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectKey<'_>> {
        let key = |kind, name| (self.cluster.as_deref(), kind, self.object.namespace.as_str(), name);
        let config_maps = self.config_maps.iter().map(move |name| key("ConfigMap", name.as_str()));
        let account = self.summary.service_account.as_deref().map(|name| key("ServiceAccount", name));
        std::iter::once(key(&self.object.kind, &self.object.name)).chain(account).chain(config_maps)
    }
}

/// The findings of each object.
pub(crate) fn by_object(findings: &[Diagnostic]) -> HashMap<ObjectKey<'_>, Vec<&Diagnostic>> {
    let mut objects: HashMap<ObjectKey<'_>, Vec<&Diagnostic>> = HashMap::new();
    for finding in findings {
        objects.entry(object_of(finding)).or_default().push(finding);
    }
    objects
}

/// The object of a finding; empty texts if it has none.
pub(crate) fn object_of(finding: &Diagnostic) -> ObjectKey<'_> {
    let of = |object| -> (&str, &str, &str) { object };
    let (kind, namespace, name) =
        finding.object.as_ref().map_or(("", "", ""), |object| of((&object.kind, &object.namespace, &object.name)));
    (finding.cluster.as_deref(), kind, namespace, name)
}

/// The findings of a report, to be looked up by gateway.
pub struct FindingsByGateway<'r>(HashMap<ObjectKey<'r>, Vec<&'r Diagnostic>>);

impl<'r> FindingsByGateway<'r> {
    /// Sorts the findings by object.
    pub fn of(findings: &'r [Diagnostic]) -> Self {
        Self(by_object(findings))
    }

    /// The findings of a gateway: of the workload, and of the `ServiceAccount` and the `ConfigMap`s that it refers to.
    pub fn findings(&self, row: &GatewayRow) -> Vec<&'r Diagnostic> {
        row.objects().filter_map(|object| self.0.get(&object)).flatten().copied().collect()
    }
}

impl Report {
    /// Fills in the level of each gateway, and the rules that block it, from the findings.
    pub fn rate_gateways(&mut self) {
        let findings = FindingsByGateway::of(&self.findings);
        for row in self.gateways.iter_mut().flatten() {
            let of_row = findings.findings(row);
            row.level = of_row.iter().map(|finding| finding.level).max();
            let errors = of_row.into_iter().filter(|finding| finding.level == Level::Error);
            row.blocked_by = errors.map(|finding| finding.rule).collect();
            row.blocked_by.sort_unstable();
            row.blocked_by.dedup();
        }
    }
}
