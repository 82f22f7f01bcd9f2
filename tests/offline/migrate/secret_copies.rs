//! What reads or copies the Secret of a migrated gateway in a way of its own, and what changes the gateway's objects again.

use super::CLIENT;
use super::users::{assert_nothing_revoked, assert_revoked};
use test_support::run::{Folder, RunOutput};

const GATEWAY: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: orders-env, namespace: shop}
data: {config.service.endpoint: contoso.configuration.azure-api.net, gateway.name: orders}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
  annotations: {secret.reloader.stakater.com/reload: orders-token}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        env: [{name: config.service.auth, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}]
        envFrom: [{configMapRef: {name: orders-env}}]
";

fn migrate(files: &[(&str, &str)]) -> RunOutput {
    Folder::with(&[&[("gw.yaml", GATEWAY)], files].concat()).run(&["migrate", ".", "--client-id", CLIENT])
}

#[track_caller]
fn assert_kept(file: &str, text: &str) {
    let ran = migrate(&[(file, text)]);
    assert_nothing_revoked(&ran);
    assert!(ran.stdout.contains("- keep Secret \"orders-token\""), "{text}\n{}", ran.everything());
}

#[test]
fn an_annotation_of_the_gateway_keeps_nothing() {
    let ran = migrate(&[]);
    assert_revoked(&ran);
}

#[test]
fn what_copies_the_secret_keeps_it() {
    let secret = |annotation: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: copy, namespace: dev, annotations: {{{annotation}: shop/orders-token}}}}\n"
        )
    };
    for annotation in ["reflector.v1.k8s.emberstack.com/reflects", "replicator.v1.mittwald.de/replicate-from"] {
        assert_kept("copy.yaml", &secret(annotation));
    }
    let policy = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\nspec:\n  rules:\n  - generate: {kind: Secret, name: a, clone: {namespace: shop, name: orders-token}}\n";
    assert_kept("policy.yaml", policy);
    let external = |provider: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: a, namespace: dev}}\nspec: {{provider: {{{provider}: {{}}}}}}\n---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: a, namespace: dev}}\nspec: {{data: [{{secretKey: a, remoteRef: {{key: orders-token}}}}]}}\n"
        )
    };
    assert_kept("external.yaml", &external("kubernetes"));
    assert!(migrate(&[("external.yaml", &external("azurekv"))]).stdout.contains("kubectl delete -n shop secret"));
}

#[test]
fn commands_of_any_name_that_read_the_secret_keep_it() {
    for line in ["oc get secret orders-token", "$K describe secret orders-token", "kubectl get secret \"$A-$B\""] {
        assert_kept("a.sh", &format!("{line}\n"));
    }
    for arguments in ["[\"--token-secret=orders-token\"]", "[--token-secret, shop/orders-token]"] {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: shop}}\nspec: {{containers: [{{name: a, image: b, args: {arguments}}}]}}\n"
        );
        assert_kept("pod.yaml", &pod);
    }
}

#[test]
fn a_line_that_changes_the_gateway_again_keeps_everything() {
    for line in [
        "kubectl patch configmap orders-env -p '{\"data\":{\"config.service.auth\":\"'$T'\"}}'",
        "for d in $ALL; do kubectl set env deployment/$d config.service.auth=\"$T\"; done",
        "kubectl create configmap orders-env --from-env-file=a.env --dry-run=client -o yaml | kubectl apply -f -",
        "kubectl annotate serviceaccount apim-gateway-workload-identity azure.workload.identity/client-id-",
    ] {
        assert_kept("a.sh", &format!("{line}\n"));
        assert_eq!(migrate(&[("a.sh", line)]).code, 2, "{line}");
    }
    let resource = |kind: &str, line: &str| {
        format!("resource \"{kind}\" \"a\" {{\n  metadata {{\n    name = \"orders-env\"\n  }}\n  {line}\n}}\n")
    };
    assert_kept(
        "main.tf",
        &resource("kubernetes_config_map_v1_data", "data = { \"config.service.auth\" = var.token }"),
    );
    assert_kept(
        "main.tf",
        &resource("kubernetes_labels", "template_labels = { \"azure.workload.identity/use\" = \"false\" }"),
    );
    let harmless = resource("kubernetes_labels", "template_labels = { \"azure.workload.identity/use\" = \"true\" }");
    assert_eq!(migrate(&[("main.tf", &harmless)]).code, 0);
}

#[test]
fn a_certificate_of_an_entra_app_is_deleted_with_its_secret() {
    let certificate = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: cert, namespace: shop}\nspec: {secretName: orders-token}\n";
    let ran = migrate(&[("cert.yaml", certificate)]);
    let commands = "kubectl delete -n shop certificate cert\n     kubectl delete -n shop secret orders-token\n";
    assert!(ran.stdout.contains(commands), "{}", ran.everything());
}

#[test]
fn keys_of_a_gateway_that_is_not_migrated_are_kept() {
    let other = GATEWAY.replace("orders-token", "other-token").replace(
        "name: orders-env, namespace: shop}\ndata",
        "name: orders-env, namespace: dev}\nimmutable: true\ndata",
    );
    let other = other.replace("namespace: shop", "namespace: dev");
    // by the name in its ConfigMap, and by the name in its key
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: other-token, namespace: dev}\nstringData: {value: GatewayKey orders&202701010000&c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0}\n";
    for text in [other.clone(), other.replace(", gateway.name: orders", "") + secret] {
        let ran = migrate(&[("other.yaml", &text)]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        let line = "- keep the keys of gateway orders: Deployment dev/orders still uses them";
        assert!(ran.stdout.contains(line) && !ran.stdout.contains("regenerateKey"), "{}", ran.everything());
    }
}

#[test]
fn a_script_of_values_that_are_left_stays() {
    let values =
        "gateway:\n  name: orders\n  configuration: {uri: contoso.configuration.azure-api.net}\n  auth: {key: $K}\n";
    let script =
        "helm upgrade --install orders apim/azure-api-management-gateway --version 1.12.0 -n shop -f values.yaml\n";
    let folder = Folder::with(&[("values.yaml", values), ("install.sh", script)]);
    let ran = folder.run(&["migrate", "."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.everything());
    assert_eq!(super::read(&folder, "install.sh"), script);
}
