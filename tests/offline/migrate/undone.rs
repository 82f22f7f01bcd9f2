//! Patches that discard what the migration wrote when the objects are built.

use super::CLIENT;
use super::fixtures::VS_CODE;
use test_support::run::{Folder, RunOutput};

const ENDPOINT: &str = "config.service.endpoint=contoso.configuration.azure-api.net";

/// Migrates the gateway of VS Code with an overlay.
fn overlay(kustomization: &str, files: &[(&str, &str)]) -> (RunOutput, Folder) {
    let kustomization = format!("resources: [../base]\n{kustomization}");
    let own = [
        ("k/base/gateway.yaml", VS_CODE),
        ("k/base/kustomization.yaml", "resources: [gateway.yaml]\n"),
        ("k/prod/kustomization.yaml", kustomization.as_str()),
    ];
    let folder = Folder::with(&[&own[..], files].concat());
    (folder.run(&["migrate", ".", "--client-id", CLIENT]), folder)
}

#[track_caller]
fn assert_kept(ran: &RunOutput, place: &str) {
    let start = format!("not migrated: {place}");
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.lines().any(|line| line.starts_with(&start)), "{start}\n{}", ran.everything());
    for command in ["kubectl delete", "regenerateKey"] {
        assert!(!ran.stdout.contains(command), "{command}\n{}", ran.everything());
    }
}

#[track_caller]
fn assert_deleted(ran: &RunOutput) {
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("kubectl delete -n default secret orders-token"), "{}", ran.stdout);
    assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.stdout);
}

fn patches(kind: &str, name: &str, operation: &str) -> String {
    format!("patches:\n- target: {{kind: {kind}, name: {name}}}\n  patch: |-\n    - {{{operation}}}\n")
}

const IMAGE: &str = "mcr.microsoft.com/azure-api-management/gateway:2.12.0";

/// Operations on the pod template that discard what the gateway needs.
fn operations() -> Vec<String> {
    let spec = "/spec/template/spec";
    let container = format!("{{name: orders, image: '{IMAGE}'}}");
    let mut all = vec![
        "op: replace, path: /spec/template/metadata/labels, value: {app: orders}".to_owned(),
        "op: add, path: /spec/template/metadata/labels, value: {app: orders}".to_owned(),
        "op: remove, path: /spec/template/metadata".to_owned(),
        format!("op: replace, path: {spec}/containers/0/envFrom, value: [{{configMapRef: {{name: other}}}}]"),
        format!("op: replace, path: {spec}/containers/0, value: {container}"),
        format!("op: replace, path: {spec}/containers, value: [{container}]"),
        format!("op: replace, path: {spec}, value: {{containers: [{container}]}}"),
        format!("op: replace, path: /spec/template, value: {{spec: {{containers: [{container}]}}}}"),
    ];
    all.extend(
        ["/containers/0/envFrom", "/containers/0", "/containers", ""]
            .map(|end| format!("op: remove, path: {spec}{end}")),
    );
    all
}

#[test]
fn an_operation_on_a_whole_is_named() {
    for operation in operations() {
        let kustomization = patches("Deployment", "orders", &operation);
        let (ran, folder) = overlay(&kustomization, &[]);
        assert_kept(&ran, "./k/prod/kustomization.yaml:4:3: Remove the operation on /spec/template");
        // the gateway is migrated now
        let again = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        assert_kept(&again, "./k/prod/kustomization.yaml:4:3: Remove the operation on /spec/template");
        let file = [("k/prod/patch.yaml", &*format!("- {{{operation}}}\n"))];
        let (ran, _) = overlay("patches: [{path: patch.yaml, target: {kind: Deployment}}]\n", &file);
        assert_kept(&ran, "./k/prod/kustomization.yaml:2:11: In patch.yaml: Remove the operation on /spec/template");
        assert_deleted(&overlay(&patches("Deployment", "other", &operation), &[]).0);
    }
}

#[test]
fn an_operation_on_the_entries_of_a_config_map_is_named() {
    for data in ["{a: b}", "{}", "{config.service.endpoint: contoso.configuration.azure-api.net}"] {
        for operation in ["replace", "add"] {
            let operation = format!("op: {operation}, path: /data, value: {data}");
            let (ran, _) = overlay(&patches("ConfigMap", "orders-environment", &operation), &[]);
            assert_kept(&ran, "./k/prod/kustomization.yaml:4:3: ");
        }
    }
    let whole = "patches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: orders-environment}\n    $patch: replace\n    data: {a: b}\n";
    assert_kept(&overlay(whole, &[]).0, "./k/prod/kustomization.yaml:3:");
    assert_deleted(&overlay(&whole.replace("orders-environment", "other"), &[]).0);
}

#[test]
fn operations_that_keep_the_identity_are_left_alone() {
    let spec = "/spec/template/spec";
    for operation in [
        "op: replace, path: /spec/replicas, value: 3".to_owned(),
        "op: add, path: /metadata/labels, value: {app: orders}".to_owned(),
        "op: replace, path: /spec/template/metadata/labels, value: {app: a, azure.workload.identity/use: 'true'}"
            .to_owned(),
        "op: add, path: /spec/template/metadata/labels/team, value: a".to_owned(),
        "op: test, path: /spec/template/metadata/labels, value: {app: orders}".to_owned(),
        format!("op: replace, path: {spec}/containers/0/image, value: '{IMAGE}'"),
        format!("op: add, path: {spec}/containers/0/resources, value: {{limits: {{memory: 1Gi}}}}"),
        format!(
            "op: replace, path: {spec}/containers/0/envFrom, value: [{{secretRef: {{name: a}}}}, {{configMapRef: {{name: orders-environment}}}}]"
        ),
        format!("op: add, path: {spec}/containers/0, value: {{name: other, image: 'other:1'}}"),
        format!(
            "op: replace, path: {spec}/containers, value: [{{name: orders, image: '{IMAGE}', envFrom: [{{configMapRef: {{name: orders-environment}}}}]}}]"
        ),
    ] {
        assert_deleted(&overlay(&patches("Deployment", "orders", &operation), &[]).0);
    }
    let data = "op: replace, path: /data, value: {config.service.auth: workloadIdentity, config.service.endpoint: a, gateway.name: orders}";
    assert_deleted(&overlay(&patches("ConfigMap", "orders-environment", data), &[]).0);
    assert_deleted(&overlay(&patches("ConfigMap", "other", "op: replace, path: /data, value: {a: b}"), &[]).0);
}

/// Migrates the gateway of VS Code, whose ConfigMap a generator makes, with an overlay that has a generator.
fn generated(generator: &str, files: &[(&str, &str)]) -> RunOutput {
    let (secret, rest) = VS_CODE.split_once("---\n").unwrap();
    let (_, workload) = rest.split_once("---\n").unwrap();
    let base = format!(
        "resources: [gateway.yaml]\nconfigMapGenerator:\n- name: orders-environment\n  literals: [{ENDPOINT}]\n"
    );
    let overlay = format!("resources: [../base]\nconfigMapGenerator:\n- {generator}\n");
    let own = [
        ("k/base/gateway.yaml", &*format!("{secret}---\n{workload}")),
        ("k/base/kustomization.yaml", &*base),
        ("k/prod/kustomization.yaml", &*overlay),
    ];
    Folder::with(&[&own[..], files].concat()).run(&["migrate", ".", "--client-id", CLIENT])
}

#[test]
fn a_generator_that_replaces_the_config_map_is_named() {
    let envs = "{name: orders-environment, behavior: replace, envs: [gateway.env]}";
    let place = "./k/prod/kustomization.yaml:3:3: Add config.service.auth=workloadIdentity";
    for text in ["a=b\n", &*format!("{ENDPOINT}\n")] {
        assert_kept(&generated(envs, &[("k/prod/gateway.env", text)]), place);
    }
    let files = "{name: orders-environment, behavior: replace, files: [config.service.endpoint=endpoint]}";
    assert_kept(&generated(files, &[("k/prod/endpoint", "contoso.configuration.azure-api.net")]), place);
    assert_kept(&generated("{name: orders-environment, behavior: replace, files: [a.txt]}", &[]), place);
    let identity = format!("{ENDPOINT}\nconfig.service.auth=workloadIdentity\ngateway.name=orders\n");
    assert_deleted(&generated(envs, &[("k/prod/gateway.env", &identity)]));
    let method = "{name: orders-environment, behavior: replace, files: [config.service.auth=method]}";
    assert_deleted(&generated(method, &[("k/prod/method", "workloadIdentity")]));
    for harmless in [envs.replace("orders-environment", "other"), envs.replace("replace", "merge")] {
        assert_deleted(&generated(&harmless, &[("k/prod/gateway.env", "a=b\n")]));
    }
}
