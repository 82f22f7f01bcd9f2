//! What a migration never does silently: end how a gateway or another workload works.

use super::fixtures::VS_CODE;
use super::several::{ENDPOINT, config_map, gateway};
use super::{CLIENT, migrated, read};
use test_support::run::{Folder, RunOutput};

const OTHER: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "2f4a6b8c-1111-2222-3333-444455556666";

/// A gateway with a key, whose objects have each fact already.
fn complete_but_for_the_key() -> String {
    let account = format!(
        "apiVersion: v1
kind: ServiceAccount
metadata:
  name: orders
  namespace: shop
  annotations:
    azure.workload.identity/client-id: {OTHER}
    azure.workload.identity/tenant-id: {OTHER}
"
    );
    let settings = config_map("a-env", &format!("{ENDPOINT}  gateway.name: orders\n"));
    let workload = gateway("a", "        envFrom: [{configMapRef: {name: a-env}}]\n      serviceAccountName: orders\n");
    [account, settings, workload].join("---\n")
}

/// Flags that contradict its objects, with what has another value.
const CONTRADICTIONS: [(&str, &str, &str); 4] = [
    ("--client-id", CLIENT, "client id"),
    ("--tenant-id", TENANT, "tenant id"),
    ("--gateway-name", "other", "gateway.name"),
    ("--endpoint", "fabrikam.configuration.azure-api.net", "config.service.endpoint"),
];

fn run(text: &str, arguments: &[&str]) -> (RunOutput, String) {
    let folder = Folder::with(&[("a.yaml", text)]);
    let ran = folder.run(&[&["migrate", "a.yaml"], arguments].concat());
    (ran, read(&folder, "a.yaml"))
}

#[test]
fn a_flag_that_contradicts_an_existing_object_leaves_the_gateway() {
    let text = complete_but_for_the_key();
    for (flag, value, what) in CONTRADICTIONS.into_iter().filter(|(flag, ..)| *flag != "--gateway-name") {
        let (ran, after) = run(&text, &[flag, value]);
        assert_eq!((ran.code, after), (2, text.clone()), "{flag}: {}", ran.everything());
        let expected = format!("not migrated: a.yaml:17:1: Leave out {flag} for Deployment \"a\"");
        assert!(ran.stderr.contains(&expected) && ran.stderr.contains(what), "{flag}: {}", ran.stderr);
    }
    // the same values in another form contradict nothing, and without flags the objects keep theirs
    let same = ["--client-id", OTHER, "--endpoint", "https://CONTOSO.configuration.azure-api.net/"];
    for arguments in [&[][..], &same] {
        let (ran, after) = run(&text, arguments);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        for line in [&format!("client-id: {OTHER}"), &format!("tenant-id: {OTHER}"), "gateway.name: orders", ENDPOINT] {
            assert!(after.contains(line), "{line}\n{after}");
        }
    }
}

#[test]
fn a_replaced_gateway_name_is_named() {
    let (ran, after) = run(&complete_but_for_the_key(), &["--gateway-name", "other"]);
    assert!(ran.code == 0 && after.contains("gateway.name: other"), "{}", ran.everything());
    let note = "- Check gateway.name other of --gateway-name: it replaces another name\n";
    assert!(ran.stdout.contains(note), "{}", ran.stdout);
}

#[test]
fn a_gateway_with_workload_identity_keeps_what_a_flag_contradicts() {
    let (ran, text) = run(&complete_but_for_the_key(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    for (flag, value, what) in CONTRADICTIONS {
        let (ran, after) = run(&text, &[flag, value]);
        assert_eq!((ran.code, after), (0, text.clone()), "{flag}: {}", ran.everything());
        let line = ran.stderr.lines().find(|line| line.starts_with("kept: Deployment shop/a: ")).unwrap_or_default();
        assert!(line.contains(flag) && line.contains(what), "{flag}: {}", ran.stderr);
    }
}

#[test]
fn a_replaced_entra_app_is_named() {
    let settings = format!(
        "{ENDPOINT}  gateway.name: a\n  config.service.auth: azureAdApp\n  config.service.auth.azureAd.tenantId: {TENANT}\n  \
         config.service.auth.azureAd.clientId: {OTHER}\n"
    );
    let workload = gateway("a", "        envFrom: [{configMapRef: {name: a-env}}]\n");
    let workload = workload.replace("config.service.auth\n", "config.service.auth.azureAd.clientSecret\n");
    let text = [config_map("a-env", &settings), workload].join("---\n");
    let (ran, after) = migrated(&text, &[]);
    assert!(ran.code == 0 && after.contains(&format!("client-id: \"{CLIENT}\"")), "{}", ran.everything());
    for line in [
        &format!("Check client id {CLIENT}: the old Entra app has another one"),
        &format!("Client {CLIENT} needs the right to read"),
        &format!("az ad app credential list --id {OTHER}\n"),
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
}

#[test]
fn what_a_retired_endpoint_says_is_not_replaced_silently() {
    let (ran, _) =
        migrated(VS_CODE, &["--endpoint", "fabrikam.configuration.azure-api.net", "--gateway-name", "other"]);
    for line in [
        "Check config.service.endpoint fabrikam.configuration.azure-api.net of --endpoint: the old endpoint names another",
        "Check gateway.name other of --gateway-name: the old endpoint or key names another gateway",
    ] {
        assert!(ran.code == 0 && ran.stdout.contains(line), "{line}\n{}", ran.everything());
    }
}

#[test]
fn gateways_of_one_service_account_have_one_client_id() {
    let own = |name: &str, other: &str| {
        let settings = format!(
            "{ENDPOINT}  gateway.name: {name}\n  config.service.auth: azureAdApp\n  \
             config.service.auth.azureAd.clientId: {other}\n"
        );
        let lines =
            format!("        envFrom: [{{configMapRef: {{name: {name}-env}}}}]\n      serviceAccountName: shared\n");
        [config_map(&format!("{name}-env"), &settings), gateway(name, &lines)].join("---\n")
    };
    let text = [own("a", CLIENT), own("b", OTHER)].join("---\n");
    let (ran, after) = run(&text, &[]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("Give Deployment \"b\" a ServiceAccount of its own"), "{}", ran.stderr);
    assert!(
        !after.contains("a-token") && after.contains("b-token") && !after.contains(&format!("client-id: \"{OTHER}"))
    );
}

#[test]
fn a_secret_of_unknown_content_is_looked_at_before_it_is_deleted() {
    let lines = "        envFrom: [{configMapRef: {name: a-env}}, {secretRef: {name: all-of-it}}]\n";
    let rotation = "apiVersion: batch/v1
kind: CronJob
metadata: {name: rotation, namespace: shop}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b, command: [kubectl, patch, secret, all-of-it]}]}}}}}
";
    let text = [config_map("a-env", ENDPOINT), gateway("a", lines), rotation.to_owned()].join("---\n");
    let (ran, _) = migrated(&text, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("- keep Secret \"all-of-it\" if it has keys beside the auth key"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  kubectl describe -n shop secret all-of-it\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("- keep CronJob \"rotation\" as long as"), "{}", ran.stdout);
    let deleted: Vec<&str> =
        ran.stdout.lines().map(str::trim).filter(|line| line.starts_with("kubectl delete")).collect();
    assert_eq!(deleted, ["kubectl delete -n shop secret a-token"]);
}

/// Another workload that reads the `ConfigMap` of a gateway.
fn reader(lines: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: reader, namespace: shop}}
spec: {{template: {{spec: {{containers: [{{name: a, image: b, {lines}}}]}}}}}}
"
    )
}

#[test]
fn a_config_map_that_another_workload_reads_keeps_what_it_reads() {
    let old =
        "  config.service.endpoint: https://contoso.management.azure-api.net/subscriptions/x/gateways/a\n  other: b\n";
    let workload = gateway("a", "        envFrom: [{configMapRef: {name: a-env}}]\n");
    let key =
        |key: &str| reader(&format!("env: [{{name: A, valueFrom: {{configMapKeyRef: {{name: a-env, key: {key}}}}}}}]"));
    let volume = reader("args: [a]")
        .replace("spec: {containers", "spec: {volumes: [{name: a, configMap: {name: a-env}}], containers");
    for (other, settings, is_left) in [
        (key("config.service.endpoint"), old, true),
        (volume, old, true),
        (key("other"), old, false),
        // only new settings are added
        (key("config.service.endpoint"), ENDPOINT, false),
    ] {
        let text = [config_map("a-env", settings), workload.clone(), other.clone()].join("---\n");
        let (ran, after) = migrated(&text, &[]);
        assert_eq!(
            (ran.code, after == text),
            if is_left { (2, true) } else { (0, false) },
            "{other}{}",
            ran.everything()
        );
        let expected = "not migrated: a.yaml:8:1: Copy ConfigMap \"a-env\" under a new name, and take that one in Deployment \"a\"";
        assert_eq!(ran.stderr.contains(expected), is_left, "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("\"reader\" reads them, too"), is_left, "{}", ran.stderr);
    }
}

#[test]
fn an_immutable_config_map_is_not_counted_as_migrated() {
    let settings = format!("{}immutable: true\n", config_map("a-env", ENDPOINT));
    let workload = gateway("a", "        envFrom: [{configMapRef: {name: a-env}}]\n");
    let other = gateway("b", "        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n");
    let text = [settings, workload, other].join("---\n");
    let (ran, after) = migrated(&text, &[]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("no change of an immutable ConfigMap can be applied"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("1 gateway migrated in 1 file; 1 not migrated\n"), "{}", ran.stderr);
    assert!(after.contains("a-token") && !after.contains("b-token"), "{after}");
}

#[test]
fn nothing_is_deleted_or_revoked_while_something_could_not_be_read() {
    let broken =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: default\n# config.service.auth\n";
    let folder = Folder::with(&[("a.yaml", VS_CODE), ("b.yaml", broken)]);
    let ran = folder.run(&["migrate", "a.yaml", "b.yaml", "--client-id", CLIENT]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stdout.contains("5. Delete no Secret and revoke no key yet\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("   - b.yaml:"), "{}", ran.stdout);
    for command in ["kubectl delete", "regenerateKey"] {
        assert!(!ran.stdout.contains(command), "{command}\n{}", ran.stdout);
    }
}

#[test]
fn the_service_account_default_is_no_identity() {
    let (ran, after) = migrated(VS_CODE, &["--service-account", "default"]);
    assert_eq!((ran.code, after.as_str()), (2, VS_CODE));
    assert!(ran.stderr.contains("write the name of another ServiceAccount"), "{}", ran.stderr);
}

#[test]
fn a_workload_in_two_files_is_left_in_both() {
    let files = [("a/dev.yaml", VS_CODE), ("a/prod.yaml", VS_CODE)];
    let folder = Folder::with(&files);
    let ran = folder.run(&["migrate", "a", "--client-id", CLIENT]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    for (file, text) in files {
        assert_eq!(read(&folder, file), text);
        assert!(ran.stderr.contains(&format!("not migrated: {file}:17:1: Run the command for each folder or file")));
    }
    assert!(ran.stderr.contains("Deployment \"orders\" 2 times"), "{}", ran.stderr);
    // each alone is migrated
    for (file, _) in files {
        assert_eq!(folder.run(&["migrate", file, "--client-id", CLIENT]).code, 0);
    }
}

#[test]
fn a_sidecar_with_settings_of_the_gateway_stays_as_it_is() {
    let sidecar = "      - name: refresher
        image: registry.example/refresher:1
        env: [{name: LEVEL, value: info}]
        envFrom: [{configMapRef: {name: orders-environment}}]
";
    let text = VS_CODE.replace("      containers:\n", &format!("      containers:\n{sidecar}"));
    let (ran, after) = migrated(&text, &["--image-tag", "2.12.2"]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(after.contains(sidecar) && after.contains("gateway:2.12.2"), "{after}");
    // it is no second gateway of the ConfigMap, so the name of the gateway stands there
    assert!(after.contains("\n  gateway.name: orders\n") && !after.contains("- name: gateway.name"), "{after}");
    assert!(ran.stdout.contains("Check container \"refresher\""), "{}", ran.stdout);
}

/// What takes a Secret with the key of a migrated gateway, beside other gateways.
#[test]
fn a_key_that_something_else_takes_is_neither_deleted_nor_revoked() {
    let lines = "        - name: config.service.auth
          valueFrom: {secretKeyRef: {name: a-token, key: value}}
        envFrom: [{configMapRef: {name: a-env}}]
";
    let settings = config_map("a-env", &format!("{ENDPOINT}  gateway.name: orders\n"));
    let objects = [settings, gateway("a", lines)].join("---\n");
    let head = "kind: Deployment\nmetadata: {name: other, namespace: shop}\n";
    let container =
        "containers: [{name: c, image: app, env: [{name: T, valueFrom: {secretKeyRef: {name: a-token, key: value}}}]}]";
    let takers = [
        format!("apiVersion: apps/v1\n{head}spec: {{template: {{spec: {{{container}}}}}}}\n"),
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: other, namespace: shop}\nspec:\n  \
         valuesFrom: [{kind: Secret, name: a-token, valuesKey: a}]\n"
            .to_owned(),
    ];
    for taker in takers {
        let (ran, _) = run(&[objects.clone(), taker].join("---\n"), &["--client-id", CLIENT]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        for command in ["kubectl delete", "regenerateKey"] {
            assert!(!ran.stdout.contains(command), "{command}: {}", ran.stdout);
        }
        assert!(ran.stdout.contains("- keep the keys of gateway orders: a.yaml:"), "{}", ran.stdout);
    }
    let (ran, _) = run(&objects, &["--client-id", CLIENT]);
    assert!(ran.stdout.contains("kubectl delete") && ran.stdout.contains("regenerateKey"), "{}", ran.stdout);
}

#[test]
fn a_gateway_that_is_too_large_is_named() {
    let container =
        |number| format!("      - {{name: c{number}, image: mcr.microsoft.com/azure-api-management/gateway:2.11.1}}\n");
    let containers = (0..200).map(container).collect::<Vec<_>>().concat();
    let large = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: large, namespace: shop}}\nspec:\n  template:\n    \
         spec:\n      containers:\n{containers}"
    );
    let (ran, after) = run(&large, &["--client-id", CLIENT]);
    assert_eq!((ran.code, after), (2, large), "{}", ran.everything());
    let message =
        "not migrated: a.yaml:1:1: Change Deployment \"large\" by hand, or split it: it is too large to evaluate";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
}

#[test]
fn a_file_with_several_names_is_not_written() {
    let text = complete_but_for_the_key();
    let folder = Folder::with(&[("in/a.yaml", &text)]);
    std::fs::hard_link(folder.path("in/a.yaml"), folder.path("in/b.yaml")).unwrap();
    let ran = folder.run(&["migrate", "in"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("in/a.yaml: it has several names (hard links)"), "{}", ran.stderr);
    assert_eq!(read(&folder, "in/a.yaml"), text);
    let ran = folder.run(&["fix", "in", "--unsafe"]);
    assert!(!ran.stderr.contains("fixed in 1 file"), "{}", ran.everything());
    assert_eq!(read(&folder, "in/a.yaml"), text);
}

#[test]
fn a_policy_is_not_written_over_migrated_manifests() {
    let folder = Folder::with(&[("a.yaml", complete_but_for_the_key().as_str()), ("out/other.txt", "")]);
    let ran = folder.run(&["migrate", "a.yaml", "--output-dir", "out", "--write-policy", "out/a.yaml"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("--write-policy names out/a.yaml, which holds migrated manifests"), "{}", ran.stderr);
    assert!(!folder.path("out/a.yaml").exists());
}
