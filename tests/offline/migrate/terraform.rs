//! Terraform: values that cannot be read are named with their place, and nothing of them is deleted.

use super::CLIENT;
use test_support::run::{Folder, RunOutput};

fn migrate(files: &[(&str, &str)]) -> RunOutput {
    Folder::with(files).run(&["migrate", ".", "--client-id", CLIENT])
}

#[track_caller]
fn assert_by_hand(text: &str, files: &[(&str, &str)], line: usize, message: &str) {
    let ran = migrate(&[&[("main.tf", text)], files].concat());
    let start = format!("not migrated: ./main.tf:{line}: {message}");
    assert_eq!(ran.code, 2, "{text}\n{}", ran.everything());
    assert!(ran.stderr.lines().any(|line| line.starts_with(&start)), "{text}\n{start}\n{}", ran.everything());
    for command in ["kubectl delete", "regenerateKey", "Remove resource"] {
        assert!(!ran.stdout.contains(command), "{text}\n{}", ran.stdout);
    }
}

#[track_caller]
fn assert_done(text: &str, files: &[(&str, &str)]) {
    let ran = migrate(&[&[("main.tf", text)], files].concat());
    assert_eq!(ran.code, 0, "{text}\n{}", ran.everything());
}

/// A release with these lines.
fn release(lines: &str) -> String {
    format!(
        "resource \"helm_release\" \"orders\" {{\n  name = \"orders\"\n  namespace = \"shop\"\n  chart = \"azure-api-management-gateway\"\n{lines}}}\n"
    )
}

/// Values of the chart in blocks, with a Secret that could be deleted.
const SETS: &str = "  set {\n    name  = \"gateway.name\"\n    value = \"orders\"\n  }\n  set {\n    name  = \"gateway.auth.type\"\n    value = \"GatewayToken\"\n  }\n  set {\n    name  = \"secret.existingSecretName\"\n    value = \"orders-token\"\n  }\n";

#[test]
fn values_of_expressions_are_named() {
    for values in [
        "templatefile(\"values.tftpl\", { key = var.key })",
        "var.values",
        "join(\"\\n\", local.parts)",
        "file(\"${path.module}/missing.yaml\")",
        "yamlencode(merge(local.a, { gateway = { auth = { key = var.key } } }))",
    ] {
        assert_by_hand(&release(&format!("  values = [{values}]\n")), &[], 5, "Change these values by hand, or write ");
    }
    for values in ["var.values", "concat(var.values, [])"] {
        assert_by_hand(&release(&format!("  values = {values}\n")), &[], 5, "Change these values by hand, or write ");
    }
    // what is behind the changed values would win
    let late = "  values = [yamlencode({ gateway = { name = \"orders\" } }), var.values]\n";
    assert_by_hand(&release(late), &[], 5, "Change these values by hand, or write ");
    assert_done(&release("  values = [var.values, yamlencode({ gateway = { name = \"orders\" } })]\n"), &[]);
    assert_done(&release(&format!("  values = [var.values]\n{SETS}")), &[]);
}

#[test]
fn sets_of_expressions_are_named() {
    for sets in [
        "  dynamic \"set\" {\n    for_each = var.sets\n    content {\n      name  = set.key\n      value = set.value\n    }\n  }\n",
        "  set_list {\n    name  = \"gateway.auth\"\n    value = []\n  }\n",
        "  set {\n    name  = var.name\n    value = var.key\n  }\n",
    ] {
        assert_by_hand(&release(&format!("{sets}{SETS}")), &[], 5, "Write these values here as set blocks ");
    }
    for sets in ["var.sets", "[for name, value in var.sets : { name = name, value = value }]", "concat(local.sets, [])"]
    {
        assert_by_hand(&release(&format!("  set = {sets}\n")), &[], 5, "Write these values here as set blocks ");
    }
    assert_done(&release(&format!("  set_list {{\n    name  = \"tolerations\"\n    value = []\n  }}\n{SETS}")), &[]);
}

#[test]
fn values_in_another_file_or_in_a_default_are_read() {
    let key = "gateway:\n  name: orders\n  auth:\n    type: GatewayToken\n    key: ${key}\n";
    let identity =
        format!("gateway:\n  name: orders\n  auth: {{type: WorkloadIdentity, azureAd: {{app: {{id: {CLIENT}}}}}}}\n");
    let template = release("  values = [templatefile(\"${path.module}/values.tftpl\", {})]\n");
    assert_by_hand(&template, &[("values.tftpl", key)], 5, "Set in these values gateway.auth.azureAd.app.id: ");
    assert_done(&template, &[("values.tftpl", &identity)]);
    // a file of the input is migrated itself
    assert_done(&release("  values = [file(\"values.yaml\")]\n"), &[("values.yaml", key)]);
    assert_done(
        &release("  values = [file(\"${path.module}/values/${var.stage}.yaml\")]\n"),
        &[("values/prod.yaml", key)],
    );
    let default = |auth: &str| {
        let values = format!("{{ gateway = {{ name = \"orders\", auth = {auth} }} }}");
        let variable = format!("variable \"values\" {{\n  default = {values}\n}}\n");
        format!("{}{variable}", release("  values = [yamlencode(var.values)]\n"))
    };
    assert_by_hand(&default("{ key = \"abc\" }"), &[], 5, "Set in these values gateway.auth.azureAd.app.id: ");
    assert_done(
        &default(&format!("{{ type = \"WorkloadIdentity\", azureAd = {{ app = {{ id = \"{CLIENT}\" }} }} }}")),
        &[],
    );
}

#[test]
fn the_secret_of_a_release_is_removed_in_terraform() {
    let secret = "resource \"kubernetes_secret\" \"token\" {\n  metadata {\n    name = \"orders-token\"\n  }\n  data = { gateway-key = var.key }\n}\n";
    for name in ["\"orders-token\"", "kubernetes_secret.token.metadata[0].name"] {
        let sets = SETS.replace("\"orders-token\"", name);
        let ran = migrate(&[("main.tf", &format!("{secret}{}", release(&sets)))]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        let message = "- ./main.tf:1: Remove resource kubernetes_secret.token and what refers to it after the rollout";
        assert!(ran.stdout.contains(message), "{}", ran.stdout);
        assert!(!ran.stdout.contains("kubectl delete"), "{}", ran.stdout);
    }
}

#[test]
fn instances_do_not_get_the_name_of_one_gateway() {
    let endpoint = "  for_each = var.gateways\n  set {\n    name  = \"gateway.configuration.uri\"\n    value = \"https://contoso.management.azure-api.net/subscriptions/s/gateways/orders?api-version=1\"\n  }\n";
    assert_by_hand(&release(endpoint), &[], 5, "Change these values by hand: each instance of this block ");
    let named = "  for_each = var.gateways\n  set {\n    name  = \"gateway.name\"\n    value = each.key\n  }\n";
    assert_done(&release(named), &[]);
}

#[test]
fn modules_and_variables_of_expressions_are_named() {
    let module = |value: &str| {
        format!(
            "module \"gateway\" {{\n  source  = \"terraform-module/release/helm\"\n  chart   = \"azure-api-management-gateway\"\n  set     = [{{ name = \"gateway.auth.type\", value = \"{value}\" }}]\n}}\n"
        )
    };
    assert_by_hand(&module("GatewayToken"), &[], 1, "Change what this module gets by hand");
    assert_done(&module("WorkloadIdentity"), &[]);
    assert_done(
        "module \"other\" {\n  source = \"./other\"\n}\n# a gateway\n",
        &[("values.yaml", "gateway:\n  name: a\n  auth: {type: GatewayToken}\n")],
    );
    let workload = "resource \"kubernetes_secret\" \"token\" {\n  metadata {\n    name = \"orders-token\"\n  }\n}\nresource \"kubernetes_deployment\" \"orders\" {\n  metadata {\n    name = \"orders\"\n  }\n  spec {\n    template {\n      metadata {\n        labels = { app = \"orders\" }\n      }\n      spec {\n        container {\n          name  = \"gateway\"\n          image = \"mcr.microsoft.com/azure-api-management/gateway:2.11.1\"\n          env {\n            name = \"config.service.auth\"\n            value_from {\n              secret_key_ref {\n                name = \"orders-token\"\n                key  = \"value\"\n              }\n            }\n          }\n          dynamic \"env\" {\n            for_each = var.variables\n            content {\n              name  = env.key\n              value = env.value\n            }\n          }\n        }\n      }\n    }\n  }\n}\n";
    assert_by_hand(workload, &[], 28, "Write these variables as blocks of their own");
}

#[test]
fn a_key_beside_a_heredoc_is_removed() {
    let values = "  values = [<<-V\n    gateway:\n      name: orders\n      configuration:\n        uri: contoso.configuration.azure-api.net\n    V\n  ]\n";
    for key in [
        "  set_sensitive {\n    name  = \"gateway.auth.key\"\n    value = var.gateway_key\n  }\n",
        "  set_sensitive = [{ name = \"gateway.auth.key\", value = var.gateway_key }]\n",
    ] {
        let folder = Folder::with(&[("main.tf", &release(&format!("{values}{key}")))]);
        let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        let text = super::read(&folder, "main.tf");
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(!text.contains("gateway_key") && !text.contains("\"\"") && !text.contains("{}"), "{text}");
        assert!(text.contains("        type: WorkloadIdentity\n"), "{text}");
        let again = folder.run(&["migrate", ".", "--client-id", CLIENT]);
        assert_eq!((again.code, super::read(&folder, "main.tf")), (0, text), "{}", again.everything());
    }
    // something else is in the line
    let sets = "  set_sensitive = [{ name = \"gateway.auth.key\", value = var.key }, { name = \"gateway.authKey\", value = var.key }]\n";
    assert_by_hand(&release(&format!("{values}{sets}")), &[], 1, "Set in these values gateway.auth.azureAd.app.id: ");
}

#[test]
fn a_secret_that_another_resource_takes_is_kept() {
    let secret = "resource \"kubernetes_secret\" \"token\" {\n  metadata {\n    name = \"orders-token\"\n  }\n}\n";
    let own = format!("{secret}{}", release(SETS));
    assert_done(&own, &[]);
    let pod = |name: &str| {
        format!(
            "resource \"kubernetes_pod\" \"a\" {{\n  spec {{\n    container {{\n      env_from {{\n        secret_ref {{\n          name = {name}\n        }}\n      }}\n    }}\n  }}\n}}\n"
        )
    };
    for name in ["\"orders-token\"", "kubernetes_secret.token.metadata[0].name"] {
        let text = format!("{own}{}", pod(name));
        let ran = migrate(&[("main.tf", &text)]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(
            ran.stdout.contains("- ./main.tf:1: keep resource kubernetes_secret.token: ./main.tf:"),
            "{}",
            ran.stdout
        );
        assert!(!ran.stdout.contains("Remove resource"), "{}", ran.stdout);
    }
    assert_done(&format!("{own}{}", pod("\"other\"")), &[]);
}
