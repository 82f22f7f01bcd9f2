//! Helmfiles: they are not changed, so what a person has to change is named, and nothing is deleted before.

use super::{CLIENT, read};
use test_support::run::{Folder, RunOutput};

const VALUES: &str = "gateway:
  name: orders
  configuration:
    uri: contoso.configuration.azure-api.net
  auth:
    type: GatewayToken
secret:
  createSecret: false
  existingSecretName: orders-token
";

fn helmfile(version: &str, lines: &str) -> String {
    format!(
        "repositories:\n- {{name: apim, url: https://azure.github.io/api-management-self-hosted-gateway/helm-charts/}}\nreleases:\n- name: redis\n  chart: bitnami/redis\n- name: shop\n  namespace: shop\n  chart: apim/azure-api-management-gateway\n  version: {version}\n{lines}"
    )
}

fn migrate(files: &[(&str, &str)]) -> (RunOutput, Folder) {
    let folder = Folder::with(files);
    (folder.run(&["migrate", ".", "--client-id", CLIENT]), folder)
}

/// Asserts that this is named, and that nothing is deleted or revoked before it is changed.
#[track_caller]
fn assert_named(files: &[(&str, &str)], starts: &[&str]) {
    let (ran, folder) = migrate(files);
    let everything = ran.everything();
    assert_eq!(ran.code, 2, "{everything}");
    for start in starts {
        let start = format!("not migrated: {start}");
        assert!(ran.stderr.lines().any(|line| line.starts_with(&start)), "{start}\n{everything}");
    }
    for command in ["kubectl delete", "regenerateKey"] {
        assert!(!ran.stdout.contains(command), "{command}\n{everything}");
    }
    let [(file, text), ..] = files else { return };
    assert_eq!(read(&folder, file), *text);
}

#[test]
fn what_a_helmfile_sets_is_named() {
    let values = ("values.yaml", VALUES);
    let set = "  values: [values.yaml]\n  set:\n  - {name: gateway.auth.key, value: '{{ requiredEnv \"KEY\" }}'}\n";
    let (method, version) =
        ("Change this release by hand: remove gateway.auth.key", "Set version 1.15.1 or newer here");
    let text = helmfile("1.11.0", set);
    let (method_at, version_at) =
        (format!("./helmfile.yaml:12:5: {method}"), format!("./helmfile.yaml:9:3: {version}"));
    assert_named(&[("helmfile.yaml", &text), values], &[&method_at, &version_at]);
    // without the name of the file with values
    let text = helmfile("1.11.0", &set.replace("  values: [values.yaml]\n", ""));
    assert_named(&[("helmfile.yaml", &text), values], &["./helmfile.yaml:11:5: ", &version_at]);
    let text = helmfile("1.15.1", set);
    assert_named(&[("helmfile.yaml", &text), values], &[&method_at]);
    let text = helmfile("1.11.0", "  values: [values.yaml]\n");
    assert_named(&[("helmfile.yaml", &text), values], &[&version_at]);
    let text = helmfile("1.15.1", "  values:\n  - gateway: {auth: {type: GatewayToken}}\n");
    assert_named(&[("helmfile.yaml", &text), values], &["./helmfile.yaml:11:5: "]);
    let text =
        helmfile("1.15.1", "  values: [../values/orders.yaml]\n  setString: [{name: gateway.auth.key, value: x}]\n");
    assert_named(
        &[("deploy/helmfile.yaml", &text), ("values/orders.yaml", VALUES)],
        &["./deploy/helmfile.yaml:11:15: "],
    );
}

#[test]
fn a_template_of_a_helmfile_is_named() {
    let text = helmfile("1.15.1", "  values: [values.yaml]\n{{ if .Values.key }}\n  set: []\n{{ end }}\n");
    for file in ["helmfile.yaml", "helmfile.yaml.gotmpl"] {
        let start = format!("./{file}: change this helmfile by hand: it is a template");
        assert_named(&[(file, &text), ("values.yaml", VALUES)], &[&start]);
    }
}

#[test]
fn a_helmfile_without_work_keeps_nothing() {
    for lines in [
        "  values: [values.yaml]\n",
        "  values: [values.yaml]\n  set: [{name: gateway.auth.type, value: WorkloadIdentity}, {name: replicaCount, value: 2}]\n",
    ] {
        let (ran, _) = migrate(&[("helmfile.yaml", &helmfile("1.15.1", lines)), ("values.yaml", VALUES)]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(ran.stdout.contains("secret orders-token") && ran.stdout.contains("regenerateKey"), "{}", ran.stdout);
    }
    let other = "releases:\n- {name: redis, chart: bitnami/redis, set: [{name: auth.key, value: a}]}\n";
    let (ran, _) = migrate(&[("helmfile.yaml", other), ("values.yaml", VALUES)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
}
