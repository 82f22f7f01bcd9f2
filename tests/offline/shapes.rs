//! Checks every form of gateway, including all forms that the official chart's values can produce, and other
//! applications of a cluster. A person read and accepted the findings of each file in `tests/manifests`, so there is no
//! false alarm.

use crate::findings::findings;
use apim_keyless_core::policy::Policy;
use apim_keyless_core::policy::rules::RULES;
use std::fs;
use std::path::Path;

/// A comment with these words at the start of a file states that it has no findings.
const STATEMENT: &str = "No findings.";

/// The text for a file without findings.
const NO_FINDINGS: &str = "  no findings\n";

#[test]
fn each_form_of_gateway_gets_the_accepted_findings() {
    let report = |(name, text): &(String, String)| format!("{name}\n{}\n", findings(&Policy::default(), name, text));
    insta::assert_snapshot!("findings", manifests("").iter().map(report).collect::<String>());
}

#[test]
fn a_file_that_states_no_findings_has_none() {
    let is_stated =
        |text: &str| text.lines().take_while(|line| line.starts_with('#')).any(|line| line.contains(STATEMENT));
    let stated: Vec<_> = manifests("").into_iter().filter(|(_, text)| is_stated(text)).collect();
    assert!(stated.len() > 10, "{} files state that they have no findings", stated.len());
    for (name, text) in stated {
        assert_eq!(findings(&Policy::default(), &name, &text), NO_FINDINGS, "{name}");
    }
}

#[test]
fn other_applications_get_no_findings_under_the_strictest_policy() {
    let (policy, gateway) = (strictest(), manifest("chart-workload-identity.yaml"));
    for (name, text) in manifests("non-gateway-") {
        assert_eq!(findings(&policy, &name, &text), NO_FINDINGS, "{name} alone");
        assert_eq!(findings(&policy, &name, &format!("{gateway}---\n{text}")), NO_FINDINGS, "{name} with a gateway");
    }
}

#[test]
fn the_strictest_policy_denies_an_unexpected_service_account() {
    let report = findings(&strictest(), "a", &manifest("gateway-with-other-applications.yaml"));
    // the expectations of its Namespace precede the document's defaults, so nothing is unexpected
    assert_eq!(report, NO_FINDINGS);
    let report = findings(&strictest(), "a", &manifest("gateway-split-settings.yaml"));
    assert!(report.contains("Error unexpected-service-account"), "{report}");
}

/// A policy with the chart's gateway as its expectation, and every rule in mode enforce.
fn strictest() -> Policy {
    let rules: Vec<String> = RULES.iter().map(|rule| format!("    {}: enforce\n", rule.id)).collect();
    let rules = rules.concat();
    let name = "identity-azure-api-management-gateway";
    Policy::parse(&format!(
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: strictest}}\nspec:\n  defaults:\n    \
         clientId: 00000000-0000-0000-0000-00000000000c\n    serviceAccount: {name}\n    configMap: {name}\n  \
         namespaces: {{a: {{gatewayName: identity}}}}\n  rules:\n{rules}"
    ))
    .unwrap()
}

/// The names and contents of the files with this prefix, sorted by name.
fn manifests(prefix: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir("tests/manifests").unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    assert!(!names.is_empty(), "no file has the prefix {prefix:?}");
    names.into_iter().map(|name| (manifest(&name), name)).map(|(text, name)| (name, text)).collect()
}

fn manifest(name: &str) -> String {
    fs::read_to_string(Path::new("tests/manifests").join(name)).unwrap()
}
