//! The forms of a gateway's manifests: the portal's, VS Code's, those of Microsoft's articles, and what clusters return.

use super::{CLIENT, KEY, assert_migrated, findings, migrated, read, removed_lines};
use std::fs;
use test_support::project;
use test_support::run::Folder;
use test_support::webhook::objects::{CHART_ENTRA, CHART_TOKEN, PORTAL};

/// The gateway of VS Code's extension: the key stands in the file, the endpoint is of version 1.
pub(super) const VS_CODE: &str = "apiVersion: v1
kind: Secret
metadata:
  name: orders-token
type: Opaque
stringData:
  value: \"GatewayKey orders&202601010000&c2lnbmF0dXJl\"
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: orders-environment
data:
  config.service.endpoint: https://contoso.management.azure-api.net/subscriptions/x/gateways/orders?api-version=2021
---
# the gateway itself
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  replicas: 1
  selector:
    matchLabels:
      app: orders
  template:
    metadata:
      labels:
        app: orders
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:beta # to be pinned
        env:
        - name: config.service.auth
          valueFrom:
            secretKeyRef:
              name: orders-token
              key: value
        envFrom:
        - configMapRef:
            name: orders-environment
";

/// The same after the migration.
const MIGRATED_VS_CODE: &str = "apiVersion: v1
kind: Secret
metadata:
  name: orders-token
type: Opaque
stringData:
  value: \"GatewayKey orders&202601010000&c2lnbmF0dXJl\"
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: orders-environment
data:
  config.service.endpoint: contoso.configuration.azure-api.net
  config.service.auth: workloadIdentity
  gateway.name: orders
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: apim-gateway-workload-identity
  labels:
    azure.workload.identity/use: \"true\"
  annotations:
    azure.workload.identity/client-id: \"7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10\"
---
# the gateway itself
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  replicas: 1
  selector:
    matchLabels:
      app: orders
  template:
    metadata:
      labels:
        app: orders
        azure.workload.identity/use: \"true\"
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.2 # to be pinned
        envFrom:
        - configMapRef:
            name: orders-environment
      serviceAccountName: apim-gateway-workload-identity
";

fn fixture(name: &str) -> String {
    fs::read_to_string(format!("{}/tests/manifests/{name}", project::FOLDER)).unwrap()
}

#[test]
fn a_gateway_of_vs_code_is_migrated_line_by_line() {
    assert_eq!(assert_migrated("VS Code", VS_CODE, &[]), MIGRATED_VS_CODE);
}

#[test]
fn the_files_of_this_project_are_migrated() {
    for (name, text, arguments) in [
        ("portal", PORTAL.to_owned(), &[][..]),
        ("portal, current", fixture("gateway-portal.yaml"), &[]),
        ("token article", fixture("gateway-token-article.yaml"), &[]),
        ("chart", CHART_TOKEN.replace("# Source: ", "# from "), &["--gateway-name", "orders"]),
        ("Entra app", CHART_ENTRA.replace("# Source: ", "# from "), &["--gateway-name", "orders"]),
    ] {
        assert_migrated(name, &text, arguments);
    }
}

#[test]
fn a_key_from_elsewhere_is_removed_with_its_volumes_and_its_annotation() {
    let folder = Folder::with(&[("a.yaml", &fixture("gateway-key-from-elsewhere.yaml"))]);
    let arguments = ["migrate", "a.yaml", "--client-id", CLIENT];
    let ran = folder.run(&arguments);
    let after = read(&folder, "a.yaml");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let workload = after.split("kind: Deployment").nth(1).unwrap();
    for word in ["/mnt/", "projected", "csi", "contoso.example/token", "TOKEN", "secret"] {
        assert!(!workload.contains(word), "{word}\n{workload}");
    }
    assert!(findings(&folder, "a.yaml", &[]).is_empty(), "{after}");
    for object in ["secret orders-token", "externalsecret orders-token", "secretproviderclass orders-key"] {
        assert!(ran.stdout.contains(&format!("kubectl delete -n default {object}\n")), "{object}\n{}", ran.stdout);
    }
    assert_eq!((folder.run(&arguments).code, read(&folder, "a.yaml")), (0, after));
}

#[test]
fn a_migrated_gateway_stays_as_it_is() {
    for name in ["gateway-tls.yaml", "gateway-kustomized.yaml", "gateway-running.yaml", "chart-workload-identity.yaml"]
    {
        let text = fixture(name);
        let folder = Folder::with(&[("a.yaml", &text)]);
        let ran = folder.run(&["migrate", "a.yaml"]);
        assert_eq!((ran.code, read(&folder, "a.yaml")), (0, text), "{name}: {}", ran.everything());
        assert!(ran.stderr.starts_with("0 gateways migrated in 0 files; "), "{name}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{name}");
    }
}

#[test]
fn an_entra_app_keeps_its_client_and_tenant() {
    let tenant = "2f4a6b8c-1111-2222-3333-444455556666";
    let text = format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: orders-env}}
data:
  config.service.endpoint: contoso.configuration.azure-api.net
  config.service.auth: azureAdApp
  config.service.auth.azureAd.tenantId: {tenant}
  config.service.auth.azureAd.clientId: {CLIENT}
  config.service.auth.azureAd.certificatePath: /certs/app.pfx
  gateway.name: orders
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: orders}}
spec:
  template:
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.9.2
        envFrom: [{{configMapRef: {{name: orders-env}}}}]
        volumeMounts:
        - {{name: certificate, mountPath: /certs}}
        - {{name: data, mountPath: /apim/config}}
      volumes:
      - {{name: certificate, secret: {{secretName: orders-certificate}}}}
      - {{name: data, emptyDir: {{}}}}
"
    );
    let folder = Folder::with(&[("a.yaml", &text)]);
    let ran = folder.run(&["migrate", "a.yaml"]);
    let after = read(&folder, "a.yaml");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    for line in [
        &format!("azure.workload.identity/client-id: \"{CLIENT}\""),
        &format!("azure.workload.identity/tenant-id: \"{tenant}\""),
        "config.service.auth: workloadIdentity",
    ] {
        assert!(after.contains(line), "{line}\n{after}");
    }
    assert!(!after.contains("azureAd") && !after.contains("certificate") && after.contains("/apim/config"), "{after}");
    assert!(ran.stdout.contains("has its role already"), "{}", ran.stdout);
    assert!(ran.stdout.contains("kubectl delete -n default secret orders-certificate"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.stdout);
}

#[test]
fn a_list_of_kubectl_is_migrated_without_what_the_api_server_wrote() {
    let text = format!(
        "apiVersion: v1
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: '{{\"key\":\"{KEY}\"}}'
    name: orders
    namespace: shop
    resourceVersion: \"4711\"
    managedFields: [{{manager: kubectl}}]
  spec:
    template:
      spec:
        containers:
        - env:
          - name: config.service.auth
            value: {KEY}
          - name: config.service.endpoint
            value: contoso.configuration.azure-api.net
          image: mcr.microsoft.com/azure-api-management/gateway:2.9.2
          name: orders
        serviceAccount: default
        serviceAccountName: default
  status: {{readyReplicas: 1}}
- apiVersion: v1
  kind: Pod
  metadata:
    name: orders-1
    namespace: shop
    ownerReferences:
    - {{apiVersion: apps/v1, kind: ReplicaSet, name: orders, uid: a, controller: true}}
  spec:
    containers:
    - {{name: orders, image: mcr.microsoft.com/azure-api-management/gateway:2.9.2}}
kind: List
"
    );
    let (ran, after) = migrated(&text, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(!after.contains("GatewayKey") && !after.contains("resourceVersion") && !after.contains("managedFields"));
    assert!(
        after.contains("  status: {readyReplicas: 1}\n") && after.contains("serviceAccount: apim-gateway-workload")
    );
    // the new objects are items before the Deployment, and the Pod of the controller stays
    let kinds: Vec<&str> = after.lines().filter_map(|line| line.strip_prefix("  kind: ")).collect();
    assert_eq!(kinds, ["ServiceAccount", "ConfigMap", "Deployment", "Pod"], "{after}");
    let (again, same) = migrated(&after, &[]);
    assert_eq!((again.code, same), (0, after));
}

#[test]
fn a_json_file_gets_its_objects_before_the_workload() {
    for is_list in [false, true] {
        let workload = r#"{
  "apiVersion": "apps/v1",
  "kind": "Deployment",
  "metadata": {"name": "orders"},
  "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "azure-api-management/gateway:2.11.1",
    "env": [{"name": "config.service.endpoint", "value": "contoso.configuration.azure-api.net"}]}]}}}
}"#;
        let list = format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{workload}]}}"#);
        let text = if is_list { &list } else { workload };
        let folder = Folder::with(&[("a.json", text)]);
        let arguments = ["migrate", "a.json", "--client-id", CLIENT];
        let ran = folder.run(&arguments);
        let after = read(&folder, "a.json");
        assert_eq!(ran.code, 0, "{}", ran.everything());
        let position = |kind: &str| after.find(&format!("\"{kind}\"")).unwrap();
        assert!(position("ServiceAccount") < position("Deployment"), "{after}");
        if is_list {
            serde_json::from_str::<serde_json::Value>(&after).unwrap();
        }
        let again = folder.run(&arguments);
        assert_eq!((again.code, read(&folder, "a.json")), (0, after.clone()), "{after}\n{}", again.everything());
    }
}

#[test]
fn only_what_served_the_key_is_removed() {
    let text = "apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  template:
    spec:
      containers:
      - name: orders
        image: registry.example/azure-api-management/gateway:2.9.2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        env:
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: orders-proxy, key: value}}} # for the proxy
        - {name: config.service.auth, value: GatewayKey $(TOKEN)}
        - {name: config.service.endpoint, value: contoso.configuration.azure-api.us}
        - {name: HTTPS_PROXY, value: http://user:$(PASSWORD)@proxy}
        volumeMounts:
        - {name: token, mountPath: /token}
        - {name: tls, mountPath: /tls}
      - name: sidecar
        image: registry.example/sidecar:1
        volumeMounts:
        - {name: tls, mountPath: /tls}
      volumes:
      - {name: token, secret: {secretName: orders-token, items: [{key: value, path: token}]}}
      - {name: tls, secret: {secretName: orders-tls}}
";
    let after = assert_migrated("volumes", text, &[]);
    let gone = removed_lines(text, &after).concat();
    assert!(gone.contains("TOKEN") && !gone.contains("PASSWORD") && !gone.contains("tls"), "{gone}");
    assert!(
        !after.contains("orders-token") && after.contains("registry.example/azure-api-management/gateway:2.11.2\n")
    );
    assert!(after.contains("config.service.auth.tokenAudience: https://azure-api.us/configuration"), "{after}");
    let (ran, _) = migrated(text, &[]);
    assert!(ran.stdout.contains("the digest of the old version was removed"), "{}", ran.stdout);
}
