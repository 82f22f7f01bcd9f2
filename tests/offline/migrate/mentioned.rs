//! What still has the name of a Secret, a gateway or an app after the migration, in places that no module knows.

use super::CLIENT;
use super::users::assert_nothing_revoked;
use test_support::run::{Folder, RunOutput};

/// A gateway with a key in `shop`. `IMMUTABLE` makes its `ConfigMap` immutable, so that the gateway is left.
fn gateway(name: &str, settings: &str, is_immutable: bool) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}-env, namespace: shop}}
immutable: {is_immutable}
data: {{{settings}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - name: {name}
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        env: [{{name: config.service.auth, valueFrom: {{secretKeyRef: {{name: {name}-token, key: value}}}}}}]
        envFrom: [{{configMapRef: {{name: {name}-env}}}}]
"
    )
}

const ENDPOINT: &str = "config.service.endpoint: contoso.configuration.azure-api.net";

fn orders() -> String {
    gateway("orders", &format!("{ENDPOINT}, gateway.name: main"), false)
}

fn migrate(files: &[(&str, &str)]) -> RunOutput {
    Folder::with(&[&[("gw.yaml", orders().as_str())], files].concat()).run(&["migrate", ".", "--client-id", CLIENT])
}

#[track_caller]
fn assert_secret_kept(file: &str, text: &str) {
    let ran = migrate(&[(file, text)]);
    assert_nothing_revoked(&ran);
    assert!(ran.stdout.contains("- keep Secret \"orders-token\""), "{file}: {text}\n{}", ran.everything());
}

#[track_caller]
fn assert_revoked(ran: &RunOutput) {
    assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token\n"), "{}", ran.everything());
    assert!(ran.stdout.contains("/gateways/main/regenerateKey"), "{}", ran.everything());
}

#[track_caller]
fn assert_keys_kept(ran: &RunOutput) {
    assert!(ran.stdout.contains("- keep the keys of gateway main"), "{}", ran.everything());
    assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.everything());
}

#[test]
fn a_field_of_any_controller_with_the_name_keeps_the_secret() {
    for (kind, spec) in [
        ("Gateway", "servers: [{tls: {credentialName: orders-token}}]"),
        ("Gateway", "listeners: [{tls: {certificateRefs: [{name: orders-token}]}}]"),
        ("ServiceBinding", "service: {apiVersion: v1, kind: Secret, name: orders-token}"),
        ("ServiceMonitor", "endpoints: [{authorization: {credentials: {name: orders-token, key: a}}}]"),
        ("Other", "anything: orders-token"),
    ] {
        let object = format!(
            "apiVersion: a.example/v1\nkind: {kind}\nmetadata: {{name: a, namespace: shop}}\nspec: {{{spec}}}\n"
        );
        assert_secret_kept("a.yaml", &object);
        assert_revoked(&migrate(&[("a.yaml", &object.replace("namespace: shop", "namespace: dev"))]));
    }
    // other objects of that name are not it
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders-token, namespace: shop}\nspec: {selector: {app: orders-token}}\n";
    assert_revoked(&migrate(&[("service.yaml", service)]));
}

#[test]
fn a_file_that_is_not_read_keeps_each_secret_that_it_names() {
    for file in ["app.yaml.tpl", "app.tftpl", "app.j2", "app.gotmpl", "app.env", "app.conf"] {
        assert_secret_kept(file, "a: {{ .b }}\nexistingSecret: orders-token\n");
    }
    assert_secret_kept("values.yaml", "token: orders-token\n");
    let heredoc = "resource \"kubectl_manifest\" \"app\" {\n  yaml_body = <<YAML\nenvFrom:\n- secretRef:\n    name: orders-token\nYAML\n}\n";
    assert_secret_kept("main.tf", heredoc);
    assert_secret_kept(".gitlab-ci.yml", "job:\n  script:\n  - kubectl get secret orders-token -o yaml\n");
    assert_secret_kept("copy.cmd", "kubectl get secret orders-token -o yaml > a.yaml\n");
}

#[test]
fn a_gateway_that_is_left_keeps_its_keys_whatever_states_its_name() {
    let address = "https://contoso.management.azure-api.net/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/contoso/gateways/main?api-version=2021-08-01";
    for settings in [
        format!("{ENDPOINT}, gateway.name: main"),
        format!("{ENDPOINT}, gateway.name: Main"),
        format!("config.service.endpoint: \"{address}\""),
    ] {
        let ran = migrate(&[("billing.yaml", &gateway("billing", &settings, true))]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        assert_keys_kept(&ran);
    }
    let in_env = gateway("billing", ENDPOINT, true).replace("env: [", "env: [{name: gateway.name, value: main}, ");
    assert_keys_kept(&migrate(&[("billing.yaml", &in_env)]));
    // its name can be that of the workload
    assert_keys_kept(&migrate(&[("main.yaml", &gateway("main", ENDPOINT, true))]));
    let other = migrate(&[("billing.yaml", &gateway("billing", &format!("{ENDPOINT}, gateway.name: other"), true))]);
    assert!(other.stdout.contains("gateways/main/regenerateKey"), "{}", other.everything());
}

#[test]
fn the_secrets_of_an_app_stay_as_long_as_something_names_it() {
    let app = "22222222-2222-4222-8222-222222222222";
    let settings = format!(
        "{ENDPOINT}, gateway.name: main, config.service.auth: azureAdApp, config.service.auth.azureAd.clientId: {app}, config.service.auth.azureAd.tenantId: {app}"
    );
    let of_app = |name: &str, is_immutable: bool| {
        gateway(name, &settings, is_immutable)
            .replace("config.service.auth,", "config.service.auth.azureAd.clientSecret,")
    };
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: dev}}\nspec: {{containers: [{{name: a, image: b, env: [{{name: AZURE_CLIENT_ID, value: {app}}}]}}]}}\n"
    );
    for other in [of_app("billing", true), pod] {
        let folder = Folder::with(&[("gw.yaml", of_app("orders", false).as_str()), ("b.yaml", other.as_str())]);
        let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        // a gateway that is left keeps the keys of its name, too
        let kept = [format!("- keep the client secrets of app {app}: "), "- keep the keys of gateway main".to_owned()];
        assert!(kept.iter().any(|line| ran.stdout.contains(line)), "{}", ran.everything());
        assert!(!ran.stdout.contains("credential delete"), "{}", ran.everything());
    }
    let ran =
        Folder::with(&[("gw.yaml", of_app("orders", false).as_str())]).run(&["migrate", ".", "--client-id", CLIENT]);
    assert!(ran.stdout.contains("az ad app credential delete"), "{}", ran.everything());
}

#[test]
fn a_job_that_also_renews_the_key_of_a_gateway_that_is_left_stays() {
    let job = |secrets: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: rotate, namespace: shop}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: a, image: b, command: [sh, -c, \"for g in {secrets}; do kubectl create secret generic $g; done\"]}}]}}}}}}}}}}\n"
        )
    };
    let billing = gateway("billing", &format!("{ENDPOINT}, gateway.name: other"), true);
    let ran = migrate(&[("billing.yaml", &billing), ("job.yaml", &job("orders-token billing-token"))]);
    assert!(ran.stdout.contains("- keep CronJob \"rotate\": Deployment shop/billing"), "{}", ran.everything());
    let ran = migrate(&[("billing.yaml", &billing), ("job.yaml", &job("orders-token"))]);
    assert!(ran.stdout.contains("kubectl delete -n shop cronjob rotate"), "{}", ran.everything());
}

#[test]
fn a_gateway_in_values_of_another_chart_is_named() {
    let image = "image: {repository: mcr.microsoft.com/azure-api-management/gateway, tag: 2.11.2}";
    let variable = "{name: config.service.auth, valueFrom: {secretKeyRef: {name: west-token, key: value}}}";
    let release = |values: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: a, namespace: west}}\nspec:\n  chart: {{spec: {{chart: app, sourceRef: {{kind: HelmRepository, name: a}}}}}}\n  values: {{{values}}}\n"
        )
    };
    let heredoc = format!(
        "resource \"helm_release\" \"a\" {{\n  chart = \"app\"\n  values = [<<EOF\n{image}\nenv:\n- {variable}\nEOF\n  ]\n}}\n"
    );
    let container = "resource \"kubernetes_deployment_v1\" \"a\" {\n  spec {\n    template {\n      spec {\n        dynamic \"container\" {\n          for_each = [1]\n          content {\n            name  = \"a\"\n            image = \"mcr.microsoft.com/azure-api-management/gateway:2.3.5\"\n            env {\n              name = \"config.service.auth\"\n              value_from {\n              }\n            }\n          }\n        }\n      }\n    }\n  }\n}\n";
    let application = "resource \"azurerm_container_app\" \"a\" {\n  template {\n    container {\n      image = var.image\n      env {\n        name = \"config.service.auth\"\n        secret_name = \"a\"\n      }\n    }\n  }\n}\n";
    let playbook = "- hosts: edge\n  tasks:\n  - community.docker.docker_container:\n      image: mcr.microsoft.com/azure-api-management/gateway:2.3.5\n      env: {config.service.auth: \"{{ token }}\"}\n";
    for (file, text) in [
        ("values.yaml", format!("{image}\nenv: [{variable}]\n")),
        ("hr.yaml", release(&format!("{image}, env: [{variable}]"))),
        ("private.yaml", release(&format!("image: {{repository: a.example/apim}}, env: [{variable}]"))),
        ("helm.tf", heredoc),
        ("dynamic.tf", container.to_owned()),
        ("app.tf", application.to_owned()),
        ("playbook.yaml", playbook.to_owned()),
    ] {
        let ran = Folder::with(&[(file, text.as_str())]).run(&["migrate", ".", "--client-id", CLIENT]);
        assert_eq!(ran.code, 2, "{file}\n{}", ran.everything());
        assert!(ran.stderr.contains(&format!("not migrated: ./{file}:")), "{}", ran.everything());
        let done =
            text.replace(", valueFrom: {secretKeyRef: {name: west-token, key: value}}", ", value: workloadIdentity");
        if done != text {
            let ran = Folder::with(&[(file, done.as_str())]).run(&["migrate", ".", "--client-id", CLIENT]);
            assert!(!ran.stderr.contains("a setting of a gateway"), "{}", ran.everything());
        }
    }
}

#[test]
fn values_that_a_plugin_or_another_object_gives_are_named() {
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  source:\n    chart: azure-api-management-gateway\n    repoURL: https://azure.github.io/api-management-self-hosted-gateway/helm-charts/\n    targetRevision: 1.12.0\n    plugin: {name: argocd-vault-plugin-helm}\n";
    let part = "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: orders, namespace: kube-system}\nspec:\n  valuesContent: |\n    gateway: {auth: {key: abc}}\n";
    for text in [application, part] {
        let folder = Folder::with(&[("a.yaml", text)]);
        let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        assert!(ran.stderr.contains("not migrated: ./a.yaml:"), "{}", ran.everything());
        assert_eq!(super::read(&folder, "a.yaml"), text);
    }
}

#[test]
fn what_makes_a_secret_again_is_deleted_before_it() {
    let base = gateway("orders", &format!("{ENDPOINT}, gateway.name: main"), false).replace(", namespace: shop", "");
    let external = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: orders-token}\nspec: {data: [{secretKey: value, remoteRef: {key: a}}]}\n";
    let overlay = |namespace: &str| format!("namespace: {namespace}\nresources: [../base, external.yaml]\n");
    let folder = Folder::with(&[
        ("base/gw.yaml", base.as_str()),
        ("base/kustomization.yaml", "resources: [gw.yaml]\n"),
        ("dev/kustomization.yaml", overlay("dev").as_str()),
        ("dev/external.yaml", external),
        ("prod/kustomization.yaml", overlay("prod").as_str()),
        ("prod/external.yaml", external),
    ]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    let at = |line: &str| ran.stdout.find(line).unwrap_or_else(|| panic!("{line}\n{}", ran.everything()));
    for namespace in ["dev", "prod"] {
        let secret = at(&format!("kubectl delete -n {namespace} secret orders-token"));
        assert!(at(&format!("kubectl delete -n {namespace} externalsecret orders-token")) < secret);
        at(&format!("- ./{namespace}/external.yaml:1:1: ExternalSecret \"orders-token\""));
        at(&format!("- ./{namespace}/kustomization.yaml:2:22: the entry external.yaml of resources"));
    }
}
