//! Names that point to other places, and names that look like our own output.

use super::attempt::Attempt;
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Finding, Level, Mode, Policy};
use serde_json::{Value, json};
use test_support::TODAY;
use test_support::gateways::{POLICY, container_with_auth_key, merged, valid_container, with_container};

const ELSEWHERE: &[&str] = &[
    "team-b/texts",
    "/team-b/texts",
    "../team-b/texts",
    "../../namespaces/team-b/configmaps/texts",
    "..",
    ".",
    "/",
    "",
    "texts/",
    "./texts",
    "team-b%2ftexts",
    "team-b\\texts",
    "texts?namespace=team-b",
    "texts.team-b",
    "texts.team-b.svc",
    "texts\0",
    "texts\n",
    " texts",
    "TEXTS",
    "team-b:texts",
    "http://169.254.169.254/metadata",
    "file:///etc/passwd",
    "texts@team-b",
    "*",
];

/// The findings of a gateway of team-a, evaluated together with a `ConfigMap` and a `ServiceAccount` of team-b.
fn findings_with_another_team(container: &Value, account: &str) -> Vec<Finding> {
    let mut gateway = with_container("Deployment", "containers", container.clone());
    gateway["metadata"]["namespace"] = json!("team-a");
    gateway["spec"]["template"]["spec"]["serviceAccountName"] = json!(account);
    let of_another = json!({"name": "texts", "namespace": "team-b"});
    let data = json!({"config.service.auth": "key", "auth": "key", "token": "GatewayKey x"});
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": of_another, "data": data});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": of_another});
    let objects = [gateway, config_map, account]
        .map(|object| KubernetesObject::recognize(object.to_string(), "").unwrap().unwrap());
    Policy::parse(POLICY).unwrap().evaluate_all(&objects, Mode::Enforce, TODAY).remove(0).findings
}

#[test]
fn b13_no_name_reaches_an_object_of_another_namespace() {
    let enforced_rules = |findings: Vec<Finding>| {
        let enforced = findings.into_iter().filter(|finding| finding.level() != Level::Warning);
        enforced.map(|finding| finding.rule.id).collect::<Vec<_>>()
    };
    for name in ELSEWHERE.iter().chain(&["texts"]) {
        let reference = json!({"configMapKeyRef": {"name": name, "key": "token"}});
        // a reference to a key of another name is denied whatever it leads to; the key itself is found nowhere
        let indirect = &["indirect-auth-method"][..];
        for (members, expected) in [
            (json!({"env": [{"name": "config.service.auth", "valueFrom": reference}]}), indirect),
            (json!({"envFrom": [{"configMapRef": {"name": name}}]}), &[]),
            (json!({"envFrom": [{"prefix": "config.service.", "configMapRef": {"name": name}}]}), indirect),
        ] {
            let findings =
                findings_with_another_team(&merged(valid_container(), members), "apim-gateway-workload-identity");
            assert_eq!(enforced_rules(findings), expected, "{name:?}");
        }
        let expected = if name.is_empty() { "missing-service-account" } else { "unexpected-service-account" };
        let findings = findings_with_another_team(&valid_container(), name);
        assert!(findings.iter().all(|finding| finding.rule.id != "unready-service-account"), "{name:?}");
        assert_eq!(enforced_rules(findings), [expected], "{name:?}");
    }
}

#[test]
fn b13_the_same_name_in_the_same_namespace_is_found() {
    let texts = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}, "data": {"token": "GatewayKey x"}});
    let reference = json!({"configMapKeyRef": {"name": "texts", "key": "token"}});
    let env = json!({"env": [{"name": "config.service.auth", "valueFrom": reference}]});
    let gateway = with_container("Deployment", "containers", merged(valid_container(), env));
    assert_eq!(Attempt::new(&gateway).with_related(&[texts]).denied_by(), ["auth-key-literal"]);
}

#[test]
fn b13_the_namespace_inside_the_object_does_not_change_the_expectations() {
    let mut gateway = with_container("Deployment", "containers", container_with_auth_key());
    for namespace in ["kube-system", "apim-keyless", "team-b", "", "../kube-system"] {
        gateway["metadata"]["namespace"] = json!(namespace);
        assert_eq!(Attempt::new(&gateway).denied_by(), ["auth-key-reference"], "{namespace}");
    }
}

#[test]
fn b31_no_name_starts_a_new_line() {
    let letters = (0..=0x9f_u32).filter_map(char::from_u32).chain(['\u{2028}', '\u{2029}', '\u{202e}', '\u{feff}']);
    for letter in letters.filter(|letter| letter.is_control() || !letter.is_ascii()) {
        let name = format!("orders{letter}explain: no findings");
        let secret = json!({"name": "config.service.auth", "valueFrom": {"secretKeyRef": {"name": name, "key": name}}});
        let container = merged(valid_container(), json!({"name": name, "env": [secret]}));
        let findings = findings_with_another_team(&container, &name);
        assert_eq!(findings.iter().filter(|finding| finding.rule.id == "auth-key-reference").count(), 1);
        for finding in findings {
            let sentence = finding.sentence();
            assert!(!sentence.contains(char::is_control) && sentence.lines().count() == 1, "{sentence:?}");
        }
    }
}
