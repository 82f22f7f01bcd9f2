//! Flags that contradict what Terraform or a generator of Kustomize states, and settings that follow from the endpoint.

use super::CLIENT;
use test_support::run::{Folder, RunOutput};

const OTHER: &str = "11111111-2222-3333-4444-555555555555";

/// A workload with these variables and labels, and its `ServiceAccount` with another client id.
fn terraform(method: &str, endpoint: &str) -> String {
    let account = format!(
        "resource \"kubernetes_service_account_v1\" \"orders\" {{\n  metadata {{\n    name = \"orders\"\n    annotations = {{\n      \"azure.workload.identity/client-id\" = \"{OTHER}\"\n    }}\n  }}\n}}\n"
    );
    let variable = |name: &str, value: &str| {
        format!("          env {{\n            name  = \"{name}\"\n            value = \"{value}\"\n          }}\n")
    };
    let variables = [
        variable("config.service.endpoint", endpoint),
        variable("config.service.auth", method),
        variable("gateway.name", "orders"),
    ];
    format!(
        "resource \"kubernetes_deployment_v1\" \"orders\" {{\n  metadata {{\n    name = \"orders\"\n  }}\n  spec {{\n    template {{\n      metadata {{\n        labels = {{\n          \"azure.workload.identity/use\" = \"true\"\n        }}\n      }}\n      spec {{\n        service_account_name = kubernetes_service_account_v1.orders.metadata[0].name\n        container {{\n          name  = \"gateway\"\n          image = \"mcr.microsoft.com/azure-api-management/gateway:2.11.2\"\n{}        }}\n      }}\n    }}\n  }}\n}}\n{account}",
        variables.concat()
    )
}

fn migrated(name: &str, text: &str, arguments: &[&str]) -> (RunOutput, String) {
    let folder = Folder::with(&[(name, text)]);
    let ran = folder.run(&[&["migrate", "."], arguments].concat());
    (ran, super::read(&folder, name))
}

const ENDPOINT: &str = "contoso.configuration.azure-api.net";
const FLAGS: [&str; 6] =
    ["--client-id", CLIENT, "--endpoint", "fabrikam.configuration.azure-api.net", "--gateway-name", "stock"];

#[test]
fn a_workload_of_terraform_with_workload_identity_keeps_what_it_states() {
    let text = terraform("workloadIdentity", ENDPOINT);
    let (ran, new) = migrated("main.tf", &text, &FLAGS);
    assert_eq!((ran.code, new.as_str()), (0, text.as_str()), "{}", ran.everything());
    for (what, flag) in [
        ("client id of the ServiceAccount", "--client-id"),
        ("config.service.endpoint", "--endpoint"),
        ("gateway.name", "--gateway-name"),
    ] {
        let line = format!("kept: ./main.tf:1: the {what} of this workload, which is not that of {flag}");
        assert!(ran.stderr.contains(&line), "{line}\n{}", ran.stderr);
    }
}

#[test]
fn a_workload_of_terraform_with_a_key_is_left_until_the_flags_agree() {
    let text = terraform("azureAdApp", ENDPOINT);
    let (ran, new) = migrated("main.tf", &text, &FLAGS);
    assert_eq!((ran.code, new.as_str()), (2, text.as_str()), "{}", ran.everything());
    for flag in ["--client-id", "--endpoint"] {
        let line = format!("not migrated: ./main.tf:1: Leave out {flag} for this workload, or ");
        assert!(ran.stderr.contains(&line), "{line}\n{}", ran.stderr);
    }
    // without the flag, the client id of the ServiceAccount is taken
    let (ran, new) = migrated("main.tf", &text, &["--gateway-name", "stock"]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(new.contains(OTHER) && new.contains("value = \"stock\"") && new.contains("\"workloadIdentity\""), "{new}");
    assert!(ran.everything().contains("Check gateway.name stock of --gateway-name"), "{}", ran.everything());
    assert!(!migrated("main.tf", &text, &["--service-account", "new", "--client-id", CLIENT]).1.contains("azureAdApp"));
}

#[test]
fn a_generator_keeps_what_it_states() {
    let generator = |method: &str, endpoint: &str| {
        format!(
            "configMapGenerator:\n- name: orders-env\n  literals:\n  - config.service.endpoint={endpoint}\n  - config.service.auth={method}\n  - gateway.name=orders\n"
        )
    };
    let text = generator("workloadIdentity", ENDPOINT);
    let (ran, new) = migrated("kustomization.yaml", &text, &FLAGS);
    assert_eq!((ran.code, new.as_str()), (0, text.as_str()), "{}", ran.everything());
    assert!(
        ran.stderr.contains("kept: ./kustomization.yaml:4:5: the config.service.endpoint of this "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("kept: ./kustomization.yaml:6:5: the gateway.name of this "), "{}", ran.stderr);
    let (ran, new) = migrated("kustomization.yaml", &generator("key", ENDPOINT), &FLAGS);
    assert_eq!((ran.code, new), (2, generator("key", ENDPOINT)), "{}", ran.everything());
    assert!(ran.stderr.contains("kustomization.yaml:4:5: Leave out --endpoint for this generator"), "{}", ran.stderr);
    let text = generator("key", "https://contoso.management.azure-api.us/x");
    let (_, new) = migrated("kustomization.yaml", &text, &["--client-id", CLIENT]);
    assert!(new.contains("config.service.auth.tokenAudience=https://azure-api.us/configuration"), "{new}");
    let (_, new) = migrated("kustomization.yaml", &generator("key", "https://contoso.azure-api.net"), &[]);
    assert!(new.contains(&format!("config.service.endpoint={ENDPOINT}")), "{new}");
}

#[test]
fn a_workload_of_terraform_gets_the_audience_of_its_cloud() {
    let audience = "value = \"https://azure-api.us/configuration\"";
    for method in ["azureAdApp", "workloadIdentity"] {
        let (ran, new) = migrated("main.tf", &terraform(method, "contoso.configuration.azure-api.us"), &[]);
        assert!(new.contains(audience) && new.contains(OTHER), "{method}\n{new}\n{}", ran.everything());
    }
    let (_, new) = migrated("main.tf", &terraform("azureAdApp", "https://contoso.azure-api.net"), &[]);
    assert!(new.contains(&format!("value = \"{ENDPOINT}\"")) && !new.contains("tokenAudience"), "{new}");
}

#[test]
fn a_patch_for_a_remote_base_gets_the_audience_of_its_cloud() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\nspec: {template: {spec: {containers: [{name: gw, env: [{name: config.service.endpoint, value: contoso.configuration.azure-api.us}]}]}}}\n";
    let kustomization = "resources: ['https://git.example/base?ref=v1']\npatches: [{path: patch.yaml}]\n";
    let folder = Folder::with(&[("kustomization.yaml", kustomization), ("patch.yaml", patch)]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    let new = super::read(&folder, "workload-identity-patch.yaml");
    assert!(new.contains("config.service.auth.tokenAudience"), "{new}\n{}", ran.everything());
}

#[test]
fn the_endpoint_of_values_is_not_that_of_the_gateway() {
    let values =
        "gateway:\n  name: orders\n  configuration: {uri: 'https://contoso.azure-api.net'}\n  auth: {key: $KEY}\n";
    let (ran, new) = migrated("values.yaml", values, &["--client-id", CLIENT]);
    assert!(new.contains(&format!("uri: '{ENDPOINT}'")), "{new}");
    assert!(ran.everything().contains("Check gateway.configuration.uri "), "{}", ran.everything());
}

#[test]
fn values_without_an_account_of_their_own_let_the_chart_create_one() {
    let values =
        "gateway:\n  name: orders\n  configuration: {uri: contoso.configuration.azure-api.net}\n  auth: {key: $KEY}\n";
    for account in ["{create: false, name: default}", "{create: false}"] {
        let text = format!("{values}serviceAccount: {account}\n");
        let (ran, new) = migrated("values.yaml", &text, &["--client-id", CLIENT]);
        assert!(new.contains("serviceAccount: {create: true}"), "{new}\n{}", ran.everything());
    }
}
