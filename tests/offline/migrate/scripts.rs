//! Scripts: what sets how a gateway authenticates beside the commands of Helm is named, with its line.

use super::CLIENT;
use test_support::run::{Folder, RunOutput};

fn migrate(script: &str) -> RunOutput {
    let folder = Folder::with(&[("deploy.sh", script)]);
    folder.run(&["migrate", "deploy.sh", "--client-id", CLIENT])
}

/// Asserts that a person has to change this line, and that nothing is deleted or revoked before.
#[track_caller]
fn assert_by_hand(script: &str, line: usize, message: &str) {
    let ran = migrate(script);
    let start = format!("not migrated: deploy.sh:{line}: {message}");
    assert_eq!(ran.code, 2, "{script}\n{}", ran.everything());
    assert!(ran.stderr.lines().any(|line| line.starts_with(&start)), "{script}\n{start}\n{}", ran.everything());
    for command in ["kubectl delete", "regenerateKey"] {
        assert!(!ran.stdout.contains(command), "{script}\n{}", ran.stdout);
    }
    assert!(!ran.everything().contains("c2VjcmV0"), "{}", ran.everything());
}

#[track_caller]
fn assert_done(script: &str) {
    let ran = migrate(script);
    assert_eq!(ran.code, 0, "{script}\n{}", ran.everything());
}

/// A command that is migrated, and a Secret that could be deleted then.
const UPGRADE: &str = "helm upgrade orders x/azure-api-management-gateway -n shop --set gateway.name=orders --set gateway.auth.key=$KEY --set secret.existingSecretName=orders-token\n";

#[test]
fn a_diff_of_a_script_shows_only_the_changed_lines() {
    let script = "export OTHER=hunter2\nhelm install a azure-apim-gateway/azure-api-management-gateway --set gateway.name=a --set gateway.auth.key=\"$KEY\"\necho hunter2\n";
    let folder = Folder::with(&[("install.sh", script)]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT, "--diff"]);
    assert!(ran.stdout.contains("+helm install *** "), "{}", ran.everything());
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.everything());
}

#[test]
fn a_manifest_in_a_here_document_is_named() {
    let manifest = |setting: &str, label: &str| {
        format!(
            "{UPGRADE}kubectl apply -f - <<'EOF'\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    metadata: {{labels: {{{label}}}}}\n    spec:\n      containers:\n      - image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n        env:\n        - name: {setting}\nEOF\n"
        )
    };
    let key = "config.service.auth\n          valueFrom: {secretKeyRef: {name: orders-token, key: value}}";
    assert_by_hand(&manifest(key, ""), 12, "Change this line by hand: ");
    assert_by_hand(
        &manifest("ASPNETCORE_Config__Service__Auth\n          value: key", ""),
        12,
        "Change this line by hand: ",
    );
    assert_by_hand(&manifest("A", ""), 10, "Change this by hand, or move the manifest into a file ");
    let identity = "config.service.auth\n          value: workloadIdentity";
    assert_done(&manifest(identity, "azure.workload.identity/use: \"true\""));
}

#[test]
fn values_in_a_here_document_are_named() {
    let values = |auth: &str| {
        format!(
            "helm upgrade --install orders x/azure-api-management-gateway -n shop -f - <<EOF\ngateway:\n  name: orders\n  configuration:\n    uri: contoso.configuration.azure-api.net\n  auth:\n    {auth}\nsecret: {{createSecret: false}}\nEOF\n"
        )
    };
    assert_by_hand(&values("key: $KEY"), 1, "Set in these values gateway.auth.azureAd.app.id: ");
    assert_done(&values(&format!("{{type: WorkloadIdentity, azureAd: {{app: {{id: {CLIENT}}}}}}}")));
    let powershell = "$values = @\"\ngateway:\n  name: orders\n  auth:\n    type: GatewayToken\n\"@\n";
    assert_by_hand(powershell, 1, "Set in these values gateway.auth.azureAd.app.id: ");
    let piped = "envsubst < values.tpl | helm upgrade orders x/azure-api-management-gateway --values -\n";
    assert_by_hand(piped, 1, "Write the values that this command reads from its input into a file");
}

#[test]
fn commands_of_kubectl_that_set_the_method_are_named() {
    for command in [
        "kubectl set env deployment/orders -n shop config.service.auth=\"GatewayKey orders&202701010000&c2VjcmV0\"",
        "kubectl set env deployment/orders DOTNET_CONFIG__SERVICE__AUTH=$KEY",
        "kubectl create configmap orders-env --from-literal=config.service.auth=key",
        "kubectl patch configmap orders-env -p '{\"data\":{\"config.service.auth\":\"key\"}}'",
        "yq -i '.data.\"config.service.auth\" = \"key\"' orders.yaml",
        "echo '{\"data\":{\"config.service.auth\":\"key\"}}' | kubectl apply -f -",
        "echo start; kubectl set env deployment/orders DOTNET_CONFIG__SERVICE__AUTH=$KEY",
    ] {
        assert_by_hand(&format!("{UPGRADE}{command}\n"), 2, "Change this line by hand: ");
    }
    let image = "kubectl set image deployment/orders gateway=mcr.microsoft.com/azure-api-management/gateway:2.9.0\n";
    assert_by_hand(&format!("{UPGRADE}{image}"), 2, "Change this by hand");
    for command in [
        "# config.service.auth=key",
        "echo \"config.service.auth is set\"",
        "kubectl set env deployment/orders config.service.auth=workloadIdentity",
        "kubectl patch configmap a -p '{\"data\":{\"config.service.auth\":\"workloadIdentity\"}}'",
        "az acr import --source mcr.microsoft.com/azure-api-management/gateway:2.9.0 --name a",
        "kubectl set env deployment/orders config.service.auth.tokenAudience=a",
    ] {
        assert_done(&format!("{UPGRADE}{command}\n"));
    }
    let docker = "docker run -e config.service.auth=\"$KEY\" mcr.microsoft.com/azure-api-management/gateway:2.9.0\n";
    assert_by_hand(docker, 1, "Move this gateway to a cluster, or keep its key");
}

#[test]
fn commands_that_write_a_key_are_removed_after_the_rollout() {
    let secret = "kubectl create secret generic orders-token -n shop --from-literal=value=\"GatewayKey orders&202701010000&c2VjcmV0\"\n";
    let patch = "kubectl patch secret orders-token -p '{\"stringData\":{\"value\":\"GatewayKey orders&202701010000&c2VjcmV0\"}}'\n";
    let ran = migrate(&format!("{UPGRADE}{secret}{patch}"));
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("- deploy.sh:2: Remove this command after the rollout"), "{}", ran.stdout);
    assert!(ran.stdout.contains("- deploy.sh:3: Remove this after the rollout"), "{}", ran.stdout);
    assert!(ran.stdout.contains("   - deploy.sh:2\n   - deploy.sh:3\n"), "the places of the keys: {}", ran.stdout);
    assert!(!ran.everything().contains("c2VjcmV0"), "{}", ran.everything());
}

#[test]
fn a_command_that_takes_the_secret_of_the_key_is_named() {
    let secret = "kubectl create secret generic orders-token -n shop --from-literal=value=\"GatewayKey $KEY\"\n";
    let taking = "kubectl set env deployment/orders --from=secret/orders-token\n";
    assert_by_hand(&format!("{UPGRADE}{secret}{taking}"), 3, "Remove this command: it takes the Secret of the key");
    assert_done(&format!("{UPGRADE}{secret}{}", taking.replace("orders-token", "other")));
}

#[test]
fn values_that_are_given_as_json_or_in_a_file_are_changed_or_named() {
    let command = |flag: &str| {
        format!("helm upgrade orders x/azure-api-management-gateway -n shop --set gateway.name=orders {flag}\n")
    };
    for json in [
        "--set-json 'gateway.auth={\"type\":\"GatewayToken\",\"key\":\"GatewayKey a&202701010000&c2VjcmV0\"}'",
        "--set-json='gateway={\"auth\":{\"key\":\"abc\"}}'",
        "--set-json \"gateway.auth={\\\"key\\\":\\\"$KEY\\\"}\"",
    ] {
        assert_by_hand(&command(json), 1, "Set in these values gateway.auth.");
    }
    let identity = format!("{{\"type\":\"WorkloadIdentity\",\"azureAd\":{{\"app\":{{\"id\":\"{CLIENT}\"}}}}}}");
    assert_done(&command(&format!("--set-json 'gateway.auth={identity}'")));
    for flag in [
        "--set-file gateway.auth.key=token.txt",
        "--set-string gateway.auth.key=$KEY",
        "--set-literal gateway.auth.key=$KEY",
    ] {
        let folder = Folder::with(&[("deploy.sh", &command(flag))]);
        let ran = folder.run(&["migrate", "deploy.sh", "--client-id", CLIENT]);
        let after = super::read(&folder, "deploy.sh");
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(!after.contains("gateway.auth.key") && after.contains("gateway.auth.type=WorkloadIdentity"), "{after}");
    }
}

#[test]
fn an_apostrophe_in_a_comment_hides_no_command() {
    let folder = Folder::with(&[("deploy.sh", &format!("helm repo update # don't wait\n{UPGRADE}"))]);
    let ran = folder.run(&["migrate", "deploy.sh", "--client-id", CLIENT]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(!super::read(&folder, "deploy.sh").contains("gateway.auth.key"), "{}", ran.everything());
}
