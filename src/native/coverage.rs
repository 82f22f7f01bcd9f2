//! Which rules the policies cover, and why the others are not.

use super::{ENTRA_APP, IDENTITY, NativeOptions, TOO_LARGE, mode};
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

/// What is not covered of each rule that is covered in part.
const PARTS: &[(&str, &str)] = &[
    (
        "auth-key-literal",
        "not: keys that begin in another way, behind $(NAME), or in a ConfigMap that the workload takes",
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

/// The same where no gateway is ingress-only.
const PARTS_WITHOUT_INGRESS_ONLY: &[(&str, &str)] = &[
    ("missing-identity-label", "not: gateways that a ConfigMap shows"),
    ("missing-service-account", "not: gateways that a ConfigMap shows"),
    ("unsupported-version", "not: image volumes, listed digests, and minimums of annotations"),
];

const RELATED: &str = "it needs related objects, and a policy sees one object";
const EFFECTIVE: &str = "it needs the effective environment: $(NAME), later sources and ConfigMaps";
const WARNS: &str = "it is a warning by default, and protects no auth key";
const NO_KEY: &str = "left to the webhook: such a gateway fails to authenticate, and uses no auth key";
const NO_CONFIGURATION: &str = "left to the webhook: such a gateway gets no configuration, and uses no auth key";
const IDENTITIES: &str = "left to the webhook: it is about which identity a gateway has, not about an auth key";

/// Why the other rules are not covered.
const REASONS: &[(&str, &str)] = &[
    ("absent-config-map", RELATED),
    ("absent-service-account", RELATED),
    ("auth-setting-in-command", "it parses commands and shell words"),
    ("client-secret-reference", WARNS),
    (
        "entra-app-auth-method",
        "left to the webhook: it is about a client secret or a certificate, not about an auth key",
    ),
    ("indirect-auth-method", EFFECTIVE),
    ("malformed-client-id", NO_KEY),
    ("malformed-endpoint", NO_CONFIGURATION),
    ("malformed-gateway-name", NO_KEY),
    ("malformed-namespace-setting", WARNS),
    ("malformed-tenant-id", NO_KEY),
    ("mismatched-cloud", EFFECTIVE),
    ("misplaced-identity-setting", WARNS),
    ("missing-auth-method", EFFECTIVE),
    ("missing-configuration-reference", EFFECTIVE),
    ("missing-endpoint", RELATED),
    ("missing-gateway-name", EFFECTIVE),
    ("misspelled-auth-method", WARNS),
    ("misspelled-identity-key", WARNS),
    ("other-auth-method", "it must tell another method from keys, placeholders, references and misspellings in a text"),
    ("overridden-identity-variable", WARNS),
    ("preview-version", WARNS),
    ("retired-endpoint", NO_CONFIGURATION),
    ("rolling-version", WARNS),
    ("skipped-container", NO_KEY),
    (
        "token-expiration-out-of-range",
        "left to the webhook: azure-workload-identity rejects the Pods of such a gateway",
    ),
    (TOO_LARGE, "what is too large for the webhook is too large for CEL"),
    ("undocumented-identity-binding", WARNS),
    ("unexpected-client-id", IDENTITIES),
    ("unexpected-service-account", IDENTITIES),
    ("unneeded-proxy-sidecar", WARNS),
    ("unready-service-account", RELATED),
    ("unverifiable-version", WARNS),
];

/// What the policies cover of each rule, in the order of the rules.
pub fn coverage(policy: &Policy, options: &NativeOptions) -> Vec<RuleCoverage> {
    RULES.iter().map(|rule| of_rule(policy, options, rule)).collect()
}

fn of_rule(policy: &Policy, options: &NativeOptions, rule: &Rule) -> RuleCoverage {
    let of = |list: &[(&str, &'static str)]| list.iter().find(|(id, _)| *id == rule.id).map(|(_, text)| *text);
    let without_ingress_only = of(PARTS_WITHOUT_INGRESS_ONLY).filter(|_| options.no_ingress_only);
    let Some(part) = without_ingress_only.or_else(|| of(PARTS)) else {
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
    use apim_keyless_core::policy::Date;

    fn options(no_ingress_only: bool) -> NativeOptions {
        let today = Date::constant(2026, 1, 1);
        NativeOptions { name: "a".to_owned(), namespace: "a".to_owned(), excluded: Vec::new(), no_ingress_only, today }
    }

    #[test]
    fn only_without_the_option_a_gateway_that_can_be_ingress_only_is_not_covered() {
        let mentions = |no_ingress_only| {
            let covered = coverage(&Policy::default(), &options(no_ingress_only)).into_iter();
            covered.filter(|rule| rule.reason.contains("ingress-only")).count()
        };
        assert_eq!((mentions(false), mentions(true)), (3, 0));
    }

    #[test]
    fn a_reason_about_warnings_is_that_of_a_rule_that_warns() {
        for rule in RULES {
            let reason = REASONS.iter().find(|(id, _)| *id == rule.id).map(|(_, reason)| *reason);
            assert!(reason != Some(WARNS) || rule.mode == Mode::Audit, "{}", rule.id);
        }
    }

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
            let covered = coverage(&Policy::parse(&document).unwrap(), &options(false));
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
