//! Bicep and Terraform: parsed by parsers of these languages.

use super::{CLIENT_ID, ISSUER, gateway, plan, with};
use std::fs;
use std::process::Command;
use test_support::npm::not_run;
use test_support::python::PYCEP;

/// Manifests of one instance with every kind of name and identity.
fn manifests() -> [String; 3] {
    let endpoint = "contoso.configuration.azure-api.net";
    let annotations = format!("{{azure.workload.identity/client-id: {CLIENT_ID}}}");
    [
        gateway("shop", "orders") + &gateway("shop", "invoices"),
        with("shop", "orders", "orders", "gateway.contoso.example", "{}"),
        gateway("shop", "orders")
            + &with("b", "b", "it's \"odd\"x", endpoint, "{}")
            + &with("c", "c", "c", endpoint, &annotations),
    ]
}

const KINDS: [&str; 2] = ["app", "user-assigned"];

#[test]
fn bicep_is_parsed_by_pycep() {
    let Some(python) = PYCEP.python() else { return };
    let script = "import json, pathlib, sys, pycep\n\
                  print(json.dumps(pycep.BicepParser().parse(text=pathlib.Path(sys.argv[1]).read_text()), default=str))";
    for manifests in manifests() {
        for (kind, scope) in KINDS.into_iter().zip(["instance", "group"]) {
            let ran =
                plan(&manifests, &["--output", "bicep", "--identity", kind, "--scope", scope, "--issuer", ISSUER]);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("plan.bicep");
            fs::write(&file, &ran.stdout).unwrap();
            let output = Command::new(&python).args(["-c", script]).arg(&file).output().unwrap();
            assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), ran.stdout);
            let parsed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let count = parsed["resources"].as_object().unwrap().len();
            assert_eq!(count, ran.stdout.matches("\nresource ").count(), "{parsed:#}");
        }
    }
}

#[test]
fn the_credentials_of_an_identity_are_created_one_after_another() {
    let [manifests, ..] = manifests();
    let bicep = plan(&manifests, &["--output", "bicep", "--identity", "user-assigned"]).stdout;
    assert_eq!(bicep.matches("/federatedIdentityCredentials@").count(), 2);
    assert!(bicep.contains("  dependsOn: [\n    credential1\n  ]\n"), "{bicep}");
    let terraform = plan(&manifests, &["--output", "terraform", "--identity", "user-assigned"]).stdout;
    assert_eq!(terraform.matches("depends_on = [azurerm_federated_identity_credential.shop_invoices_").count(), 1);
}

#[test]
fn bicep_says_what_one_file_cannot_hold() {
    let several = gateway("shop", "orders") + &with("b", "b", "b", "fabrikam.configuration.azure-api.net", "{}");
    plan(&several, &["--output", "bicep"]).failed_with(
        "error: --output bicep: plan the gateways of each API Management instance by themselves, or write --output \
         terraform: a Bicep file is deployed into one resource group, and these gateways have 2 instances\n",
    );
    let ran = plan(&gateway("shop", "orders"), &["--output", "bicep", "--scope", "subscription"]);
    assert!(ran.code == 2 && ran.stderr.contains("write --scope group or --scope instance"), "{}", ran.stderr);
}

#[test]
fn terraform_is_parsed_and_every_name_is_the_text_of_the_manifest() {
    for manifests in manifests() {
        for (kind, scope) in KINDS.into_iter().zip(["group", "subscription"]) {
            let ran = plan(&manifests, &["--output", "terraform", "--identity", kind, "--scope", scope]);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            let body = hcl::parse(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stdout));
            let blocks = |name: &str| {
                let is_named = |block: &&hcl::Block| block.labels().first().is_some_and(|label| label.as_str() == name);
                body.blocks().filter(is_named).collect::<Vec<_>>()
            };
            let gateways = blocks("azurerm_api_management_gateway");
            let names: Vec<String> = gateways
                .iter()
                .map(|block| {
                    let name = block.body().attributes().find(|attribute| attribute.key() == "name").unwrap();
                    match name.expr() {
                        hcl::Expression::String(text) => text.clone(),
                        other => panic!("{other:?}"),
                    }
                })
                .collect();
            assert_eq!(names.len(), manifests.matches("gateway.name").count(), "{names:?}");
            if manifests.contains("odd") {
                assert!(names.contains(&"it's \"odd\"x".to_owned()), "{names:?}");
            }
            let credential = match kind {
                "app" => "azuread_application_federated_identity_credential",
                _ => "azurerm_federated_identity_credential",
            };
            assert_eq!(blocks(credential).len(), names.len());
            let subscription =
                ran.stdout.matches("  scope              = \"/subscriptions/${var.subscription}\"").count();
            assert_eq!(subscription > 0, scope == "subscription", "{}", ran.stdout);
        }
    }
}

#[test]
fn terraform_is_formatted() {
    let folder = tempfile::tempdir().unwrap();
    for (number, manifests) in manifests().iter().enumerate() {
        for kind in KINDS {
            let ran = plan(manifests, &["--output", "terraform", "--identity", kind]);
            fs::write(folder.path().join(format!("{kind}-{number}.tf")), ran.stdout).unwrap();
        }
    }
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        // the formatter of `terraform fmt`
        let formatter = "github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.25.0";
        let output = Command::new("go").args(["run", formatter]).arg(&file).current_dir(folder.path()).output();
        let Ok(output) = output else { return not_run("the format of Terraform", "Go is not installed") };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), fs::read_to_string(&file).unwrap());
    }
}
