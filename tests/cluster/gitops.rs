//! What an owner, or a tool, applies again and again stays as the webhook has set it: nothing is written, and nothing
//! rolls out.

use serde_json::{Value, json};
use std::fs;
use test_support::helm::Helm;
use test_support::webhook::objects::BARE;
use test_support::webhook::{User, Webhook, documents, eventually, not_run};

/// How often the same objects are applied.
const TIMES: usize = 3;

/// The objects of a gateway in which every fix applies. In the second Deployment, `envFrom` has an element already.
fn objects() -> Vec<Value> {
    let mut objects = documents(BARE);
    for object in &mut objects {
        if object["kind"] == "ConfigMap" {
            let data = object["data"].as_object_mut().unwrap();
            data.remove("gateway.name");
            data.remove("config.service.auth");
        }
        object["metadata"].as_object_mut().unwrap().remove("namespace");
    }
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let mut second = deployment.clone();
    second["metadata"]["name"] = json!("with-env-from");
    second["spec"]["selector"] = json!({"matchLabels": {"app": "with-env-from"}});
    second["spec"]["template"]["metadata"]["labels"] = json!({"app": "with-env-from"});
    second["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"prefix": "TRACING_", "secretRef": {"name": "tracing"}}]);
    objects.push(second);
    objects
}

/// A gateway's namespace, and what is stored in it.
struct Gateway {
    user: User,
    objects: Vec<Value>,
}

impl Gateway {
    async fn start(webhook: &Webhook, namespace: &str) -> Self {
        let annotations = json!({"apim-keyless.dev/gateway-name": "orders"});
        let user = webhook.annotated_user(namespace, "enforce", &annotations).await;
        let gateway = Self { user, objects: objects() };
        gateway.until_listed().await;
        gateway
    }

    /// The name of a gateway is set only once the webhook has listed the ConfigMaps of a new namespace: another ConfigMap
    /// may be the gateway's, too.
    async fn until_listed(&self) {
        let config_map = self.objects.iter().find(|object| object["kind"] == "ConfigMap").unwrap();
        eventually("the ConfigMaps of the namespace are listed", || async {
            let response = self.user.apply_with(config_map, "?dryRun=All").await;
            (response.status == 201).then_some(())
        })
        .await;
    }

    /// The stored objects, without their status and the lists of their field managers.
    async fn stored(&self) -> Vec<Value> {
        let mut stored = Vec::new();
        for object in &self.objects {
            let mut object = self.user.read(object).await.stored();
            object.as_object_mut().unwrap().remove("status");
            let metadata = object["metadata"].as_object_mut().unwrap();
            // the controllers write status and annotations, too
            metadata.remove("managedFields");
            metadata.remove("resourceVersion");
            let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
            let is_empty = annotations.is_some_and(|all| {
                all.remove("deployment.kubernetes.io/revision");
                all.is_empty()
            });
            // the controller adds the only one at any time
            if is_empty {
                metadata.remove("annotations");
            }
            stored.push(object);
        }
        stored
    }

    /// Every fix is stored.
    async fn check_fixes(&self) {
        for object in self.stored().await {
            let text = object.to_string();
            let fixes: &[&str] = match object["kind"].as_str().unwrap() {
                "ConfigMap" => &[r#""config.service.auth":"workloadIdentity""#, r#""gateway.name":"orders""#],
                "ServiceAccount" => &["azure.workload.identity/client-id", "azure.workload.identity/use"],
                _ => &[
                    r#""azure.workload.identity/use":"true""#,
                    r#""serviceAccountName":"apim-gateway-workload-identity""#,
                    r#"{"configMapRef":{"name":"apim-gateway-env"}}"#,
                ],
            };
            for fix in fixes {
                assert!(text.contains(fix), "{fix}\n{text}");
            }
            let generation = object["metadata"]["generation"].as_u64();
            assert!(generation.is_none_or(|generation| generation == 1), "{text}");
        }
    }

    async fn server_side_apply(&self, manager: &str, force: bool) -> Vec<u16> {
        let mut statuses = Vec::new();
        for object in &self.objects {
            let mut object = object.clone();
            object["metadata"]["namespace"] = json!(self.user.namespace);
            let path = format!("{}?fieldManager={manager}&force={force}", self.user.path_of(&object));
            let response = self.user.apply_at(&path, &object).await;
            assert!([200, 201, 409].contains(&response.status), "{}", response.body);
            statuses.push(response.status);
        }
        statuses
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_again_by_server_side_apply_stays() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let gateway = Gateway::start(webhook, "applied-server-side").await;
    gateway.server_side_apply("owner", false).await;
    gateway.check_fixes().await;
    let stored = gateway.stored().await;
    for manager in ["owner", "argocd-controller"] {
        for _ in 0..TIMES {
            let statuses = gateway.server_side_apply(manager, true).await;
            assert!(statuses.iter().all(|status| *status == 200), "{manager} {statuses:?}");
            assert_eq!(gateway.stored().await, stored, "{manager}");
        }
    }
    gateway.check_fixes().await;
}

/// Without force, the API server rejects a value that another field manager has applied. The webhook's additions belong to
/// the manager whose write it changed.
#[tokio::test(flavor = "multi_thread")]
async fn only_an_extended_env_from_conflicts_for_another_manager_without_force() {
    let Some(webhook) = Webhook::shared() else { return };
    let gateway = Gateway::start(webhook, "applied-without-force").await;
    gateway.server_side_apply("owner", false).await;
    let stored = gateway.stored().await;
    for manager in ["owner", "argocd-controller"] {
        for (object, status) in gateway.objects.iter().zip(gateway.server_side_apply(manager, false).await) {
            let is_in_conflict = manager != "owner" && object["metadata"]["name"] == "with-env-from";
            assert_eq!(status == 409, is_in_conflict, "{manager} {object}");
        }
    }
    assert_eq!(gateway.stored().await, stored);
}

/// Helm compares the last release, the new one and the stored object, as `kubectl apply` does on the client's side.
#[tokio::test(flavor = "multi_thread")]
async fn what_helm_upgrades_again_stays() {
    let (Some(helm), Some(webhook)) = (Helm::shared(), Webhook::shared()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("gateway");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: gateway\nversion: 1.0.0\n").unwrap();
    for (index, object) in objects().iter().enumerate() {
        fs::write(chart.join(format!("templates/{index}.yaml")), object.to_string()).unwrap();
    }
    for server_side in ["false", "true"] {
        let gateway = Gateway::start(webhook, &format!("helm-server-side-{server_side}")).await;
        let kubeconfig = webhook.control_plane.kubeconfig_file();
        let (chart, kubeconfig) = (chart.to_string_lossy(), kubeconfig.to_string_lossy());
        let side = format!("--server-side={server_side}");
        let upgrade = || {
            let namespace = ["--namespace", &gateway.user.namespace];
            let arguments =
                [&["upgrade", "gateway", &chart, "--install", &side, "--kubeconfig", &kubeconfig][..], &namespace];
            helm.call(&arguments.concat()).success()
        };
        upgrade();
        gateway.check_fixes().await;
        let stored = gateway.stored().await;
        for _ in 0..TIMES {
            upgrade();
            assert_eq!(gateway.stored().await, stored, "{side}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_rolls_out_when_objects_are_applied_again() {
    let Some(webhook) = Webhook::shared() else { return };
    if !webhook.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let gateway = Gateway::start(webhook, "applied-rollout").await;
    gateway.server_side_apply("owner", false).await;
    let path = "/apis/apps/v1/namespaces/applied-rollout/replicasets";
    let replica_sets = || async { gateway.user.list(path).await.len() };
    eventually("the ReplicaSets", || async { (replica_sets().await == 2).then_some(()) }).await;
    for manager in ["owner", "argocd-controller"] {
        for _ in 0..TIMES {
            gateway.server_side_apply(manager, true).await;
        }
    }
    for deployment in gateway.objects.iter().filter(|object| object["kind"] == "Deployment") {
        let scaled = gateway.user.patch(deployment, "", &json!({"spec": {"replicas": 2}})).await.stored();
        eventually("the Deployment's controller", || async {
            let now = gateway.user.read(deployment).await.stored();
            (now["status"]["observedGeneration"] == scaled["metadata"]["generation"]).then_some(())
        })
        .await;
    }
    assert_eq!(replica_sets().await, 2);
}
