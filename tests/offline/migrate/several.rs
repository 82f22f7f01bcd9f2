//! Several gateways: in one file, in one workload, with one `ConfigMap` or one `ServiceAccount`.

use super::{CLIENT, findings, migrated, read};
use test_support::run::Folder;

/// A gateway that takes a key from a Secret, with these lines in its container.
pub(super) fn gateway(name: &str, lines: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  template:
    spec:
      containers:
      - name: {name}
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        env:
        - name: config.service.auth
          valueFrom: {{secretKeyRef: {{name: {name}-token, key: value}}}}
{lines}"
    )
}

pub(super) fn config_map(name: &str, lines: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\ndata:\n{lines}")
}

pub(super) const ENDPOINT: &str = "  config.service.endpoint: contoso.configuration.azure-api.net\n";
const SHARED: &str = "        envFrom: [{configMapRef: {name: shared}}]\n";

#[test]
fn gateways_of_one_config_map_keep_their_own_names() {
    let text = [gateway("a", SHARED), gateway("b", SHARED), config_map("shared", ENDPOINT)].join("---\n");
    let folder = Folder::with(&[("a.yaml", &text)]);
    let ran = folder.run(&["migrate", "a.yaml", "--client-id", CLIENT]);
    let after = read(&folder, "a.yaml");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(findings(&folder, "a.yaml", &[]).is_empty(), "{after}");
    // the ConfigMap stands before both, and each container has its own name
    assert!(after.find("kind: ConfigMap") < after.find("kind: Deployment"), "{after}");
    assert_eq!(after.matches("kind: ServiceAccount").count(), 1, "{after}");
    for name in ["a", "b"] {
        assert!(after.contains(&format!("- name: gateway.name\n          value: {name}\n")), "{after}");
    }
    let again = folder.run(&["migrate", "a.yaml"]);
    assert_eq!((again.code, read(&folder, "a.yaml")), (0, after));
}

#[test]
fn a_gateway_that_lacks_a_fact_keeps_the_others_of_its_config_map() {
    // the second one has no endpoint of its own, and the first one shares the ConfigMap
    let other = gateway("b", "        envFrom: [{configMapRef: {name: shared}}, {configMapRef: {name: absent}}]\n");
    let own = "        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
    let first = gateway("a", &format!("{own}{SHARED}"));
    let third = gateway("c", own);
    let text = [first, other, third, config_map("shared", "  a: b\n")].join("---\n");
    let (ran, after) = migrated(&text, &[]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("Add ConfigMap \"absent\" of Deployment \"b\" to the input"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Migrate Deployment \"a\" together"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("1 gateway migrated in 1 file; 2 not migrated\n"), "{}", ran.stderr);
    assert!(after.contains("name: a-token") && after.contains("name: b-token") && !after.contains("name: c-token"));
}

#[test]
fn each_gateway_that_lacks_a_fact_is_named_with_its_flag() {
    let text = [gateway("a", ""), gateway("b", "")].join("---\n");
    let folder = Folder::with(&[("a.yaml", &text)]);
    let ran = folder.run(&["migrate", "a.yaml"]);
    assert_eq!((ran.code, read(&folder, "a.yaml")), (2, text));
    for (line, name) in [(1, "a"), (14, "b")] {
        for flag in ["--client-id", "--endpoint"] {
            let found = ran.stderr.lines().any(|text| {
                text.starts_with(&format!("not migrated: a.yaml:{line}:"))
                    && text.contains(&format!("Pass {flag}"))
                    && text.contains(&format!("\"{name}\""))
            });
            assert!(found, "{name} {flag}\n{}", ran.stderr);
        }
    }
}

#[test]
fn one_name_is_not_given_to_several_gateways() {
    let own = "        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
    let text = [gateway("a", own), gateway("b", own)].join("---\n");
    let (ran, after) = migrated(&text, &["--gateway-name", "orders"]);
    assert_eq!((ran.code, after), (2, text));
    assert!(ran.stderr.contains("the input has 2"), "{}", ran.stderr);
}

#[test]
fn two_gateway_containers_of_a_pod_have_a_config_map_each() {
    let text = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pair, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: a
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom: [{configMapRef: {name: a-env}}, {secretRef: {name: a-token}}]
      - name: b
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        env:
        - {name: config.service.auth, value: GatewayKey b&202601010000&c2lnbmF0dXJl}
        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}
";
    let text = [text, &config_map("a-env", &format!("{ENDPOINT}  config.service.auth: key\n"))].join("---\n");
    let (ran, after) = migrated(&text, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(after.contains("name: pair-b-env") && !after.contains("secretRef"), "{after}");
    assert!(after.contains("gateway.name: b\n"), "the name in the old key\n{after}");
    assert!(ran.stdout.contains("Move settings other than the key from Secret \"a-token\""), "{}", ran.stdout);
}

#[test]
fn what_is_obsolete_is_deleted_after_the_rollout_and_what_is_still_taken_stays() {
    let token = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME-token, namespace: shop}\nstringData: {value: \"GatewayKey NAME&202601010000&c2ln\"}\n";
    let rotation = "apiVersion: batch/v1
kind: CronJob
metadata: {name: rotation, namespace: shop}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b, command: [kubectl, patch, secret, a-token]}]}}}}}
";
    let external = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: shop}\nspec: {target: {name: a-token}}\n";
    let user = "apiVersion: v1
kind: Pod
metadata: {name: other, namespace: shop}
spec: {containers: [{name: a, image: b, env: [{name: A, valueFrom: {secretKeyRef: {name: b-token, key: value}}}]}]}
";
    let own = "        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
    let text = [
        gateway("a", own),
        gateway("b", own),
        token.replace("NAME", "a"),
        token.replace("NAME", "b"),
        rotation.to_owned(),
        external.to_owned(),
        user.to_owned(),
    ]
    .join("---\n");
    let (ran, after) = migrated(&text, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let deleted: Vec<&str> =
        ran.stdout.lines().map(str::trim).filter(|line| line.starts_with("kubectl delete")).collect();
    assert_eq!(
        deleted,
        [
            "kubectl delete -n shop cronjob rotation",
            "kubectl delete -n shop externalsecret a",
            "kubectl delete -n shop secret a-token",
        ]
    );
    // nothing is deleted here
    assert_eq!(after.matches("kind: Secret\n").count(), 2, "{after}");
    assert!(ran.stdout.contains("stay in the history of Git") && !ran.everything().contains("c2ln"), "{}", ran.stdout);
}

/// Values of Microsoft's chart for a gateway.
fn values(name: &str) -> String {
    format!(
        "gateway: {{name: {name}, configuration: {{uri: contoso.configuration.azure-api.net}}, auth: {{type: GatewayToken}}}}\nsecret: {{createSecret: false, existingSecretName: {name}-token}}\n"
    )
}

#[test]
fn values_are_applied_by_what_installs_them() {
    let values = values("orders");
    let run = |files: &[(&str, &str)]| {
        let own = [("envs/prod.yaml", &*values)];
        Folder::with(&[&own[..], files].concat()).run(&["migrate", ".", "--client-id", CLIENT]).stdout
    };
    assert!(run(&[]).contains("   helm upgrade RELEASE "));
    let release = |values: &str| {
        format!(
            "resource \"helm_release\" \"orders\" {{\n  name = \"orders\"\n  chart = \"azure-api-management-gateway\"\n  version = \"1.15.1\"\n  values = [file(\"{values}\")]\n}}\n"
        )
    };
    let stdout = run(&[("main.tf", &release("${path.module}/envs/prod.yaml"))]);
    assert!(stdout.contains("   terraform apply\n") && !stdout.contains("helm upgrade"), "{stdout}");
    let script = "helm upgrade --install orders apim/azure-api-management-gateway --version 1.15.1 -f envs/prod.yaml\n";
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: orders}\nspec:\n  sources:\n  - chart: azure-api-management-gateway\n    targetRevision: 1.15.1\n    helm: {valueFiles: [$values/envs/prod.yaml]}\n";
    let run_it = "   - ./deploy.sh installs ./envs/prod.yaml: run it as before\n";
    let commit =
        "   - first commit and push ./envs/prod.yaml: ./app.yaml installs it from Git\n     argocd app sync orders\n";
    for (file, text, line) in [("deploy.sh", script, run_it), ("app.yaml", application, commit)] {
        let stdout = run(&[(file, text)]);
        assert!(stdout.contains(line) && !stdout.contains("helm upgrade"), "{stdout}");
        // it installs another file
        assert!(run(&[(file, &text.replace("prod", "test"))]).contains("   helm upgrade RELEASE "));
    }
}

#[test]
fn several_files_of_values_can_be_of_one_release() {
    let folder = Folder::with(&[("values.yaml", &values("orders")), ("values-prod.yaml", &values("orders"))]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    let line = "   - if several of these files are of one release, run one command with all of them, as before:\n";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}
