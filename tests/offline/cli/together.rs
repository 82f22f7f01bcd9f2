//! Objects of one namespace are evaluated together, whatever files they come from.

use serde_json::Value;
use test_support::run::Folder;
use test_support::run::manifests::KEYLESS;

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env, namespace: shop}\ndata: {telemetry.logs.std: text}\n";
const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: orders-identity, namespace: shop}\n";

/// Rule, namespace and kind of each finding in these files.
fn findings(files: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let report = Folder::with(files).report(&[&["."], arguments].concat());
    let text = |finding: &Value, pointer: &str| finding.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let described = |finding: &Value| {
        format!("{} {}/{}", text(finding, "/rule"), text(finding, "/object/namespace"), text(finding, "/object/kind"))
    };
    report["findings"].as_array().unwrap().iter().map(described).collect()
}

#[test]
fn a_gateway_determines_its_config_map_and_service_account() {
    let alone = findings(&[("account.yaml", ACCOUNT), ("config.yaml", CONFIG_MAP)], &[]);
    assert_eq!(alone, Vec::<String>::new());
    let all = findings(&[("account.yaml", ACCOUNT), ("config.yaml", CONFIG_MAP), ("more/gateway.yaml", KEYLESS)], &[]);
    assert_eq!(
        all,
        [
            "missing-client-id shop/ServiceAccount",
            "unlabeled-service-account shop/ServiceAccount",
            "missing-auth-method shop/ConfigMap",
            "missing-endpoint shop/ConfigMap",
            "missing-gateway-name shop/ConfigMap",
        ]
    );
}

#[test]
fn an_object_that_alone_shows_no_gateway_is_evaluated_if_another_shows_it() {
    // the workload by the settings of its ConfigMap, and then the ConfigMap that this gateway also takes
    let workload =
        KEYLESS.replace("mcr.microsoft.com/azure-api-management/gateway:2.11.1", "registry.example/app:1").replace(
            "        - configMapRef: {name: orders-env}\n",
            "        - configMapRef: {name: orders-env}\n        - configMapRef: {name: settings}\n",
        );
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {config.service.auth: GatewayKey orders&202701010000&a2V5}\n";
    let files = [("a.yaml", workload.as_str()), ("b.yaml", CONFIG_MAP)];
    assert_eq!(findings(&files, &[]), Vec::<String>::new());
    let all = findings(&[&files[..], &[("c.yaml", settings)]].concat(), &[]);
    let expected = ["missing-configuration-reference shop/Deployment", "auth-key-literal shop/ConfigMap"];
    assert!(expected.iter().all(|expected| all.iter().any(|finding| finding == expected)), "{all:?}");
}

#[test]
fn objects_of_other_namespaces_are_not_related() {
    let elsewhere = KEYLESS.replace("namespace: shop", "namespace: other");
    assert_eq!(findings(&[("account.yaml", ACCOUNT), ("gateway.yaml", &elsewhere)], &[]), Vec::<String>::new());
}

#[test]
fn objects_without_namespace_are_in_the_given_one() {
    let without_namespace = KEYLESS.replace(", namespace: shop", "");
    let files = [("account.yaml", ACCOUNT), ("gateway.yaml", without_namespace.as_str())];
    assert_eq!(findings(&files, &[]), Vec::<String>::new());
    assert_eq!(findings(&files, &["--namespace", "shop"]).len(), 2);
}

#[test]
fn an_owner_counts_only_if_it_is_found() {
    let owned = "apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: orders-1
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: orders, uid: a, controller: true}]
spec:
  template:
    spec:
      containers: [{name: gateway, image: \"mcr.microsoft.com/azure-api-management/gateway:2.9.0\"}]
";
    let report = |files: &[(&str, &str)]| Folder::with(files).report(&["."])["summary"]["errors"].as_u64().unwrap();
    assert!(report(&[("a.yaml", owned)]) > 0);
    assert_eq!(report(&[("a.yaml", owned), ("gateway.yaml", KEYLESS)]), 0);
}
