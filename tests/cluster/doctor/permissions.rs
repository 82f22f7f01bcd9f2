//! A user without all permissions gets a report that names the missing ones and has every finding that is possible
//! without them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use test_support::report_schema::assert_valid;
use test_support::run::Folder;
use test_support::webhook::account::kubeconfig;
use test_support::webhook::{User, Webhook, eventually};

/// Runs `doctor` as a user who is granted one permission after the other.
pub(crate) async fn missing_permissions_are_named(webhook: &Webhook) {
    let user = webhook.in_namespace("apim-keyless");
    user.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "limited"}})).await.stored();
    let address = format!("https://{}", webhook.control_plane.address());
    let ca = STANDARD.encode(webhook.control_plane.ca_pem());
    let kubeconfig = kubeconfig(&user, "limited", &address, &ca).await;
    let folder = Folder::with(&[("kubeconfig", &kubeconfig.to_string())]);
    let command = ["doctor", "--kubeconfig", "kubeconfig"];
    let ran = folder.run(&command);
    let (checks, rest) = ran.stdout.split_once("\n\n").unwrap();
    assert_eq!((ran.code, rest, ran.stderr.as_str()), (2, ISSUER_ONLY, NO_PERMISSIONS));
    let marks: String = checks.lines().filter_map(|line| line.chars().next()).collect();
    // what every user may read: the version, the clock and the issuer
    assert_eq!(marks, format!("\u{221a}\u{221a}\u{d7}{}", "?".repeat(15)), "{checks}");
    let ran = folder.run(&[&command[..], &["--output", "json"]].concat());
    let report = ran.json();
    assert_valid(&report);
    assert_eq!((ran.code, report["failures"].as_array().unwrap().len()), (2, 9));
    assert_eq!(report["summary"]["failures"], 9);

    let resources = json!(["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]);
    grant(
        &user,
        "registrations",
        &json!({"apiGroups": ["admissionregistration.k8s.io"], "resources": resources, "verbs": ["list"]}),
    )
    .await;
    let error = "error: cannot check whether the webhook is called: ";
    wait_until(&folder, &command, &format!("{error}needs an enforced or audited namespace: --probe-namespace NAME\n"))
        .await;
    let command = ["doctor", "--kubeconfig", "kubeconfig", "--probe-namespace", "awaited"];
    wait_until(&folder, &command, &format!("{error}needs create on deployments in namespace awaited\n")).await;
    grant(
        &user,
        "deployments",
        &json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "get"]}),
    )
    .await;
    // the response shows it, although the labels of the namespace are unknown
    wait_until(&folder, &command, "; 6 parts of the cluster could not be read\n").await;
    assert!(!folder.run(&command).stderr.contains(error));
}

/// Grants a permission in the whole cluster.
async fn grant(user: &User, name: &str, permission: &Value) {
    let (group, metadata) = ("rbac.authorization.k8s.io", json!({"name": name}));
    let version = format!("{group}/v1");
    let role = json!({"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": [permission]});
    user.post(&format!("/apis/{version}/clusterroles"), &role).await.stored();
    let binding = json!({
        "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": "apim-keyless"}],
    });
    user.post(&format!("/apis/{version}/clusterrolebindings"), &binding).await.stored();
}

/// Runs the command until its output contains `words`: the API server applies permissions with a delay.
async fn wait_until(folder: &Folder, command: &[&str], words: &str) {
    eventually(words, || async { folder.run(command).everything().contains(words).then_some(()) }).await;
}

/// The findings for a ServiceAccount without any role.
const ISSUER_ONLY: &str = "\
error[issuer-not-public]: ServiceAccount tokens are issued by https://kubernetes.default.svc, which Entra cannot reach
--> API server: /.well-known/openid-configuration
 = fix: AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer; other clusters: start \
kube-apiserver with --service-account-issuer=https://ADDRESS and publish its discovery document and keys there

1 finding (1 error); 2 of 18 checks passed, 15 unknown; 9 parts of the cluster could not be read
";

/// What a ServiceAccount without any role cannot read.
const NO_PERMISSIONS: &str = "\
error: cannot read the webhook's Deployment: needs get on deployments in namespace apim-keyless
error: cannot read the webhook's Pods: needs list on pods in namespace apim-keyless
error: cannot read the webhook's PodDisruptionBudget: needs list on poddisruptionbudgets in namespace apim-keyless
error: cannot read the mutating webhooks: needs list on mutatingwebhookconfigurations
error: cannot read the validating webhooks: needs list on validatingwebhookconfigurations
error: cannot read the webhook's Service: needs list on services in namespace apim-keyless
error: cannot read the webhook's CAs: needs get on secrets apim-keyless-ca in namespace apim-keyless
error: cannot read the policy document: needs get on configmaps apim-keyless-policy in namespace apim-keyless
error: cannot read the Namespaces: needs list on namespaces
";
