//! The steps that `migrate` prints, and its flags.

use super::fixtures::VS_CODE;
use super::{CLIENT, migrated};
use test_support::run::Folder;

#[test]
fn the_steps_leave_each_gateway_a_way_to_authenticate() {
    let (ran, _) = migrated(VS_CODE, &[]);
    let position = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("{text}\n{}", ran.stdout));
    let steps = [
        "1. Read the changed files",
        "az ad app federated-credential create --id 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
        "\"audiences\":[\"api://AzureADTokenExchange\"]",
        "\"subject\":\"system:serviceaccount:default:apim-gateway-workload-identity\"",
        "kubectl apply -f a.yaml",
        "kubectl rollout status -n default deployment/orders",
        "kubectl delete -n default secret orders-token",
        "gateways/orders/regenerateKey",
        "The way back, until step 5:",
    ];
    assert!(steps.map(position).is_sorted(), "{}", ran.stdout);
    assert!(ran.stdout.contains("- a.yaml:7:"), "the place of the key\n{}", ran.stdout);
    // a guess is said as such; what the old endpoint says of the gateway too
    assert!(
        ran.stdout.contains("Check gateway.name orders, a guess: the gateway in the old endpoint"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("Check image tag 2.11.2, a guess"), "{}", ran.stdout);
}

#[test]
fn what_flags_state_is_no_guess() {
    let (ran, after) = migrated(
        VS_CODE,
        &[
            "--tenant-id",
            "2f4a6b8c-1111-2222-3333-444455556666",
            "--gateway-name",
            "Orders",
            "--endpoint",
            "https://fabrikam.management.azure-api.us",
            "--service-account",
            "orders-identity",
            "--image-tag",
            "2.12.3",
        ],
    );
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(!ran.stdout.contains("a guess"), "{}", ran.stdout);
    for line in [
        "azure.workload.identity/tenant-id: \"2f4a6b8c-1111-2222-3333-444455556666\"",
        "gateway.name: Orders",
        "config.service.endpoint: fabrikam.configuration.azure-api.us",
        "config.service.auth.tokenAudience: https://azure-api.us/configuration",
        "serviceAccountName: orders-identity",
        "gateway:2.12.3 # to be pinned",
    ] {
        assert!(after.contains(line), "{line}\n{after}");
    }
}

#[test]
fn a_malformed_fact_names_its_form() {
    for (flag, value, form) in [
        ("--client-id", "orders", "a GUID"),
        ("--tenant-id", "contoso.onmicrosoft.com", "a GUID"),
        ("--gateway-name", "=orders", "a name of a gateway resource"),
        ("--endpoint", "contoso.azure-api.net", "the host of the configuration API"),
        ("--service-account", "Orders", "a name of a Kubernetes object"),
        ("--image-tag", "2.10.1", "2.11.0 or newer"),
        ("--image-tag", "a b", "the tag of an image"),
        ("--image-tag", &format!("2.11.2@sha256:{}", "0".repeat(64)), "the tag of an image"),
        ("--image-tag", "latest", "the tag of one version, such as 2.11.2"),
        ("--image-tag", "v2", "the tag of one version"),
        ("--image-tag", "2", "the tag of one version"),
        ("--image-tag", "2.11", "the tag of one version"),
    ] {
        let ran = Folder::with(&[("a.yaml", VS_CODE)]).run(&["migrate", "a.yaml", flag, value]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(form), "{flag}: {}", ran.stderr);
    }
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let folder = Folder::with(&[("a.yaml", VS_CODE)]);
    let ran = folder.run(&["migrate", "a.yaml", "--interactive"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--client-id"), "{}", ran.stderr);
}

#[test]
fn what_a_rule_still_denies_is_reported() {
    let text = VS_CODE.replace("        envFrom:", "        args: [--config.service.auth, key]\n        envFrom:");
    let (ran, _) = migrated(&text, &["--service-account", "orders"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("still denied: a.yaml:17:1: auth-setting-in-command"), "{}", ran.stderr);
}

#[test]
fn rights_of_the_old_service_account_are_named() {
    let binding = "---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ingress}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}
subjects:
- {kind: ServiceAccount, name: default, namespace: default}
";
    let (ran, _) = migrated(&format!("{VS_CODE}{binding}"), &[]);
    let expected =
        "Add ServiceAccount \"apim-gateway-workload-identity\" to the subjects of ClusterRoleBinding \"ingress\"";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
}

#[test]
fn thirty_gateways_of_one_identity_need_more_identities() {
    let file = |index: usize| {
        let own = VS_CODE.replace("metadata:\n  name:", &format!("metadata:\n  namespace: team-{index}\n  name:"));
        (format!("in/{index:02}.yaml"), own)
    };
    let files: Vec<(String, String)> = (0..30).map(file).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let folder = Folder::with(&files);
    let ran = folder.run(&["migrate", "in", "--client-id", CLIENT]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stderr.ends_with("30 gateways migrated in 30 files\n"), "{}", ran.stderr);
    assert!(ran.stdout.contains("it would need 30 credentials, and an identity has at most 20"), "{}", ran.stdout);
    assert_eq!(folder.run(&["migrate", "in", "--check"]).code, 0);
}

#[test]
fn what_an_open_gateway_uses_is_kept() {
    let other = VS_CODE.rsplit("---\n").next().unwrap().replace("orders-environment", "absent");
    let other = other.replace("name: orders\n", "name: other\n");
    let (ran, _) = migrated(&format!("{VS_CODE}---\n{other}"), &[]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    for line in [
        "- not migrated: Add ConfigMap \"absent\" of Deployment \"other\" to the input",
        "- keep the keys of gateway orders: Deployment default/other still uses them",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    for command in ["kubectl delete", "regenerateKey"] {
        assert!(!ran.stdout.contains(command), "{command}\n{}", ran.stdout);
    }
}

#[test]
fn values_in_commands_are_quoted() {
    let folder = Folder::with(&[("a $(id).yaml", VS_CODE)]);
    let name = "orders of a";
    let ran = folder.run(&["migrate", "a $(id).yaml", "--client-id", CLIENT, "--gateway-name", name]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("kubectl apply -f 'a $(id).yaml'"), "{}", ran.stdout);
    assert!(ran.stdout.contains("/gateways/orders%20of%20a/regenerateKey?"), "{}", ran.stdout);
}

#[test]
fn how_pods_are_replaced_is_said() {
    let strategy = |text: &str| VS_CODE.replace("  replicas: 1\n", text);
    let (ran, _) = migrated(&strategy("  strategy:\n    type: Recreate\n"), &[]);
    let position = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("{text}\n{}", ran.stdout));
    let first = "- first test the identity with another gateway than Deployment default/orders: strategy is Recreate";
    assert!(position(first) < position("kubectl apply"), "{}", ran.stdout);
    let text = strategy("  updateStrategy:\n    type: OnDelete\n").replace("Deployment", "DaemonSet");
    let (ran, _) = migrated(&text, &[]);
    assert!(ran.stdout.contains("- DaemonSet default/orders: delete its Pods one by one"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("rollout status"), "{}", ran.stdout);
}

#[test]
fn the_only_pod_of_a_stateful_set_stops_first() {
    let text = VS_CODE.replace("kind: Deployment", "kind: StatefulSet");
    let line = "- first test the identity with another gateway than StatefulSet default/orders: its only Pod stops";
    assert!(migrated(&text, &[]).0.stdout.contains(line));
    assert!(!migrated(&text.replace("replicas: 1", "replicas: 3"), &[]).0.stdout.contains(line));
}

#[test]
fn the_keys_of_a_denied_gateway_are_kept() {
    let container = "        image: mcr.microsoft.com/azure-api-management/gateway:beta # to be pinned\n";
    let text = VS_CODE.replace(container, &format!("{container}        args: [\"--config.service.auth.key=$(T)\"]\n"));
    let (ran, _) = migrated(&text, &[]);
    assert!(ran.stdout.contains("- still denied: Deployment default/orders: "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.stdout);
}

#[test]
fn paths_that_cannot_be_written_are_errors_before_anything_is_written() {
    let folder = Folder::with(&[("in/a.yaml", VS_CODE)]);
    for (flag, path, message) in [
        ("--output-dir", "in", "in/a.yaml would be overwritten"),
        ("--write-policy", "absent/a.yaml", "does not exist"),
    ] {
        let ran = folder.run(&["migrate", "in", "--client-id", CLIENT, flag, path]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{}", ran.everything());
        assert_eq!(super::read(&folder, "in/a.yaml"), VS_CODE, "{flag}");
    }
}

#[test]
fn the_folder_of_the_new_files_is_not_read() {
    let folder = Folder::with(&[("a.yaml", VS_CODE)]);
    let arguments = ["migrate", ".", "--client-id", CLIENT, "--output-dir", "new"];
    let (first, written) = (folder.run(&arguments), super::read(&folder, "new/a.yaml"));
    assert_eq!(first.code, 0, "{}", first.everything());
    let second = folder.run(&arguments);
    assert_eq!((second.code, second.stderr), (0, first.stderr));
    assert_eq!(super::read(&folder, "new/a.yaml"), written);
    // it is read if it is named
    let named = folder.run(&["migrate", "new", "--client-id", CLIENT, "--output-dir", "newer"]);
    assert!(named.stderr.contains("1 with workload identity already"), "{}", named.everything());
}
