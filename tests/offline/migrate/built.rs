//! Gateways as patches build them from the migrated objects: they are evaluated like any other objects.

use super::CLIENT;
use super::leftovers::{KUSTOMIZATION, assert_kept, assert_overlay_kept, migrate, patch};
use test_support::run::Folder;

const OTHER_METHOD: &str = "        env: [{name: config.service.auth, value: azureAdApp}]\n";

/// A patch that the migration made unnecessary, and patches that do not select a gateway.
#[test]
fn patches_without_an_effect_keep_nothing() {
    let deleted = patch("    ", "        env: [{name: config.service.auth, $patch: delete}]\n");
    let removed = "    - {op: remove, path: /spec/template/metadata/labels}\n";
    let target = |selector: &str| format!("patches:\n- patch: |-\n{removed}  target: {{{selector}}}\n");
    for kustomization in [
        format!("patches:\n- patch: |-\n{deleted}"),
        target("kind: Deployment, labelSelector: tier=web"),
        target("kind: Deployment, namespace: billing"),
        target("kind: Deploy.*, name: bill.*"),
        target("group: batch"),
        format!(
            "patches:\n- patch: |-\n{}  target: {{kind: Deployment, labelSelector: tier=web}}\n",
            patch("    ", OTHER_METHOD)
        ),
    ] {
        let ran = migrate(&[("k/prod/kustomization.yaml", &format!("{KUSTOMIZATION}{kustomization}"))]);
        assert_eq!(ran.code, 0, "{kustomization}{}", ran.everything());
        assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{}", ran.stdout);
    }
    for selector in ["kind: Deploy.*, name: ord.*", "namespace: shop", "group: apps"] {
        assert_overlay_kept(&target(selector), &[]);
    }
}

/// A patch of a ConfigMap or of a Secret is not the only way to a key.
#[test]
fn each_part_of_a_built_gateway_is_evaluated() {
    let env = "/spec/template/spec/containers/0/env";
    let annotation = "metadata: {annotations: {azure.workload.identity/skip-containers: gateway}}";
    let skipped = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: orders}}\nspec: {{template: {{{annotation}}}}}\n"
    );
    assert_overlay_kept("patches: [{path: patch.yaml}]\n", &[("k/prod/patch.yaml", &skipped)]);
    let command = "{op: add, path: /spec/template/spec/containers/0/args, value: ['--config.service.auth=a']}";
    let own = format!(
        "{{op: add, path: {env}, value: [{{name: config.service.auth, value: workloadIdentity}}, {{name: A, value: b}}]}}"
    );
    let patch = |operation: &str| format!("patches:\n- target: {{kind: Deployment}}\n  patch: |-\n    - {operation}\n");
    assert_overlay_kept(&patch(command), &[]);
    // a ConfigMap of the overlay selects workload identity, too
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: prod-env, namespace: shop}\ndata: {gateway.name: orders, config.service.auth: workloadIdentity, config.service.endpoint: contoso.configuration.azure-api.net}\n";
    let sources = patch(
        "{op: replace, path: /spec/template/spec/containers/0/envFrom, value: [{configMapRef: {name: prod-env}}]}",
    );
    let sources = sources.replace("patches", "- settings.yaml\npatches");
    let list = KUSTOMIZATION.replace("[../base]\n", "\n- ../base\n");
    let level = format!("{{op: replace, path: {env}, value: [{{name: LEVEL, value: debug}}]}}");
    let of_base = |operation: &str| format!("{KUSTOMIZATION}{}", patch(operation));
    for kustomization in [of_base(&own), of_base(&level), format!("{list}{sources}")] {
        let files = [("k/prod/kustomization.yaml", &*kustomization), ("k/prod/settings.yaml", config_map)];
        let ran = migrate(&files);
        assert_eq!(ran.code, 0, "{kustomization}{}", ran.everything());
    }
}

#[test]
fn patches_of_a_cron_job_are_named() {
    let job = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: orders, namespace: shop}\nspec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {containers: [{name: gateway, image: 'mcr.microsoft.com/azure-api-management/gateway:2.11.1', env: [{name: config.service.auth, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}, {name: config.service.endpoint, value: contoso.configuration.azure-api.net}, {name: gateway.name, value: orders}]}]}}}}}\n";
    let run = |members: &str| {
        let patch = format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: orders}}\nspec: {{jobTemplate: {{spec: {{template: {members}}}}}}}\n"
        );
        let files = [
            ("k/base/job.yaml", job),
            ("k/base/kustomization.yaml", "resources: [job.yaml]\n"),
            ("k/prod/kustomization.yaml", "resources: [../base]\npatches: [{path: patch.yaml}]\n"),
            ("k/prod/patch.yaml", &patch),
        ];
        Folder::with(&files).run(&["migrate", ".", "--client-id", CLIENT])
    };
    for members in ["{metadata: {labels: null}}", "{spec: {serviceAccountName: other}}"] {
        assert_kept(
            &run(members),
            "./k/prod/kustomization.yaml:2:11: In patch.yaml: Change this: it is applied to the migrated CronJob ",
        );
    }
    assert_eq!(run("{spec: {terminationGracePeriodSeconds: 5}}").code, 0);
}

#[test]
fn patches_of_a_rendered_chart_are_named() {
    let run = |patch: &str| {
        let kustomization = format!(
            "helmCharts:\n- name: azure-api-management-gateway\n  repo: https://azure.github.io/api-management-self-hosted-gateway/helm-charts/\n  version: 1.15.1\n  releaseName: orders\n  valuesInline:\n    gateway: {{name: orders, configuration: {{uri: contoso.configuration.azure-api.net}}, auth: {{type: GatewayToken}}}}\n    secret: {{createSecret: false, existingSecretName: orders-key}}\npatches:\n- patch: |-\n    - {patch}\n"
        );
        let folder = Folder::with(&[("k/kustomization.yaml", &*kustomization)]);
        folder.run(&["migrate", ".", "--client-id", CLIENT])
    };
    let removed = "{op: remove, path: /spec/template/metadata/labels}";
    for name in ["orders-azure-api-management-gateway", ".*", "orders.*"] {
        let ran = run(&format!("{removed}\n  target: {{kind: Deployment, name: {name}}}"));
        assert_kept(&ran, "./k/kustomization.yaml:");
        assert!(ran.stderr.contains("missing-identity-label"), "{}", ran.everything());
    }
    for target in ["{kind: Deployment, name: redis}", "{kind: Service}"] {
        assert_eq!(run(&format!("{removed}\n  target: {target}")).code, 0, "{target}");
    }
}

/// What counts is the object after all patches.
#[test]
fn a_later_patch_can_put_a_problem_right() {
    let labels = |labels: &str| {
        format!(
            "- patch: |-\n    - {{op: add, path: /spec/template/metadata/labels, value: {labels}}}\n  target: {{kind: Deployment}}\n"
        )
    };
    let (without, with) = (labels("{team: a}"), labels("{team: a, azure.workload.identity/use: 'true'}"));
    let annotations = "- patch: |-\n    - {op: add, path: /spec/template/metadata/annotations, value: {a: b}}\n  target: {kind: Deployment}\n";
    let kustomization = |patches: &str| format!("patches:\n{patches}");
    let ran = migrate(&[(
        "k/prod/kustomization.yaml",
        &format!("{KUSTOMIZATION}{}", kustomization(&(without.clone() + &with))),
    )]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert_overlay_kept(&kustomization(&(with + &without)), &[]);
    // the problem is at another place after the second patch
    let removed = "- patch: |-\n    - {op: remove, path: /spec/template/metadata}\n  target: {kind: Deployment}\n";
    let added = annotations.replace("/metadata/annotations, value: {a: b}", "/metadata, value: {annotations: {a: b}}");
    assert_overlay_kept(&kustomization(&(removed.to_owned() + &added)), &[]);
}

/// The target of a transformer is in its configuration.
#[test]
fn a_transformer_changes_what_it_selects() {
    let transformer = |name: &str| {
        format!(
            "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {{name: a}}\n  target: {{kind: Deployment, name: {name}}}\n  patch: '[{{op: remove, path: /spec/template/spec/containers/0/env/0}}]'\n"
        )
    };
    assert_overlay_kept(&transformer("orders"), &[]);
    let ran = migrate(&[("k/prod/kustomization.yaml", &format!("{KUSTOMIZATION}{}", transformer("redis")))]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
}

#[test]
fn an_unreadable_patch_of_a_release_is_named() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  chart: {spec: {chart: azure-api-management-gateway, version: 1.15.1}}\n  values: {gateway: {name: a, configuration: {uri: contoso.configuration.azure-api.net}, auth: {type: GatewayToken}}}\n";
    let files = [
        ("k/release.yaml", release),
        (
            "k/kustomization.yaml",
            "resources: [release.yaml]\npatches: [{path: absent.yaml, target: {kind: HelmRelease}}]\n",
        ),
    ];
    let ran = Folder::with(&files).run(&["migrate", ".", "--client-id", CLIENT]);
    assert!(ran.code == 2 && ran.stderr.contains("make it readable"), "{}", ran.everything());
}

#[test]
fn replacements_of_what_decides_are_named() {
    let replacement = |path: &str, target: &str| {
        format!(
            "replacements:\n- source: {{kind: ConfigMap, name: a, fieldPath: data.a}}\n  targets: [{{select: {{kind: {target}}}, fieldPaths: [\"{path}\"]}}]\n"
        )
    };
    let env = "spec.template.spec.containers.[name=gateway].env";
    // the variable is in the ConfigMap now, and no tool finds the path
    assert_overlay_kept(&replacement(&format!("{env}.[name=config.service.endpoint].value"), "Deployment"), &[]);
    // another variable is at the position now
    assert_overlay_kept(&replacement("spec.template.spec.containers.0.env.0.name", "Deployment"), &[]);
    for (path, target, is_named) in [
        ("spec.template.spec.serviceAccountName", "Deployment", true),
        ("spec.template.spec.containers.0.image", "Deployment", true),
        ("metadata.annotations.[azure.workload.identity/client-id]", "ServiceAccount", true),
        ("data.[gateway.name]", "ConfigMap", true),
        ("spec.replicas", "Deployment", false),
        ("spec.template.spec.serviceAccountName", "StatefulSet", false),
    ] {
        let kustomization = format!("{KUSTOMIZATION}{}", replacement(path, target));
        let ran = migrate(&[("k/prod/kustomization.yaml", &kustomization)]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert_eq!(ran.stdout.contains("Check what this replacement writes"), is_named, "{path} {}", ran.stdout);
    }
    let transformer = "transformers:\n- |-\n  apiVersion: builtin\n  kind: NamespaceTransformer\n  metadata: {name: a, namespace: test}\n";
    let ran = migrate(&[("k/prod/kustomization.yaml", &format!("{KUSTOMIZATION}{transformer}"))]);
    assert!(ran.stdout.contains("Check what this transformer changes"), "{}", ran.everything());
}

/// A patch of another application that takes the Secret of the key is a user of it, and stays.
#[test]
fn a_patch_of_another_application_keeps_the_secret() {
    let web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: web, image: 'x:1'}]}}}\n";
    let patch = "patches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n    - {op: add, path: /spec/template/spec/containers/0/envFrom, value: [{secretRef: {name: orders-token}}]}\n";
    let kustomization = format!("resources: [../base, web.yaml]\n{patch}");
    let ran = migrate(&[("k/prod/kustomization.yaml", &kustomization), ("k/prod/web.yaml", web)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(
        ran.stdout.contains("- keep Secret \"orders-token\": ./k/prod/kustomization.yaml:1:1 still uses it"),
        "{}",
        ran.stdout
    );
}

/// A release is what it is after the patches of its kustomization.
#[test]
fn patches_of_a_release_are_evaluated() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: orders, namespace: shop}\nspec:\n  chart: {spec: {chart: azure-api-management-gateway, version: 1.14.1}}\n  values: {gateway: {name: orders, configuration: {uri: contoso.configuration.azure-api.net}, auth: {type: GatewayToken}}, image: {tag: 2.3.5}}\n";
    let run = |operation: &str| {
        let kustomization = format!(
            "resources: [../base]\npatches:\n- target: {{kind: HelmRelease}}\n  patch: |-\n    - {{{operation}}}\n"
        );
        let files = [
            ("k/base/release.yaml", release),
            ("k/base/kustomization.yaml", "resources: [release.yaml]\n"),
            ("k/prod/kustomization.yaml", &kustomization),
        ];
        Folder::with(&files).run(&["migrate", ".", "--client-id", CLIENT])
    };
    for operation in [
        "op: replace, path: /spec/values/image/tag, value: 2.4.0",
        "op: replace, path: /spec/chart/spec/version, value: 1.13.0",
    ] {
        let ran = run(operation);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        let message = "not migrated: ./k/prod/kustomization.yaml:4:3: Change this patch of HelmRelease \"orders\"";
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
        assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.stdout);
    }
    let ran = run("op: add, path: /spec/targetNamespace, value: prod");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("system:serviceaccount:prod:"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("system:serviceaccount:shop:"), "{}", ran.stdout);
}
