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
