//! Releases of Microsoft's chart: what they keep, under which names they run, and what must not be too old.

use super::{CLIENT, read};
use test_support::run::{Folder, RunOutput};

const OTHER_ID: &str = "11111111-1111-1111-1111-111111111111";
const URI: &str = "contoso.configuration.azure-api.net";

fn migrate(files: &[(&str, &str)]) -> (RunOutput, Folder) {
    let folder = Folder::with(files);
    (folder.run(&["migrate", ".", "--client-id", CLIENT]), folder)
}

/// Asserts that nothing changes, and that stderr has this line.
#[track_caller]
fn assert_kept(files: &[(&str, &str)], line: &str) {
    let (ran, folder) = migrate(files);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stderr.lines().any(|shown| shown.starts_with(line)), "{line}\n{}", ran.everything());
    assert!(ran.stdout.is_empty(), "{}", ran.everything());
    for (name, text) in files {
        assert_eq!(read(&folder, name), *text);
    }
}

#[test]
fn a_release_with_workload_identity_keeps_its_client_id() {
    let gateway = format!(
        "gateway: {{name: orders, configuration: {{uri: {URI}}}, auth: {{type: WorkloadIdentity, azureAd: {{app: {{id: {OTHER_ID}}}}}}}}}"
    );
    assert_kept(&[("values.yaml", &format!("{gateway}\n"))], "kept: ./values.yaml:1:");
    let release = format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  chart: {{spec: {{chart: azure-api-management-gateway, version: 1.15.1}}}}\n  values:\n    {gateway}\n"
    );
    assert_kept(&[("hr.yaml", &release)], "kept: ./hr.yaml:7:");
    let script = format!(
        "helm upgrade orders a/azure-api-management-gateway -n shop --set gateway.name=orders --set gateway.configuration.uri={URI} --set gateway.auth.type=WorkloadIdentity --set gateway.auth.azureAd.app.id={OTHER_ID}\n"
    );
    assert_kept(&[("d.sh", &script)], "kept: ./d.sh:1:");
}

#[test]
fn another_client_id_of_the_account_is_not_replaced() {
    let values = format!(
        "gateway:\n  name: orders\n  configuration: {{uri: {URI}}}\n  auth: {{key: x}}\nserviceAccount:\n  name: gw\n  annotations: {{azure.workload.identity/client-id: {OTHER_ID}}}\n"
    );
    let (ran, folder) = migrate(&[("values.yaml", &values)]);
    assert_eq!((ran.code, read(&folder, "values.yaml")), (2, values));
    assert!(ran.stderr.contains("not migrated: ./values.yaml:7:"), "{}", ran.everything());
    assert!(ran.stderr.contains("Leave out --client-id"), "{}", ran.everything());
}

#[test]
fn an_old_entra_app_loses_its_secret_and_the_gateway_no_keys() {
    let values = format!(
        "gateway:\n  name: orders\n  configuration: {{uri: {URI}}}\n  auth:\n    type: AzureAdApp\n    azureAd:\n      tenant: {{id: {OTHER_ID}}}\n      app:\n        id: {OTHER_ID}\n        secret: s3cr3t~abcdef\n"
    );
    let (ran, _) = migrate(&[("values.yaml", &values)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let credential = format!("az ad app credential delete --id {OTHER_ID}");
    for expected in ["./values.yaml:9:9: Check this client id", "- ./values.yaml:10:9\n", &credential] {
        assert!(ran.stdout.contains(expected), "{expected}\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("regenerateKey") && !ran.everything().contains("s3cr3t"), "{}", ran.stdout);
}

#[test]
fn an_alias_is_the_name_of_the_chart() {
    let chart = "name: u\ndependencies:\n- {name: azure-api-management-gateway, version: 1.15.1, alias: gwa}\n- {name: azure-api-management-gateway, version: 1.15.1, alias: gwb}\n";
    let gateway = |alias: &str| {
        format!("{alias}:\n  gateway:\n    name: {alias}\n    configuration: {{uri: {URI}}}\n    auth: {{key: x}}\n")
    };
    let values = gateway("gwa") + &gateway("gwb");
    let (ran, _) = migrate(&[("c/Chart.yaml", chart), ("c/values.yaml", &values)]);
    for subject in ["system:serviceaccount:NAMESPACE:RELEASE-gwa\"", "system:serviceaccount:NAMESPACE:RELEASE-gwb\""] {
        assert!(ran.stdout.contains(subject), "{subject}\n{}", ran.everything());
    }
    assert!(!ran.stdout.contains("RELEASE-azure-api-management-gateway"), "{}", ran.stdout);
}

#[test]
fn what_a_variable_has_is_in_capitals() {
    let script = format!(
        "helm upgrade orders a/azure-api-management-gateway -n shop --set gateway.name=$GW --set gateway.configuration.uri={URI} --set gateway.auth.key=\"$KEY\" --set serviceAccount.name=$SA\n"
    );
    let (ran, _) = migrate(&[("d.sh", &script)]);
    for expected in ["serviceaccount:shop:SERVICE_ACCOUNT\"", "Replace SERVICE_ACCOUNT by", "gateways/GATEWAY/"] {
        assert!(ran.stdout.contains(expected), "{expected}\n{}", ran.everything());
    }
    assert!(!ran.stdout.contains("VARIABLE"), "{}", ran.stdout);
}

/// Asserts that a person has to change this place in every run, and that nothing is deleted or revoked before.
#[track_caller]
fn assert_open(files: &[(&str, &str)], start: &str) {
    let (ran, folder) = migrate(files);
    let again = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    for ran in [&ran, &again] {
        assert_eq!(ran.code, 2, "{}", ran.everything());
        let start = format!("not migrated: {start}");
        assert!(ran.stderr.lines().any(|line| line.starts_with(&start)), "{start}\n{}", ran.everything());
        for command in ["kubectl delete", "regenerateKey"] {
            assert!(!ran.stdout.contains(command), "{command}\n{}", ran.everything());
        }
    }
}

/// A command of Helm with this chart and these arguments.
fn helm(chart: &str, arguments: &str) -> String {
    format!(
        "helm upgrade orders {chart} -n shop --set gateway.name=orders --set gateway.configuration.uri={URI} --set gateway.auth.key=\"$KEY\" {arguments}\n"
    )
}

const CHART: &str = "apim/azure-api-management-gateway";
const VALUES: &str =
    "gateway:\n  name: orders\n  configuration: {uri: contoso.configuration.azure-api.net}\n  auth: {key: x}\n";

#[test]
fn a_chart_of_a_script_that_stays_too_old_is_named() {
    for (script, line) in [
        (helm("./charts/azure-api-management-gateway-1.7.0.tgz", ""), 1),
        (helm("https://a.example/azure-api-management-gateway-1.7.0.tgz", ""), 1),
        (format!("V=1.7.0\n{}", helm(CHART, "--version $V")), 1),
        (helm(CHART, "--version \"${CHART_VERSION:-1.7.0}\""), 1),
        (format!("TAG=2.3.5\n{}", helm(CHART, "--set image.tag=$TAG")), 1),
        (helm(CHART, "--reuse-values"), 1),
    ] {
        assert_open(&[("d.sh", &script)], &format!("./d.sh:{line}: "));
    }
    for new in ["V=1.15.1\n", "TAG=2.12.0\nV=1.16.0\n", "V=$(cat version)\n"] {
        let (ran, _) = migrate(&[("d.sh", &format!("{new}{}", helm(CHART, "--version $V --set image.tag=$TAG")))]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
    }
    let copy = "name: azure-api-management-gateway\nversion: 1.7.0\n";
    let files = [("d.sh", helm("./charts/gw", "")), ("charts/gw/Chart.yaml", copy.to_owned())];
    let script = files[0].1.replace("--set gateway.auth.key=\"$KEY\"", "--set gateway.auth.type=GatewayToken");
    assert_open(&[("d.sh", &script), (files[1].0, &files[1].1)], "./charts/gw/Chart.yaml:2:");
    let pull = format!("helm pull {CHART} --version 1.7.0 --untar\n{}", helm("./azure-api-management-gateway", ""));
    let (ran, folder) = migrate(&[("d.sh", &pull)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(
        read(&folder, "d.sh").starts_with("helm pull apim/azure-api-management-gateway --version 1.15.1 --untar\n")
    );
}

#[test]
fn a_chart_of_another_tool_that_stays_too_old_is_named() {
    let flux = "flux create helmrelease orders --chart azure-api-management-gateway --chart-version 1.7.0 --values values.yaml -n shop\n";
    assert_open(&[("d.sh", flux), ("values.yaml", VALUES)], "./d.sh:1: Set --chart-version");
    let task = "steps:\n- task: HelmDeploy@0\n  inputs:\n    command: upgrade\n    chartName: apim/azure-api-management-gateway\n    chartVersion: 1.7.0\n    releaseName: orders\n    namespace: shop\n    valueFile: values.yaml\n";
    assert_open(&[("azure-pipelines.yml", task), ("values.yaml", VALUES)], "./azure-pipelines.yml:6: Set chartVersion");
    let new = task.replace("1.7.0", "1.15.1");
    let (ran, _) = migrate(&[("azure-pipelines.yml", &new), ("values.yaml", VALUES)]);
    assert!(ran.stdout.contains("serviceaccount:shop:orders-azure-api-management-gateway\""), "{}", ran.everything());
    assert!(ran.stdout.contains("./azure-pipelines.yml installs ./values.yaml"), "{}", ran.stdout);
    let fleet = format!(
        "helm:\n  chart: azure-api-management-gateway\n  version: 1.7.0\n  values:\n    {}",
        VALUES.replace('\n', "\n    ")
    );
    let (ran, folder) = migrate(&[("fleet.yaml", fleet.trim_end())]);
    assert!(read(&folder, "fleet.yaml").contains("version: 1.15.1\n") && !ran.stdout.contains("helm upgrade"));
}

#[test]
fn what_terraform_has_elsewhere_is_named() {
    let release = |arguments: &str| {
        format!(
            "variable \"tag\" {{\n  default = \"2.3.5\"\n}}\nlocals {{\n  chart = \"1.7.0\"\n}}\nresource \"helm_release\" \"gw\" {{\n  name = \"orders\"\n  namespace = \"shop\"\n  chart = \"azure-api-management-gateway\"\n  {arguments}\n  set {{\n    name = \"gateway.name\"\n    value = \"orders\"\n  }}\n  set {{\n    name = \"gateway.configuration.uri\"\n    value = \"{URI}\"\n  }}\n  set {{\n    name = \"gateway.auth.key\"\n    value = var.key\n  }}\n}}\n"
        )
    };
    assert_open(&[("main.tf", &release("version = local.chart"))], "./main.tf:5: Set this version");
    let tag = "set {\n    name = \"image.tag\"\n    value = var.tag\n  }";
    assert_open(&[("main.tf", &release(tag))], "./main.tf:2: Set this tag");
    assert_open(&[("main.tf", &release("reuse_values = true"))], "./main.tf:");
    let (ran, _) = migrate(&[("main.tf", &release("version = var.other"))]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
}

fn deployment(first: &str, name: &str, image: &str) -> String {
    format!(
        "variable \"tag\" {{\n  default = \"2.3.5\"\n}}\nresource \"kubernetes_deployment\" \"gw\" {{\n{first}  metadata {{\n    name = {name}\n    namespace = \"shop\"\n  }}\n  spec {{\n    template {{\n      metadata {{\n        labels = {{ app = \"orders\" }}\n      }}\n      spec {{\n        service_account_name = \"gw-sa\"\n        container {{\n          name  = \"orders\"\n          image = \"mcr.microsoft.com/azure-api-management/gateway:{image}\"\n          env {{\n            name  = \"config.service.endpoint\"\n            value = \"{URI}\"\n          }}\n          env {{\n            name = \"config.service.auth\"\n            value_from {{\n              secret_key_ref {{\n                name = kubernetes_secret.gw[each.key].metadata[0].name\n                key  = \"value\"\n              }}\n            }}\n          }}\n        }}\n      }}\n    }}\n  }}\n}}\nresource \"kubernetes_secret\" \"gw\" {{\n  metadata {{\n    name = \"orders-token\"\n  }}\n}}\n"
    )
}

#[test]
fn a_workload_of_terraform_with_an_image_or_instances_elsewhere_is_named() {
    assert_open(&[("main.tf", &deployment("", "\"orders\"", "${var.tag}"))], "./main.tf:2: Set this image");
    for (first, name) in [("  for_each = local.a\n", "each.key"), ("  count = 2\n", "\"gw-${count.index}\"")] {
        let text = deployment(first, name, "2.12.0");
        let (ran, folder) = migrate(&[("main.tf", &text)]);
        assert_eq!((ran.code, read(&folder, "main.tf")), (2, text.clone()), "{}", ran.everything());
        assert_open(&[("main.tf", &text)], "./main.tf:5: Change this workload by hand");
        assert!(
            ran.stdout.contains("keep resource kubernetes_secret.gw: ./main.tf:28 still uses it"),
            "{}",
            ran.stdout
        );
    }
    // an account of something else gets its client id by a command, as with Helm
    let (ran, _) = migrate(&[("main.tf", &deployment("", "\"orders\"", "2.12.0"))]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("kubectl annotate serviceaccount gw-sa --namespace shop "), "{}", ran.stdout);
}

#[test]
fn a_file_that_terraform_reads_as_one_document_stays() {
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  selector: {{matchLabels: {{app: o}}}}\n  template:\n    metadata: {{labels: {{app: o}}}}\n    spec:\n      containers:\n      - name: o\n        image: mcr.microsoft.com/azure-api-management/gateway:2.3.5\n        env:\n        - {{name: config.service.endpoint, value: {URI}}}\n        - {{name: config.service.auth, valueFrom: {{secretKeyRef: {{name: t, key: value}}}}}}\n"
    );
    for resource in [
        "resource \"kubernetes_manifest\" \"gw\" {\n  manifest = yamldecode(file(\"${path.module}/gw.yaml\"))\n}\n",
        "resource \"kubectl_manifest\" \"gw\" {\n  yaml_body = file(\"gw.yaml\")\n}\n",
    ] {
        let files = [("main.tf", resource), ("gw.yaml", manifest.as_str())];
        assert_open(&files, "./gw.yaml:1:1: ./main.tf:1 reads this file as one document");
        assert_eq!(read(&migrate(&files).1, "gw.yaml"), manifest);
    }
}

#[test]
fn values_that_are_not_in_the_input_are_named() {
    let script = format!("helm upgrade orders {CHART} -n shop -f ../secret/v.yaml\n");
    assert_open(&[("d.sh", &script)], "./d.sh:1: Give ../secret/v.yaml to this command, too");
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: orders, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n  source:\n    chart: azure-api-management-gateway\n    targetRevision: 1.15.1\n    helm: {valueFiles: [$vals/x.yaml]}\n";
    assert_open(&[("a.yaml", application)], "./a.yaml:1:1: Give x.yaml to this command, too");
    let script = format!("sed s/a/b/ values.yaml > /tmp/v.yaml\nhelm upgrade orders {CHART} -n shop -f /tmp/v.yaml\n");
    assert_eq!(migrate(&[("d.sh", &script), ("values.yaml", VALUES)]).0.code, 0);
    // a file of another folder, or of each environment, can be the one that is named
    for name in ["../x/values.yaml", "values.yaml", "$DIR/values.yaml", "val$ENV.yaml"] {
        let script = format!("helm upgrade orders {CHART} -n shop -f {name}\n");
        let (ran, _) = migrate(&[("d.sh", &script), ("x/values.yaml", VALUES)]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.everything());
    }
}

#[test]
fn values_that_a_script_writes_into_a_file_are_named() {
    let command = format!("helm upgrade orders {CHART} -n shop -f values.yaml -f ov.yaml\n");
    for written in ["image:\n  tag: 2.3.5\n", "gateway:\n  auth:\n    key: \"$KEY\"\n"] {
        let script = format!("cat > ov.yaml <<EOF\n{written}EOF\n{command}");
        assert_open(&[("d.sh", &script), ("values.yaml", VALUES)], "./d.sh:1: Set ");
    }
    let script = format!("cat > ov.yaml <<EOF\nreplicaCount: 3\nEOF\n{command}");
    let (ran, _) = migrate(&[("d.sh", &script), ("values.yaml", VALUES)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
}

#[test]
fn values_from_objects_are_values_of_the_release() {
    let release = |from: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  chart: {{spec: {{chart: azure-api-management-gateway, version: 1.7.0}}}}\n  valuesFrom: [{from}]\n  values:\n    {}",
            VALUES.replace('\n', "\n    ").trim_end()
        )
    };
    let map =
        |data: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: shop}}\ndata: {data}\n");
    let tag = release("{kind: ConfigMap, name: c, valuesKey: t, targetPath: image.tag}");
    assert_open(&[("hr.yaml", &tag), ("c.yaml", &map("{t: 2.3.5}"))], "./c.yaml:4:");
    let name = release("{kind: ConfigMap, name: c, valuesKey: own, targetPath: fullnameOverride}");
    let (ran, _) = migrate(&[("hr.yaml", &name), ("c.yaml", &map("{own: full}"))]);
    assert!(ran.stdout.contains("serviceaccount:shop:full\""), "{}", ran.everything());
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: c, namespace: shop}\nstringData:\n  values.yaml: |\n    serviceAccount: {name: own}\n    gateway: {auth: {key: abc}}\n";
    let (ran, _) = migrate(&[("hr.yaml", &release("{kind: Secret, name: c}")), ("c.yaml", secret)]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("serviceaccount:shop:own\""), "{}", ran.everything());
}

#[test]
fn a_private_chart_keeps_its_version() {
    let release = format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  chart: {{spec: {{chart: contoso-apim, version: 1.7.0}}}}\n  values:\n    {}",
        VALUES.replace('\n', "\n    ").trim_end()
    );
    let application = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: orders, namespace: argocd}}\nspec:\n  destination: {{namespace: shop}}\n  source:\n    chart: contoso-apim\n    targetRevision: 1.7.0\n    helm:\n      valuesObject:\n        {}",
        VALUES.replace('\n', "\n        ").trim_end()
    );
    for text in [release, application, helm("contoso/apim", "--version 1.7.0")] {
        let file = if text.starts_with("helm") { "a.sh" } else { "a.yaml" };
        let (ran, folder) = migrate(&[(file, &text)]);
        let after = read(&folder, file);
        assert!(after.contains("1.7.0") && after.contains("WorkloadIdentity"), "{after}\n{}", ran.everything());
    }
}

#[test]
fn an_umbrella_chart_is_installed_with_its_names() {
    let chart = "name: u\ndependencies:\n- {name: azure-api-management-gateway, version: 1.15.1, alias: gwa}\n";
    let values = format!("gwa:\n  {}", VALUES.replace('\n', "\n  ").trim_end());
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: orders, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n  source:\n    path: c\n    helm: {valueFiles: [values.yaml]}\n";
    for (file, installer) in [("d.sh", "helm upgrade orders ./c -n shop -f c/values.yaml\n"), ("a.yaml", application)] {
        let (ran, _) = migrate(&[("c/Chart.yaml", chart), ("c/values.yaml", &values), (file, installer)]);
        assert!(ran.stdout.contains("serviceaccount:shop:orders-gwa\""), "{}", ran.everything());
        assert!(!ran.stdout.contains("upgrade RELEASE") && ran.stdout.contains(file), "{}", ran.stdout);
    }
}

#[test]
fn comments_and_printed_texts_are_no_commands() {
    for line in ["# ", "echo \"", "  # old: "] {
        let text = format!("{line}{}", helm(CHART, "").replace("\"$KEY\"", "...").replace(" \n", "\"\n"));
        let (ran, _) = migrate(&[("d.sh", &format!("{text}{}", helm(CHART, "")))]);
        assert_eq!(ran.code, 0, "{line}: {}", ran.everything());
        assert!(!ran.stdout.contains("in plain text"), "{line}: {}", ran.stdout);
    }
}

#[test]
fn rendered_charts_have_no_release_to_roll_back() {
    let script = helm(CHART, "| kubectl apply -f -").replace("helm upgrade", "helm template");
    let (ran, _) = migrate(&[("d.sh", &script)]);
    assert!(!ran.stdout.contains("helm rollback"), "{}", ran.everything());
}

#[test]
fn a_file_of_each_environment_is_of_the_release() {
    let base = "gateway:\n  name: orders\n  configuration: {uri: contoso.configuration.azure-api.net}\n";
    let dev = "gateway:\n  auth: {key: x}\n  name: dev\n  configuration: {uri: contoso.configuration.azure-api.net}\n";
    let script = format!("helm upgrade orders {CHART} -n shop -f values.yaml -f values-$ENV.yaml --version $V\n");
    let files = [("values.yaml", base), ("values-dev.yaml", dev), ("d.sh", &script)];
    let (ran, _) = migrate(&files);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(
        ran.stdout.contains("./d.sh installs ./values-dev.yaml") && !ran.stdout.contains("RELEASE-"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("1 gateway migrated in 2 files"), "{}", ran.stderr);
    let script = format!("V=1.7.0\n{script}");
    assert_open(&[files[0], files[1], ("d.sh", &script)], "./d.sh:1: Set the version");
}

#[test]
fn a_user_of_the_secret_that_the_chart_makes_keeps_the_keys() {
    let values =
        "gateway:\n  configuration: {uri: contoso.configuration.azure-api.net}\n  name: orders\n  auth: {key: $KEY}\n";
    let install = "helm upgrade --install eu azure-apim-gateway/azure-api-management-gateway -n shop -f values.yaml\n";
    let with = |namespace: &str, secret: &str| {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: {namespace}}}\nspec: {{containers: [{{name: a, image: b, envFrom: [{{secretRef: {{name: {secret}}}}}]}}]}}\n"
        );
        migrate(&[("values.yaml", values), ("install.sh", install), ("pod.yaml", &pod)]).0
    };
    let ran = with("shop", "eu-azure-api-management-gateway");
    assert!(!ran.stdout.contains("regenerateKey"), "{}", ran.everything());
    let lines = [
        "- first change ./pod.yaml:1:1: it takes Secret \"eu-azure-api-management-gateway\" of the chart",
        "- keep the keys of gateway orders: ./pod.yaml:1:1 still uses them",
    ];
    for line in lines {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.everything());
    }
    for (namespace, secret) in [("dev", "eu-azure-api-management-gateway"), ("shop", "eu")] {
        let ran = with(namespace, secret);
        assert!(!ran.stdout.contains("first change"), "{}", ran.everything());
        assert!(ran.stdout.contains("/gateways/orders/regenerateKey"), "{}", ran.everything());
    }
}
