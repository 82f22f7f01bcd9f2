//! Which rules the policies cover, and why the others are not.

use super::{ENTRA_APP, IDENTITY, TOO_LARGE, mode};
use apim_keyless_core::policy::rules::RULES;
use apim_keyless_core::policy::{Mode, Policy, Rule};
use std::fmt::Write as _;

/// How much of a rule a policy covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// What an object itself shows.
    Part,
    /// Nothing.
    None,
}

/// What the policies cover of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCoverage {
    /// The rule's id.
    pub rule: &'static str,
    /// How much is covered.
    pub coverage: Coverage,
    /// The mode of the policy; `off` if nothing is covered.
    pub mode: Mode,
    /// What is not covered, or why nothing is.
    pub reason: String,
}

/// What is not covered of each rule that CEL can say in part.
const PARTS: &[(&str, &str)] = &[
    (
        "auth-key-literal",
        "not: keys that begin in another way, behind $(NAME), in commands, or in a ConfigMap that the workload takes",
    ),
    (
        "auth-key-reference",
        "not: envFrom with a prefix, references of secret stores, values through $(NAME), and files in volumes",
    ),
    (
        "missing-client-id",
        "not: ServiceAccounts that only a gateway shows, or only an annotation of the Namespace names",
    ),
    ("missing-identity-label", "not: gateways that a ConfigMap shows, or that can be ingress-only"),
    ("missing-service-account", "not: gateways that a ConfigMap shows, or that can be ingress-only"),
    (
        "unlabeled-service-account",
        "not: ServiceAccounts that only a gateway shows, or only an annotation of the Namespace names",
    ),
    (
        "unsupported-version",
        "not: gateways that can be ingress-only, image volumes, listed digests, and minimums of annotations",
    ),
];

const RELATED: &str = "it needs related objects, and a policy sees one object";
const EFFECTIVE: &str = "it needs the effective environment: $(NAME), later sources and ConfigMaps";
const TEXTS: &str = "it compares texts in ways that CEL does not have";
const WARNS: &str = "it is a warning by default, and protects no key";

/// Why the other rules are not covered.
const REASONS: &[(&str, &str)] = &[
    ("absent-config-map", RELATED),
    ("absent-service-account", RELATED),
    ("auth-setting-in-command", "it parses commands and shell words"),
    ("client-secret-reference", WARNS),
    ("entra-app-auth-method", EFFECTIVE),
    ("indirect-auth-method", EFFECTIVE),
    ("malformed-client-id", TEXTS),
    ("malformed-endpoint", TEXTS),
    ("malformed-gateway-name", TEXTS),
    ("malformed-namespace-setting", WARNS),
    ("malformed-tenant-id", TEXTS),
    ("mismatched-cloud", EFFECTIVE),
    ("misplaced-identity-setting", WARNS),
    ("missing-auth-method", EFFECTIVE),
    ("missing-configuration-reference", EFFECTIVE),
    ("missing-endpoint", EFFECTIVE),
    ("missing-gateway-name", EFFECTIVE),
    ("misspelled-auth-method", TEXTS),
    ("misspelled-identity-key", TEXTS),
    ("other-auth-method", EFFECTIVE),
    ("overridden-identity-variable", EFFECTIVE),
    ("preview-version", WARNS),
    ("retired-endpoint", TEXTS),
    ("rolling-version", WARNS),
    ("skipped-container", EFFECTIVE),
    ("token-expiration-out-of-range", EFFECTIVE),
    (TOO_LARGE, "what is too large for the webhook is too large for CEL"),
    ("undocumented-identity-binding", WARNS),
    ("unexpected-client-id", RELATED),
    ("unexpected-service-account", RELATED),
    ("unneeded-proxy-sidecar", WARNS),
    ("unready-service-account", RELATED),
    ("unverifiable-version", WARNS),
];

/// What the policies cover of each rule, in the order of the rules.
pub fn coverage(policy: &Policy) -> Vec<RuleCoverage> {
    RULES.iter().map(|rule| of_rule(policy, rule)).collect()
}

fn of_rule(policy: &Policy, rule: &Rule) -> RuleCoverage {
    let of = |list: &[(&str, &'static str)]| list.iter().find(|(id, _)| *id == rule.id).map(|(_, text)| *text);
    let Some(part) = of(PARTS) else {
        let reason = of(REASONS).unwrap_or(EFFECTIVE).to_owned();
        return RuleCoverage { rule: rule.id, coverage: Coverage::None, mode: Mode::Off, reason };
    };
    let (own, mode) = (policy.mode(rule), mode(policy, rule.id));
    let coverage = if mode == Mode::Off { Coverage::None } else { Coverage::Part };
    let reason = match own {
        Mode::Off => "the policy document turns it off".to_owned(),
        _ if own == mode => part.to_owned(),
        _ => milder(policy, rule.id, mode),
    };
    RuleCoverage { rule: rule.id, coverage, mode, reason }
}

/// Why a rule is in a milder mode than in the policy document.
fn milder(policy: &Policy, id: &str, mode: Mode) -> String {
    let is_of = |rule: &str| RULES.iter().any(|other| other.id == rule && policy.mode(other) == mode);
    let deciding = if IDENTITY.contains(&id) && is_of(ENTRA_APP) { ENTRA_APP } else { TOO_LARGE };
    format!("{mode}, because the policy document sets {deciding} to {mode}")
}

/// The coverage as a table: rule, coverage, mode, and the reason.
pub fn coverage_table(rules: &[RuleCoverage]) -> String {
    let width = rules.iter().map(|rule| rule.rule.len()).max().unwrap_or_default();
    let mut text = String::new();
    for RuleCoverage { rule, coverage, mode, reason } in rules {
        let part = match coverage {
            Coverage::Part => format!("in part  {:7}", mode.to_string()),
            Coverage::None => format!("no       {:7}", "-"),
        };
        _ = writeln!(text, "{rule:width$}  {part}  {reason}");
    }
    text
}

/// The comment at the top of the manifests: what is covered.
pub(super) fn comment(rules: &[RuleCoverage], command: &str) -> String {
    let covered = rules.iter().filter(|rule| rule.coverage == Coverage::Part);
    let mut text = format!(
        "# Written by `{command}`. Generate the policies again when the policy document changes.\n\
         # Covered, each in part (`{command} --list-rules` lists all rules):\n"
    );
    for RuleCoverage { rule, mode, reason, .. } in covered {
        _ = writeln!(text, "# - {rule} ({mode}); {reason}");
    }
    text
}

/// The message of a rule: what to do, and where to read more.
pub(super) fn message(id: &str, text: &str) -> String {
    format!("{text} ({id}; `apim-keyless explain {id}` shows more)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_covered_or_has_a_reason() {
        for rule in RULES {
            let lists = [PARTS, REASONS].map(|list| list.iter().filter(|(id, _)| *id == rule.id).count());
            assert_eq!(lists.iter().sum::<usize>(), 1, "{}", rule.id);
        }
        assert_eq!(PARTS.len() + REASONS.len(), RULES.len());
    }

    #[test]
    fn a_rule_is_at_most_as_strict_as_what_the_webhook_would_decide_instead() {
        let of = |rules: &str, id: &str| {
            let document =
                format!("apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec: {{rules: {rules}}}");
            let covered = coverage(&Policy::parse(&document).unwrap());
            let rule = covered.into_iter().find(|rule| rule.rule == id).unwrap();
            (rule.mode, rule.reason)
        };
        let (mode, reason) = of("{too-large-to-evaluate: audit}", "auth-key-literal");
        assert_eq!((mode, reason.ends_with("sets too-large-to-evaluate to audit")), (Mode::Audit, true), "{reason}");
        let (mode, reason) = of("{entra-app-auth-method: audit}", "missing-identity-label");
        assert_eq!((mode, reason.ends_with("sets entra-app-auth-method to audit")), (Mode::Audit, true), "{reason}");
        assert_eq!(of("{too-large-to-evaluate: audit}", "missing-client-id").0, Mode::Enforce);
        assert_eq!(
            of("{auth-key-literal: off}", "auth-key-literal"),
            (Mode::Off, "the policy document turns it off".to_owned())
        );
    }
}
