//! The findings of one namespace as a report object of Kubernetes: a `Report` of `OpenReports`, or a `PolicyReport` of the
//! Kubernetes policy working group, which Policy Reporter and other tools show.
//!
//! A report is bounded, and it changes only if a finding changes: each finding keeps the time at which it was first
//! reported.

use super::location_text::{counted, field};
use super::{Diagnostic, Level, Report};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::policy::printable;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// The name of every report.
pub const NAME: &str = "apim-keyless";
/// The label of every report that says who writes it.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Most findings in a report. The API server stores at most about 1.5 MiB of an object.
const RESULTS: usize = 200;
/// Longest fix in a result, in bytes. A longer one is cut there, and `...` follows: 515 bytes in all.
const FIX_BYTES: usize = 512;
/// `policy` of the result that says how many findings are left out.
const MORE: &str = "more-findings";
/// `category` of the results.
const CATEGORY: &str = "API Management self-hosted gateway";

/// The API of the report object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportApi {
    /// `Report` of `openreports.io/v1alpha1`.
    OpenReports,
    /// `PolicyReport` of `wgpolicyk8s.io/v1alpha2`.
    PolicyReports,
}

impl ReportApi {
    fn type_meta(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenReports => ("openreports.io/v1alpha1", "Report"),
            Self::PolicyReports => ("wgpolicyk8s.io/v1alpha2", "PolicyReport"),
        }
    }
}

/// The findings of a namespace.
#[derive(Clone, Debug)]
pub struct NamespaceFindings<'r> {
    /// The namespace.
    pub namespace: &'r str,
    findings: Vec<&'r Diagnostic>,
}

/// The findings of each namespace that has some, with their fingerprints; the severe ones first. Those that are suppressed
/// are left out.
pub fn by_namespace(report: &Report) -> Vec<NamespaceFindings<'_>> {
    let mut namespaces: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for finding in report.counted() {
        if let Some(object) = &finding.object {
            namespaces.entry(&object.namespace).or_default().push(finding);
        }
    }
    let sorted = namespaces.into_iter().map(|(namespace, mut findings)| {
        let key = |finding: &&Diagnostic| {
            let object = finding.object.as_ref().map(|object| (object.kind.clone(), object.name.clone()));
            (std::cmp::Reverse(finding.level), object, finding.fingerprint.clone())
        };
        findings.sort_by_cached_key(key);
        NamespaceFindings { namespace, findings }
    });
    sorted.collect()
}

impl NamespaceFindings<'_> {
    /// Renders the report object. A finding that `earlier`, the object that is stored, has already keeps its time; others
    /// get `now`, as Unix time.
    pub fn render(&self, api: ReportApi, now: i64, earlier: Option<&Value>) -> Value {
        let since = earlier.map(times).unwrap_or_default();
        let mut results: Vec<Value> = self
            .findings
            .iter()
            .take(RESULTS)
            .map(|finding| result(finding, since.get(finding.fingerprint.as_str()).copied().unwrap_or(now)))
            .collect();
        if let Some(left_out) = self.findings.len().checked_sub(RESULTS).filter(|number| *number > 0) {
            let id = self.more_id();
            results.push(self.more(left_out, since.get(id.as_str()).copied().unwrap_or(now)));
        }
        let count = |result: &str| self.findings.iter().filter(|finding| outcome(finding.level).0 == result).count();
        let (api_version, kind) = api.type_meta();
        members([
            ("apiVersion", Some(json!(api_version))),
            ("kind", Some(json!(kind))),
            ("metadata", Some(json!({"name": NAME, "namespace": self.namespace, "labels": {MANAGED_BY: NAME}}))),
            // the other API does not have it
            ("source", (api == ReportApi::OpenReports).then(|| json!(NAME))),
            ("summary", Some(json!({"pass": 0, "fail": count("fail"), "warn": count("warn"), "error": 0, "skip": 0}))),
            ("results", Some(json!(results))),
        ])
    }

    /// The id of the result that says how many findings are left out.
    fn more_id(&self) -> String {
        format!("{MORE}-{}", self.namespace)
    }

    /// The result that says how many findings are left out.
    fn more(&self, left_out: usize, at: i64) -> Value {
        json!({
            "policy": MORE,
            "source": NAME,
            "category": CATEGORY,
            "severity": "info",
            "result": "warn",
            "scored": false,
            "timestamp": {"seconds": at, "nanos": 0},
            "message": format!(
                "Run apim-keyless audit --namespace {} --details: {} are not in this report",
                self.namespace,
                counted(left_out, "further finding"),
            ),
            "properties": {"resultID": self.more_id()},
        })
    }
}

/// Whether the stored object says the same as a rendered one.
pub fn is_same(stored: &Value, rendered: &Value) -> bool {
    let content = |object: &Value| {
        let members = object.as_object().into_iter().flatten();
        let members = members.filter(|(key, _)| !["apiVersion", "kind", "metadata"].contains(&key.as_str()));
        members.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<String, Value>>()
    };
    is_ours(stored) && content(stored) == content(rendered)
}

/// Whether a stored object has our label.
pub fn is_ours(stored: &Value) -> bool {
    let labels = stored.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|label| label == NAME)
}

/// `result` and `severity` of a level. Only warnings do not count for a score.
fn outcome(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Error => ("fail", "high"),
        Level::Fixable => ("fail", "medium"),
        Level::Warning => ("warn", "low"),
    }
}

fn result(finding: &Diagnostic, at: i64) -> Value {
    let (result, severity) = outcome(finding.level);
    let path = field(&finding.location);
    let properties = members([
        // Policy Reporter identifies a result by it
        ("resultID", Some(json!(finding.fingerprint))),
        ("level", Some(json!(finding.level.name()))),
        ("path", (!path.is_empty()).then(|| json!(printable(&path)))),
        ("fix", finding.fixes.first().map(|fix| json!(shortened(&printable(&fix.title))))),
    ]);
    json!({
        "policy": finding.rule,
        "source": NAME,
        "category": CATEGORY,
        "severity": severity,
        "result": result,
        "scored": result == "fail",
        "timestamp": {"seconds": at, "nanos": 0},
        "message": printable(&finding.message),
        "resources": finding.object.iter().map(|object| resource(object, finding.uid.as_deref())).collect::<Value>(),
        "properties": properties,
    })
}

fn resource(object: &ObjectReference, uid: Option<&str>) -> Value {
    members([
        ("apiVersion", Some(json!(object.api_version))),
        ("kind", Some(json!(object.kind))),
        ("namespace", (object.kind != "Namespace").then(|| json!(object.namespace))),
        ("name", Some(json!(object.name))),
        ("uid", uid.map(|uid| json!(uid))),
    ])
}

/// The object with the members that have a value.
fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
}

fn shortened(text: &str) -> String {
    if text.len() <= FIX_BYTES {
        return text.to_owned();
    }
    let (start, _) = text.split_at(text.floor_char_boundary(FIX_BYTES));
    format!("{start}...")
}

/// The time of each result of a stored object, by its id.
fn times(stored: &Value) -> HashMap<&str, i64> {
    let results = stored.get("results").and_then(Value::as_array).into_iter().flatten();
    let time = |result| {
        let result: &Value = result;
        Some((result.pointer("/properties/resultID")?.as_str()?, result.pointer("/timestamp/seconds")?.as_i64()?))
    };
    results.filter_map(time).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fix, Location, Safety};

    fn finding(namespace: &str, rule: &'static str, level: Level, number: usize) -> Diagnostic {
        let object = ObjectReference {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: namespace.into(),
            name: format!("gateway-{number}"),
        };
        Diagnostic {
            object: Some(object),
            uid: Some(format!("uid-{number}")),
            location: Location { path: Some("/spec/template".to_owned()), ..Location::default() },
            ..Diagnostic::new(rule, level, "Do this: because of that")
        }
    }

    fn report(findings: Vec<Diagnostic>) -> Report {
        let mut report = Report { findings, ..Report::default() };
        report.number_fingerprints();
        report
    }

    #[test]
    fn each_namespace_with_findings_has_its_results_with_the_severe_ones_first() {
        let mut fixable = finding("team-b", "missing-identity-label", Level::Fixable, 2);
        let title = "x".repeat(2000);
        fixable.fixes = vec![Fix { title, safety: Safety::Safe, edits: Vec::new() }];
        let report = report(vec![
            finding("team-b", "rolling-version", Level::Warning, 1),
            fixable,
            finding("team-b", "auth-key-reference", Level::Error, 3),
            finding("team-a", "auth-key-reference", Level::Error, 1),
        ]);
        let namespaces = by_namespace(&report);
        let names: Vec<&str> = namespaces.iter().map(|findings| findings.namespace).collect();
        assert_eq!(names, ["team-a", "team-b"]);
        let object = namespaces[1].render(ReportApi::OpenReports, 1000, None);
        assert_eq!(object["summary"], json!({"pass": 0, "fail": 2, "warn": 1, "error": 0, "skip": 0}));
        let shown: Vec<[&str; 3]> = object["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| ["policy", "result", "severity"].map(|key| result[key].as_str().unwrap()))
            .collect();
        let expected = [
            ["auth-key-reference", "fail", "high"],
            ["missing-identity-label", "fail", "medium"],
            ["rolling-version", "warn", "low"],
        ];
        assert_eq!(shown, expected);
        let fix = object["results"][1]["properties"]["fix"].as_str().unwrap();
        assert_eq!(fix.len(), FIX_BYTES + 3);
        let resource = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "team-b",
            "name": "gateway-3", "uid": "uid-3"});
        assert_eq!(object["results"][0]["resources"], json!([resource]));
        assert_eq!(object["source"], "apim-keyless");
        // the API server prunes a field that the other API does not have, and the report would never be the same
        assert_eq!(namespaces[1].render(ReportApi::PolicyReports, 1000, None)["source"], json!(null));
    }

    #[test]
    fn a_finding_keeps_its_time_and_a_report_without_a_change_is_the_same() {
        let first = report(vec![finding("team-a", "auth-key-reference", Level::Error, 1)]);
        let stored = by_namespace(&first)[0].render(ReportApi::OpenReports, 1000, None);
        let again = by_namespace(&first)[0].render(ReportApi::OpenReports, 2000, Some(&stored));
        assert!(is_same(&stored, &again), "{again}");
        let second = report(vec![
            finding("team-a", "auth-key-reference", Level::Error, 1),
            finding("team-a", "auth-key-reference", Level::Error, 2),
        ]);
        let changed = by_namespace(&second)[0].render(ReportApi::OpenReports, 2000, Some(&stored));
        assert!(!is_same(&stored, &changed));
        let times: Vec<&Value> =
            changed["results"].as_array().unwrap().iter().map(|result| &result["timestamp"]["seconds"]).collect();
        assert_eq!(times, [1000, 2000]);
        let mut other = stored.clone();
        other["metadata"]["labels"] = json!({});
        assert!(!is_same(&other, &again));
    }

    #[test]
    fn a_report_is_bounded_and_says_how_much_is_left_out() {
        let findings = (0..RESULTS + 12).map(|number| finding("team-a", "auth-key-reference", Level::Error, number));
        let report = report(findings.collect());
        let object = by_namespace(&report)[0].render(ReportApi::PolicyReports, 1000, None);
        let results = object["results"].as_array().unwrap();
        assert_eq!((results.len(), object["summary"]["fail"].as_u64()), (RESULTS + 1, Some(212)));
        let message = results[RESULTS]["message"].as_str().unwrap();
        assert_eq!(
            message,
            "Run apim-keyless audit --namespace team-a --details: 12 further findings are not in this report"
        );
    }
}
