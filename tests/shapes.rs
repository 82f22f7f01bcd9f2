//! The shapes that gateways come in, every one that the official chart's values can make among them, and what stands
//! beside them in a cluster: the rulings on each file of `tests/manifests`, read by a person and agreed to, so that there
//! is no false alarm.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod findings;

use apim_keyless::policy::Policy;
use apim_keyless::policy::rules::RULES;
use findings::findings;
use std::fs;
use std::path::Path;

/// By these words the first lines of a file promise that it gets no ruling.
const PROMISE: &str = "othing is wrong with ";

/// Nothing that is told of a file.
const SILENCE: &str = "  nothing is wrong\n";

#[test]
fn each_shape_gets_the_rulings_that_a_person_agreed_to() {
    let told = |(name, text): &(String, String)| format!("{name}\n{}\n", findings(&Policy::default(), name, text));
    insta::assert_snapshot!("findings", manifests("").iter().map(told).collect::<String>());
}

#[test]
fn what_is_promised_to_be_right_gets_no_ruling() {
    let is_promised =
        |text: &str| text.lines().take_while(|line| line.starts_with('#')).any(|line| line.contains(PROMISE));
    let promised: Vec<_> = manifests("").into_iter().filter(|(_, text)| is_promised(text)).collect();
    assert!(promised.len() > 10, "{} files promise to be right", promised.len());
    for (name, text) in promised {
        assert_eq!(findings(&Policy::default(), &name, &text), SILENCE, "{name}");
    }
}

#[test]
fn what_others_run_beside_a_gateway_gets_no_ruling_under_the_strictest_policy() {
    let (policy, gateway) = (strictest(), manifest("chart-workload-identity.yaml"));
    for (name, text) in manifests("foreign-") {
        assert_eq!(findings(&policy, &name, &text), SILENCE, "{name} alone");
        assert_eq!(findings(&policy, &name, &format!("{gateway}---\n{text}")), SILENCE, "{name} beside a gateway");
    }
}

#[test]
fn the_strictest_policy_refuses_a_gateway_that_it_does_not_expect() {
    let told = findings(&strictest(), "a", &manifest("gateway-with-everybody.yaml"));
    // what its Namespace expects stands above the document, so nothing is foreign there
    assert_eq!(told, SILENCE);
    let told = findings(&strictest(), "a", &manifest("gateway-split-settings.yaml"));
    assert!(told.contains("Refused unexpected-service-account"), "{told}");
}

/// Everything is expected to be as the chart's gateway is, and every rule refuses.
fn strictest() -> Policy {
    let rules: Vec<String> = RULES.iter().map(|rule| format!("    {}: enforce\n", rule.id)).collect();
    let rules = rules.concat();
    let name = "identity-azure-api-management-gateway";
    Policy::parse(&format!(
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: strictest}}\nspec:\n  defaults:\n    \
         clientId: 00000000-0000-0000-0000-00000000000c\n    serviceAccount: {name}\n    configMap: {name}\n    \
         gatewayName: identity\n  rules:\n{rules}"
    ))
    .unwrap()
}

/// The files whose names begin so, by alphabet, with what they hold.
fn manifests(beginning: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir("tests/manifests").unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with(beginning));
    names.sort();
    assert!(!names.is_empty(), "no file begins with {beginning:?}");
    names.into_iter().map(|name| (manifest(&name), name)).map(|(text, name)| (name, text)).collect()
}

fn manifest(name: &str) -> String {
    fs::read_to_string(Path::new("tests/manifests").join(name)).unwrap()
}
