//! What stands in one namespace is judged together, whatever files it comes from.

use crate::run::Folder;
use crate::run::manifests::KEYLESS;
use serde_json::Value;

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env, namespace: shop}\ndata: {telemetry.logs.std: text}\n";
const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: orders-identity, namespace: shop}\n";

/// The rule, kind and namespace of every finding over these files.
fn problems(files: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let report = Folder::with(files).report(&[&["."], arguments].concat());
    let text = |problem: &Value, pointer: &str| problem.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let told = |problem: &Value| {
        format!("{} {}/{}", text(problem, "/rule"), text(problem, "/object/namespace"), text(problem, "/object/kind"))
    };
    report["findings"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn a_gateway_tells_whose_config_map_and_service_account_they_are() {
    let alone = problems(&[("account.yaml", ACCOUNT), ("config.yaml", CONFIG_MAP)], &[]);
    assert_eq!(alone, Vec::<String>::new());
    let evaluate_all =
        problems(&[("account.yaml", ACCOUNT), ("config.yaml", CONFIG_MAP), ("more/gateway.yaml", KEYLESS)], &[]);
    assert_eq!(
        evaluate_all,
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
fn objects_of_other_namespaces_are_others() {
    let elsewhere = KEYLESS.replace("namespace: shop", "namespace: other");
    assert_eq!(problems(&[("account.yaml", ACCOUNT), ("gateway.yaml", &elsewhere)], &[]), Vec::<String>::new());
}

#[test]
fn what_names_no_namespace_is_in_the_one_that_is_given() {
    let homeless = KEYLESS.replace(", namespace: shop", "");
    let files = [("account.yaml", ACCOUNT), ("gateway.yaml", homeless.as_str())];
    assert_eq!(problems(&files, &[]), Vec::<String>::new());
    assert_eq!(problems(&files, &["--namespace", "shop"]).len(), 2);
}

#[test]
fn an_owner_counts_only_if_it_is_there() {
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
    let report = |files: &[(&str, &str)]| Folder::with(files).report(&["."])["summary"]["refused"].as_u64().unwrap();
    assert!(report(&[("a.yaml", owned)]) > 0);
    assert_eq!(report(&[("a.yaml", owned), ("gateway.yaml", KEYLESS)]), 0);
}
