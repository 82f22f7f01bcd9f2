//! Documents that are not the objects that reach a cluster: said once, and not evaluated as such objects.

use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED};

const KEY: &str = "GatewayKey orders&202601010000&bm90IGEga2V5";

#[test]
fn a_placeholder_is_said_once_a_file() {
    let text = KEYLESS.replace("gateway:2.11.1", "gateway:${VERSION:=2.11.1}");
    let ran = Folder::with(&[("a.yaml", &format!("{text}---\n{text}"))]).check("a.yaml");
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert_eq!(ran.stderr.matches("a placeholder such as ${NAME}").count(), 1, "{}", ran.stderr);
    assert!(!ran.stdout.contains("error["), "{}", ran.stdout);
}

#[test]
fn a_document_of_sops_is_said_once_a_file() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {config.service.auth: 'ENC[AES256_GCM,data:eA==]'}\nsops: {version: 3.9.0}\n";
    let ran = Folder::with(&[("a.yaml", &format!("{text}---\n{text}"))]).check("a.yaml");
    assert_eq!(ran.everything().matches("encrypted by SOPS").count(), 1, "{}", ran.everything());
    assert!(!ran.stdout.contains("error["), "{}", ran.stdout);
}

#[test]
fn a_patch_of_a_kustomization_is_no_final_object() {
    let patch = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env}\ndata: {config.service.endpoint: contoso.configuration.azure-api.net}\n";
    let alone = Folder::with(&[("base/patch.yaml", patch)]).check("base");
    assert!(alone.stdout.contains("error[missing-auth-method]") || alone.stdout.contains("missing-auth-method"));
    let kustomization = "patches: [{path: ./patch.yaml}]\n";
    let files = [("base/patch.yaml", patch), ("base/kustomization.yaml", kustomization)];
    let ran = Folder::with(&[&files[..], &[("base/orders.yaml", KEYLESS)]].concat()).check("base");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(!ran.stdout.contains("missing-auth-method"), "{}", ran.stdout);
    // with nothing else, nothing was evaluated
    let ran = Folder::with(&files).check("base");
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("nothing was evaluated"), "{}", ran.stderr);
}

#[test]
fn a_key_in_a_patch_is_an_error() {
    let patch = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: orders}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: orders\n        env: [{{name: config.service.auth, value: \"{KEY}\"}}]\n"
    );
    let kustomization = ("kustomization.yaml", "patches: [{path: patch.yaml}]\n");
    let ran = Folder::with(&[("patch.yaml", &patch), kustomization]).check("patch.yaml");
    assert_eq!(ran.code, 1, "{}", ran.everything());
    assert_eq!(ran.stdout.matches("error[").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("error[auth-key-literal]"), "{}", ran.stdout);
}

#[test]
fn a_key_reference_in_a_patch_is_an_error() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\nspec:\n  template:\n    spec:\n      containers:\n      - name: orders\n        env: [{name: config.service.auth, valueFrom: {secretKeyRef: {name: token, key: value}}}]\n";
    let kustomization = ("kustomization.yaml", "patches: [{path: patch.yaml}]\n");
    let ran = Folder::with(&[("patch.yaml", patch), kustomization]).check("patch.yaml");
    assert_eq!(ran.code, 1, "{}", ran.everything());
    assert_eq!(ran.stdout.matches("error[").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("error[auth-key-reference]"), "{}", ran.stdout);
}

#[test]
fn a_workload_without_images_that_no_kustomization_names_is_an_error() {
    for (from, to, place, words) in [
        ("  template:", "  templte:", "5:3", "write template, not templte"),
        ("spec:\n  template:", "Spec:\n  template:", "4:1", "write spec, not Spec"),
        ("containers:", "container:", "10:7", "write containers, not container"),
        ("image: mcr", "img: mcr", "12:9", "write image, not img"),
        ("        image: mcr.microsoft.com/azure-api-management/gateway:2.9.0\n", "", "11:9", "without image"),
        ("containers:\n      - name: gateway", "initContainers:\n      - name: gateway", "8:5", "without containers"),
    ] {
        let text = OUTDATED.replace(from, to).replace("orders-env", "azure-api-management");
        // by name, and in a folder beside another gateway
        let by_name = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
        let in_folder = Folder::with(&[("a.yaml", &text), ("b.yaml", KEYLESS)]).check(".");
        for (ran, file) in [(by_name, "a.yaml"), (in_folder, "./a.yaml")] {
            assert_eq!(ran.code, 2, "{text}: {}", ran.everything());
            let expected = format!("error: {file}:{place}: {words}");
            assert!(ran.stderr.starts_with(&expected), "{text}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_patch_is_recognized_by_a_kustomization_above_it_and_by_its_directive() {
    let patch = OUTDATED.replace("        image: mcr.microsoft.com/azure-api-management/gateway:2.9.0\n", "");
    let kustomization = ("a/kustomization.yaml", "patches: [{path: patches/b.yaml}]\n");
    let folder = Folder::with(&[("a/patches/b.yaml", &patch), kustomization, ("orders.yaml", KEYLESS)]);
    for path in ["a/patches/b.yaml", "a/patches", "a"] {
        let ran = folder.run(&["check", path, "orders.yaml"]);
        assert_eq!(ran.code, 0, "{path}: {}", ran.everything());
        assert!(ran.stdout.contains("skipped 1 document with a patch of Kustomize"), "{path}: {}", ran.stdout);
    }
    let directive = patch.replace("      - name: gateway", "      - $patch: delete\n        name: gateway");
    let ran = Folder::with(&[("a/a.yaml", &directive), ("a/orders.yaml", KEYLESS)]).check("a");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    // of another application, nobody can know it
    let other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3}\n";
    let ran = Folder::with(&[("a/a.yaml", other), ("a/orders.yaml", KEYLESS)]).check("a");
    assert_eq!(ran.code, 0, "{}", ran.everything());
}

#[test]
fn each_form_of_placeholder_is_said() {
    for placeholder in ["${VERSION}", "$(VERSION)", "#{VERSION}#", "%%VERSION%%", "{{VERSION}}", "${{ env.VERSION }}"] {
        let config_map = |name: &str, endpoint: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: '{name}'}}\ndata:\n  config.service.endpoint: \
                 '{endpoint}.configuration.azure-api.net'\n"
            )
        };
        let image = KEYLESS.replace("2.11.1", placeholder);
        for text in [image, config_map(placeholder, "contoso"), config_map("orders-env", placeholder)] {
            let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
            assert_eq!(ran.code, 2, "{text}: {}", ran.everything());
            assert!(!ran.stdout.contains("error["), "{text}: {}", ran.stdout);
        }
    }
}

#[test]
fn a_key_in_plain_text_beside_encrypted_values_is_an_error() {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  config.service.auth: \"{KEY}\"\n  other: 'ENC[AES256_GCM,data:eA==]'\nsops: {{version: 3.9.0}}\n"
    );
    let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
    assert_eq!(ran.code, 1, "{}", ran.everything());
    assert_eq!(ran.stdout.matches("error[").count(), 1, "{}", ran.stdout);
    assert_eq!(ran.everything().matches("encrypted by SOPS").count(), 1, "{}", ran.everything());
    let whole = "apiVersion: ENC[AES256_GCM,data:eA==]\nkind: ENC[AES256_GCM,data:eA==]\nsops: {mac: x}\n";
    let ran = Folder::with(&[("a.yaml", whole)]).check("a.yaml");
    assert_eq!(ran.everything().matches("encrypted by SOPS").count(), 1, "{}", ran.everything());
}

#[test]
fn a_file_with_operations_of_a_json_patch_is_skipped() {
    let operations = "- {op: add, path: /spec/replicas, value: 2}\n- {op: remove, path: /metadata/labels}\n";
    let ran = Folder::with(&[("a.yaml", operations)]).check("a.yaml");
    assert_eq!((ran.code, ran.everything().matches("a patch of Kustomize").count()), (2, 1), "{}", ran.everything());
    let beside = Folder::with(&[("a/patch.yaml", operations), ("a/orders.yaml", KEYLESS)]).check("a");
    assert_eq!(beside.code, 0, "{}", beside.everything());
    let list = Folder::with(&[("a.yaml", "- {op: add}\n")]).check("a.yaml");
    assert_eq!(list.code, 2, "{}", list.everything());
}

#[test]
fn a_single_patch_is_recognized_by_the_kustomization_beside_it() {
    let files = [("a/patch.yaml", OUTDATED), ("a/kustomization.yaml", "patches: [{path: patch.yaml}]\n")];
    let ran = Folder::with(&files).check("a/patch.yaml");
    // nothing was evaluated, which must not look as if there were no findings
    assert_eq!((ran.code, ran.stdout.contains("error[")), (2, false), "{}", ran.everything());
    assert!(ran.stderr.contains("nothing was evaluated"), "{}", ran.stderr);
    let alone = Folder::with(&files[..1]).check("a/patch.yaml");
    assert_eq!(alone.code, 1, "{}", alone.everything());
}

#[test]
fn placeholders_of_other_applications_are_left_alone() {
    let image = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: 'job-${{ID}}'}}\nspec: {{containers: [{{name: a, image: '{image}'}}]}}\n"
        )
    };
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, annotations: {azure.workload.identity/client-id: '${ID}'}}\n";
    let config_map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '${ID}'}\ndata: {config.service.url: '${URL}'}\n";
    for text in [&image("busybox:${TAG}"), &image("${REGISTRY}/billing:1"), account, config_map] {
        let ran = Folder::with(&[("a.yaml", text)]).check("a.yaml");
        assert_eq!(ran.code, 0, "{text}: {}", ran.everything());
    }
    let workload = KEYLESS.replace("orders-identity", "a").replace("namespace: shop", "namespace: default");
    let used = format!("{workload}---\n{account}").replace("{name: a, annot", "{name: a, namespace: default, annot");
    for text in [&image("${IMAGE}"), &image("${REGISTRY}/gateway:2.11.1"), &used] {
        let ran = Folder::with(&[("a.yaml", text)]).check("a.yaml");
        assert_eq!(ran.code, 2, "{text}: {}", ran.everything());
    }
}
