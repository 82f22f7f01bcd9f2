//! Reports never contain a value of a setting, a Secret or a command line.

use test_support::run::Folder;

const CANARY: &str = "canary";

/// A gateway with many findings, and a canary wherever there can be a value.
const FULL: &str = r#"apiVersion: v1
kind: Secret
metadata: {name: orders-token}
stringData: {value: "canary"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-env}
data:
  config.service.endpoint: canary.configuration.azure-api.net
  config.service.auth: "GatewayKey canary" # canary
  CONFIG__SERVICE__AUTH: canary
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  annotations: {team: canary}
spec:
  template:
    metadata:
      labels: {azure.workload.identity/use: "no"}
    spec:
      containers:
      - {name: gateway, image: "mcr.microsoft.com/azure-api-management/gateway:2.9.0", args: [canary], env: [{name: config.service.auth, value: canary}, {name: config.service.auth.key, value: "canary"}], envFrom: [{configMapRef: {name: orders-env}}, {secretRef: {name: orders-token}}]}
      - name: second
        image: mcr.microsoft.com/azure-api-management/gateway:v1
        command: [sh, -c, "canary"]
        env:
        - name: config.service.auth
          value: |
            GatewayKey canary
            canary
"#;

#[test]
fn no_report_contains_a_value() {
    let folder = Folder::with(&[("orders.yaml", FULL)]);
    let json: serde_json::Value = serde_json::to_value(folder.report(&["orders.yaml"])).unwrap();
    assert!(json["findings"].as_array().unwrap().len() > 8, "{json:#}");
    for ran in [folder.check("orders.yaml"), folder.run(&["check", "--output", "json", "--mode", "audit", "."])] {
        assert!(!ran.everything().contains(CANARY), "{}", ran.everything());
    }
    assert!(!json.to_string().contains(CANARY), "{json:#}");
}
