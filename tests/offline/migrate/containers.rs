//! What else uses a gateway's key in its own Pod: other containers, commands and settings keep what they use.

use super::{CLIENT, migrated};
use test_support::run::Folder;

/// A gateway with these lines in its container, and these lines below its containers.
fn gateway(container: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: orders-env, namespace: shop}}
data: {{config.service.endpoint: contoso.configuration.azure-api.net, gateway.name: orders}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: orders, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: orders}}}}
  template:
    metadata: {{labels: {{app: orders}}}}
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.2
        envFrom:
        - configMapRef: {{name: orders-env}}
{container}{spec}"
    )
}

/// The key in a variable.
const KEY_VARIABLE: &str = "        env:
        - {name: config.service.auth, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}
";
const MOUNT: &str = "        volumeMounts: [{name: token, mountPath: /etc/token}]\n";
const VOLUME: &str =
    "      volumes:\n      - {name: token, secret: {secretName: orders-token, items: [{key: value, path: key}]}}\n";

#[track_caller]
fn assert_kept(text: &str, to_do: &str, line: &str) {
    let (ran, new) = migrated(text, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains(to_do), "{to_do}\n{}", ran.everything());
    assert!(ran.stdout.contains("- keep the keys of gateway orders: a.yaml:"), "{}", ran.everything());
    assert!(!ran.stdout.contains("kubectl delete") && !ran.stdout.contains("regenerateKey"), "{}", ran.stdout);
    assert!(new.contains(line) && !new.contains("config.service.auth, value"), "{new}");
}

#[test]
fn a_volume_of_another_container_stays() {
    let sidecar = format!("      - name: exporter\n        image: contoso.example/exporter:1\n{MOUNT}");
    let init =
        format!("      initContainers:\n      - name: register\n        image: contoso.example/register:1\n{MOUNT}");
    let both = format!("{KEY_VARIABLE}{MOUNT}");
    for (container, other) in [(KEY_VARIABLE, &sidecar), (KEY_VARIABLE, &init), (&both, &init)] {
        let text = gateway(container, &format!("{other}{VOLUME}"));
        assert_kept(
            &text,
            "- Remove volume \"token\" with its mounts, if it only served the key",
            "{name: token, secret: ",
        );
    }
    let (ran, new) = migrated(&gateway(&both, VOLUME), &[]);
    assert!(!new.contains("name: token") && ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{new}");
}

#[test]
fn a_class_that_another_container_mounts_stays() {
    let sidecar = format!("      - name: exporter\n        image: contoso.example/exporter:1\n{MOUNT}");
    let volume = "      volumes:\n      - {name: token, csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: orders}}}\n";
    let class = "---\napiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\nmetadata: {name: orders, namespace: shop}\nspec: {secretObjects: [{secretName: orders-token, data: [{objectName: key, key: value}]}]}\n";
    let text = |other: &str| format!("{}{class}", gateway(KEY_VARIABLE, &format!("{other}{volume}")));
    let (_, new) = migrated(&text(&sidecar), &[]);
    assert!(new.contains("{name: token, csi: "), "{new}");
    let (_, new) = migrated(&text(""), &[]);
    assert!(!new.contains("{name: token, csi: "), "{new}");
}

#[test]
fn a_variable_that_a_command_names_stays() {
    let variables = "        env:
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}
        - {name: config.service.auth, value: $(TOKEN)}
";
    for command in [
        "        command: [sh, -c, 'echo \"${TOKEN}\"; exec dotnet gateway.dll']\n",
        "        args: ['--x=$TOKEN']\n",
        "        lifecycle: {postStart: {exec: {command: [sh, -c, 'printenv TOKEN']}}}\n",
    ] {
        let text = gateway(&format!("{variables}{command}"), "");
        assert_kept(
            &text,
            "- Remove variable \"TOKEN\" and what uses it, if it only holds the key",
            "name: TOKEN, value",
        );
    }
    let (_, new) = migrated(&gateway(&format!("{variables}        args: [--x=TOKENS]\n"), ""), &[]);
    assert!(!new.contains("name: TOKEN"), "{new}");
}

#[test]
fn settings_of_a_secret_with_the_key_stay() {
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: orders-secret, namespace: shop}\nstringData:\n  config.service.auth: GatewayKey orders&202701010000&c2lnbmF0dXJl\n  copy: GatewayKey orders&202701010000&c2lnbmF0dXJl\n  DATABASE: jdbc:postgresql://db.shop.svc.cluster.local:5432/orders?sslmode=require\n  PASSWORD: ${PASSWORD}\n";
    let text = format!("{}{secret}", gateway("        - secretRef: {name: orders-secret}\n", ""));
    let (ran, new) = migrated(&text, &[]);
    for name in ["DATABASE", "PASSWORD"] {
        assert!(new.contains(&format!("- name: {name}\n")), "{name}\n{new}");
    }
    assert!(!new.contains("- name: copy"), "{new}");
    assert!(ran.stdout.contains("- keep Secret \"orders-secret\": "), "{}", ran.everything());
}

#[test]
fn the_name_in_an_encoded_key_is_taken() {
    // GatewayKey stock&202701010000&c2lnbmF0dXJl
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: orders-token, namespace: shop}\ndata: {value: R2F0ZXdheUtleSBzdG9jayYyMDI3MDEwMTAwMDAmYzJsbmJtRjBkWEps}\n";
    let text = gateway(KEY_VARIABLE, secret).replace(", gateway.name: orders", "");
    let (ran, new) = migrated(&text, &[]);
    assert!(new.contains("gateway.name: stock"), "{new}");
    assert!(ran.stdout.contains("Check gateway.name stock, a guess: the gateway in the old key"), "{}", ran.stdout);
}

#[test]
fn a_resource_group_is_no_instance_and_no_gateway() {
    let group = |name: &str| {
        format!(
            "/subscriptions/s/resourceGroups/{name}/providers/Microsoft.ApiManagement/service/contoso/gateways/stock?api-version=2021-08-01"
        )
    };
    for (host, name) in [("management.azure.com", "service"), ("contoso.management.azure-api.net", "gateways")] {
        let endpoint = format!("'https://{host}{}'", group(name));
        let text = gateway(KEY_VARIABLE, "").replace("contoso.configuration.azure-api.net", &endpoint);
        let (_, new) = migrated(&text.replace(", gateway.name: orders", ""), &[]);
        assert!(new.contains("contoso.configuration.azure-api.net") && new.contains("gateway.name: stock"), "{new}");
    }
}

#[test]
fn client_ids_in_another_case_are_the_same() {
    let app = |name: &str, id: &str| {
        gateway("", "")
            .replace("orders", name)
            .replace("    spec:\n", "    spec:\n      serviceAccountName: gateways\n")
            .replace(
                "data: {",
                &format!("data: {{config.service.auth: azureAdApp, config.service.auth.azureAd.clientId: {id}, "),
            )
    };
    let text = format!("{}---\n{}", app("orders", CLIENT), app("stock", &CLIENT.to_uppercase()));
    let folder = Folder::with(&[("a.yaml", &text)]);
    let ran = folder.run(&["migrate", "a.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stderr.ends_with("2 gateways migrated in 1 file\n"), "{}", ran.stderr);
}
