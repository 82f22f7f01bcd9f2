//! Which files `migrate` writes, where, and which it leaves alone.

use super::fixtures::VS_CODE;
use super::{CLIENT, migrated, read};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use test_support::run::Folder;

/// A gateway whose `ConfigMap` follows it, with comments of its own.
const CONFIG_MAP_LAST: &str = "# the orders gateway
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  template:
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom: [{configMapRef: {name: orders-env}}]
---
# another application
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {a: b}
--- # the settings
apiVersion: v1
kind: ConfigMap
metadata:
  name: orders-env # of orders
data:
  # the method
  config.service.auth: GatewayKey orders&202601010000&c2lnbmF0dXJl
  config.service.endpoint: 'contoso.configuration.azure-api.net'";

#[test]
fn a_config_map_that_follows_its_workload_is_moved_before_it_with_its_comments() {
    let (ran, after) = migrated(CONFIG_MAP_LAST, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let start = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: apim-gateway-workload-identity
  labels:
    azure.workload.identity/use: \"true\"
  annotations:
    azure.workload.identity/client-id: \"7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10\"
---
--- # the settings
apiVersion: v1
kind: ConfigMap
metadata:
  name: orders-env # of orders
data:
  # the method
  config.service.auth: workloadIdentity
  config.service.endpoint: 'contoso.configuration.azure-api.net'
  gateway.name: orders
---
# the orders gateway
";
    let start = start.replace("---\n--- # the settings", "--- # the settings");
    assert!(after.starts_with(&start), "{after}");
    assert!(after.ends_with(
        "---\n# another application\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b}\n"
    ));
    let (again, same) = migrated(&after, &[]);
    assert_eq!((again.code, same), (0, after));
}

#[test]
fn other_files_of_a_folder_stay_byte_for_byte() {
    let others = [
        ("gateways/other.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}   # odd\n\n\n"),
        ("gateways/values.yaml", "a:   1\n"),
        ("gateways/broken.yaml", "a: [\n"),
        ("gateways/notes.txt", "config.service.auth\n"),
    ];
    let folder = Folder::with(&[&others[..], &[("gateways/orders.yaml", VS_CODE)]].concat());
    fs::set_permissions(folder.path("gateways/orders.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    let ran = folder.run(&["migrate", "gateways", "--client-id", CLIENT]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    for (file, text) in others {
        assert_eq!(read(&folder, file), text);
    }
    assert_ne!(read(&folder, "gateways/orders.yaml"), VS_CODE);
    let mode = fs::metadata(folder.path("gateways/orders.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_diff_and_a_check_write_nothing() {
    let (ran, after) = migrated(VS_CODE, &["--check"]);
    assert_eq!((ran.code, after.as_str(), ran.stdout.as_str()), (1, VS_CODE, ""));
    // what changes and why, the file, and the number
    for line in [
        "Deployment default/orders: from an auth key; ServiceAccount \"apim-gateway-workload-identity\", ConfigMap \
         \"orders-environment\"\n",
        "  - Check gateway.name orders, a guess: the gateway in the old endpoint\n",
        "would change a.yaml\n1 gateway would be migrated in 1 file\n",
    ] {
        assert!(ran.stderr.contains(line), "{line}\n{}", ran.stderr);
    }
    let (ran, after) = migrated(VS_CODE, &["--diff"]);
    assert_eq!((ran.code, after.as_str()), (0, VS_CODE));
    assert!(ran.stdout.contains("+kind: ServiceAccount") && !ran.everything().contains("c2ln"), "{}", ran.stdout);
}

#[test]
fn an_output_folder_gets_the_changed_files() {
    let folder = Folder::with(&[("in/a/orders.yaml", VS_CODE), ("in/b.yaml", "apiVersion: v1\nkind: Service\n")]);
    let ran = folder.run(&["migrate", "in", "--client-id", CLIENT, "--output-dir", "out"]);
    assert_eq!((ran.code, read(&folder, "in/a/orders.yaml").as_str()), (0, VS_CODE), "{}", ran.everything());
    assert!(read(&folder, "out/a/orders.yaml").contains("workloadIdentity") && !folder.path("out/b.yaml").exists());
    assert!(ran.stdout.contains("kubectl apply -f out/a/orders.yaml"), "{}", ran.stdout);
    assert_eq!(folder.run(&["migrate", "out", "--check"]).code, 0);
    let folder = Folder::with(&[("a/x.yaml", VS_CODE), ("b/x.yaml", VS_CODE)]);
    let ran = folder.run(&["migrate", "a/x.yaml", "b/x.yaml", "--client-id", CLIENT, "--output-dir", "out"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("would both be written to out/x.yaml"), "{}", ran.stderr);
}

#[test]
fn stdin_keeps_its_byte_order_mark() {
    let marked = format!("\u{feff}{VS_CODE}");
    for arguments in [&["migrate", "-", "--client-id", CLIENT][..], &["migrate", "-"]] {
        let ran = Folder::with(&[]).feed(arguments, &marked);
        assert!(ran.stdout.starts_with('\u{feff}'), "{}", ran.everything());
    }
}

#[test]
fn stdin_is_written_to_stdout_and_the_steps_to_stderr() {
    let ran = Folder::with(&[]).feed(&["migrate", "-", "--client-id", CLIENT], VS_CODE);
    let (_, file) = migrated(VS_CODE, &[]);
    assert_eq!((ran.code, ran.stdout), (0, file), "{}", ran.stderr);
    assert!(ran.stderr.contains("1. Read the changed files"), "{}", ran.stderr);
    let unchanged = Folder::with(&[]).feed(&["migrate", "-"], VS_CODE);
    assert_eq!((unchanged.code, unchanged.stdout.as_str()), (2, VS_CODE));
}

#[test]
fn the_files_are_applied_with_the_settings_first() {
    let documents: Vec<&str> = VS_CODE.split("---\n").collect();
    let folder = Folder::with(&[("a/gateway.yaml", documents[2]), ("a/settings.yaml", documents[1])]);
    let ran = folder.run(&["migrate", "a", "--client-id", CLIENT]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let applied: Vec<&str> =
        ran.stdout.lines().map(str::trim).filter(|line| line.starts_with("kubectl apply")).collect();
    assert_eq!(applied, ["kubectl apply -f a/settings.yaml -n default", "kubectl apply -f a/gateway.yaml -n default"]);
}

#[test]
fn a_text_that_cannot_be_changed_is_declined_with_all_of_its_gateway() {
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-environment}\ndata:\n  config.service.endpoint: contoso.configuration.azure-api.net\n";
    let workload = VS_CODE.split("---\n").nth(2).unwrap();
    let generated = format!("# Code generated by a tool. DO NOT EDIT.\n{workload}");
    let files = [("a/gateway.yaml", generated.as_str()), ("a/settings.yaml", settings)];
    let folder = Folder::with(&files);
    let ran = folder.run(&["migrate", "a", "--client-id", CLIENT]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    for (file, text) in files {
        assert_eq!(read(&folder, file), text);
    }
    assert!(
        ran.stderr.contains("the file is generated") && ran.stderr.contains("serviceAccountName"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_cannot_be_migrated_is_named_with_a_link() {
    let image = "mcr.microsoft.com/azure-api-management/gateway:latest";
    for (file, text, link) in [
        (
            "compose.yaml",
            format!("services:\n  gateway:\n    image: {image}\n    environment: {{config.service.auth: key}}\n"),
            "how-to-deploy-self-hosted-gateway-docker",
        ),
        (
            "env.conf",
            "config.service.auth=GatewayKey a&202601010000&c2ln\n".to_owned(),
            "how-to-deploy-self-hosted-gateway-docker",
        ),
        ("main.bicep", format!("image: '{image}'\n"), "how-to-deploy-self-hosted-gateway-container-apps"),
        (
            "app.yaml",
            format!(
                "type: Microsoft.App/containerApps\nproperties: {{template: {{containers: [{{image: '{image}'}}]}}}}\n"
            ),
            "how-to-deploy-self-hosted-gateway-container-apps",
        ),
        (
            "extension.bicep",
            "properties: {\n  extensionType: 'Microsoft.ApiManagement.Gateway'\n}\n".to_owned(),
            "how-to-deploy-self-hosted-gateway-azure-arc",
        ),
        (
            "template.json",
            r#"{"resources": [{"properties": {"extensionType": "microsoft.apimanagement.gateway"}}]}"#.to_owned(),
            "how-to-deploy-self-hosted-gateway-azure-arc",
        ),
    ] {
        let folder = Folder::with(&[(&format!("in/{file}"), text.as_str())]);
        let ran = folder.run(&["migrate", "in"]);
        assert_eq!((ran.code, read(&folder, &format!("in/{file}"))), (2, text), "{file}");
        assert!(ran.stderr.starts_with(&format!("not migrated: in/{file}")), "{file}: {}", ran.stderr);
        assert_eq!(ran.stderr.matches("not migrated: ").count(), 1, "{file}: {}", ran.stderr);
        assert!(ran.stderr.contains(link) && !ran.stderr.contains("c2ln"), "{file}: {}", ran.stderr);
    }
}

#[test]
fn an_input_without_a_gateway_is_an_error() {
    let (ran, _) = migrated("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", &[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .ends_with("no gateway was found; check the path, and pass the file with the gateway's workload, too\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_new_item_of_a_json_list_has_the_indentation_of_the_list() {
    let gateway = super::several::gateway("orders", "        envFrom: [{configMapRef: {name: orders-env}}]\n");
    let config_map = super::several::config_map("orders-env", super::several::ENDPOINT);
    let items = [gateway, config_map].map(|text| apim_keyless_manifest::value(&text).unwrap());
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let folder = Folder::with(&[("a.json", &serde_json::to_string_pretty(&list).unwrap())]);
    assert_eq!(folder.run(&["migrate", "a.json", "--client-id", CLIENT]).code, 0);
    let after = read(&folder, "a.json");
    let start = "  \"items\": [\n    {\n      \"apiVersion\": \"v1\",\n      \"kind\": \"ServiceAccount\",\n      \"metadata\": {\n";
    assert!(after.contains(start), "{after}");
    assert!(after.contains("\n      }\n    },\n    {\n      \"apiVersion\": \"apps/v1\""), "{after}");
}

#[test]
fn a_kustomization_of_a_gateway_that_is_left_stays() {
    let gateway = |name: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: a}}}}\n  template:\n    metadata: {{labels: {{app: a}}}}\n    spec:\n      containers:\n      - name: a\n        image: mcr.microsoft.com/azure-api-management/gateway:2.3.5\n        env:\n        - {{name: config.service.auth, valueFrom: {{secretKeyRef: {{name: token, key: value}}}}}}\n        envFrom: [{{configMapRef: {{name: {name}-env}}}}]\n"
        )
    };
    let overlay = |settings: &str| {
        format!(
            "resources: [../base]\nimages: [{{name: mcr.microsoft.com/azure-api-management/gateway, newTag: 2.5.0}}]\n{settings}"
        )
    };
    let settings = "configMapGenerator: [{name: orders-env, literals: [config.service.endpoint=contoso.configuration.azure-api.net]}]\n";
    let folder = Folder::with(&[
        ("base/gw.yaml", &gateway("orders")),
        ("base/kustomization.yaml", "resources: [gw.yaml]\n"),
        ("prod/kustomization.yaml", &overlay(settings)),
    ]);
    let ran = folder.run(&["migrate", "."]);
    assert!(ran.stderr.contains("0 gateways migrated in 0 files; 1 not migrated"), "{}", ran.everything());
    assert_eq!(ran.code, 2);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    assert!(ran.stderr.contains("1 gateway migrated in 2 files"), "{}", ran.everything());
}

#[test]
fn settings_in_files_of_a_generator_stay_there() {
    let gateway = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      - name: a\n        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n        env:\n        - {name: config.service.auth, valueFrom: {secretKeyRef: {name: token, key: value}}}\n        envFrom: [{configMapRef: {name: orders-env}}]\n";
    let kustomization =
        "resources: [gw.yaml]\nconfigMapGenerator:\n- name: orders-env\n  envs: [gw.env] # of the gateway\n";
    let with = |settings: &str| {
        let folder = Folder::with(&[("gw.yaml", gateway), ("kustomization.yaml", kustomization), ("gw.env", settings)]);
        (folder.run(&["migrate", ".", "--client-id", CLIENT]), folder)
    };
    let settings = "# settings\nconfig.service.endpoint=contoso.configuration.azure-api.net\n";
    let (ran, folder) = with(settings);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let added = "  literals:\n  - \"config.service.auth=workloadIdentity\"\n  - \"gateway.name=orders\"\n";
    assert_eq!(read(&folder, "kustomization.yaml"), format!("{kustomization}{added}"));
    assert_eq!(read(&folder, "gw.env"), settings);
    let again = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    assert!(
        again.stderr.contains("0 gateways migrated in 0 files; 1 with workload identity"),
        "{}",
        again.everything()
    );
    // what has to change in the file is named
    let old = "config.service.endpoint=https://contoso.management.azure-api.net/subscriptions/x/gateways/a?api-version=2021-08-01\n";
    let (ran, folder) = with(old);
    let line =
        "not migrated: ./gw.env:1: Change config.service.endpoint to contoso.configuration.azure-api.net, and run";
    assert!(ran.stderr.starts_with(line), "{}", ran.everything());
    assert_eq!((ran.code, read(&folder, "gw.yaml").as_str()), (2, gateway));
}
