//! What is said of rulings in a response: the denial, the warnings, the audit annotations. No sentence quotes a value.

use super::Entry;
use crate::gateway::{Identity, Kind};
use crate::policy::{Edit, Outcome, Ruling, dotted, printable};
use std::collections::BTreeMap;

/// Longest text of a denial's reasons; the API server shows it on one terminal.
const DENIAL_BYTES: usize = 1024;
/// The API server cuts warnings once they are long or many; within these bounds it never does.
const WARNING_CHARACTERS: usize = 120;
const WARNINGS: usize = 5;
/// Longest value of an audit annotation.
const ANNOTATION_BYTES: usize = 256;

/// The message of a denial: every reason, a line each.
pub(super) fn denial(identity: &Identity, refusals: &[&Ruling]) -> String {
    let noun = if refusals.len() == 1 { "fault keeps" } else { "faults keep" };
    let mut message = format!("{} {noun} {} from running keyless", refusals.len(), name(identity));
    for (index, ruling) in refusals.iter().enumerate() {
        let line = format!("\n  {}", cut(&ruling.sentence(), DENIAL_BYTES));
        if index > 0 && message.len() + line.len() > DENIAL_BYTES {
            message += &format!("\n  and {} more", refusals.len() - index);
            break;
        }
        message += &line;
    }
    let first = refusals.first().map_or("", |ruling| ruling.rule.id);
    format!("{message}\nexplain: apim-keyless explain {first}")
}

/// One warning for each ruling, at most five.
pub(super) fn warnings(rulings: &[&Ruling]) -> Vec<String> {
    let mut warnings: Vec<String> = rulings.iter().map(|ruling| bounded(&warning(ruling))).collect();
    if warnings.len() > WARNINGS {
        let more = warnings.len() - (WARNINGS - 1);
        warnings.truncate(WARNINGS - 1);
        warnings.push(format!("apim-keyless: and {more} more; its log names them all"));
    }
    warnings
}

/// The annotations of the API server's audit event. The keys are a fixed set, so that none is ever dropped.
pub(super) fn annotations(
    entry: Entry,
    decision: &str,
    rulings: &[Ruling],
    policy: &str,
) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([("decision", decision.to_owned()), ("mode", entry.mode.to_string())]);
    annotations.insert("policy", cut(if policy.is_empty() { "built-in" } else { policy }, ANNOTATION_BYTES));
    if !rulings.is_empty() {
        let mut rules: Vec<&str> = rulings.iter().map(|ruling| ruling.rule.id).collect();
        rules.dedup();
        annotations.insert("rules", cut(&rules.join(","), ANNOTATION_BYTES));
    }
    let would_be = rulings
        .iter()
        .filter(|ruling| ruling.would_become() == Some(Outcome::Mended))
        .flat_map(|ruling| &ruling.finding.remedy);
    let edits: Vec<String> = would_be.map(spoken).collect();
    if !edits.is_empty() {
        annotations.insert("would-patch", cut(&edits.join("; "), ANNOTATION_BYTES));
    }
    annotations
}

/// What an edit does, in words, without its value.
pub(super) fn spoken(edit: &Edit) -> String {
    match edit {
        Edit::Append { at, .. } => format!("append to {}", dotted(at)),
        Edit::Set { at, .. } => format!("set {}", dotted(at)),
    }
}

fn warning(ruling: &Ruling) -> String {
    let (rule, finding) = (ruling.rule.id, &ruling.finding);
    match (ruling.would_become(), finding.remedy.first()) {
        (Some(Outcome::Mended), Some(edit)) => {
            format!("apim-keyless: {rule}: would {}", spoken(edit))
        }
        (Some(Outcome::Refused), _) => {
            format!("apim-keyless: {rule}: would refuse: {}", finding.problem)
        }
        _ => format!("apim-keyless: {rule}: {}", finding.problem),
    }
}

fn name(identity: &Identity) -> String {
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
