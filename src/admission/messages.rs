//! Texts of a response: the denial, the warnings, the audit annotations. None quotes a value of an evaluated object.

use super::Endpoint;
use super::bounded::{joined, shortened};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::policy::{Finding, FoundIn, Level, printable};
use std::collections::{BTreeMap, BTreeSet};

/// Length limit of a denial's reasons, in bytes: a terminal shows them at once.
const DENIAL_BYTES: usize = 1024;
/// Length limit of the ids of the rules that a denial does not explain, in bytes.
const IDS_BYTES: usize = 512;
/// Length limit of a warning, in characters. The API server shortens longer ones to 256 once all of a response exceed
/// 4096 (`k8s.io/apiserver/pkg/endpoints/filters/warning.go`).
const WARNING_CHARACTERS: usize = 256;
/// Number limit of the warnings of a response.
const WARNINGS: usize = 5;
/// Length limit of an audit annotation's value, in bytes.
const ANNOTATION_BYTES: usize = 256;
/// The placeholder of a rule's id in the base URL.
const RULE_PLACEHOLDER: &str = "{rule}";

/// How messages are written, whatever they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageOptions {
    /// Base URL of the rule pages; a denial then names the page of each rule. `{rule}` in it is replaced by the rule's id;
    /// without `{rule}` the id is appended as a path segment.
    pub docs_url: Option<String>,
    /// Whether the mutating webhook leaves out its warnings, which say what it set.
    pub quiet_mutations: bool,
}

impl MessageOptions {
    fn page(&self, rule: &str) -> Option<String> {
        let base = self.docs_url.as_deref()?;
        let is_template = base.contains(RULE_PLACEHOLDER);
        Some(if is_template {
            base.replace(RULE_PLACEHOLDER, rule)
        } else {
            format!("{}/{rule}", base.trim_end_matches('/'))
        })
    }
}

/// The message of a denial: all reasons, one line each, and where to read more.
pub(super) fn denial(reference: &ObjectReference, findings: &[&Finding], options: &MessageOptions) -> String {
    let noun = if findings.len() == 1 { "reason" } else { "reasons" };
    let object = format!("{} \"{}\"", reference.kind, shortened(&reference.name, ANNOTATION_BYTES));
    let mut message =
        format!("{} is denied for {} {noun}:", shortened(&printable(&object), 2 * ANNOTATION_BYTES), findings.len());
    let mut rules: Vec<&str> = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let rest = DENIAL_BYTES.saturating_sub(message.len());
        let sentence = finding.sentence();
        if index > 0 && sentence.len() > rest {
            message += &more(findings.get(index..).unwrap_or_default());
            break;
        }
        message += &format!("\n  {}", shortened(&sentence, rest));
        if !rules.contains(&finding.rule.id) {
            rules.push(finding.rule.id);
        }
    }
    let related: BTreeSet<&FoundIn> = findings.iter().filter_map(|finding| finding.problem.found_in.as_ref()).collect();
    if !related.is_empty() {
        let related =
            joined(related.into_iter().map(|found| printable(&found.to_string()).into_owned()), ", ", ANNOTATION_BYTES);
        message += &format!("\napply {related} first, then this object");
    }
    if let Some(first) = rules.first() {
        message += &format!("\nread more: apim-keyless explain {first}");
    }
    let pages: Vec<String> = rules.iter().filter_map(|rule| options.page(rule)).collect();
    if !pages.is_empty() {
        message += &format!("\nor the pages of the rules:\n  {}", pages.join("\n  "));
    }
    message
}

/// The end of a list of reasons that is cut: the ids of the rest, each once, and where to see them.
fn more(rest: &[&Finding]) -> String {
    let ids: BTreeSet<&str> = rest.iter().map(|finding| finding.rule.id).collect();
    let ids = joined(ids.into_iter(), ", ", IDS_BYTES);
    format!("\n  and {} more: {ids}\nsee all of them: apim-keyless check FILE", rest.len())
}

/// Warnings of the validating webhook, one for each finding.
pub(super) fn warnings(findings: &[&Finding]) -> Vec<String> {
    limited(findings.iter().map(|finding| warning(finding)))
}

/// Warnings of the mutating webhook, one for each finding whose fix was applied.
pub(super) fn mutation_warnings(findings: &[Finding]) -> Vec<String> {
    limited(findings.iter().map(|finding| prefixed(finding, &finding.problem.fix_text())))
}

/// The annotations of the API server's audit event. The set of keys is fixed: the API server drops none of them.
pub(super) fn annotations(
    endpoint: Endpoint,
    decision: &str,
    findings: &[Finding],
    policy: &str,
) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([("decision", decision.to_owned()), ("mode", endpoint.mode.to_string())]);
    annotations.insert("policy", shortened(policy, ANNOTATION_BYTES).into_owned());
    if !findings.is_empty() {
        let mut rules: Vec<&str> = findings.iter().map(|finding| finding.rule.id).collect();
        rules.dedup();
        annotations.insert("rules", joined(rules.into_iter(), ",", ANNOTATION_BYTES));
    }
    let would_be = findings.iter().filter(|finding| finding.level_if_enforced() == Some(Level::Fixable));
    let edits = joined(would_be.map(|finding| finding.problem.fix_text()), "; ", ANNOTATION_BYTES);
    if !edits.is_empty() {
        annotations.insert("would-patch", edits);
    }
    annotations
}

fn warning(finding: &Finding) -> String {
    let text = match finding.level_if_enforced() {
        Some(Level::Fixable) => format!("would {}", finding.problem.fix_text()),
        Some(Level::Error) => format!("would deny: {}", finding.problem.message),
        _ if finding.is_unchanged => format!("unchanged, so allowed: {}", finding.problem.message),
        Some(Level::Warning) | None => finding.problem.message.clone(),
    };
    prefixed(finding, &text)
}

fn prefixed(finding: &Finding, text: &str) -> String {
    format!("apim-keyless: {}: {text}", finding.rule.id)
}

fn limited(warnings: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let shown = if warnings.len() > WARNINGS { WARNINGS - 1 } else { WARNINGS };
    let more = warnings.len().saturating_sub(shown);
    let rest = (more > 0).then(|| format!("apim-keyless: and {more} more: see its log"));
    warnings.take(shown).chain(rest).map(|warning| header_text(&warning)).collect()
}

/// Printable ASCII of limited length: the API server drops a warning that contains anything else.
fn header_text(text: &str) -> String {
    let ascii: String = text
        .chars()
        .map(|character| if character == ' ' || character.is_ascii_graphic() { character } else { '?' })
        .collect();
    shortened(&ascii, WARNING_CHARACTERS).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use apim_keyless_core::policy::{Mode, Problem, rules};
    use jsonptr::PointerBuf;

    #[test]
    fn a_denial_that_is_cut_names_the_rules_of_the_rest() {
        let finding = |rule: &str| Finding {
            rule: rules::find(rule).unwrap(),
            mode: Mode::Enforce,
            mode_if_enforced: Mode::Enforce,
            is_unchanged: false,
            problem: Problem::new(PointerBuf::root(), "a".repeat(600)),
        };
        let ids = [
            "auth-key-literal",
            "missing-auth-method",
            "unsupported-version",
            "missing-gateway-name",
            "unsupported-version",
        ];
        let findings = ids.map(finding);
        let reference = ObjectReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: "shop".to_owned(),
            name: "orders".to_owned(),
        };
        let denial = denial(&reference, &findings.iter().collect::<Vec<_>>(), &MessageOptions::default());
        let end = "\n  and 4 more: missing-auth-method, missing-gateway-name, unsupported-version\n\
                   see all of them: apim-keyless check FILE\nread more: apim-keyless explain auth-key-literal";
        assert!(denial.ends_with(end), "{denial}");
        let all: Vec<Finding> = rules::RULES.iter().map(|rule| finding(rule.id)).collect();
        let longest = super::denial(&reference, &all.iter().collect::<Vec<_>>(), &MessageOptions::default());
        assert!(longest.len() < DENIAL_BYTES + IDS_BYTES + 512, "{}", longest.len());
    }

    #[test]
    fn the_page_of_a_rule_is_below_the_base_or_where_the_placeholder_stands() {
        let page =
            |base: &str| MessageOptions { docs_url: Some(base.to_owned()), quiet_mutations: false }.page("a-rule");
        assert_eq!(page("https://docs.example/rules/").unwrap(), "https://docs.example/rules/a-rule");
        assert_eq!(page("https://docs.example/{rule}.md").unwrap(), "https://docs.example/a-rule.md");
        assert_eq!(MessageOptions::default().page("a-rule"), None);
    }
}
