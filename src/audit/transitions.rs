//! What has changed for a gateway since the previous scan that its owner should know.

use apim_keyless_core::gateway::{Authentication, ObjectReference};
use apim_keyless_core::policy::{Level, printable};
use apim_keyless_report::{Diagnostic, FindingsByGateway, GatewayRow, Report};
use std::collections::{BTreeSet, HashMap};

/// Longest text of a transition, in bytes: the API server stores no longer note of an Event.
const TEXT_BYTES: usize = 1024;

/// The gateways of a scan, as the next one compares them.
#[derive(Debug, Default)]
pub struct KnownGateways(HashMap<ObjectReference, Known>);

#[derive(Debug, Default)]
struct Known {
    authentication: Option<Authentication>,
    has_finding: bool,
    errors: BTreeSet<&'static str>,
}

/// A change of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The workload.
    pub gateway: ObjectReference,
    /// `metadata.uid` of the workload.
    pub uid: Option<String>,
    /// What has changed.
    pub kind: TransitionKind,
    /// What to do, or what the gateway does now. It contains no value of a setting.
    pub text: String,
}

/// What has changed for a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    /// A rule finds an error that it did not find before.
    NewError,
    /// It had no finding, and has one that is not an error.
    FirstFinding,
    /// It authenticates with workload identity, and did not before.
    Keyless,
}

impl TransitionKind {
    /// `reason` of the Event.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NewError => "GatewayHasNewError",
            Self::FirstFinding => "GatewayHasFinding",
            Self::Keyless => "GatewayIsKeyless",
        }
    }

    /// Whether a person should do something about it.
    pub fn is_warning(self) -> bool {
        self != Self::Keyless
    }
}

impl KnownGateways {
    /// The gateways of a report that is rated.
    pub fn of(report: &Report) -> Self {
        let known = |row: &GatewayRow| Known {
            authentication: Some(row.summary.authentication),
            has_finding: row.level.is_some(),
            errors: row.blocked_by.iter().copied().collect(),
        };
        Self(report.gateways.iter().flatten().map(|row| (row.object.clone(), known(row))).collect())
    }

    /// What has changed since this scan. A gateway that was not there had neither findings nor a way to authenticate.
    pub fn transitions(&self, report: &Report) -> Vec<Transition> {
        let findings = FindingsByGateway::of(&report.findings);
        let none = Known::default();
        let of_row = |row: &GatewayRow| {
            let known = self.0.get(&row.object).unwrap_or(&none);
            let transition = |kind, text: &str| Transition {
                gateway: row.object.clone(),
                uid: row.uid.clone(),
                kind,
                text: shortened(&printable(text)),
            };
            let new_errors: Vec<&str> =
                row.blocked_by.iter().filter(|rule| !known.errors.contains(*rule)).copied().collect();
            let finding = if !new_errors.is_empty() {
                let of_row = findings.findings(row);
                let first = |rule: &&str| of_row.iter().copied().find(|finding| is_error(finding, rule)).map(described);
                let texts: Vec<String> = new_errors.iter().filter_map(first).collect();
                Some(transition(TransitionKind::NewError, &texts.join("; ")))
            } else if row.level.is_some() && !known.has_finding {
                let first = findings.findings(row).first().copied().map(described).unwrap_or_default();
                Some(transition(TransitionKind::FirstFinding, &first))
            } else {
                None
            };
            let was_keyless =
                known.authentication.is_none_or(|authentication| authentication == Authentication::WorkloadIdentity);
            let is_keyless = row.summary.authentication == Authentication::WorkloadIdentity;
            let keyless = (is_keyless && !was_keyless)
                .then(|| transition(TransitionKind::Keyless, "The gateway authenticates with workload identity now"));
            finding.into_iter().chain(keyless).collect::<Vec<_>>()
        };
        report.gateways.iter().flatten().flat_map(of_row).collect()
    }
}

fn is_error(finding: &Diagnostic, rule: &str) -> bool {
    finding.rule == rule && finding.level == Level::Error
}

fn described(finding: &Diagnostic) -> String {
    format!("{}: {}", finding.rule, finding.message)
}

fn shortened(text: &str) -> String {
    const END: &str = "...";
    if text.len() <= TEXT_BYTES {
        return text.to_owned();
    }
    let (start, _) = text.split_at(text.floor_char_boundary(TEXT_BYTES - END.len()));
    format!("{start}{END}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use apim_keyless_core::gateway::GatewaySummary;
    use apim_keyless_report::Mode;

    /// Rules with the levels of their findings.
    type Findings<'f> = &'f [(&'static str, Level)];

    fn report(gateways: &[(&str, Authentication, Findings<'_>)]) -> Report {
        let mut report = Report { gateways: Some(Vec::new()), ..Report::default() };
        for (name, authentication, findings) in gateways {
            let object = ObjectReference {
                api_version: "apps/v1".into(),
                kind: "Deployment".into(),
                namespace: "team-a".into(),
                name: (*name).to_owned(),
            };
            let summary = GatewaySummary {
                authentication: *authentication,
                image: "gateway:2.11.0".into(),
                version: None,
                service_account: None,
                is_arc_extension: false,
            };
            let row = GatewayRow {
                uid: Some(format!("uid-{name}")),
                ..GatewayRow::new(object.clone(), summary, Mode::Audit)
            };
            report.gateways.get_or_insert_default().push(row);
            for (rule, level) in *findings {
                let message = format!("Fix {}", "it ".repeat(400));
                report
                    .findings
                    .push(Diagnostic { object: Some(object.clone()), ..Diagnostic::new(rule, *level, message) });
            }
        }
        report.number_fingerprints();
        report.rate_gateways();
        report
    }

    fn kinds(transitions: &[Transition]) -> Vec<(&str, TransitionKind)> {
        transitions.iter().map(|transition| (transition.gateway.name.as_str(), transition.kind)).collect()
    }

    #[test]
    fn only_transitions_are_reported() {
        use Authentication::{Key, WorkloadIdentity};
        let key: Findings<'_> = &[("auth-key-reference", Level::Error)];
        let both: Findings<'_> = &[("auth-key-reference", Level::Error), ("unsupported-version", Level::Error)];
        let warning: Findings<'_> = &[("rolling-version", Level::Warning)];
        let first = report(&[("a", Key, key), ("b", WorkloadIdentity, &[]), ("c", Key, key)]);
        let known = KnownGateways::of(&first);
        assert_eq!(known.transitions(&first), []);
        let second = report(&[
            ("a", WorkloadIdentity, warning),
            ("b", WorkloadIdentity, warning),
            ("c", Key, both),
            ("d", Key, key),
        ]);
        let transitions = known.transitions(&second);
        let expected = [
            ("a", TransitionKind::Keyless),
            ("b", TransitionKind::FirstFinding),
            ("c", TransitionKind::NewError),
            ("d", TransitionKind::NewError),
        ];
        assert_eq!(kinds(&transitions), expected);
        assert!(transitions[2].text.starts_with("unsupported-version: Fix it "), "{}", transitions[2].text);
        assert!(transitions.iter().all(|transition| transition.text.len() <= TEXT_BYTES));
        assert_eq!(transitions[3].uid.as_deref(), Some("uid-d"));
        // an error that is fixed and returns is new again
        assert_eq!(kinds(&KnownGateways::of(&second).transitions(&first)), [("a", TransitionKind::NewError)]);
    }
}
