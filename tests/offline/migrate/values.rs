//! Values of a release in several places: what a later file sets is named, and the federated credential is that of the release.

use super::{CLIENT, read};
use test_support::run::{Folder, RunOutput};

const VALUES: (&str, &str) = (
    "values.yaml",
    "gateway:\n  name: orders\n  configuration:\n    uri: contoso.configuration.azure-api.net\n  auth:\n    key: GatewayKey orders&202601010000&abc==\n",
);
const HELM: (&str, &str) = (
    "deploy.sh",
    "helm upgrade --install orders apim/azure-api-management-gateway -n shop -f values.yaml -f prod.yaml\n",
);
const SUBJECT: &str = "system:serviceaccount:shop:orders-azure-api-management-gateway";

fn migrate(files: &[(&str, &str)]) -> (RunOutput, Folder) {
    let folder = Folder::with(files);
    (folder.run(&["migrate", ".", "--client-id", CLIENT]), folder)
}

/// Asserts that a person has to change this place, and that nothing is deleted or revoked before.
#[track_caller]
fn assert_named(files: &[(&str, &str)], start: &str) -> String {
    let (ran, _) = migrate(files);
    let everything = ran.everything();
    assert_eq!(ran.code, 2, "{everything}");
    let start = format!("not migrated: {start}");
    assert!(ran.stderr.lines().any(|line| line.starts_with(&start)), "{start}\n{everything}");
    for command in ["kubectl delete", "--body '{\"keyType\""] {
        assert!(!ran.stdout.contains(command), "{command}\n{everything}");
    }
    everything
}

#[track_caller]
fn assert_done(files: &[(&str, &str)]) -> String {
    let (ran, _) = migrate(files);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    ran.stdout
}

#[test]
fn an_old_image_in_a_later_file_is_named() {
    for prod in [
        "image: {tag: 2.4.0}\n",
        "image: {tag: 2.4.0}\ngateway: {deployment: {replicas: 2}}\n",
        "image: {repository: contoso.azurecr.io/gw, tag: \"2.4.0\"}\n",
    ] {
        assert_named(&[VALUES, HELM, ("prod.yaml", prod)], "./prod.yaml:1:");
    }
    let done = assert_done(&[VALUES, HELM, ("prod.yaml", "image: {tag: 2.11.2}\nreplicaCount: 2\n")]);
    assert!(done.contains(SUBJECT) && done.contains("--body '{\"keyType\""), "{done}");
    assert_named(&[VALUES, HELM, ("prod.yaml", "gateway: {auth: null}\n")], "./prod.yaml:1:");
    // a later file wins, and a file of another release is another one's
    let reversed = ("deploy.sh", HELM.1.replace("-f values.yaml -f prod.yaml", "-f prod.yaml -f values.yaml"));
    let image = (VALUES.0, format!("{}image: {{tag: 2.11.2}}\n", VALUES.1));
    assert_done(&[(image.0, &image.1), (reversed.0, &reversed.1), ("prod.yaml", "image: {tag: 2.4.0}\n")]);
    let other = ("deploy.sh", format!("{}helm upgrade redis bitnami/redis -f redis.yaml\n", HELM.1));
    assert_done(&[VALUES, (other.0, &other.1), ("prod.yaml", "a: 1\n"), ("redis.yaml", "image: {tag: 2.4.0}\n")]);
}

#[test]
fn the_account_of_a_later_file_is_that_of_the_credential() {
    let done = assert_done(&[VALUES, HELM, ("prod.yaml", "serviceAccount: {create: false, name: legacy}\n")]);
    assert!(done.contains("system:serviceaccount:shop:legacy\""), "{done}");
    assert!(!done.contains("RELEASE-") && !done.contains(SUBJECT), "{done}");
    assert!(done.contains("kubectl annotate serviceaccount legacy --namespace shop "), "{done}");
}

#[test]
fn each_installer_names_release_and_namespace() {
    let chart = "chart: azure-api-management-gateway";
    let terraform = "resource \"helm_release\" \"orders\" {\n  name = \"orders\"\n  namespace = \"shop\"\n  chart = \"azure-api-management-gateway\"\n  version = \"1.15.0\"\n  values = [file(\"${path.module}/values.yaml\"), file(\"${path.module}/prod.yaml\")]\n}\n";
    let helmfile = "releases:\n- name: orders\n  namespace: shop\n  chart: apim/azure-api-management-gateway\n  version: 1.15.0\n  values: [values.yaml, prod.yaml]\n";
    let application = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: orders, namespace: argocd}}\nspec:\n  destination: {{namespace: shop, server: x}}\n  sources:\n  - repoURL: https://a\n    {chart}\n    targetRevision: 1.15.0\n    helm: {{valueFiles: [$values/values.yaml, $values/prod.yaml]}}\n"
    );
    let kustomization = "namespace: shop\nhelmCharts:\n- name: azure-api-management-gateway\n  version: 1.15.0\n  releaseName: orders\n  valuesFile: values.yaml\n  additionalValuesFiles: [prod.yaml]\n";
    for installer in [
        ("main.tf", terraform),
        ("helmfile.yaml", helmfile),
        ("app.yaml", application.as_str()),
        ("kustomization.yaml", kustomization),
        HELM,
    ] {
        let done = assert_done(&[VALUES, installer, ("prod.yaml", "replicaCount: 2\n")]);
        assert!(done.contains(SUBJECT) && !done.contains("NAMESPACE:"), "{}\n{done}", installer.0);
        let is_release = !["app.yaml", "kustomization.yaml"].contains(&installer.0);
        assert_eq!(done.contains("helm rollback"), is_release, "{}\n{done}", installer.0);
        match installer.0 {
            "app.yaml" => {
                assert!(done.contains("  argocd app sync orders\n") && !done.contains("run it as before"), "{done}");
            }
            "kustomization.yaml" => {
                assert!(done.contains("kubectl kustomize --enable-helm "), "{done}");
            }
            _ => {}
        }
        assert_named(&[VALUES, installer, ("prod.yaml", "image: {tag: 2.4.0}\n")], "./prod.yaml:1:9: Set image.tag");
    }
    let without = assert_done(&[VALUES]);
    assert!(without.contains("Replace RELEASE by"), "{without}");
}

#[test]
fn values_of_a_config_map_and_of_an_alias_are_read() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: orders, namespace: shop}\nspec:\n  chart: {spec: {chart: azure-api-management-gateway, version: 1.15.0}}\n  valuesFrom:\n  - {kind: ConfigMap, name: gwvals}\n  - {kind: Secret, name: orders-token, valuesKey: value, targetPath: gateway.auth.key}\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gwvals, namespace: shop}\ndata:\n  values.yaml: |\n    image: {tag: 2.4.0}\n    gateway:\n      name: orders\n";
    assert_named(&[("hr.yaml", release), ("cm.yaml", map)], "./cm.yaml:");
    let chart = "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n- {name: azure-api-management-gateway, alias: apim, version: 1.10.0}\n";
    let values = "apim:\n  gateway:\n    name: orders\n    configuration: {uri: contoso.configuration.azure-api.net}\n    auth: {key: \"GatewayKey orders&1&abc\"}\n";
    let prod = "apim:\n  image: {tag: 2.4.0}\n  serviceAccount: {create: false, name: foo}\n";
    let files = [("Chart.yaml", chart), ("values.yaml", values), ("values-prod.yaml", prod)];
    let named = assert_named(&files, "./values-prod.yaml:2:11: Set image.tag");
    assert!(named.contains(":foo\""), "{named}");
}

#[test]
fn a_helmfile_with_an_old_image_or_another_account_is_named() {
    let helmfile = |end: &str| {
        format!(
            "releases:\n- name: orders\n  namespace: shop\n  chart: apim/azure-api-management-gateway\n  version: 1.15.0\n  values: [values.yaml{end}\n"
        )
    };
    for end in [", {image: {tag: 2.4.0}}]", "]\n  set: [{name: image.tag, value: 2.4.0}]"] {
        assert_named(&[("helmfile.yaml", &helmfile(end)), VALUES], "./helmfile.yaml:");
    }
    let done =
        assert_done(&[("helmfile.yaml", &helmfile("]\n  set: [{name: serviceAccount.name, value: foo}]")), VALUES]);
    assert!(done.contains("system:serviceaccount:shop:foo\""), "{done}");
}

#[test]
fn a_key_from_a_file_of_argo_cd_is_named() {
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: orders, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n  source:\n    chart: azure-api-management-gateway\n    targetRevision: 1.15.0\n    helm:\n      valuesObject: {gateway: {name: orders, configuration: {uri: contoso.configuration.azure-api.net}}}\n      fileParameters: [{name: gateway.auth.key, path: key.txt}]\n";
    assert_named(&[("app.yaml", application)], "./app.yaml:11:");
}

#[test]
fn commands_that_undo_the_migration_of_manifests_are_named() {
    let gateway = super::fixtures::VS_CODE;
    for command in [
        "kubectl set serviceaccount deployment/orders default",
        "kubectl patch deployment orders -p '{\"spec\":{\"template\":{\"spec\":{\"serviceAccountName\":\"default\"}}}}'",
        "kubectl label deployment orders azure.workload.identity/use-",
        "kubectl patch deployment orders -p '{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"azure.workload.identity/use\":null}}}}}'",
        "kubectl patch configmap orders-environment --type merge -p '{\"data\":{\"gateway.name\":null}}'",
        "kubectl delete sa apim-gateway-workload-identity",
        "kustomize edit set image mcr.microsoft.com/azure-api-management/gateway:2.3.5",
    ] {
        assert_named(&[("gw.yaml", gateway), ("a.sh", &format!("echo\n{command}\n"))], "./a.sh:2: ");
    }
    for command in [
        "kubectl set serviceaccount deployment/orders apim-gateway-workload-identity",
        "kubectl set serviceaccount deployment/web default",
        "kubectl delete sa web",
        "kubectl label deployment orders azure.workload.identity/use=true",
        "kubectl patch deployment orders -p '{\"spec\":{\"replicas\":3}}'",
        "kubectl patch configmap orders-environment -p '{\"data\":{\"gateway.name\":\"orders\"}}'",
        "kubectl rollout status deployment/orders",
    ] {
        assert_done(&[("gw.yaml", gateway), ("a.sh", command)]);
    }
}

#[test]
fn a_script_keeps_its_redirections() {
    let script =
        "helm upgrade --install orders apim/azure-api-management-gateway -n shop --reuse-values 2>&1 | tee log\n";
    let folder = Folder::with(&[("s.sh", script)]);
    let arguments = ["migrate", "s.sh", "--client-id", CLIENT, "--gateway-name", "orders"];
    let ran = folder.run(&arguments);
    let after = read(&folder, "s.sh");
    // the values of the old chart are not to be reused
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(after.contains(" --reuse-values --set ") && after.ends_with(" 2>&1 | tee log\n"), "{after}");
    folder.run(&arguments);
    assert_eq!(read(&folder, "s.sh"), after);
}
