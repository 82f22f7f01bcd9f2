//! What still selects a key in a form that no module reads: it is named, and the keys stay.

use super::CLIENT;
use super::leftovers::DEPLOYMENT;
use test_support::run::{Folder, RunOutput};

/// Values of Microsoft's chart that can be migrated, of a gateway whose key another file can use, too.
const VALUES: &str = "gateway:
  name: orders
  configuration: {uri: contoso.configuration.azure-api.net}
  auth: {key: \"${K}\"}
";

fn migrate(file: &str, text: &str) -> RunOutput {
    Folder::with(&[("ok/values.yaml", VALUES), (file, text)]).run(&["migrate", ".", "--client-id", CLIENT])
}

#[track_caller]
fn assert_named(file: &str, text: &str, expected: &str) {
    let ran = migrate(file, text);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains(expected), "{expected}\n{}", ran.everything());
    let is_kept = ["- keep the keys of gateway orders", "Delete no Secret and revoke no key yet"]
        .iter()
        .any(|line| ran.stdout.contains(line));
    assert!(
        is_kept && !ran.stdout.contains("regenerateKey") && !ran.stdout.contains("kubectl delete"),
        "{}",
        ran.stdout
    );
}

const OTHER: &str =
    "{gateway: {name: orders, configuration: {uri: contoso.configuration.azure-api.net}, auth: {key: a}}}";
const COMMAND: &str = "helm upgrade --install orders apim/azure-api-management-gateway --set gateway.auth.key=$KEY";

#[test]
fn values_in_objects_of_other_tools_are_named() {
    let argo = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec:\n  source:\n    path: umbrella\n    helm:\n      valuesObject:\n        gwa: {OTHER}\n"
    );
    assert_named("argo.yaml", &argo, "not migrated: ./argo.yaml:9:9: change this by hand");
    let parameters = argo.replace(
        &format!("valuesObject:\n        gwa: {OTHER}"),
        "parameters:\n      - {name: gwa.gateway.auth.key, value: a}",
    );
    assert_named("argo.yaml", &parameters, "not migrated: ./argo.yaml:9:10: change this by hand");
    let k3s = format!(
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: a}}\nspec:\n  valuesContent: |\n    {OTHER}\n"
    );
    assert_named("k3s.yaml", &k3s, "not migrated: ./k3s.yaml:5:3: ");
    let script = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  d.sh: |\n    {COMMAND}\n");
    assert_named("cm.yaml", &script, "not migrated: ./cm.yaml:5:3: ");
    let playbook = format!("- hosts: all\n  tasks:\n  - kubernetes.core.helm:\n      values: {OTHER}\n");
    assert_named("play.yml", &playbook, "not migrated: ./play.yml: ");
}

#[test]
fn values_in_terraform_are_named() {
    let provisioner = format!(
        "resource \"null_resource\" \"a\" {{\n  provisioner \"local-exec\" {{\n    command = \"{COMMAND}\"\n  }}\n}}\n"
    );
    assert_named("main.tf", &provisioner, "not migrated: ./main.tf:3: Remove gateway.auth.key here");
    let umbrella = "resource \"helm_release\" \"u\" {\n  name = \"orders\"\n  chart = \"./umbrella\"\n  values = [yamlencode({ gwa = { gateway = { configuration = { uri = \"a.configuration.azure-api.net\" }, auth = { key = var.k } } } })]\n}\n";
    assert_named("main.tf", umbrella, "not migrated: ./main.tf:4: ");
    let json = "{\"resource\": {\"helm_release\": {\"a\": {\"chart\": \"azure-api-management-gateway\", \"set\": [{\"name\": \"gateway.auth.key\", \"value\": \"a\"}]}}}}\n";
    assert_named("main.tf.json", json, "not migrated: ./main.tf.json:1:");
    let bicep = format!(
        "resource s 'Microsoft.Resources/deploymentScripts@2023-08-01' = {{\n  properties: {{ scriptContent: '{COMMAND}' }}\n}}\n"
    );
    assert_named("m.bicep", &bicep, "not migrated: ./m.bicep: ");
}

#[test]
fn templates_of_a_gateway_are_named() {
    let template = VALUES.replace("\"${K}\"", "{{ .key }}");
    assert_named("b/values.yaml", &template, "error: ./b/values.yaml:4:15: a template");
    for extension in ["gotmpl", "j2", "tftpl", "tmpl"] {
        let file = format!("b/values.yaml.{extension}");
        assert_named(&file, &template, &format!("not migrated: ./{file}: change this template by hand"));
    }
    let other = "server:\n  gateway: {{ .Values.gateway }}\n";
    for file in ["b/values.yaml", "b/values.yaml.tmpl"] {
        let ran = migrate(file, other);
        assert!(ran.code == 0 && ran.stdout.contains("regenerateKey"), "{}", ran.everything());
    }
}

#[test]
fn containers_outside_of_kubernetes_are_named() {
    let image = "mcr.microsoft.com/azure-api-management/gateway:2.3.5";
    let outside = "./run.sh:1: Move this gateway to a cluster, or keep its key";
    for (command, expected) in [
        ("az containerapp create -n a --env-vars config.service.auth=secretref:t\n".to_owned(), outside),
        ("az containerapp update -n a \\\n  --set-env-vars config.service.auth=secretref:t\n".to_owned(), "./run.sh:2: Move this"),
        (format!("az container create -n a --image {image} --environment-variables config.service.auth=$K\n"), outside),
        (format!("IMAGE={image}\ndocker run --env-file a.env \"$IMAGE\"\n"), "./run.sh:2: a gateway in Docker"),
        ("az k8s-extension create --extension-type Microsoft.ApiManagement.Gateway --config-protected-settings gateway.auth.token=$K\n".to_owned(), "./run.sh:1: a gateway of the Azure Arc extension"),
    ] {
        assert_named("run.sh", &command, expected);
    }
    let compose = "services:\n  gateway:\n    image: ${IMAGE}\n    environment:\n      config.service.auth: ${KEY}\n";
    assert_named("docker-compose.yml", compose, "./docker-compose.yml:1:1: a gateway in Docker");
    let ran = migrate("run.sh", "az containerapp create -n web --image nginx\ndocker run redis\n");
    assert!(ran.code == 0 && ran.stdout.contains("regenerateKey"), "{}", ran.everything());
}

#[test]
fn an_object_that_a_tool_applies_again_is_left() {
    for (mark, tool) in [
        ("annotations: {meta.helm.sh/release-name: a}", "Helm release \"a\""),
        ("labels: {kustomize.toolkit.fluxcd.io/name: a}", "Flux Kustomization \"a\""),
        ("annotations: {argocd.argoproj.io/tracking-id: 'a:apps/Deployment:shop/orders'}", "Argo CD application \"a\""),
    ] {
        let live = DEPLOYMENT.replace("namespace: shop}", &format!("namespace: shop, {mark}}}"));
        let folder = Folder::with(&[("live.yaml", &*live)]);
        let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        let message = format!("change the source of Deployment shop/orders instead: {tool} applied this object");
        assert!(ran.stderr.contains(&message), "{message}\n{}", ran.stderr);
        assert_eq!(super::read(&folder, "live.yaml"), live);
    }
}

const KEY: &str = "GatewayKey orders&202612010000&c2VjcmV0c2lnbmF0dXJlMTIzNDU2Nzg5MGFiY2RlZg==";

#[test]
fn the_same_key_in_another_file_keeps_the_keys() {
    let values = "gateway:\n  name: orders\n  configuration: {uri: contoso.configuration.azure-api.net}\n  auth: {key: \"${K}\"}\n";
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: b, env: [{{name: T, value: \"{KEY}\"}}]}}]}}\n"
    );
    let other = format!("proxy:\n  token: \"{KEY}\"\n");
    for (file, text) in [("pod.yaml", &pod), ("app.yaml", &other)] {
        let run = |text: &str| {
            Folder::with(&[("values.yaml", values), (file, text)]).run(&["migrate", ".", "--client-id", CLIENT])
        };
        let ran = run(text);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        let line = format!("- keep the keys of gateway orders: ./{file}:1:1 still uses them");
        assert!(ran.stdout.contains(&line), "{line}\n{}", ran.stdout);
        let ran = run(&text.replace("GatewayKey orders", "GatewayKey billing"));
        assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.stdout);
    }
}

#[test]
fn a_secret_with_other_keys_is_kept() {
    let values = "gateway:\n  name: orders\n  configuration: {uri: contoso.configuration.azure-api.net}\n  auth: {type: GatewayToken}\nsecret: {createSecret: false, existingSecretName: tok}\n";
    let secret = |keys: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: tok}}\nstringData: {keys}\n");
    let external = |spec: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: e}}\nspec: {{target: {{name: tok}}, {spec}}}\n"
        )
    };
    for (text, is_kept) in [
        (secret("{gateway-key: a, password: b}"), true),
        (secret("{gateway-key: a}"), false),
        (external("data: [{secretKey: gateway-key}, {secretKey: other}]"), true),
        (external("dataFrom: [{extract: {key: a}}]"), true),
        ("apiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultStaticSecret\nmetadata: {name: v}\nspec: {destination: {name: tok}}\n".to_owned(), true),
        (external("data: [{secretKey: gateway-key}]"), false),
    ] {
        let ran =
            Folder::with(&[("values.yaml", values), ("s.yaml", &*text)]).run(&["migrate", ".", "--client-id", CLIENT]);
        let line = "- keep Secret \"tok\": ./s.yaml:1:1 says that it can have other keys, too; remove only the key of the gateway";
        assert_eq!(ran.stdout.contains(line), is_kept, "{text}{}", ran.everything());
        assert_eq!(ran.stdout.contains("kubectl delete"), !is_kept, "{text}{}", ran.stdout);
    }
}

#[test]
fn a_migrated_pipeline_is_complete() {
    let pipeline = "steps:\n- script: helm upgrade -i orders apim/azure-api-management-gateway -n shop --set gateway.name=orders --set gateway.configuration.uri=contoso.configuration.azure-api.net --set gateway.auth.key=$KEY\n";
    let folder = Folder::with(&[("azure-pipelines.yml", pipeline)]);
    for expected in ["1 gateway migrated in 1 file", "1 with workload identity already"] {
        let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        assert!(ran.code == 0 && ran.stderr.contains(expected), "{expected}\n{}", ran.everything());
    }
}

#[test]
fn a_secret_that_another_workload_takes_is_named() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: a, image: b, envFrom: [{secretRef: {name: orders-token}}]}]}\n";
    let run = |pod: &str| {
        Folder::with(&[("gateway.yaml", DEPLOYMENT), ("pod.yaml", pod)]).run(&["migrate", ".", "--client-id", CLIENT])
    };
    let ran = run(pod);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    for line in ["- keep Secret \"orders-token\": ./pod.yaml:1:1 still uses it", "- keep the keys of gateway orders: "]
    {
        assert_eq!(ran.stdout.matches(line).count(), 1, "{line}\n{}", ran.stdout);
    }
    let ran = run(&pod.replace("namespace: shop", "namespace: other"));
    assert!(ran.stdout.contains("kubectl delete -n shop secret orders-token"), "{}", ran.stdout);
}
