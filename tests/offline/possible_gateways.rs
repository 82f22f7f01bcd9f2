//! An endpoint alone: other applications have a setting `config.service.endpoint`, too.

use crate::findings::findings;
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Mode, Policy};
use apim_keyless_manifest::{ManifestObject, Manifests};
use test_support::TODAY;

/// A Pod of another image with these elements of `env` and `envFrom`.
fn pod(env: &str, env_from: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: billing}}\nspec:\n  containers:\n  - name: billing\n    \
         image: registry.example/billing:4.2.0\n    env: [{env}]\n    envFrom: [{env_from}]\n"
    )
}

fn of_pod(env: &str, env_from: &str) -> String {
    findings(&Policy::default(), "pod.yaml", &pod(env, env_from))
}

fn endpoint(value: &str) -> String {
    format!("{{name: config.service.endpoint, value: \"{value}\"}}")
}

const OF_SECRET: &str = "{name: config.service.endpoint, valueFrom: {secretKeyRef: {name: billing, key: endpoint}}}";

#[test]
fn a_known_endpoint_of_another_service_is_another_application() {
    for value in ["http://config-server.platform.svc:8888", "https://contoso.azure-api.net/config-server", ""] {
        assert_eq!(of_pod(&endpoint(value), ""), "  no findings\n", "{value}");
        let config_map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: billing}}\ndata: {{config.service.endpoint: \"{value}\"}}\n"
        );
        assert_eq!(findings(&Policy::default(), "map.yaml", &config_map), "  no findings\n", "{value}");
        let both = format!("{config_map}---\n{}", pod("", "{configMapRef: {name: billing}}"));
        assert_eq!(findings(&Policy::default(), "both.yaml", &both), "  no findings\n", "{value}");
    }
}

#[test]
fn an_endpoint_of_an_unknown_value_is_only_warned_about() {
    let unknown_key =
        "{name: config.service.endpoint, valueFrom: {configMapKeyRef: {name: unknown, key: endpoint}}}".to_owned();
    for env in [OF_SECRET.to_owned(), unknown_key, endpoint("${ENDPOINT}"), endpoint("vault:secret/data/a#b")] {
        let report = of_pod(&env, "");
        assert!(report.contains("Warning missing-identity-label"), "{env}\n{report}");
        assert!(!report.contains("Error") && !report.contains("Fixable"), "{env}\n{report}");
    }
}

#[test]
fn a_config_map_with_an_endpoint_of_an_unknown_value_is_only_warned_about() {
    let with = |data: &str| {
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: billing}}\ndata: {{{data}}}\n");
        findings(&Policy::default(), "map.yaml", &map)
    };
    let report = with("config.service.endpoint: \"${ENDPOINT}\"");
    assert!(report.contains("Warning missing-auth-method"), "{report}");
    assert!(!report.contains("Error") && !report.contains("Fixable"), "{report}");
    let report = with("config.service.endpoint: contoso.configuration.azure-api.net");
    assert!(report.contains("Fixable missing-auth-method"), "{report}");
}

/// The findings at the first container of a Pod, and the others. The second container has the gateway's image.
fn beside_gateway(env: &str, env_from: &str, fields: &str) -> (Vec<String>, Vec<String>) {
    let second = "  - name: orders\n    image: x/azure-api-management/gateway:2.11.1\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env}\ndata: {config.service.endpoint: \
               contoso.configuration.azure-api.net, config.service.auth: workloadIdentity, gateway.name: orders}\n---\n";
    let report = findings(&Policy::default(), "pod.yaml", &format!("{map}{}{fields}{second}", pod(env, env_from)));
    report.lines().map(str::to_owned).partition(|line| line.contains("/spec/containers/0"))
}

#[test]
fn a_container_that_takes_the_address_of_the_gateway_beside_it_is_no_gateway() {
    let of_map =
        |key: &str| format!("{{name: {key}, valueFrom: {{configMapKeyRef: {{name: orders-env, key: {key}}}}}}}");
    for env in [
        OF_SECRET.to_owned(),
        endpoint("contoso.configuration.azure-api.net"),
        of_map("config.service.endpoint"),
        format!("{}, {}", endpoint("contoso.configuration.azure-api.net"), of_map("gateway.name")),
    ] {
        let (of_probe, of_gateway) = beside_gateway(&env, "", "");
        assert_eq!(of_probe, Vec::<String>::new(), "{env}");
        assert!(of_gateway.iter().any(|line| line.contains(": Fixable missing-identity-label")), "{of_gateway:?}");
    }
}

#[test]
fn a_container_of_the_gateways_image_hides_no_key_of_the_one_beside_it() {
    let known = endpoint("contoso.configuration.azure-api.net");
    let auth = |value: &str| format!("{known}, {{name: config.service.auth, {value}}}");
    let secret = "{secretRef: {name: billing}}";
    let map = "{configMapRef: {name: orders-env}}";
    for (env, env_from, fields, rule) in [
        (known.clone(), secret, "", "auth-key-reference"),
        (OF_SECRET.to_owned(), secret, "", "auth-key-reference"),
        (String::new(), &*format!("{map}, {secret}"), "", "auth-key-reference"),
        (auth("valueFrom: {secretKeyRef: {name: a, key: b}}"), "", "", "auth-key-reference"),
        (auth("value: GatewayKey a"), "", "", "auth-key-literal"),
        (auth("value: azureAdApp"), "", "", "entra-app-auth-method"),
        (auth("valueFrom: {configMapKeyRef: {name: orders-env, key: log}}"), "", "", "indirect-auth-method"),
        (known.clone(), "", "    args: [--config.service.auth=a]\n", "auth-setting-in-command"),
        (known.clone(), "{prefix: config.service., configMapRef: {name: a}}", "", "indirect-auth-method"),
    ] {
        let (of_probe, _) = beside_gateway(&env, env_from, fields);
        assert!(of_probe.iter().any(|line| line.contains(&format!(": Error {rule}"))), "{env} {of_probe:?}");
    }
}

#[test]
fn a_key_of_a_possible_gateway_is_an_error() {
    let report = of_pod(OF_SECRET, "{secretRef: {name: billing}}");
    assert_eq!(report.matches("Error").count(), 1, "{report}");
    assert!(report.contains("Error auth-key-reference"), "{report}");
}

#[test]
fn a_known_configuration_endpoint_is_certain() {
    for value in ["contoso.configuration.azure-api.net", "https://contoso.management.azure-api.net/subscriptions/x"] {
        let report = of_pod(&endpoint(value), "");
        assert!(report.contains("Fixable missing-identity-label"), "{value}\n{report}");
    }
    let parts = format!("{{name: NAME, value: contoso}}, {}", endpoint("$(NAME).configuration.azure-api.net"));
    assert!(of_pod(&parts, "").contains("Fixable missing-identity-label"));
    let other = format!("{{name: NAME, value: contoso}}, {}", endpoint("$(NAME).example.com"));
    assert_eq!(of_pod(&other, ""), "  no findings\n");
}

#[test]
fn a_prefix_that_makes_every_key_a_setting_is_only_warned_about() {
    for source in ["configMapRef: {name: unknown}", "secretRef: {name: billing}"] {
        let report = of_pod("", &format!("{{prefix: config.service., {source}}}"));
        assert!(report.contains("Warning missing-identity-label"), "{source}\n{report}");
        assert!(!report.contains("Fixable"), "{source}\n{report}");
        assert_eq!(of_pod("", &format!("{{prefix: BILLING_, {source}}}")), "  no findings\n", "{source}");
    }
}

#[test]
fn nothing_is_set_in_a_possible_gateway() {
    let mut manifests = Manifests::default();
    manifests.parse("pod.yaml", &pod(OF_SECRET, ""));
    let recognize = |object: &ManifestObject| KubernetesObject::recognize(object.value.to_string(), "apim").unwrap();
    let objects: Vec<_> = manifests.objects.iter().filter_map(recognize).collect();
    let evaluated = Policy::default().evaluate_all(&objects, Mode::Enforce, TODAY);
    assert!(evaluated[0].findings.len() > 1 && evaluated[0].gateway.is_none());
    assert!(evaluated[0].findings.iter().all(|finding| finding.problem.fix.is_empty()));
}

#[test]
fn the_config_map_of_another_application_is_never_added() {
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: billing}\ndata: {config.service.endpoint: \"http://billing\"}\n";
    let policy = Policy::default();
    let gateway = pod("", "").replace("registry.example/billing:4.2.0", "x/azure-api-management/gateway:2.11.1");
    let mut manifests = Manifests::default();
    manifests.parse("both.yaml", &format!("{other}---\n{gateway}"));
    let recognize = |object: &ManifestObject| KubernetesObject::recognize(object.value.to_string(), "apim").unwrap();
    let objects: Vec<_> = manifests.objects.iter().filter_map(recognize).collect();
    for evaluated in policy.evaluate_all(&objects, Mode::Enforce, TODAY) {
        for finding in evaluated.findings {
            assert!(!finding.problem.fix_text().contains("billing"), "{}", finding.problem.fix_text());
        }
    }
}
