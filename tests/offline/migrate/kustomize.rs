//! Kustomize, Flux and Argo CD: bases that are built apart, generators and transformers, and images that stay too old.

use super::leftovers::{DEPLOYMENT, KUSTOMIZATION, assert_kept, assert_overlay_kept, migrate};
use super::{CLIENT, read};
use test_support::run::{Folder, RunOutput};

/// A second gateway, with a Secret of its own.
fn billing() -> String {
    DEPLOYMENT.replace("orders", "billing")
}

fn run(files: &[(&str, &str)]) -> (RunOutput, Folder) {
    let folder = Folder::with(files);
    (folder.run(&["migrate", ".", "--client-id", CLIENT]), folder)
}

/// The files that have the `ServiceAccount`.
fn with_account<'f>(folder: &Folder, files: &[&'f str]) -> Vec<&'f str> {
    files.iter().copied().filter(|file| read(folder, file).contains("kind: ServiceAccount")).collect()
}

#[test]
fn each_base_that_is_built_apart_gets_a_service_account() {
    let billing = billing();
    let bases = [("b1/a.yaml", DEPLOYMENT), ("b2/a.yaml", &*billing)];
    let kustomizations =
        [("b1/kustomization.yaml", "resources: [a.yaml]\n"), ("b2/kustomization.yaml", "resources: [a.yaml]\n")];
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: gw1, namespace: flux-system}\nspec: {path: ./b1, targetNamespace: ns1}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: gw2, namespace: flux-system}\nspec: {path: ./b2, targetNamespace: ns2}\n";
    let overlays = [
        ("p1/kustomization.yaml", "resources: [../b1]\nnamespace: ns1\n"),
        ("p2/kustomization.yaml", "resources: [../b2]\nnamespace: ns2\n"),
    ];
    for others in [[&kustomizations[..], &overlays[..]].concat(), vec![("flux.yaml", flux)]] {
        let (ran, folder) = run(&[&bases[..], &others].concat());
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert_eq!(with_account(&folder, &["b1/a.yaml", "b2/a.yaml"]), ["b1/a.yaml", "b2/a.yaml"]);
        // each Secret is in the namespace of its gateway alone
        for (line, expected) in [
            ("kubectl delete -n ns1 secret orders-token", true),
            ("kubectl delete -n ns2 secret billing-token", true),
            ("kubectl delete -n ns2 secret orders-token", false),
            ("kubectl delete -n ns1 secret billing-token", false),
        ] {
            assert_eq!(ran.stdout.contains(line), expected, "{line}\n{}", ran.stdout);
        }
    }
    // an object in both bases could not be built
    let overlays = [
        ("all/kustomization.yaml", "resources: [../b1, ../b2]\n"),
        ("only2/kustomization.yaml", "resources: [../b2]\nnamespace: other\n"),
    ];
    let (ran, folder) = run(&[&bases[..], &kustomizations, &overlays].concat());
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert_eq!(with_account(&folder, &["b1/a.yaml", "b2/a.yaml"]), ["b2/a.yaml"]);
    // together they are built once
    let together = [("all/kustomization.yaml", "resources: [../b1, ../b2]\n")];
    let (_, folder) = run(&[&bases[..], &kustomizations, &together].concat());
    assert_eq!(with_account(&folder, &["b1/a.yaml", "b2/a.yaml"]), ["b1/a.yaml"]);
}

#[test]
fn a_kustomization_without_an_extension_is_read() {
    let patch = "patches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: add, path: /spec/template/spec/containers/0/env, value: [{name: config.service.auth, value: GatewayKey orders&1&c2VjcmV0}]}\n";
    let ran = migrate(&[("k/prod/Kustomization", &format!("{KUSTOMIZATION}{patch}"))]);
    assert_kept(&ran, "./k/prod/Kustomization:");
}

const KEY_PATCH: &str = "[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/env\", \"value\": [{\"name\": \"config.service.auth\", \"value\": \"GatewayKey a&1&c2VjcmV0\"}]}]";

/// The configuration of a generator or a transformer, inline and in a file.
#[track_caller]
fn assert_plugin_kept(field: &str, plugin: &str, files: &[(&str, &str)]) {
    assert_overlay_kept(&format!("{field}: [plugin.yaml]\n"), &[&[("k/prod/plugin.yaml", plugin)], files].concat());
    let inline: Vec<String> = plugin.lines().map(|line| format!("  {line}\n")).collect();
    assert_overlay_kept(&format!("{field}:\n- |-\n{}", inline.concat()), files);
}

#[test]
fn generators_and_transformers_that_set_the_method_are_named() {
    let head = |kind: &str| format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: orders-env}}\n");
    let merge = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders, namespace: shop}\nspec: {template: {spec: {containers: [{name: gateway, env: [{name: config.service.auth, value: GatewayKey a&1&c2VjcmV0}]}]}}}\n";
    let setting = "config.service.auth=GatewayKey a&1&c2VjcmV0";
    assert_plugin_kept(
        "generators",
        &format!("{}behavior: merge\nliterals: [{setting}]\n", head("ConfigMapGenerator")),
        &[],
    );
    assert_plugin_kept(
        "generators",
        &format!("{}behavior: merge\nenvs: [key.txt]\n", head("ConfigMapGenerator")),
        &[("k/prod/key.txt", setting)],
    );
    assert_plugin_kept(
        "transformers",
        &format!("{}path: p.txt\ntarget: {{kind: Deployment}}\n", head("PatchTransformer")),
        &[("k/prod/p.txt", KEY_PATCH)],
    );
    assert_plugin_kept(
        "transformers",
        &format!("{}paths: [p.txt]\n", head("PatchStrategicMergeTransformer")),
        &[("k/prod/p.txt", merge)],
    );
    assert_plugin_kept(
        "transformers",
        &format!(
            "{}value: GatewayKey a&1&c2VjcmV0\ntargets: [{{selector: {{kind: ConfigMap}}, fieldPath: data/config.service.auth}}]\n",
            head("ValueAddTransformer")
        ),
        &[],
    );
    assert_plugin_kept(
        "transformers",
        &format!(
            "{}labels: {{azure.workload.identity/use: 'false'}}\nfieldSpecs: [{{path: spec/template/metadata/labels}}]\n",
            head("LabelTransformer")
        ),
        &[],
    );
}

#[test]
fn harmless_generators_and_transformers_are_not_named() {
    let head = |kind: &str| format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: other}}\n");
    for (field, plugin) in [
        ("transformers", format!("{}labels: {{team: a}}\n", head("LabelTransformer"))),
        ("transformers", format!("{}annotations: {{team: a}}\n", head("AnnotationsTransformer"))),
        ("generators", format!("{}literals: [a=b]\n", head("ConfigMapGenerator"))),
        ("generators", "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: a}\nfiles: [./s.enc]\n".to_owned()),
        (
            "transformers",
            format!("{}path: p.txt\ntarget: {{kind: Deployment, name: redis}}\n", head("PatchTransformer")),
        ),
    ] {
        let files = [
            ("k/prod/kustomization.yaml", &*format!("{KUSTOMIZATION}{field}: [plugin.yaml]\n")),
            ("k/prod/plugin.yaml", &plugin),
            ("k/prod/p.txt", KEY_PATCH),
        ];
        let ran = migrate(&files);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(!ran.stdout.contains("./k/prod/kustomization.yaml"), "{plugin}\n{}", ran.stdout);
        assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{}", ran.stdout);
    }
    let unknown = "apiVersion: example.com/v1\nkind: Rewriter\nmetadata: {name: a}\n";
    let ran = migrate(&[
        ("k/prod/kustomization.yaml", &format!("{KUSTOMIZATION}transformers: [plugin.yaml]\n")),
        ("k/prod/plugin.yaml", unknown),
    ]);
    assert!(ran.stdout.contains("In plugin.yaml: Check what this transformer changes"), "{}", ran.stdout);
}

#[test]
fn images_that_a_variable_names_are_checked() {
    let image = "mcr.microsoft.com/azure-api-management/gateway";
    let kustomization = |tag: &str| format!("{KUSTOMIZATION}images: [{{name: {image}, newTag: \"{tag}\"}}]\n");
    let ran = migrate(&[("k/prod/kustomization.yaml", &kustomization("${TAG}"))]);
    assert!(
        ran.stdout.contains("- ./k/prod/kustomization.yaml:2:65: Check that this image has version"),
        "{}",
        ran.stdout
    );
    let flux = |tag: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: gw, namespace: flux-system}}\nspec:\n  path: ./k/base\n  images: [{{name: {image}, newTag: \"{tag}\"}}]\n"
        )
    };
    assert_kept(&migrate(&[("flux.yaml", &flux("${TAG:=2.3.5}"))]), "./flux.yaml:6:");
    let ran = migrate(&[("flux.yaml", &flux("${TAG}"))]);
    assert!(ran.stdout.contains("Check that this image has version"), "{}", ran.stdout);
    assert_eq!(migrate(&[("flux.yaml", &flux("2.12.2"))]).code, 0);
    let argo = |image: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: gw, namespace: argocd}}\nspec:\n  generators: [{{list: {{elements: [{{tag: 2.3.5}}]}}}}]\n  template:\n    metadata: {{name: gw}}\n    spec:\n      destination: {{namespace: shop}}\n      source: {{repoURL: https://git.example/a, path: k/base, kustomize: {{images: [\"{image}\"]}}}}\n"
        )
    };
    let ran = migrate(&[("argo.yaml", &argo(&format!("{image}={image}:{{{{tag}}}}")))]);
    assert!(
        ran.stdout.contains("- ./argo.yaml:10:") && ran.stdout.contains("Check that this image has"),
        "{}",
        ran.stdout
    );
    assert_kept(&migrate(&[("argo.yaml", &argo(&format!("{image}:2.3.5")))]), "./argo.yaml:10:");
    assert_eq!(migrate(&[("argo.yaml", &argo(&format!("{image}=registry.example/a/b")))]).code, 0);
}

/// A kustomization changes what it gets from a remote base, although its own gateway is left.
#[test]
fn the_image_of_a_remote_base_changes_beside_a_left_gateway() {
    let left = DEPLOYMENT
        .replace("        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n", "");
    let image = "mcr.microsoft.com/azure-api-management/gateway";
    let kustomization = format!(
        "resources:\n- a.yaml\n- https://git.example/base?ref=v1\nimages:\n- name: {image}\n  newTag: 2.5.0\npatches:\n- path: p.yaml\n"
    );
    let patch = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: billing}}\nspec: {{template: {{spec: {{containers: [{{name: billing, image: '{image}:2.11.1'}}]}}}}}}\n"
    );
    let (ran, folder) = run(&[("a.yaml", &left), ("kustomization.yaml", &kustomization), ("p.yaml", &patch)]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    let changed = read(&folder, "kustomization.yaml");
    assert!(changed.contains("2.11.2") && !changed.contains("2.5.0"), "{changed}\n{}", ran.everything());
}

#[test]
fn a_config_map_with_a_placeholder_as_method_is_named() {
    let taking =
        DEPLOYMENT.replace("        env:\n", "        envFrom:\n        - configMapRef: {name: extra}\n        env:\n");
    let config_map = |data: &str| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: extra, namespace: shop}}\ndata: {{{data}}}\n")
    };
    let (ran, folder) = run(&[("a.yaml", &(taking.clone() + &config_map("config.service.auth: \"${AUTH}\"")))]);
    assert_kept(&ran, "./a.yaml:22:");
    assert!(read(&folder, "a.yaml").starts_with(&taking), "{}", ran.everything());
    let (ran, _) = run(&[("a.yaml", &(taking + &config_map("region: \"${REGION}\"")))]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
}

/// The steps copy the new files over the old ones: a change of the old file would be lost.
#[test]
fn what_is_left_is_named_in_the_new_file() {
    let kustomization = format!(
        "{KUSTOMIZATION}images:\n- name: mcr.microsoft.com/azure-api-management/gateway\n  newTag: 2.9.1\npatches:\n- target: {{kind: Deployment}}\n  patch: |\n    - {{op: replace, path: /spec/template/spec/containers/0/image, value: 'mcr.microsoft.com/azure-api-management/gateway:2.3.5'}}\n"
    );
    let files = [
        ("in/base/a.yaml", DEPLOYMENT),
        ("in/base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("in/prod; touch x/kustomization.yaml", &kustomization),
    ];
    let folder = Folder::with(&files);
    let ran = folder.run(&["migrate", "in", "--client-id", CLIENT, "--output-dir", "out"]);
    assert!(ran.stderr.contains("not migrated: out/prod; touch x/kustomization.yaml:"), "{}", ran.everything());
    assert!(ran.stdout.contains("- out/prod; touch x/kustomization.yaml:"), "{}", ran.stdout);
    // no name of a file is a command
    let named: Vec<String> = files.iter().map(|(file, _)| (*file).to_owned()).collect();
    let paths: Vec<&str> = named.iter().map(String::as_str).collect();
    let ran = folder.run(&[&["migrate"], &paths[1..], &["--client-id", CLIENT, "--output-dir", "other"]].concat());
    assert!(!ran.stdout.contains("  cp in") && !ran.stdout.contains("touch x/kustomization.yaml in"), "{}", ran.stdout);
}

#[test]
fn flux_commands_name_the_objects_of_the_input() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: orders, namespace: shop}\nspec:\n  chart: {spec: {chart: azure-api-management-gateway, version: 1.14.1}}\n  values: {gateway: {name: orders, configuration: {uri: contoso.configuration.azure-api.net}, auth: {type: GatewayToken}}}\n";
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec: {path: ./apps, sourceRef: {kind: GitRepository, name: main}}\n";
    let (ran, _) = run(&[("apps/release.yaml", release), ("flux.yaml", flux)]);
    for command in ["flux reconcile source git main -n flux-system", "flux reconcile kustomization apps -n flux-system"]
    {
        assert!(ran.stdout.lines().any(|line| line.trim() == command), "{command}\n{}", ran.stdout);
    }
    let (ran, _) = run(&[("apps/release.yaml", release)]);
    assert!(ran.stdout.contains("flux reconcile kustomization KUSTOMIZATION"), "{}", ran.stdout);
    let patch = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: orders, namespace: shop}\nspec: {values: {image: {tag: 2.3.5}}}\n";
    let (ran, _) = run(&[
        ("apps/release.yaml", release),
        ("apps/kustomization.yaml", "resources: [release.yaml]\npatches:\n- path: patch.yaml\n"),
        ("apps/patch.yaml", patch),
    ]);
    let message = "./apps/kustomization.yaml:3:3: In patch.yaml: Change this patch of HelmRelease \"orders\"";
    assert!(ran.stderr.contains(message), "{}", ran.everything());
}

/// Overlays of one base can be gateways of their own, which only their keys name.
#[test]
fn a_key_of_another_gateway_is_named() {
    let base = DEPLOYMENT.replace("        - {name: gateway.name, value: orders}\n", "");
    let overlay = |name: &str, more: &str| {
        format!(
            "resources: [../base]\nnamespace: {name}\n{more}secretGenerator:\n- name: orders-token\n  literals: [\"value=GatewayKey orders-{name}&202612010000&c2VjcmV0\"]\n"
        )
    };
    let dev = overlay("dev", "");
    let named = overlay("prod", "patches:\n- path: name.yaml\n");
    let (ran, _) = run(&[
        ("base/a.yaml", &base),
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("dev/kustomization.yaml", &dev),
        ("prod/kustomization.yaml", &named),
        (
            "prod/name.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: apim-gateway-env}\ndata: {gateway.name: orders-prod}\n",
        ),
    ]);
    assert_kept(&ran, "./dev/kustomization.yaml:4:3: Set gateway.name to orders-dev in this overlay");
    assert!(!ran.stderr.contains("not migrated: ./prod/"), "{}", ran.stderr);
    let same = dev.replace("orders-dev", "orders");
    let (ran, _) = run(&[
        ("base/a.yaml", &base),
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("dev/kustomization.yaml", &same),
    ]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
}
