//! The shell script: checked by shellcheck, and run with a stand-in for az that records its calls.

use super::{CLIENT_ID, ISSUER, VALUES, gateway, plan, with};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use test_support::npm::not_run;

/// A folder with a script, the stand-in for az, and what the stand-in remembers.
struct Azure {
    folder: TempDir,
    environment: Vec<(&'static str, &'static str)>,
}

impl Azure {
    fn with(script: &str) -> Self {
        let azure = Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() };
        fs::write(azure.path("plan.sh"), script).unwrap();
        fs::create_dir(azure.path("bin")).unwrap();
        fs::create_dir(azure.path("state")).unwrap();
        fs::copy("tests/offline/plan/az.sh", azure.path("bin/az")).unwrap();
        fs::set_permissions(azure.path("bin/az"), fs::Permissions::from_mode(0o755)).unwrap();
        azure.remember(&format!("app-{}", key(&format!("appId eq '{CLIENT_ID}'"))), CLIENT_ID);
        azure
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn remember(&self, name: &str, text: &str) {
        fs::write(self.path("state").join(name), format!("{text}\n")).unwrap();
    }

    /// Runs the script: whether it succeeded, and its stderr.
    fn run(&self) -> (bool, String) {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(self.path("plan.sh")).current_dir(self.folder.path());
        command.env("PATH", path).env("AZ_STATE", self.path("state"));
        // the stand-in answers with the tenant of the script
        command.env("TENANT", "00000000-0000-0000-0000-000000000002");
        let output = command.envs(self.environment.iter().copied()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    /// What was created since the last call.
    fn created(&self) -> Vec<String> {
        let file = self.path("state/created");
        let text = fs::read_to_string(&file).unwrap_or_default();
        _ = fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("state/calls")).unwrap()
    }
}

/// The name of a file of the stand-in.
fn key(text: &str) -> String {
    let output =
        Command::new("sh").args(["-c", "printf '%s' \"$1\" | cksum | tr -d ' '", "sh", text]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The script for these manifests, with all values known.
fn script(manifests: &str, arguments: &[&str]) -> String {
    let ran = plan(manifests, &[&["--output", "sh", "--issuer", ISSUER], VALUES, arguments].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

const INSTANCE: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/apim-rg/providers/\
                        Microsoft.ApiManagement/service/contoso";
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/apim-rg";
const VALIDATOR: &str = "API Management Configuration API Access Validator Service Role";
const READER: &str = "API Management Gateway Configuration Reader Role";

#[test]
fn the_first_run_creates_everything_in_the_order_of_the_article_and_the_second_nothing() {
    let manifests = gateway("shop", "orders") + &gateway("shop", "invoices");
    let azure = Azure::with(&script(&manifests, &[]));
    let (succeeded, stderr) = azure.run();
    assert!(succeeded, "{stderr}");
    let created = azure.created();
    assert_eq!(created[0..2], ["gateway invoices?api-version=2022-08-01", "gateway orders?api-version=2022-08-01"]);
    assert_eq!(created[2..5], ["instance-identity", &format!("role {VALIDATOR}"), &format!("role {READER}")]);
    assert_eq!(created[5], format!("assignment id of {VALIDATOR} to principal-of-instance on {GROUP}"));
    assert_eq!(created[6], format!("service principal {CLIENT_ID}"));
    assert!(created[7].starts_with("credential shop-invoices-") && created[8].starts_with("credential shop-orders-"));
    assert_eq!(created[9], format!("assignment id of {READER} to principal of {CLIENT_ID} on {INSTANCE}"));
    assert_eq!(created.len(), 10, "{created:?}");
    let credentials = fs::read_to_string(azure.path("state/credentials")).unwrap();
    let orders = format!("|{ISSUER}|system:serviceaccount:shop:orders|api://AzureADTokenExchange");
    assert!(credentials.lines().any(|line| line.ends_with(&orders)), "{credentials}");

    let (succeeded, stderr) = azure.run();
    assert!(succeeded && azure.created().is_empty(), "{stderr}");
    for verb in ["delete", "federated-credential|update", "purge"] {
        assert!(!azure.calls().contains(verb), "{verb}");
    }
}

#[test]
fn a_user_assigned_identity_is_created_once() {
    let without_client_id = with("shop", "orders", "orders", "contoso.configuration.azure-api.net", "{}");
    let arguments = ["--output", "sh", "--issuer", ISSUER, "--identity", "user-assigned", "--scope", "subscription"];
    let ran = plan(&without_client_id, &[&arguments, VALUES].concat());
    assert!(ran.code == 0 && ran.stderr.starts_with("warning: Add ServiceAccount shop/orders"), "{}", ran.stderr);
    let mut azure = Azure::with(&ran.stdout);
    let (succeeded, stderr) = azure.run();
    assert!(
        !succeeded && stderr.contains("IDENTITY_NAME: set it to the name of the user-assigned identity"),
        "{stderr}"
    );
    azure.environment.extend([("IDENTITY_NAME", "gateways"), ("IDENTITY_RESOURCE_GROUP", "identities")]);
    let (succeeded, stderr) = azure.run();
    assert!(succeeded && stderr.contains("azure.workload.identity/client-id: clientId"), "{stderr}");
    let created = azure.created();
    assert!(created.contains(&"identity gateways".to_owned()), "{created:?}");
    let subscription = "/subscriptions/00000000-0000-0000-0000-000000000001";
    assert_eq!(created.last().unwrap(), &format!("assignment id of {READER} to principalId on {subscription}"));
    assert!(azure.run().0 && azure.created().is_empty());
}

#[test]
fn a_script_stops_before_it_creates_what_would_not_work() {
    let manifests = gateway("shop", "orders");
    for (variable, value, message) in [
        ("AZ_TIER", "Basic", "use an instance of the tier Developer or Premium: contoso has the tier Basic"),
        ("AZ_CLOUD", "AzureChinaCloud", "run: az cloud set --name AzureCloud"),
        // an error that is not about a missing resource
        ("AZ_MISSING", "1", "ResourceNotFound"),
    ] {
        let mut azure = Azure::with(&script(&manifests, &[]));
        azure.environment.push((variable, value));
        let (succeeded, stderr) = azure.run();
        assert!(!succeeded && stderr.contains(message), "{stderr}");
        assert_eq!(azure.created(), Vec::<String>::new());
    }
    let name = script(&manifests, &[]);
    let name = name.split("\ncredential '").nth(1).unwrap().split('\'').next().unwrap();
    let subject = "system:serviceaccount:shop:orders";
    let others: Vec<String> = (1..=20).map(|number| format!("c{number}|https://other.example|s{number}|a")).collect();
    for (credentials, message) in [
        (format!("other|{ISSUER}|{subject}|wrong"), "set the audience of the federated credential"),
        (format!("{name}|https://other.example/|{subject}|api://AzureADTokenExchange"), "would be replaced"),
        (others.join("\n"), "use a second identity: this one has 20 federated credentials"),
    ] {
        let azure = Azure::with(&script(&manifests, &[]));
        azure.remember("credentials", &credentials);
        let (succeeded, stderr) = azure.run();
        assert!(!succeeded && stderr.contains(message), "{stderr}");
        assert!(!azure.created().iter().any(|line| line.starts_with("credential")));
    }
}

#[test]
fn the_script_takes_the_issuer_of_an_aks_cluster_and_compares_a_given_one() {
    let manifests = gateway("shop", "orders");
    let ran = plan(&manifests, &[&["--output", "sh"], VALUES].concat());
    let cluster = [("AKS_CLUSTER", "shop"), ("AKS_RESOURCE_GROUP", "aks-rg"), ("AZ_ISSUER", ISSUER)];
    let mut azure = Azure::with(&ran.stdout);
    let (succeeded, stderr) = azure.run();
    assert!(!succeeded && stderr.contains("set OIDC_ISSUER to the https:// URL"), "{stderr}");
    azure.environment.extend(cluster);
    let (succeeded, stderr) = azure.run();
    assert!(succeeded, "{stderr}");
    assert_eq!(azure.created()[0], "aks");
    assert!(fs::read_to_string(azure.path("state/credentials")).unwrap().contains(ISSUER));

    let mut azure = Azure::with(&script(&manifests, &[]));
    azure.environment.extend(cluster);
    azure.environment.push(("AZ_ISSUER", "https://issuer.example/id"));
    let (succeeded, stderr) = azure.run();
    assert!(!succeeded && stderr.contains("set OIDC_ISSUER to https://issuer.example/id: it is"), "{stderr}");
}

#[test]
fn no_name_of_a_manifest_runs_a_command() {
    for hostile in
        ["a'; touch pwned; b'c", "a\"; touch pwned; b\"c", "a`touch pwned`b", "a;touch pwned;b", "a|touch pwned|b"]
    {
        let endpoint = "contoso.configuration.azure-api.net";
        let annotations = format!("{{azure.workload.identity/client-id: {CLIENT_ID}}}");
        let manifests = with("shop", "orders", hostile, endpoint, &annotations);
        // a name with a new line would end a comment
        let manifests = manifests.replace(
            "kind: Deployment\nmetadata: {name: orders,",
            "kind: Deployment\nmetadata: {name: \"orders\\ntouch pwned\\n$(touch pwned)\",",
        );
        let script = script(&manifests, &[]);
        let azure = Azure::with(&script);
        let (succeeded, stderr) = azure.run();
        assert!(succeeded, "{stderr}\n{script}");
        assert!(!azure.path("pwned").exists() && !azure.path("state/pwned").exists(), "{script}");
        assert!(azure.calls().contains(&format!("/gateways/{hostile}|")), "{}", azure.calls());
        check(&script);
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let without_client_id = with("shop", "orders", "orders", "gateway.contoso.example", "{}");
    let several = gateway("shop", "orders") + &with("b", "b", "b", "fabrikam.configuration.azure-api.net", "{}");
    for manifests in [gateway("shop", "orders"), without_client_id, several] {
        for identity in ["app", "user-assigned"] {
            for scope in ["instance", "group", "subscription"] {
                let ran = plan(&manifests, &["--output", "sh", "--identity", identity, "--scope", scope]);
                assert_eq!(ran.code, 0, "{}", ran.stderr);
                check(&ran.stdout);
            }
        }
    }
}

/// Checks a script with shellcheck, if it is installed, and always with sh itself.
fn check(script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.sh");
    fs::write(&file, script).unwrap();
    let output = Command::new("sh").arg("-n").arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // SC2016: a name may contain a backquote, and must not be evaluated
    let Ok(output) = Command::new("shellcheck").args(["--shell", "sh", "--exclude", "SC2016"]).arg(&file).output()
    else {
        return not_run("the script of plan", "shellcheck is not installed");
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
