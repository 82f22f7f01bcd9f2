//! Who may not read everything gets to know what it takes, and what can be told all the same.

use crate::run::Folder;
use crate::webhook::account::kubeconfig;
use crate::webhook::{User, Webhook, eventually};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Somebody who is given one right after the other.
pub(crate) async fn are_told_where_they_are_missing(webhook: &Webhook) {
    let user = webhook.in_namespace("apim-keyless");
    user.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stranger"}})).await.stored();
    let address = format!("https://{}", webhook.control_plane.address());
    let authority = STANDARD.encode(webhook.control_plane.authority_pem());
    let kubeconfig = kubeconfig(&user, "stranger", (&address, &authority)).await;
    let folder = Folder::with(&[("kubeconfig", &kubeconfig.to_string())]);
    let command = ["doctor", "--kubeconfig", "kubeconfig"];
    let ran = folder.run(&command);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (2, FEW_RIGHTS, ""));
    let ran = folder.run(&[&command[..], &["--output", "json"]].concat());
    assert_eq!((ran.code, ran.json()["errors"].as_array().unwrap().len()), (2, 8));

    let resources = json!(["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]);
    grant(
        &user,
        "registrations",
        &json!({"apiGroups": ["admissionregistration.k8s.io"], "resources": resources, "verbs": ["list"]}),
    )
    .await;
    let note = "note: whether the webhook is called could not be examined: ";
    until(&folder, &command, &format!("{note}needs a namespace that is judged: --probe-namespace NAME\n")).await;
    let command = ["doctor", "--kubeconfig", "kubeconfig", "--probe-namespace", "awaited"];
    until(&folder, &command, &format!("{note}needs create on deployments in namespace awaited\n")).await;
    grant(
        &user,
        "deployments",
        &json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "get"]}),
    )
    .await;
    // the answer tells, even if nobody knows the namespace's labels
    until(&folder, &command, "\n1 error; 5 things could not be examined\n").await;
    assert!(!folder.run(&command).stdout.contains(note));
}

/// Lets the stranger do something everywhere.
async fn grant(user: &User, name: &str, right: &Value) {
    let (group, metadata) = ("rbac.authorization.k8s.io", json!({"name": name}));
    let version = format!("{group}/v1");
    let role = json!({"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": [right]});
    user.post(&format!("/apis/{version}/clusterroles"), &role).await.stored();
    let binding = json!({
        "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "stranger", "namespace": "apim-keyless"}],
    });
    user.post(&format!("/apis/{version}/clusterrolebindings"), &binding).await.stored();
}

/// The API server takes a moment to know what somebody may do.
async fn until(folder: &Folder, command: &[&str], words: &str) {
    eventually(words, || async { folder.run(command).stdout.contains(words).then_some(()) }).await;
}

/// What a ServiceAccount without any role gets to see.
const FEW_RIGHTS: &str = "\
error[issuer-not-public]: tokens are issued by https://kubernetes.default.svc, which Entra can't reach
--> API server: /.well-known/openid-configuration
 = help: AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer; elsewhere: kube-apiserver \
--service-account-issuer=https://ADDRESS, and publish its discovery document and keys there

note: the webhook's Deployment could not be examined: needs get on deployments in namespace apim-keyless

note: the webhook's Pods could not be examined: needs list on pods in namespace apim-keyless

note: the webhook's PodDisruptionBudget could not be examined: needs list on poddisruptionbudgets in namespace apim-keyless

note: the mutating webhooks could not be examined: needs list on mutatingwebhookconfigurations

note: the validating webhooks could not be examined: needs list on validatingwebhookconfigurations

note: the webhook's Service could not be examined: needs list on services in namespace apim-keyless

note: the webhook's CAs could not be examined: needs get on secrets apim-keyless-ca in namespace apim-keyless

note: the Namespaces could not be examined: needs list on namespaces

1 error; 8 things could not be examined
";
