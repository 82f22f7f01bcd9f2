//! What uses the Secret or the keys of a migrated gateway: then neither is deleted or revoked. What uses another Secret, or
//! the same name in another namespace, keeps nothing.

use super::CLIENT;
use test_support::run::{Folder, RunOutput};

/// A gateway that takes its key from the Secret `orders-token`, without a namespace.
const GATEWAY: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  replicas: 2
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        env:
        - {name: config.service.auth, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}
        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}
        - {name: gateway.name, value: orders}
";
/// What a change of the gateway says.
const KEPT: &str = "- keep the keys of gateway orders: ";

fn migrate(files: &[(&str, &str)]) -> RunOutput {
    Folder::with(files).run(&["migrate", ".", "--client-id", CLIENT])
}

/// The gateway in the namespace `shop`, beside these files.
fn beside(files: &[(&str, &str)]) -> RunOutput {
    let own = GATEWAY.replace("  name: orders\nspec", "  name: orders\n  namespace: shop\nspec");
    migrate(&[&[("gw.yaml", own.as_str())], files].concat())
}

/// The gateway in a base, to which an overlay gives the namespace `shop`.
fn overlay(files: &[(&str, &str)]) -> RunOutput {
    let own = [
        ("base/gw.yaml", GATEWAY),
        ("base/kustomization.yaml", "resources: [gw.yaml]\n"),
        ("prod/kustomization.yaml", "namespace: shop\nresources: [../base]\n"),
    ];
    migrate(&[&own[..], files].concat())
}

#[track_caller]
pub(super) fn assert_nothing_revoked(ran: &RunOutput) {
    for command in ["kubectl delete", "regenerateKey", "- delete the generated", "Remove resource"] {
        assert!(!ran.stdout.contains(command), "{command}\n{}", ran.everything());
    }
}

/// Asserts that the Secret and the keys stay for this user.
#[track_caller]
fn assert_used(ran: &RunOutput, user: &str) {
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert_nothing_revoked(ran);
    for line in
        [format!("- keep Secret \"orders-token\": {user} still uses it"), format!("{KEPT}{user} still uses them")]
    {
        assert!(ran.stdout.contains(&line), "{line}\n{}", ran.everything());
    }
}

#[track_caller]
pub(super) fn assert_revoked(ran: &RunOutput) {
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token\n"), "{}", ran.everything());
    assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.everything());
}

/// A Pod in this namespace that takes the Secret.
fn pod(namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a{namespace}}}\nspec: {{containers: [{{name: a, image: b, envFrom: [{{secretRef: {{name: orders-token}}}}]}}]}}\n"
    )
}

#[test]
fn a_user_in_the_namespace_of_an_overlay_keeps_the_keys() {
    assert_used(&overlay(&[("pod.yaml", &pod(", namespace: shop"))]), "./pod.yaml:1:1");
    // its namespace is not known
    assert_used(&beside(&[("pod.yaml", &pod(""))]), "./pod.yaml:1:1");
    for ran in [overlay(&[("pod.yaml", &pod(", namespace: dev"))]), beside(&[("pod.yaml", &pod(", namespace: dev"))])] {
        assert_revoked(&ran);
    }
    // the overlay of another folder gives it a namespace
    let of_overlay = |namespace: &str| {
        let kustomization = format!("namespace: {namespace}\nresources: [pod.yaml]\n");
        overlay(&[("other/pod.yaml", &pod(", namespace: team")), ("other/kustomization.yaml", &kustomization)])
    };
    assert_used(&of_overlay("shop"), "./other/pod.yaml:1:1");
    assert_revoked(&of_overlay("dev"));
}

#[test]
fn a_gateway_that_is_not_migrated_keeps_the_keys() {
    let other = |namespace: &str| {
        let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b-env, namespace: NS}\nimmutable: true\ndata: {config.service.endpoint: contoso.configuration.azure-api.net}\n";
        let gateway = GATEWAY.replace("name: orders\n", "name: b\n  namespace: NS\n");
        let gateway = gateway.replace(
            "      - name: b\n  namespace: NS\n",
            "      - name: b\n        envFrom: [{configMapRef: {name: b-env}}]\n",
        );
        format!("{settings}---\n{gateway}").replace("NS", namespace)
    };
    let ran = overlay(&[("b.yaml", &other("shop"))]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert_nothing_revoked(&ran);
    assert!(ran.stdout.contains(&format!("{KEPT}Deployment shop/b still uses them")), "{}", ran.everything());
    // with the same name it would be the same gateway resource, with the same keys
    let of_other_name = other("dev").replace("{name: gateway.name, value: orders}", "{name: gateway.name, value: b}");
    let ran = overlay(&[("b.yaml", &of_other_name)]);
    assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.everything());
}

#[test]
fn a_user_of_the_deployed_name_keeps_the_secret() {
    let files = [
        ("base/gw.yaml", GATEWAY),
        ("base/s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: orders-token}\nstringData: {value: a}\n"),
        ("base/kustomization.yaml", "resources: [gw.yaml, s.yaml]\n"),
        ("prod/kustomization.yaml", "namespace: shop\nnamePrefix: eu-\nresources: [../base]\n"),
    ];
    let pod = pod(", namespace: shop").replace("orders-token", "eu-orders-token");
    let ran = migrate(&[&files[..], &[("pod.yaml", &*pod)]].concat());
    assert_used(&ran, "./pod.yaml:1:1");
    assert!(migrate(&files).stdout.contains("kubectl delete -n shop secret eu-orders-token\n"));
}

#[test]
fn images_of_flux_reach_the_gateway() {
    let flux = |lines: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: a, namespace: flux-system}}\nspec:\n  images: [{{name: mcr.microsoft.com/azure-api-management/gateway, newTag: 2.4.0}}]\n{lines}"
        )
    };
    for lines in ["  path: ./prod\n", ""] {
        let ran = overlay(&[("flux/k.yaml", &flux(lines))]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        assert_nothing_revoked(&ran);
        assert!(
            ran.stdout.contains("- keep the keys of gateway orders until ./flux/k.yaml:5:"),
            "{}",
            ran.everything()
        );
    }
    assert_revoked(&overlay(&[("flux/k.yaml", &flux("  path: ./prod\n").replace("2.4.0", "2.11.2"))]));
}

const COMPOSE: &str = "services:
  gateway:
    image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
    environment:
      config.service.auth: GatewayKey orders&202701010000&c2lnbmF0dXJl
";
const APP: &str = "resource \"azurerm_container_app\" \"a\" {
  template {
    container {
      image = \"mcr.microsoft.com/azure-api-management/gateway:2.11.1\"
    }
  }
}
";
const EXTENSION: &str = "apiVersion: kubernetesconfiguration.azure.com/v1api20230501
kind: Extension
metadata: {name: a}
spec: {extensionType: Microsoft.ApiManagement.Gateway}
";

#[test]
fn a_gateway_outside_of_kubernetes_keeps_the_keys() {
    let env_file = "services:\n  gateway:\n    image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    env_file: absent.env\n";
    let app = "type: Microsoft.App/containerApps\nproperties: {template: {containers: [{image: 'mcr.microsoft.com/azure-api-management/gateway:2.11.1'}]}}\n";
    for (file, text, place) in [
        ("docker-compose.yaml", COMPOSE, "./docker-compose.yaml:1:1"),
        ("docker-compose.yaml", env_file, "./docker-compose.yaml:1:1"),
        ("app.yaml", app, "./app.yaml:1:1"),
        ("gateway.env", "config.service.auth=GatewayKey orders&1&c2ln\n", "./gateway.env"),
        ("app.bicep", "image: 'mcr.microsoft.com/azure-api-management/gateway:2.11.1'\n", "./app.bicep"),
        ("arc.yaml", EXTENSION, "./arc.yaml:1:1"),
        ("main.tf", APP, "./main.tf:1"),
        (
            "run.sh",
            "docker run \\\n --env-file f mcr.microsoft.com/azure-api-management/gateway:2.11.1\n",
            "./run.sh:1",
        ),
        ("ci.yaml", "steps:\n- run: docker run mcr.microsoft.com/azure-api-management/gateway:2.11.1\n", "./ci.yaml:2"),
    ] {
        let ran = beside(&[(file, text)]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        let named = ran.stderr.lines().filter(|line| line.starts_with(&format!("not migrated: {place}: "))).count();
        assert_eq!(named, 1, "{}", ran.everything());
        assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.everything());
        assert!(ran.stdout.contains(&format!("{KEPT}{place} still uses them")), "{}", ran.everything());
    }
    let other = COMPOSE.replace("GatewayKey orders&", "GatewayKey other&");
    let ran = beside(&[("docker-compose.yaml", &other)]);
    assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.everything());
    assert_revoked(&beside(&[
        ("run.sh", "docker run postgres\n"),
        ("main.tf", "resource \"azurerm_container_app\" \"a\" {\n}\n"),
    ]));
}

#[test]
fn what_cannot_be_read_keeps_everything() {
    let sops = "gateway:\n  name: orders\n  auth:\n    key: ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]\nsops: {mac: 'ENC[x]', version: 3.7.3}\n";
    for (file, text) in [
        ("values.yaml", "gateway:\n  name: orders\n  auth:\n    key: GatewayKey orders&1&abc\n   bad: x\n"),
        ("values.yaml", "gateway:\n  name: orders\n bad: [\n"),
        ("prod.yaml", "image: {tag: *x}\n"),
        ("values.json", "{\"gateway\": {\n\"auth\": {\"key\": \"a\",,}}}\n"),
        ("main.tf", "resource \"x\" \"y\" {\n  bad = [\n"),
        ("values.yaml", sops),
    ] {
        let ran = beside(&[(file, text)]);
        assert_eq!(ran.code, 2, "{text}\n{}", ran.everything());
        assert!(ran.stderr.lines().any(|line| line.starts_with(&format!("error: ./{file}:"))), "{}", ran.everything());
        assert_nothing_revoked(&ran);
        assert!(ran.stdout.contains("Delete no Secret and revoke no key yet"), "{}", ran.everything());
    }
}

#[test]
fn files_of_other_applications_are_no_errors() {
    let template = "metadata:\n  name: {{ .Release.Name }}\n{{- if .Values.a }}\nspec: {a: b}\n{{- end }}\n";
    let sops = "password: ENC[AES256_GCM,data:abc]\nsops: {mac: 'ENC[x]', version: 3.7.3}\n";
    assert_revoked(&beside(&[
        ("charts/worker/templates/a.yaml", &format!("apiVersion: v1\nkind: ConfigMap\n{template}")),
        ("charts/worker/templates/b.yaml", template),
        ("tsconfig.json", "{\n  // comment\n  \"a\": 1,\n}\n"),
        ("playbook.yaml", "- hosts: all\n  tasks:\n  - debug: {msg: \"{{ a }}\"}\n"),
        ("vault.yaml", "password: !vault |\n  abc\nlist: [!Ref a]\n"),
        ("secrets.enc.yaml", sops),
        ("jinja.yaml", "{% if a %}\na: b\n{% endif %}\n"),
        ("ok.tf", "locals {\n  a = { for k, v in var.b : k => v if v != null }\n}\n"),
    ]));
    // but a template can take the Secret
    let taking = format!("{template}secretName: orders-token\n");
    assert_used(&beside(&[("charts/worker/templates/a.yaml", &taking)]), "./charts/worker/templates/a.yaml:6");
}

#[test]
fn commands_take_the_secret() {
    let get = "kubectl get secret orders-token -n shop -o jsonpath='{.data.value}'";
    let job = |command: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: copy, namespace: shop}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: a, image: kubectl, command: {command}}}]}}}}}}}}}}\n"
        )
    };
    let (azure, workflow) = (
        format!("steps:\n- script: |\n    TOKEN=$({get})\n    echo $TOKEN\n"),
        format!("on: push\njobs:\n  a:\n    steps:\n    - run: {get} | kubectl apply -n other -f -\n"),
    );
    for (file, text, place) in [
        ("azure-pipelines.yml", azure.as_str(), "./azure-pipelines.yml:1:1"),
        ("ci/deploy.yml", &workflow, "./ci/deploy.yml:1:1"),
        (
            "job.yaml",
            &job("[sh, -c, \"kubectl get secret orders-token -o yaml | kubectl apply -n other -f -\"]"),
            "./job.yaml:1:1",
        ),
        ("job.yaml", &job("[kubectl, get, secret, orders-token]"), "./job.yaml:1:1"),
        ("b.sh", "kubectl -n shop get secret \\\n  orders-token\n", "./b.sh:1"),
        ("b.sh", "NAME=orders-token\nkubectl get secret $NAME -n shop\n", "./b.sh:2"),
        ("b.sh", "APP=orders\nkubectl get secret ${APP}-token\n", "./b.sh:2"),
        ("b.sh", &format!("kubectl create secret generic copy --from-literal=value=\"$({get})\"\n"), "./b.sh:1"),
        ("b.sh", "helm upgrade --install worker ./worker --set existingSecret=orders-token\n", "./b.sh:1"),
        ("playbook.yaml", &format!("- hosts: all\n  tasks:\n  - shell: {get}\n"), "./playbook.yaml:3"),
    ] {
        assert_used(&overlay(&[(file, text)]), place);
        assert_revoked(&overlay(
            &[(file, &text.replace("orders-token", "other").replace("APP=", "kubectl get secret other #"))]
                .map(|(file, text)| (file, if text.contains("${APP}") { "true\n" } else { text })),
        ));
    }
}

#[test]
fn values_and_permissions_take_the_secret() {
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: worker, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n  source: {chart: worker, helm: {parameters: [{name: existingSecret, value: orders-token}]}}\n";
    let helmfile =
        "releases:\n- name: worker\n  chart: x/worker\n  set: [{name: existingSecret, value: orders-token}]\n";
    let role = |verbs: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: shop}}\nrules: [{{apiGroups: [''], resources: [secrets], resourceNames: [orders-token], verbs: [{verbs}]}}]\n"
        )
    };
    for (file, text) in [("app.yaml", application), ("helmfile.yaml", helmfile), ("role.yaml", &role("get, list"))] {
        assert_used(&overlay(&[(file, text)]), &format!("./{file}:1:1"));
        assert_revoked(&overlay(&[(file, &text.replace("orders-token", "other"))]));
    }
    // what renews the key has it
    assert_revoked(&overlay(&[("role.yaml", &role("get, patch"))]));
    assert_revoked(&overlay(&[("app.yaml", &application.replace("namespace: shop", "namespace: dev"))]));
}

/// A gateway of Terraform whose Secret has this name.
fn terraform(name: &str) -> String {
    format!(
        "resource \"kubernetes_deployment_v1\" \"orders\" {{\n  metadata {{\n    name = \"orders\"\n    namespace = \"shop\"\n  }}\n  spec {{\n    template {{\n      metadata {{\n        labels = {{ app = \"o\" }}\n      }}\n      spec {{\n        container {{\n          name  = \"orders\"\n          image = \"mcr.microsoft.com/azure-api-management/gateway:2.11.1\"\n          env {{\n            name = \"config.service.auth\"\n            value_from {{\n              secret_key_ref {{\n                name = {name}\n                key  = \"value\"\n              }}\n            }}\n          }}\n          env {{\n            name  = \"config.service.endpoint\"\n            value = \"contoso.configuration.azure-api.net\"\n          }}\n          env {{\n            name  = \"gateway.name\"\n            value = \"orders\"\n          }}\n        }}\n      }}\n    }}\n  }}\n}}\n"
    )
}

const SECRET: &str = "resource \"kubernetes_secret_v1\" \"t\" {\n  metadata {\n    name      = \"orders-token\"\n    namespace = \"shop\"\n  }\n}\n";

/// A job of Terraform that takes the Secret of this name.
fn job(name: &str) -> String {
    format!(
        "resource \"kubernetes_job\" \"x\" {{\n  spec {{\n    env_from {{\n      secret_ref {{\n        name = {name}\n      }}\n    }}\n  }}\n}}\n"
    )
}

#[test]
fn a_secret_of_terraform_is_kept_for_the_files_of_its_folder() {
    let reference = "kubernetes_secret_v1.t.metadata[0].name";
    for name in ["\"orders-token\"", reference] {
        let main = format!("{SECRET}{}", terraform(name));
        let ran = migrate(&[("main.tf", &main)]);
        assert!(ran.code == 0 && ran.stdout.contains("Remove resource kubernetes_secret_v1.t"), "{}", ran.everything());
        assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.everything());
        for other in [
            job("\"orders-token\""),
            job(reference),
            format!("module \"worker\" {{\n  source = \"./worker\"\n  token  = {reference}\n}}\n"),
            format!("output \"token\" {{\n  value = \"${{{reference}}}\"\n}}\n"),
        ] {
            for files in
                [vec![("main.tf", format!("{main}{other}"))], vec![("main.tf", main.clone()), ("z.tf", other.clone())]]
            {
                let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (*file, text.as_str())).collect();
                let ran = migrate(&files);
                assert_eq!(ran.code, 0, "{other}\n{}", ran.everything());
                assert_nothing_revoked(&ran);
                assert!(
                    ran.stdout.contains("- ./main.tf:1: keep resource kubernetes_secret_v1.t: ./"),
                    "{}",
                    ran.everything()
                );
                assert!(ran.stdout.contains(KEPT), "{}", ran.everything());
            }
        }
    }
}

#[test]
fn a_name_that_terraform_composes_is_followed() {
    let data =
        |name: &str| format!("data \"kubernetes_secret_v1\" \"t\" {{\n  metadata {{\n    name = {name}\n  }}\n}}\n");
    let values = "locals {\n  gw = \"orders\"\n}\nvariable \"secret\" {\n  default = \"orders-token\"\n}\n";
    for name in ["\"${local.gw}-token\"", "var.secret"] {
        assert_used(
            &overlay(&[("main.tf", &format!("{values}{}", data(name)))]),
            if name == "var.secret" { "./main.tf:7" } else { "./main.tf:9" },
        );
    }
    assert_revoked(&overlay(&[("main.tf", &format!("{values}{}", data("local.gw")))]));
    let release = "resource \"helm_release\" \"worker\" {\n  chart = \"w\"\n  set {\n    name  = \"tok\"\n    value = kubernetes_secret_v1.t.metadata[0].name\n  }\n}\n";
    assert_used(&overlay(&[("w.tf", release), ("s.tf", SECRET)]), "./w.tf:5");
    assert_revoked(&overlay(&[("s.tf", SECRET)]));
    // the gateway and a job take the same value
    let gateway = format!("locals {{\n  token = \"orders-token\"\n}}\n{}", terraform("local.token"));
    let ran = migrate(&[("main.tf", &gateway)]);
    assert!(ran.code == 0 && ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.everything());
    let ran = migrate(&[("main.tf", &format!("{gateway}{}", job("local.token")))]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert_nothing_revoked(&ran);
    assert!(ran.stdout.contains(KEPT), "{}", ran.everything());
}

#[test]
fn each_deletion_is_printed_once() {
    let script = "TOKEN=$(az rest --uri https://management.azure.com/gateways/orders/generateToken)\nkubectl create secret generic orders-token --from-literal=value=\"GatewayKey $TOKEN\" -n shop --dry-run=client -o yaml | kubectl apply -f -\n";
    let ran = beside(&[("s.sh", script)]);
    assert_eq!(ran.stdout.matches("kubectl delete -n shop secret orders-token\n").count(), 1, "{}", ran.everything());
}

#[test]
fn the_last_step_is_never_empty() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: orders, namespace: shop}\nspec:\n  chart: {spec: {chart: azure-api-management-gateway, version: 1.15.0}}\n  valuesFrom:\n  - {kind: ConfigMap, name: values}\n  - {kind: Secret, name: orders-token, valuesKey: value, targetPath: gateway.auth.key}\n";
    let ran = migrate(&[("hr.yaml", release)]);
    assert!(ran.stdout.contains("/gateways/GATEWAY/regenerateKey"), "{}", ran.everything());
    let ran = migrate(&[("hr.yaml", release), ("pod.yaml", &pod(", namespace: shop"))]);
    assert_nothing_revoked(&ran);
    assert!(
        ran.stdout.contains("- keep the keys of the gateway in ./hr.yaml: ./pod.yaml:1:1 still uses them"),
        "{}",
        ran.everything()
    );
}
