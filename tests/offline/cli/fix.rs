//! `fix`: what it writes, what it leaves as it is, and its exit codes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use test_support::run::manifests::{KEYLESS, OUTDATED, UNLABELED};
use test_support::run::{Folder, RunOutput};

/// A gateway as people write it: comments, quotes, another document. The label and the fixed lines are missing.
const COMMENTED: &str = "# the orders gateway
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}   # in flow style
spec:
  template:
    metadata:
      labels:
        'app': orders # quoted

      # a comment below
    spec:
      serviceAccountName: \"orders-identity\"
      containers:
        - name: gateway
          image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
          envFrom: [{configMapRef: {name: orders-env}}]
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: orders-identity
  namespace: shop
  annotations:
    azure.workload.identity/client-id: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
# the last line has no line break";

/// The same after `fix`.
const FIXED: &str = "# the orders gateway
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}   # in flow style
spec:
  template:
    metadata:
      labels:
        'app': orders # quoted
        azure.workload.identity/use: \"true\"

      # a comment below
    spec:
      serviceAccountName: \"orders-identity\"
      containers:
        - name: gateway
          image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
          envFrom: [{configMapRef: {name: orders-env}}]
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: orders-identity
  namespace: shop
  annotations:
    azure.workload.identity/client-id: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
  labels:
    azure.workload.identity/use: \"true\"
# the last line has no line break";

fn read(folder: &Folder, file: &str) -> String {
    fs::read_to_string(folder.path(file)).unwrap()
}

fn fixed(text: &str, arguments: &[&str]) -> (RunOutput, String) {
    let folder = Folder::with(&[("a.yaml", text)]);
    let ran = folder.run(&[&["fix", "a.yaml"], arguments].concat());
    (ran, read(&folder, "a.yaml"))
}

#[test]
fn only_what_is_missing_is_written() {
    let (ran, text) = fixed(COMMENTED, &[]);
    assert_eq!((ran.code, text.as_str()), (0, FIXED), "{}", ran.everything());
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.ends_with("2 findings fixed in 1 file\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a.yaml:8: set spec.template.metadata.labels"), "{}", ran.stderr);
}

#[test]
fn a_second_run_changes_nothing() {
    let (ran, text) = fixed(FIXED, &["--check"]);
    assert_eq!((ran.code, text.as_str()), (0, FIXED));
    assert_eq!(ran.everything(), "0 findings would be fixed in 0 files\n");
}

#[test]
fn line_endings_and_a_byte_order_mark_stay() {
    let text = format!("\u{feff}{}", COMMENTED.replace('\n', "\r\n"));
    let (ran, fixed_text) = fixed(&text, &[]);
    assert_eq!(fixed_text, format!("\u{feff}{}", FIXED.replace('\n', "\r\n")), "{}", ran.everything());
}

#[test]
fn a_check_and_a_diff_write_nothing() {
    let (ran, text) = fixed(COMMENTED, &["--check"]);
    assert_eq!((ran.code, text.as_str(), ran.stdout.as_str()), (1, COMMENTED, ""));
    let (ran, text) = fixed(COMMENTED, &["--diff"]);
    assert_eq!((ran.code, text.as_str()), (0, COMMENTED));
    let added: Vec<&str> =
        ran.stdout.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).collect();
    assert_eq!(
        added,
        ["+        azure.workload.identity/use: \"true\"", "+  labels:", "+    azure.workload.identity/use: \"true\""]
    );
}

#[test]
fn a_diff_shows_no_key() {
    let text = UNLABELED.replace(
        "        envFrom:",
        "        env: [{name: config.service.auth, value: \"GatewayKey canary\"}]\n        envFrom:",
    );
    let (ran, after) = fixed(&text, &["--diff"]);
    assert_eq!(after, text);
    assert!(ran.stdout.contains("+    metadata:") && !ran.everything().contains("canary"), "{}", ran.everything());
    // of a document in one line, the whole line is the change
    let line = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{ONE_LINE}]}}");
    let (ran, _) = fixed(&line, &["--diff"]);
    assert!(ran.stdout.contains("azure.workload.identity/use") && !ran.stdout.contains("canary"), "{}", ran.stdout);
}

/// A gateway without the label and with a key.
const ONE_LINE: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"serviceAccountName":"b","containers":[{"name":"a","image":"mcr.microsoft.com/azure-api-management/gateway:2.11.1","env":[{"name":"config.service.auth","value":"GatewayKey canary"}],"envFrom":[{"configMapRef":{"name":"c"}}]}]}}"#;

#[test]
fn stdin_is_written_to_stdout() {
    let ran = Folder::with(&[]).feed(&["fix", "-"], COMMENTED);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, FIXED), "{}", ran.stderr);
    let unchanged = Folder::with(&[]).feed(&["fix", "-"], KEYLESS);
    assert_eq!((unchanged.code, unchanged.stdout.as_str()), (0, KEYLESS), "{}", unchanged.stderr);
}

#[test]
fn an_unsafe_fix_needs_its_flag() {
    let (ran, text) = fixed(OUTDATED, &[]);
    assert_eq!((ran.code, text.as_str()), (0, OUTDATED));
    assert!(ran.stderr.contains("1 error without a safe fix"), "{}", ran.stderr);
    let (ran, text) = fixed(OUTDATED, &["--unsafe"]);
    assert_eq!(text, OUTDATED.replace("gateway:2.9.0", "gateway:2.11.0"));
    assert!(ran.stderr.ends_with("(unsupported-version)\n1 finding fixed in 1 file\n"), "{}", ran.stderr);
}

#[test]
fn an_unsafe_fix_writes_the_only_value_that_can_be_meant() {
    let manifests = |account: &str, method: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  serviceAccountName: \
             {account}\n  containers:\n  - name: orders\n    image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    \
             env: [{{name: config.service.auth, value: {method}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: \
             {{name: orders-env, namespace: shop}}\ndata: {{config.service.auth: {method}}}\n"
        )
    };
    for (expected, account) in [("orders", "orders"), ("[orders, payments]", "reports")] {
        let policy = format!(
            "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: tests}}\nspec: {{defaults: \
             {{serviceAccount: {expected}}}}}\n"
        );
        let before = manifests("reports", "WorkloadIdentity");
        let folder = Folder::with(&[("a.yaml", &before), ("policy.yaml", &policy)]);
        let rules = ["--select", "misspelled-auth-method", "--select", "unexpected-service-account"];
        let ran = folder.run(&[&["fix", "a.yaml", "--unsafe", "--policy", "policy.yaml"], &rules[..]].concat());
        assert_eq!(read(&folder, "a.yaml"), manifests(account, "workloadIdentity"), "{}", ran.everything());
    }
}

#[test]
fn fixes_of_one_object_are_made_together() {
    let variables = "        env:\n        - {name: AZURE_CLIENT_ID, value: a} # one\n        - {name: B, value: b}\n        - {name: AZURE_TENANT_ID, value: c}\n        - {name: AZURE_AUTHORITY_HOST, value: c}\n";
    let text = OUTDATED.replace("        envFrom:", &format!("{variables}        envFrom:"));
    let (ran, after) = fixed(&text, &["--unsafe"]);
    let expected = OUTDATED
        .replace("gateway:2.9.0", "gateway:2.11.0")
        .replace("        envFrom:", "        env:\n        - {name: B, value: b}\n        envFrom:");
    assert_eq!((ran.code, after), (0, expected), "{}", ran.everything());
    let ignored = format!("# apim-keyless: ignore unsupported-version the vendor updates it\n{OUTDATED}");
    assert_eq!(fixed(&ignored, &["--unsafe"]).1, ignored);
}

#[test]
fn only_selected_rules_are_fixed() {
    let (ran, text) = fixed(COMMENTED, &["--select", "unlabeled-service-account"]);
    assert_eq!(text.matches("azure.workload.identity/use").count(), 1, "{}", ran.everything());
    let (ran, _) = fixed(COMMENTED, &["--select", "unlabelled-service-account"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("unlabeled-service-account"), "{}", ran.stderr);
}

#[test]
fn what_an_alias_repeats_is_declined_with_its_place() {
    let text = "apiVersion: v1
kind: List
items:
- &account
  apiVersion: v1
  kind: ServiceAccount
  metadata: {name: orders, labels: {app.kubernetes.io/component: self-hosted-gateway}}
- *account
";
    let (ran, after) = fixed(text, &[]);
    assert_eq!((ran.code, after.as_str()), (1, text), "{}", ran.everything());
    assert!(
        ran.stderr.contains("not fixed: a.yaml:5:3: unlabeled-service-account: an alias repeats it"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("by hand: set metadata.labels[\"azure.workload.identity/use\"] to \"true\""));
}

#[test]
fn a_generated_file_is_declined() {
    let text = format!("# Code generated by kompose. DO NOT EDIT.\n{UNLABELED}");
    let (ran, after) = fixed(&text, &[]);
    assert_eq!((ran.code, after.as_str()), (1, text.as_str()), "{}", ran.everything());
    assert!(ran.stderr.contains("the file is generated"), "{}", ran.stderr);
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let folder =
        Folder::with(&[("a/inside.yaml", KEYLESS), ("b/target.yaml", UNLABELED), ("b/c/other.yaml", UNLABELED)]);
    symlink("../b/target.yaml", folder.path("a/link.yaml")).unwrap();
    symlink("../b/c", folder.path("a/linked")).unwrap();
    for arguments in [&["fix", "a"][..], &["fix", "./a/"], &["fix", "--check", "a"]] {
        let ran = folder.run(arguments);
        assert_eq!(ran.code, 1, "{}", ran.everything());
        for name in ["link.yaml", "linked/other.yaml"] {
            let is_named =
                |line: &str| line.contains(name) && line.contains("a symbolic link to a file outside of the folder");
            assert!(ran.stderr.lines().any(is_named), "{}", ran.stderr);
        }
        assert!(
            ran.stderr.contains("0 findings fixed") || ran.stderr.contains("0 findings would be fixed"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("2 to fix by hand"), "{}", ran.stderr);
        assert_eq!(read(&folder, "b/target.yaml"), UNLABELED);
    }
    // by its own name, and from a folder around both
    assert_eq!(folder.run(&["fix", "a/link.yaml"]).code, 0);
    assert_ne!(read(&folder, "b/target.yaml"), UNLABELED);
    assert_eq!(folder.run(&["fix", "."]).code, 0);
    assert_ne!(read(&folder, "b/c/other.yaml"), UNLABELED);
}

#[test]
fn a_file_keeps_its_mode_and_a_link_its_target() {
    let folder = Folder::with(&[("target.yaml", UNLABELED), ("broken.yaml", "a: [\n")]);
    fs::set_permissions(folder.path("target.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("target.yaml", folder.path("link.yaml")).unwrap();
    let ran = folder.run(&["fix", "link.yaml", "broken.yaml"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(folder.path("link.yaml").is_symlink());
    assert!(read(&folder, "target.yaml").contains("azure.workload.identity/use: \"true\""));
    assert_eq!(fs::metadata(folder.path("target.yaml")).unwrap().permissions().mode() & 0o777, 0o640);
    let names: Vec<_> = fs::read_dir(folder.path(".")).unwrap().collect();
    assert_eq!(names.len(), 3);
}

/// The gateway also takes ConfigMap "c", so no rule reports that "apim-gateway-env" has no endpoint: a reference to it would fix
/// nothing.
#[test]
fn a_config_map_without_an_endpoint_is_not_referenced() {
    let config_map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: apim-gateway-env}\nbinaryData: {gateway.name: a2V5}\n";
    let image = "mcr.microsoft.com/azure-api-management/gateway:2.11.2";
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec: {{template: {{spec: {{containers: [{{name: a, image: '{image}', envFrom: [{{configMapRef: {{name: other}}}}, {{configMapRef: {{name: apim-gateway-env}}}}]}}]}}}}}}\n"
    );
    let workload = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: b}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: {image}\n        - name: b\n          image: {image}\n          envFrom: [{{prefix: CONFIG__SERVICE__, configMapRef: {{name: c}}}}]\n"
    );
    let folder = Folder::with(&[("cm.yaml", config_map), ("job.yaml", &job), ("workload.yaml", &workload)]);
    let ran = folder.run(&["fix", "."]);
    let fixed = fs::read_to_string(folder.path("workload.yaml")).unwrap();
    assert!(!fixed.contains("name: apim-gateway-env"), "{fixed}{}", ran.everything());
    let ran = folder.run(&["check", ".", "--mode", "enforce"]);
    let message = "error[missing-configuration-reference]: Set config.service.endpoint in ConfigMap \"apim-gateway-env\", and add it \
                   to envFrom of container \"api\"";
    assert!(ran.stdout.contains(message), "{}", ran.everything());
}
