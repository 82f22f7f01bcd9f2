//! What is applied to migrated manifests when they are built, and what still uses a key: it is named, and then nothing is
//! deleted or revoked that a gateway can still need.

use super::CLIENT;
use test_support::run::{Folder, RunOutput};

/// A gateway that takes its key from the Secret `orders-token`.
pub(super) const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        env:
        - name: config.service.auth
          valueFrom: {secretKeyRef: {name: orders-token, key: value}}
        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}
        - {name: gateway.name, value: orders}
        - {name: LEVEL, value: info}
";
pub(super) const KUSTOMIZATION: &str = "resources: [../base]\n";
const BASE: [(&str, &str); 2] =
    [("k/base/deployment.yaml", DEPLOYMENT), ("k/base/kustomization.yaml", "resources: [deployment.yaml]\n")];

pub(super) fn migrate(files: &[(&str, &str)]) -> RunOutput {
    let folder = Folder::with(&[&BASE[..], files].concat());
    folder.run(&["migrate", ".", "--client-id", CLIENT])
}

/// Asserts that a person has to change something at this place, and that nothing is deleted or revoked before.
#[track_caller]
pub(super) fn assert_kept(ran: &RunOutput, place: &str) {
    let everything = ran.everything();
    assert_eq!(ran.code, 2, "{everything}");
    assert!(
        ran.stderr.lines().any(|line| line.starts_with(&format!("not migrated: {place}"))),
        "{place}\n{everything}"
    );
    for command in ["kubectl delete", "regenerateKey", "- delete the generated", "credential delete"] {
        assert!(!ran.stdout.contains(command), "{command}\n{everything}");
    }
    assert!(!everything.contains("c2VjcmV0"), "{everything}");
}

#[track_caller]
pub(super) fn assert_overlay_kept(kustomization: &str, files: &[(&str, &str)]) {
    let kustomization = format!("{KUSTOMIZATION}{kustomization}");
    let own = [("k/prod/kustomization.yaml", kustomization.as_str())];
    let ran = migrate(&[&own[..], files].concat());
    assert_kept(&ran, "./k/prod/kustomization.yaml:");
    let place = "until ./k/prod/kustomization.yaml:";
    assert!(ran.stdout.contains(&format!("- keep the keys of gateway orders {place}")), "{}", ran.stdout);
}

/// A patch of the gateway's container with these lines.
pub(super) fn patch(indentation: &str, lines: &str) -> String {
    let head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\nspec:\n  template:\n    spec:\n      containers:\n      - name: gateway\n";
    let lines: Vec<String> = format!("{head}{lines}").lines().map(|line| format!("{indentation}{line}\n")).collect();
    lines.concat()
}

const OTHER_KEY: &str = "        env:\n        - name: Config__Service__Auth\n          valueFrom: {secretKeyRef: {name: prod-token, key: value}}\n";

#[test]
fn a_strategic_merge_patch_that_sets_the_method_is_named() {
    for lines in [OTHER_KEY, "        env: [{name: config.service.auth, value: azureAdApp}]\n"] {
        let inline = format!("patches:\n- patch: |-\n{}", patch("    ", lines));
        assert_overlay_kept(&inline, &[]);
        let inline = format!("patchesStrategicMerge:\n- |-\n{}", patch("  ", lines));
        assert_overlay_kept(&inline, &[]);
        let file = [("k/prod/patch.yaml", &*patch("", lines))];
        assert_overlay_kept("patches: [{path: patch.yaml}]\n", &file);
        assert_overlay_kept("patchesStrategicMerge: [patch.yaml]\n", &file);
    }
    let old_image = "        image: mcr.microsoft.com/azure-api-management/gateway:2.9.0\n";
    assert_overlay_kept("patches: [{path: patch.yaml}]\n", &[("k/prod/patch.yaml", &patch("", old_image))]);
}

/// What cannot be read can still need the key.
#[test]
fn a_patch_that_cannot_be_read_is_named() {
    assert_overlay_kept("patches: [{path: absent.yaml}]\n", &[]);
    assert_overlay_kept("patchesStrategicMerge: [folder]\n", &[("k/prod/folder/a.yaml", "a: b\n")]);
}

#[test]
fn a_patch_that_takes_the_secret_of_the_key_is_named() {
    let lines = "        envFrom: [{secretRef: {name: orders-token}}]\n";
    assert_overlay_kept(&format!("patches:\n- patch: |-\n{}", patch("    ", lines)), &[]);
}

#[test]
fn a_patch_of_the_identity_is_named() {
    let head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\n";
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env}\n";
    for patch in [
        format!("{head}spec: {{template: {{spec: {{serviceAccountName: other}}}}}}\n"),
        format!("{head}spec: {{template: {{metadata: {{labels: {{azure.workload.identity/use: 'false'}}}}}}}}\n"),
        format!(
            "{config_map}$patch: replace\ndata: {{config.service.endpoint: contoso.configuration.azure-api.net}}\n"
        ),
    ] {
        assert_overlay_kept("patches: [{path: patch.yaml}]\n", &[("k/prod/patch.yaml", &patch)]);
    }
    let absent = "components: [../../key]\n";
    let folder = Folder::with(&[
        ("a/k/base/deployment.yaml", DEPLOYMENT),
        ("a/k/base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        ("a/k/prod/kustomization.yaml", &format!("{KUSTOMIZATION}{absent}")),
        ("a/key/kustomization.yaml", "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n"),
    ]);
    let ran = folder.run(&["migrate", "a/k", "--client-id", CLIENT]);
    assert_kept(&ran, "a/k/prod/kustomization.yaml:2:14: Give a/key to this command, too");
}

#[test]
fn a_patch_of_a_config_map_in_any_spelling_is_named() {
    for setting in [
        "config.service.auth: key",
        "DOTNET_config__service__auth: GatewayKey orders&202701010000&c2VjcmV0",
        "'ASPNETCORE_CONFIG:SERVICE:AUTH': azureAdApp",
        "CONFIG.SERVICE.AUTH: null",
        "config.service.auth.key: ${KEY}",
    ] {
        let patch = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: orders-env}}\ndata:\n  {setting}\n");
        assert_overlay_kept("patches: [{path: patch.yaml}]\n", &[("k/prod/patch.yaml", &patch)]);
    }
}

#[test]
fn an_operation_of_a_json_patch_is_named() {
    let env = "/spec/template/spec/containers/0/env";
    for operation in [
        "{op: replace, path: /data/config.service.auth, value: key}".to_owned(),
        "{op: remove, path: /data/CONFIG__SERVICE__AUTH}".to_owned(),
        format!("{{op: add, path: {env}/-, value: {{name: config.service.auth, value: key}}}}"),
        // what the migration removes or moves
        format!("{{op: replace, path: {env}/0/valueFrom/secretKeyRef/name, value: prod-token}}"),
        format!("{{op: replace, path: {env}/2/value, value: debug}}"),
        format!("{{op: remove, path: {env}/3}}"),
        "{op: replace, path: /spec/template/spec/serviceAccountName, value: other}".to_owned(),
        "{op: remove, path: /spec/template/metadata/labels/azure.workload.identity~1use}".to_owned(),
        "{op: replace, path: /data, value: {config.service.endpoint: contoso.configuration.azure-api.net}}".to_owned(),
    ] {
        let (kind, name) =
            if operation.contains("/data") { ("ConfigMap", "orders-.*") } else { ("Deployment", "orders") };
        let target = &format!("target: {{kind: {kind}, name: {name}}}");
        assert_overlay_kept(&format!("patches:\n- patch: |-\n    - {operation}\n  {target}\n"), &[]);
        let file = [("k/prod/patch.yaml", &*format!("- {operation}\n"))];
        assert_overlay_kept(&format!("patchesJson6902:\n- path: patch.yaml\n  {target}\n"), &file);
        let json = format!("[{operation}]");
        assert_overlay_kept(&format!("patches:\n- patch: \"{json}\"\n  {target}\n"), &[]);
    }
}

#[test]
fn replacements_and_components_are_named() {
    let targets = "targets:\n  - select: {kind: Deployment}\n    fieldPaths: [\"spec.template.spec.containers.[name=gateway].env.[name=config.service.auth].value\"]\n";
    let source = "source: {kind: ConfigMap, name: a, fieldPath: data.key}\n";
    assert_overlay_kept(&format!("replacements:\n- {source}  {targets}"), &[]);
    let file = [("k/prod/r.yaml", &*format!("- {source}  {targets}"))];
    assert_overlay_kept("replacements: [{path: r.yaml}]\n", &file);
    let escaped = "replacements:\n- source: {kind: ConfigMap, name: a}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: ['data.config\\.service\\.auth']}]\n";
    assert_overlay_kept(escaped, &[]);
    let component = format!(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- patch: |-\n{}",
        patch("    ", OTHER_KEY)
    );
    let ran = migrate(&[
        ("k/prod/kustomization.yaml", "resources: [../base]\ncomponents: [../key]\n"),
        ("k/key/kustomization.yaml", &component),
    ]);
    assert_kept(&ran, "./k/key/kustomization.yaml:");
    assert!(ran.stdout.contains("- keep the keys of gateway orders until ./k/key/"), "{}", ran.stdout);
}

#[test]
fn files_of_generators_are_named() {
    for setting in ["config.service.auth=key", "config__service__auth=GatewayKey a&202701010000&c2VjcmV0"] {
        let settings = format!("a=b\n{setting}\n");
        let generator = "configMapGenerator:\n- name: orders-env\n  behavior: merge\n  envs: [gateway.env]\n";
        let files = [("k/prod/gateway.env", &*settings)];
        assert_overlay_kept(generator, &files);
        let ran = migrate(&[
            ("k/prod/kustomization.yaml", &format!("{KUSTOMIZATION}{generator}")),
            ("k/prod/gateway.env", &settings),
        ]);
        assert!(ran.stderr.contains(": In gateway.env:2: Remove "), "{}", ran.stderr);
        assert!(!ran.stderr.contains("Docker"), "{}", ran.stderr);
    }
    let generator = "configMapGenerator:\n- {name: orders-env, behavior: merge, files: [config.service.auth=method]}\n";
    assert_overlay_kept(generator, &[("k/prod/method", "key")]);
}

#[test]
fn patches_of_flux_and_argo_are_named() {
    let patch = patch("      ", OTHER_KEY);
    let flux = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: shop}}\nspec:\n  path: ./k/base\n  patches:\n  - patch: |\n{patch}"
    );
    assert_kept(&migrate(&[("flux/shop.yaml", &flux)]), "./flux/shop.yaml:7:");
    let argo = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop}}\nspec:\n source:\n  path: elsewhere\n  kustomize:\n   patches:\n   - patch: |\n{patch}"
    );
    assert_kept(&migrate(&[("argo/shop.yaml", &argo)]), "./argo/shop.yaml:9:");
    let images = argo.split("   patches:").next().unwrap().to_owned()
        + "   images: [\"mcr.microsoft.com/azure-api-management/gateway:2.9.0\"]\n";
    assert_kept(&migrate(&[("argo/shop.yaml", &images)]), "./argo/shop.yaml:8:");
}

#[test]
fn post_renderers_of_a_release_are_named() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: orders, namespace: flux-system}
spec:
  targetNamespace: shop
  chart: {spec: {chart: azure-api-management-gateway, version: 1.15.1}}
  values:
    gateway: {name: orders, configuration: {uri: contoso.configuration.azure-api.net}, auth: {type: GatewayToken}}
    secret: {createSecret: false, existingSecretName: orders-key}
  postRenderers:
  - kustomize:
      patches:
      - target: {kind: Deployment}
        patch: |
          - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: config.service.auth, valueFrom: {secretKeyRef: {name: orders-key, key: gateway-key}}}}
";
    let folder = Folder::with(&[("release.yaml", release)]);
    let ran = folder.run(&["migrate", "release.yaml", "--client-id", CLIENT]);
    assert_kept(&ran, "release.yaml:14:");
    assert!(ran.stdout.contains("- keep Secret \"orders-key\" until release.yaml:14:"), "{}", ran.stdout);
    assert!(ran.stdout.contains("- keep the keys of gateway orders until release.yaml:14:"), "{}", ran.stdout);
    // the same after it was changed by hand
    let ran = folder.run(&["migrate", "release.yaml", "--client-id", CLIENT]);
    assert_kept(&ran, "release.yaml:1");
    let (start, _) = release.split_once("          - {op").unwrap();
    let merged = |spec: &str| {
        format!(
            "{start}          kind: Deployment\n          metadata: {{name: orders}}\n          spec: {{template: {spec}}}\n"
        )
    };
    let container =
        "{spec: {containers: [{name: azure-api-management-gateway, envFrom: [{configMapRef: {name: a}}]}]}}";
    for spec in ["{metadata: {labels: null}}", container] {
        let folder = Folder::with(&[("release.yaml", &*merged(spec))]);
        let ran = folder.run(&["migrate", "release.yaml", "--client-id", CLIENT]);
        assert_kept(&ran, "release.yaml:14:");
        assert!(ran.stderr.contains("it is applied to the migrated Deployment "), "{}", ran.everything());
    }
    // of another chart
    let other = merged("{metadata: {labels: null}}").replace("azure-api-management-gateway, version", "redis, version");
    let ran = migrate(&[("redis.yaml", &other)]);
    assert!(ran.code == 0 && ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{}", ran.everything());
    let folder = Folder::with(&[("release.yaml", &*merged("{metadata: {annotations: {a: b}}}"))]);
    assert_eq!(folder.run(&["migrate", "release.yaml", "--client-id", CLIENT]).code, 0);
}

/// A release of Flux that is migrated.
const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: billing, namespace: flux-system}
spec:
  targetNamespace: shop
  chart: {spec: {chart: azure-api-management-gateway, version: 1.14.1}}
  values:
    gateway: {name: billing, configuration: {uri: contoso.configuration.azure-api.net}, auth: {type: GatewayToken}}
    secret: {createSecret: false, existingSecretName: billing-key}
";

#[test]
fn patches_of_the_values_of_a_release_are_named() {
    let base = [("r/base/release.yaml", RELEASE), ("r/base/kustomization.yaml", "resources: [release.yaml]\n")];
    let run = |kustomization: &str, patch: &str| {
        let text = format!("resources: [../base]\n{kustomization}");
        let own = [("r/prod/kustomization.yaml", &*text), ("r/prod/patch.yaml", patch)];
        Folder::with(&[&base[..], &own[..]].concat()).run(&["migrate", ".", "--client-id", CLIENT])
    };
    let values = |auth: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: billing}}\nspec: {{values: {{gateway: {{auth: {auth}}}}}}}\n"
        )
    };
    let operation =
        |end: &str, value: &str| format!("- {{op: add, path: /spec/values/gateway{end}, value: {value}}}\n");
    for patch in [
        values("{key: '${KEY}'}"),
        values("{type: gatewaytoken}"),
        operation("/auth", "{type: GatewayToken, key: \"GatewayKey a&202701010000&c2VjcmV0\"}"),
        operation("/auth/key", "'${KEY}'"),
        operation("", "{auth: {type: AzureAdApp}}"),
        "- {op: remove, path: /spec/values/gateway/auth/type}\n".to_owned(),
    ] {
        let ran = run("patches: [{path: patch.yaml, target: {kind: HelmRelease}}]\n", &patch);
        assert_kept(&ran, "./r/prod/kustomization.yaml:2:");
        // there, an Entra app needs no key of the gateway
        let is_app = patch.contains("AzureAdApp");
        let keys = "- keep the keys of gateway billing until ./r/prod/";
        assert_eq!(ran.stdout.contains(keys), !is_app, "{}", ran.stdout);
        assert!(ran.stdout.contains("- keep Secret \"billing-key\" until ./r/prod/"), "{}", ran.stdout);
    }
    for patch in
        [values("{type: WorkloadIdentity}"), operation("/auth/type", "WorkloadIdentity"), operation("/name", "b")]
    {
        let ran = run("patches: [{path: patch.yaml, target: {kind: HelmRelease}}]\n", &patch);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(ran.stdout.contains("kubectl delete -n shop secret billing-key"), "{}", ran.stdout);
    }
}

#[test]
fn a_generated_secret_of_a_file_is_removed_after_the_rollout() {
    let generator = "resources: [../base]\nsecretGenerator: [{name: orders-token, envs: [token.env]}]\n";
    let token = "# the key\nvalue=GatewayKey orders&202701010000&c2VjcmV0\n";
    let ran = migrate(&[("k/prod/kustomization.yaml", generator), ("k/prod/token.env", token)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    for line in ["In token.env:2: Revoke this auth key", "Remove Secret \"orders-token\" from secretGenerator"] {
        assert!(ran.stdout.contains(&format!("- ./k/prod/kustomization.yaml:2:19: {line}")), "{line}\n{}", ran.stdout);
    }
    assert!(!ran.everything().contains("c2VjcmV0"), "{}", ran.everything());
}

#[test]
fn harmless_changes_keep_nothing() {
    let identity = "        env:\n        - {name: config.service.auth, value: workloadIdentity}\n        - {name: LEVEL, value: debug}\n";
    let kustomization = format!(
        "{KUSTOMIZATION}namespace: shop\npatches:\n- patch: |-\n{}- target: {{kind: Deployment, name: orders}}\n  patch: |-\n    - {{op: replace, path: /spec/replicas, value: 3}}\n- target: {{kind: Deployment, name: other}}\n  patch: |-\n    - {{op: remove, path: /spec/template/spec/containers/0/env/0}}\n    - {{op: add, path: /spec/template/spec/serviceAccountName, value: other}}\n- target: {{kind: ConfigMap, name: other}}\n  patch: '[{{\"op\": \"replace\", \"path\": \"/data\", \"value\": {{\"a\": \"b\"}}}}]'\nreplacements:\n- source: {{kind: ConfigMap, name: a, fieldPath: data.endpoint}}\n  targets: [{{select: {{kind: Deployment}}, fieldPaths: ['spec.template.spec.containers.0.env.[name=LEVEL].value']}}]\n",
        patch("    ", identity)
    );
    let ran = migrate(&[("k/prod/kustomization.yaml", &kustomization)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{}", ran.stdout);
    assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.stdout);
}

/// Values of Microsoft's chart with an existing Secret.
fn values(name: &str) -> String {
    format!(
        "gateway:\n  name: {name}\n  configuration:\n    uri: contoso.configuration.azure-api.net\n  auth:\n    type: GatewayToken\nsecret:\n  createSecret: false\n  existingSecretName: shared-token\n"
    )
}

#[test]
fn a_secret_of_several_releases_is_deleted_when_none_takes_it() {
    let arguments = ["migrate", ".", "--client-id", CLIENT];
    let folder = Folder::with(&[("a.yaml", &values("a")), ("b.yaml", &values("b"))]);
    let ran = folder.run(&arguments);
    assert_eq!((ran.code, ran.stdout.matches("secret shared-token").count()), (0, 1), "{}", ran.everything());
    // one lacks a fact
    let without_name = values("").replace("  name: \n", "");
    let folder = Folder::with(&[("a.yaml", &values("a")), ("b.yaml", &without_name)]);
    let ran = folder.run(&arguments);
    assert!(ran.stdout.contains("- keep Secret \"shared-token\": ./b.yaml:1:1 still uses it"), "{}", ran.everything());
    assert!(!ran.stdout.contains("kubectl delete"), "{}", ran.stdout);
    // an application has it, too
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: a, image: b, envFrom: [{secretRef: {name: shared-token}}]}]}\n";
    let folder = Folder::with(&[("a.yaml", &values("a")), ("pod.yaml", pod)]);
    let ran = folder.run(&arguments);
    assert!(
        ran.stdout.contains("- keep Secret \"shared-token\": ./pod.yaml:1:1 still uses it"),
        "{}",
        ran.everything()
    );
    // a gateway of manifests is migrated, and a release is not
    let with_secret = values("").replace("  name: \n", "").replace("shared-token", "orders-token");
    let ran = migrate(&[("b.yaml", &with_secret)]);
    assert!(ran.stdout.contains("- keep Secret \"orders-token\": ./b.yaml:1:1 still uses it"), "{}", ran.everything());
    assert!(!ran.stdout.contains("kubectl delete"), "{}", ran.stdout);
}

#[test]
fn a_secret_that_another_source_takes_is_kept() {
    let pod = "resource \"kubernetes_pod\" \"a\" {\n  metadata {\n    name = \"a\"\n  }\n  spec {\n    container {\n      env_from {\n        secret_ref {\n          name = \"orders-token\"\n        }\n      }\n    }\n  }\n}\n";
    let data = "data \"kubernetes_secret\" \"a\" {\n  metadata {\n    name = \"orders-token\"\n  }\n}\n";
    let script = "set -e\nkubectl get secret orders-token -n shop -o yaml > backup.yaml\n";
    let chart = "replicas: 1\nauth: {existingSecret: orders-token}\n";
    for (file, text, line) in
        [("apps.tf", pod, "9"), ("data.tf", data, "3"), ("backup.sh", script, "2"), ("other-values.yaml", chart, "1:1")]
    {
        let ran = migrate(&[(file, text)]);
        let user = format!("./{file}:{line} still uses");
        assert!(ran.stdout.contains(&format!("- keep Secret \"orders-token\": {user} it")), "{}", ran.everything());
        assert!(
            ran.stdout.contains(&format!("- keep the keys of gateway orders: {user} them")),
            "{}",
            ran.everything()
        );
        // the same beside a release of the chart
        let own = values("orders").replace("shared-token", "orders-token");
        let ran = Folder::with(&[("values.yaml", &*own), (file, text)]).run(&["migrate", ".", "--client-id", CLIENT]);
        assert!(ran.stdout.contains(&format!("- keep Secret \"orders-token\": {user} it")), "{}", ran.everything());
        assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.everything());
        // another Secret
        let ran = migrate(&[(file, &text.replace("orders-token", "other"))]);
        assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{}", ran.everything());
    }
}
