//! A gateway as it runs: the objects that a team applies, and those that controllers, azure-workload-identity's webhook
//! and a kubelet would add. The control plane has none of these, so nothing else changes what a test writes.

use serde_json::{Value, json};
use std::sync::Arc;
use test_support::azure::Kubelet;
use test_support::control_plane::ControlPlane;
use test_support::gateways::{IMAGE, merged};
use test_support::report_schema::assert_valid;
use test_support::run::{Folder, RunOutput};
use test_support::webhook::User;

/// The client id of the gateway's app.
pub(crate) const CLIENT: &str = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
/// The tenant of the app.
pub(crate) const TENANT: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
/// A time after every write of the tests.
const LATER: &str = "2099-01-01T00:00:00Z";

/// The objects of a gateway. A test changes them before they are written.
pub(crate) struct Objects {
    /// The mode of the namespace.
    pub(crate) mode: &'static str,
    pub(crate) account: Value,
    pub(crate) config_map: Value,
    pub(crate) deployment: Value,
    /// `None`: the deployment controller made none.
    pub(crate) replica_set: Option<Value>,
    /// The Pods with their status, as a kubelet reports it.
    pub(crate) pods: Vec<Value>,
}

/// A namespace with a gateway, and a folder in which `verify` runs.
pub(crate) struct Scene {
    pub(crate) user: User,
    pub(crate) folder: Folder,
}

/// The volume, mount and variables of azure-workload-identity 1.6.0 and newer.
pub(crate) fn inject(pod: &mut Value, volume: &str, folder: &str, file: &str) {
    let token = json!({"serviceAccountToken": {
        "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": file,
    }});
    pod["spec"]["volumes"] = json!([{"name": volume, "projected": {"sources": [token]}}]);
    let container = &mut pod["spec"]["containers"][0];
    container["volumeMounts"] = json!([{"name": volume, "mountPath": folder, "readOnly": true}]);
    container["env"] = json!([
        {"name": "AZURE_CLIENT_ID", "value": CLIENT},
        {"name": "AZURE_TENANT_ID", "value": TENANT},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": format!("{folder}/{file}")},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/"},
    ]);
}

impl Objects {
    /// A gateway that works.
    pub(crate) fn correct() -> Self {
        let labels = json!({"app": "orders", "azure.workload.identity/use": "true"});
        let container = json!({"name": "gateway", "image": IMAGE, "envFrom": [{"configMapRef": {"name": "orders"}}]});
        let template = json!({
            "metadata": {"labels": labels},
            "spec": {"serviceAccountName": "orders", "containers": [container]},
        });
        let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "orders"}}, "template": template});
        let of_apps = |kind: &str, name: &str| {
            let annotations = json!({"deployment.kubernetes.io/revision": "1"});
            json!({
                "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "annotations": annotations},
                "spec": spec,
            })
        };
        let mut pod = merged(json!({"apiVersion": "v1", "kind": "Pod"}), template.clone());
        pod["metadata"]["name"] = json!("orders-1");
        pod["spec"]["nodeName"] = json!("node");
        inject(
            &mut pod,
            "azure-workload-identity-reserved-0123456789abcdef0123456789abcd",
            "/var/run/secrets/azure/wi",
            "token/azure-identity-token",
        );
        pod["status"] = running();
        Self {
            mode: "enforce",
            account: json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {
                    "name": "orders", "labels": {"azure.workload.identity/use": "true"},
                    "annotations": {"azure.workload.identity/client-id": CLIENT},
                },
            }),
            config_map: json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "orders"},
                "data": {
                    "config.service.endpoint": "contoso.configuration.azure-api.net", "gateway.name": "orders",
                    "config.service.auth": "workloadIdentity",
                },
            }),
            deployment: of_apps("Deployment", "orders"),
            replica_set: Some(of_apps("ReplicaSet", "orders-1")),
            pods: vec![pod],
        }
    }

    /// The first Pod.
    pub(crate) fn pod(&mut self) -> &mut Value {
        &mut self.pods[0]
    }

    /// The status of the container of the first Pod.
    pub(crate) fn container_status(&mut self) -> &mut Value {
        &mut self.pod()["status"]["containerStatuses"][0]
    }
}

/// `status` of a Pod whose container runs and is ready.
fn running() -> Value {
    json!({
        "phase": "Running",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [{
            "name": "gateway", "ready": true, "restartCount": 0, "image": IMAGE,
            "imageID": format!("mcr.microsoft.com/azure-api-management/gateway@sha256:{}", "a".repeat(64)),
            "state": {"running": {"startedAt": LATER}},
        }],
    })
}

/// An owner reference to a stored object.
fn owned_by(owner: &Value) -> Value {
    let (metadata, controller) = (&owner["metadata"], true);
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"],
        "controller": controller,
    }])
}

impl Scene {
    /// Writes the objects into a new namespace.
    pub(crate) async fn write(control_plane: &Arc<ControlPlane>, namespace: &str, objects: &Objects) -> Self {
        let metadata = json!({"name": namespace, "labels": {"apim-keyless.dev/mode": objects.mode}});
        let user = User::administrator(control_plane, &metadata).await;
        user.apply(&objects.account).await.stored();
        user.apply(&objects.config_map).await.stored();
        let deployment = user.apply(&objects.deployment).await.stored();
        if let Some(mut replica_set) = objects.replica_set.clone() {
            replica_set["metadata"]["ownerReferences"] = owned_by(&deployment);
            let replica_set = user.apply(&replica_set).await.stored();
            for pod in &objects.pods {
                let mut pod = pod.clone();
                let status = pod["status"].take();
                pod["metadata"]["ownerReferences"] = owned_by(&replica_set);
                user.apply(&pod).await.stored();
                user.patch(&pod, "/status", &json!({"status": status})).await.stored();
            }
        }
        if objects.deployment.get("status").is_some() {
            let status = json!({"status": objects.deployment["status"]});
            user.patch(&objects.deployment, "/status", &status).await.stored();
        }
        let kubeconfig = std::fs::read_to_string(control_plane.kubeconfig_file()).unwrap();
        Self { user, folder: Folder::with(&[("kubeconfig", &kubeconfig)]) }
    }

    /// Runs `verify` on the namespace.
    pub(crate) fn run(&self, arguments: &[&str]) -> RunOutput {
        self.run_with(&[], arguments)
    }

    /// The same with environment variables.
    pub(crate) fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> RunOutput {
        let command = ["verify", "--kubeconfig", "kubeconfig", "--namespace", &self.user.namespace];
        self.folder.run_with(environment, &[&command[..], arguments].concat())
    }

    /// The findings: id and message.
    pub(crate) fn found(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Vec<(String, String)> {
        let report = self.run_with(environment, &[&["--output", "json"], arguments].concat()).json();
        assert_valid(&report);
        assert_eq!(report["failures"], json!([]), "{report}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| (text(&finding["rule"]), text(&finding["message"]))).collect()
    }
}

/// Registers azure-workload-identity's webhook, which has no server: the API server ignores that.
pub(crate) async fn register_workload_identity(user: &User) {
    use crate::doctor::{MUTATING, workload_identity};
    let mut configuration = workload_identity("azure-wi-webhook-mutating-webhook-configuration");
    configuration["webhooks"][0]["failurePolicy"] = json!("Ignore");
    user.post(MUTATING, &configuration).await.stored();
}

/// Registers the node of the Pods, which serves their logs.
pub(crate) async fn register_node(user: &User, kubelet: &Kubelet) {
    let node = kubelet.node("node");
    user.post("/api/v1/nodes", &node).await.stored();
    user.patch_at("/api/v1/nodes/node/status", &json!({"status": node["status"]})).await.stored();
}
