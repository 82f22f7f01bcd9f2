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

const DEPLOYMENT: &str = "Change this: it is applied to the migrated Deployment \"orders\", which then has ";
const ACCOUNT: &str =
    "Change this: it is applied to the migrated ServiceAccount \"apim-gateway-workload-identity\", which then has ";
const CONFIG_MAP: &str = "Change this: it is applied to the migrated ConfigMap \"orders-environment\", which then has ";

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
        assert_kept(&ran, &format!("./k/prod/kustomization.yaml:4:3: {DEPLOYMENT}"));
        // the gateway is migrated now
        let again = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        assert_kept(&again, &format!("./k/prod/kustomization.yaml:4:3: {DEPLOYMENT}"));
        let file = [("k/prod/patch.yaml", &*format!("- {{{operation}}}\n"))];
        let (ran, _) = overlay("patches: [{path: patch.yaml, target: {kind: Deployment}}]\n", &file);
        assert_kept(&ran, &format!("./k/prod/kustomization.yaml:2:11: In patch.yaml: {DEPLOYMENT}"));
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
        format!("op: replace, path: {spec}/containers/0/image, value: '{IMAGE}'"),
        format!("op: add, path: {spec}/containers/0/resources, value: {{limits: {{memory: 1Gi}}}}"),
        format!(
            "op: replace, path: {spec}/containers/0/envFrom, value: [{{configMapRef: {{name: a}}}}, {{configMapRef: {{name: orders-environment}}}}]"
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

/// A strategic merge patch of the object of this kind and name, with these members.
fn merged(kind: &str, name: &str, members: &str) -> String {
    let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    format!(
        "patches:\n- patch: |-\n    apiVersion: {version}\n    kind: {kind}\n    metadata: {{name: {name}}}\n    {members}\n"
    )
}

/// The same of the pod template's specification.
fn merged_pod(name: &str, container: &str) -> String {
    merged(
        "Deployment",
        name,
        &format!("spec: {{template: {{spec: {{containers: [{{name: orders, {container}}}]}}}}}}"),
    )
}

#[test]
fn a_merge_patch_that_removes_what_the_gateway_needs_is_named() {
    let place = format!("./k/prod/kustomization.yaml:3:3: {DEPLOYMENT}");
    let (label, source) = ("missing-identity-label at spec.template", "missing-configuration-reference at ");
    for (patch, rule) in [
        (merged("Deployment", "orders", "spec: {template: {metadata: {labels: null}}}"), label),
        (merged("Deployment", "orders", "spec: {template: {metadata: null}}"), label),
        (merged("Deployment", "orders", "spec: {template: {metadata: {labels: {$patch: replace, app: a}}}}"), label),
        (merged_pod("orders", "envFrom: null"), source),
        (merged_pod("orders", "envFrom: [{configMapRef: {name: other}}]"), "absent-config-map at "),
        (merged_pod("orders", &format!("$patch: replace, image: '{IMAGE}'")), source),
    ] {
        let (ran, folder) = overlay(&patch, &[]);
        assert_kept(&ran, &format!("{place}{rule}"));
        // the gateway is migrated now
        assert_kept(&folder.run(&["migrate", ".", "--client-id", CLIENT]), &place);
    }
    // with a target, and in a file
    let file = [("k/prod/p.yaml", "kind: Deployment\nmetadata: {name: any}\nspec: {template: {metadata: null}}\n")];
    let (ran, _) = overlay("patches: [{path: p.yaml, target: {kind: Deployment}}]\n", &file);
    assert_kept(&ran, &format!("./k/prod/kustomization.yaml:2:11: In p.yaml: {DEPLOYMENT}{label}"));
    // what the objects beside the workload need
    for (members, object) in [("data: null", CONFIG_MAP), ("$patch: delete", DEPLOYMENT)] {
        let (ran, _) = overlay(&merged("ConfigMap", "orders-environment", members), &[]);
        assert_kept(&ran, &format!("./k/prod/kustomization.yaml:3:3: {object}"));
    }
    let account = merged("ServiceAccount", "apim-gateway-workload-identity", "");
    for members in ["labels: null", "annotations: null", "annotations: {azure.workload.identity/client-id: null}"] {
        let patch = account.replace("identity}", &format!("identity, {members}}}"));
        assert_kept(&overlay(&patch, &[]).0, &format!("./k/prod/kustomization.yaml:3:3: {ACCOUNT}"));
    }
}

#[test]
fn merge_patches_that_keep_the_identity_are_left_alone() {
    let account = merged("ServiceAccount", "apim-gateway-workload-identity", "");
    let client_id = "{azure.workload.identity/client-id: 11111111-2222-3333-4444-555555555555}";
    for patch in [
        merged("Deployment", "orders", "spec: {replicas: 3}"),
        merged("Deployment", "orders", "spec: {template: {metadata: {labels: {team: a}, annotations: null}}}"),
        merged("Deployment", "other", "spec: {template: {metadata: {labels: null}}}"),
        merged("Deployment", "orders", "$patch: delete"),
        merged_pod("orders", &format!("image: '{IMAGE}', resources: {{limits: {{memory: 1Gi}}}}")),
        merged_pod("orders", "env: [{name: A, value: b}]"),
        merged_pod("orders", "envFrom: [{configMapRef: {name: orders-environment}}, {configMapRef: {name: other}}]"),
        merged_pod("other", "envFrom: null"),
        merged("ConfigMap", "other", "data: null"),
        account.replace("identity}", &format!("identity, annotations: {client_id}}}")),
    ] {
        assert_deleted(&overlay(&patch, &[]).0);
    }
}

#[test]
fn a_patch_with_an_old_address_is_named() {
    let old = "https://fabrikam.management.azure-api.net/subscriptions/s/gateways/orders?api-version=1";
    let message = "Set config.service.endpoint to fabrikam.configuration.azure-api.net here";
    let data = merged("ConfigMap", "orders-environment", &format!("data: {{config.service.endpoint: '{old}'}}"));
    let operation = format!("op: replace, path: /data/config.service.endpoint, value: '{old}'");
    let variable = merged_pod("orders", &format!("env: [{{name: config.service.endpoint, value: '{old}'}}]"));
    for (patch, line) in [(data, 3), (patches("ConfigMap", "orders-environment", &operation), 4), (variable, 3)] {
        assert_kept(&overlay(&patch, &[]).0, &format!("./k/prod/kustomization.yaml:{line}:3: {message}"));
        let new = patch.replace(old, "fabrikam.configuration.azure-api.net");
        assert_deleted(&overlay(&new, &[]).0);
    }
}

const NAME: &str = "apim-gateway-workload-identity";

#[test]
fn a_patch_that_removes_what_the_service_account_needs_is_named() {
    for operation in [
        "op: remove, path: /metadata/annotations",
        "op: add, path: /metadata/annotations, value: {sync-wave: '1'}",
        "op: remove, path: /metadata/labels",
        "op: remove, path: /metadata/annotations/azure.workload.identity~1client-id",
    ] {
        for name in [NAME, ".*"] {
            let (ran, _) = overlay(&patches("ServiceAccount", name, operation), &[]);
            assert_kept(&ran, &format!("./k/prod/kustomization.yaml:4:3: {ACCOUNT}"));
        }
        assert_deleted(&overlay(&patches("ServiceAccount", "other", operation), &[]).0);
    }
    let (ran, _) = overlay(&merged("ServiceAccount", NAME, "$patch: delete"), &[]);
    assert_kept(&ran, &format!("./k/prod/kustomization.yaml:3:3: {DEPLOYMENT}absent-service-account"));
    let other_id = "11111111-2222-3333-4444-555555555555";
    for operation in [
        "op: add, path: /metadata/annotations/team, value: a".to_owned(),
        format!("op: replace, path: /metadata/annotations/azure.workload.identity~1client-id, value: {other_id}"),
    ] {
        assert_deleted(&overlay(&patches("ServiceAccount", NAME, &operation), &[]).0);
    }
}

#[test]
fn a_patch_that_removes_a_needed_setting_is_named() {
    for name in ["gateway.name", "config.service.endpoint"] {
        let data = merged("ConfigMap", "orders-environment", &format!("data: {{{name}: null}}"));
        let operation = patches("ConfigMap", "orders-environment", &format!("op: remove, path: /data/{name}"));
        for (patch, line) in [(data, 3), (operation, 4)] {
            let (ran, _) = overlay(&patch, &[]);
            assert_kept(&ran, &format!("./k/prod/kustomization.yaml:{line}:3: Leave out what removes {name} here"));
        }
    }
}

#[test]
fn an_operation_appends_only_to_a_list_that_is_left() {
    let operation = |list: &str, value: &str| {
        let path = format!("/spec/template/spec/containers/0/{list}/-");
        patches("Deployment", "orders", &format!("op: add, path: {path}, value: {value}"))
    };
    // the migration removes the only variable, and with it the list
    let (ran, _) = overlay(&operation("env", "{name: A, value: b}"), &[]);
    assert_kept(
        &ran,
        "./k/prod/kustomization.yaml:4:3: Remove the operation on /spec/template/spec/containers/0/env/-",
    );
    assert_deleted(&overlay(&operation("envFrom", "{configMapRef: {name: a}}"), &[]).0);
    // the migration adds a label
    let test = "op: test, path: /spec/template/metadata/labels, value: {app: orders}";
    let (ran, _) = overlay(&patches("Deployment", "orders", test), &[]);
    assert_kept(&ran, "./k/prod/kustomization.yaml:4:3: Remove the operation on /spec/template/metadata/labels");
}

#[test]
fn a_patch_of_another_object_with_a_similar_name_is_left_alone() {
    let account = "spec: {template: {spec: {serviceAccountName: worker}}}";
    for patch in [
        merged("Deployment", "orders-worker", account),
        merged("ConfigMap", "orders-environment-worker", "data: null"),
        patches("Deployment", "the-orders", "op: remove, path: /spec/template/metadata/labels"),
    ] {
        assert_deleted(&overlay(&patch, &[]).0);
    }
    // a name can have the prefix of a kustomization already
    let prefixed = format!("namePrefix: a-\n{}", merged("Deployment", "a-orders", account));
    assert_kept(
        &overlay(&prefixed, &[]).0,
        &format!("./k/prod/kustomization.yaml:4:3: {DEPLOYMENT}unexpected-service-account"),
    );
}

#[test]
fn the_digest_of_a_kustomization_is_to_be_checked() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let image = "mcr.microsoft.com/azure-api-management/gateway";
    let (ran, folder) = overlay(&format!("images: [{{name: {image}, newTag: 2.3.5, digest: '{digest}'}}]\n"), &[]);
    assert_deleted(&ran);
    let message = ": Check that the image with this digest has version 2.11.0 or newer";
    assert!(ran.stdout.contains(message), "{}", ran.stdout);
    assert!(super::read(&folder, "k/prod/kustomization.yaml").contains("2.11.2"));
    let (ran, _) = overlay(&format!("images: [{{name: {image}, digest: '{digest}'}}]\n"), &[]);
    assert!(ran.stdout.contains(message), "{}", ran.stdout);
}

#[test]
fn a_patch_that_adds_a_secret_to_the_gateway_is_named_in_each_run() {
    let sources = "envFrom: [{configMapRef: {name: orders-environment}}, {secretRef: {name: orders-token}}]";
    let (ran, folder) = overlay(&merged_pod("orders", sources), &[]);
    assert_kept(&ran, "./k/prod/kustomization.yaml:3:3: Remove Secret \"orders-token\" here");
    let again = format!("./k/prod/kustomization.yaml:3:3: {DEPLOYMENT}auth-key-reference");
    assert_kept(&folder.run(&["migrate", ".", "--client-id", CLIENT]), &again);
    let append = "op: add, path: /spec/template/spec/containers/0/envFrom/-, value: {secretRef: {name: a}}";
    let (ran, folder) = overlay(&patches("Deployment", "orders", append), &[]);
    for ran in [ran, folder.run(&["migrate", ".", "--client-id", CLIENT])] {
        assert_kept(&ran, &format!("./k/prod/kustomization.yaml:4:3: {DEPLOYMENT}auth-key-reference"));
    }
    // a container beside the gateway may take one
    let sidecar = merged_pod("orders", "image: 'x:1'")
        .replace("name: orders, image: 'x:1'", "name: b, image: 'x:1', envFrom: [{secretRef: {name: a}}]");
    assert_deleted(&overlay(&sidecar, &[]).0);
}

#[test]
fn labels_of_a_kustomization_that_undo_the_identity_are_named() {
    let label = "{azure.workload.identity/use: 'false'}";
    for labels in
        [format!("commonLabels: {label}\n"), format!("labels: [{{pairs: {label}, includeTemplates: true}}]\n")]
    {
        assert_kept(&overlay(&labels, &[]).0, "./k/prod/kustomization.yaml:2:");
        assert_deleted(&overlay(&labels.replace("'false'", "'true'"), &[]).0);
        assert_deleted(&overlay(&labels.replace("azure.workload.identity/use", "team"), &[]).0);
    }
}
