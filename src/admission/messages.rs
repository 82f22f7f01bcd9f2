//! What is said of rulings in a response: the denial, the warnings, the audit annotations. No sentence quotes a value.

use super::Endpoint;
use crate::gateway::{Kind, ObjectReference};
use crate::policy::{Edit, Finding, Level, dotted, printable};
use std::collections::BTreeMap;

/// Longest text of a denial's reasons; the API server shows it on one terminal.
const DENIAL_BYTES: usize = 1024;
/// The API server cuts warnings once they are long or many; within these bounds it never does.
const WARNING_CHARACTERS: usize = 120;
const WARNINGS: usize = 5;
/// Longest value of an audit annotation.
const ANNOTATION_BYTES: usize = 256;

/// The message of a denial: every reason, a line each.
pub(super) fn denial(identity: &ObjectReference, refusals: &[&Finding]) -> String {
    let noun = if refusals.len() == 1 { "fault keeps" } else { "faults keep" };
    let mut message = format!("{} {noun} {} from running keyless", refusals.len(), name(identity));
    for (index, finding) in refusals.iter().enumerate() {
        let line = format!("\n  {}", cut(&finding.sentence(), DENIAL_BYTES));
        if index > 0 && message.len() + line.len() > DENIAL_BYTES {
            message += &format!("\n  and {} more", refusals.len() - index);
            break;
        }
        message += &line;
    }
    let first = refusals.first().map_or("", |finding| finding.rule.id);
    format!("{message}\nexplain: apim-keyless explain {first}")
}

/// One warning for each ruling, at most five.
pub(super) fn warnings(findings: &[&Finding]) -> Vec<String> {
    let mut warnings: Vec<String> = findings.iter().map(|finding| bounded(&warning(finding))).collect();
    if warnings.len() > WARNINGS {
        let more = warnings.len() - (WARNINGS - 1);
        warnings.truncate(WARNINGS - 1);
        warnings.push(format!("apim-keyless: and {more} more; its log names them all"));
    }
    warnings
}

/// The annotations of the API server's audit event. The keys are a fixed set, so that none is ever dropped.
pub(super) fn annotations(
    endpoint: Endpoint,
    decision: &str,
    findings: &[Finding],
    policy: &str,
) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([("decision", decision.to_owned()), ("mode", endpoint.mode.to_string())]);
    annotations.insert("policy", cut(if policy.is_empty() { "built-in" } else { policy }, ANNOTATION_BYTES));
    if !findings.is_empty() {
        let mut rules: Vec<&str> = findings.iter().map(|finding| finding.rule.id).collect();
        rules.dedup();
        annotations.insert("rules", cut(&rules.join(","), ANNOTATION_BYTES));
    }
    let would_be = findings
        .iter()
        .filter(|finding| finding.level_if_enforced() == Some(Level::Fixable))
        .flat_map(|finding| &finding.problem.fix);
    let edits: Vec<String> = would_be.map(edit_text).collect();
    if !edits.is_empty() {
        annotations.insert("would-patch", cut(&edits.join("; "), ANNOTATION_BYTES));
    }
    annotations
}

/// What an edit does, in words, without its value.
pub(super) fn edit_text(edit: &Edit) -> String {
    match edit {
        Edit::Append { at, .. } => format!("append to {}", dotted(at)),
        Edit::Set { at, .. } => format!("set {}", dotted(at)),
    }
}

fn warning(finding: &Finding) -> String {
    let (rule, problem) = (finding.rule.id, &finding.problem);
    match (finding.level_if_enforced(), problem.fix.first()) {
        (Some(Level::Fixable), Some(edit)) => {
            format!("apim-keyless: {rule}: would {}", edit_text(edit))
        }
        (Some(Level::Error), _) => {
            format!("apim-keyless: {rule}: would refuse: {}", problem.message)
        }
        _ => format!("apim-keyless: {rule}: {}", problem.message),
    }
}

fn name(identity: &ObjectReference) -> String {
    let name = printable(&identity.name);
    match Kind::of(&identity.api_version, &identity.kind) {
        Some(kind) if kind.template().is_some() => format!("gateway \"{name}\""),
        _ => format!("the gateway of {} \"{name}\"", identity.kind),
    }
}

/// Printable ASCII of a bounded length: the API server drops a warning that has anything else.
fn bounded(text: &str) -> String {
    let ascii: String = text
        .chars()
        .map(|character| if character == ' ' || character.is_ascii_graphic() { character } else { '?' })
        .collect();
    cut(&ascii, WARNING_CHARACTERS)
}

/// At most `bytes` of `text`, with an ellipsis where it was cut.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes.saturating_sub(3)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}...", text.get(..end).unwrap_or_default())
}
