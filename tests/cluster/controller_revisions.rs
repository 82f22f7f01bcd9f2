//! The revisions of a StatefulSet. Its controller makes the Pods below `partition` from an old revision, and only the
//! controller is to write revisions: the webhook does not evaluate them. docs/security.md says who can write them.

use crate::bypasses::enforced;
use serde_json::{Value, json};
use test_support::gateways::{auth_key_env, valid};
use test_support::webhook::{User, Webhook, documents, eventually, not_run};

const SECURITY: &str = include_str!("../../docs/security.md");

/// A gateway's StatefulSet that is rolled to a second revision, but not its Pod, which is below `partition`.
struct Rolled {
    user: User,
    pod: Value,
    /// The revision that the Pod is made from.
    revision: Value,
}

impl Rolled {
    async fn start(webhook: &Webhook, namespace: &str) -> Self {
        let user = enforced(webhook, namespace).await;
        let mut set = valid("StatefulSet");
        set["spec"]["serviceName"] = json!("gateway");
        set["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
        user.apply(&set).await.stored();
        let pod = eventually("the Pod", || pod(&user)).await;
        let status = roll(&user, "first").await;
        let revision = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": status["currentRevision"]}});
        let revision = user.read(&revision).await.stored();
        Self { user, pod, revision }
    }

    /// The revision with other data, as a tenant writes it.
    fn forged(&self, data: &Value) -> Value {
        let metadata = &self.revision["metadata"];
        json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1, "data": data,
            "metadata": {"name": metadata["name"], "labels": metadata["labels"],
                         "ownerReferences": metadata["ownerReferences"]},
        })
    }

    /// The Pod that the controller makes after the first one was deleted.
    async fn next_pod(&self) -> Value {
        self.user.delete(&self.pod).await.stored();
        eventually("another Pod", || async {
            pod(&self.user).await.filter(|pod| pod["metadata"]["uid"] != self.pod["metadata"]["uid"])
        })
        .await
    }
}

async fn pod(user: &User) -> Option<Value> {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "gateway-0"}});
    let response = user.read(&pod).await;
    (response.status == 200).then_some(response.body)
}

/// Changes the template, and waits until the controller has written a revision for it. Returns the status.
async fn roll(user: &User, change: &str) -> Value {
    let set = valid("StatefulSet");
    let before = user.read(&set).await.stored()["status"]["updateRevision"].clone();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"change": change}}}}});
    user.patch(&set, "", &patch).await.stored();
    eventually("another revision", || async {
        let status = user.read(&set).await.stored()["status"].clone();
        (status["updateRevision"] != before).then_some(status)
    })
    .await
}

/// A patch that adds a key to the container of the template. It says nothing of a gateway by itself.
fn patch_with_secret() -> Value {
    let container = json!({"name": "gateway", "envFrom": [{"secretRef": {"name": "all"}}]});
    json!({"spec": {"template": {"spec": {"containers": [container]}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_who_may_write_revisions_can_bring_a_key_into_the_pods_of_a_stateful_set() {
    let Some(webhook) = Webhook::shared() else { return };
    if !webhook.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let rolled = Rolled::start(webhook, "revisions").await;
    let user = &rolled.user;
    // the data of an existing revision cannot change, so it is replaced by another one of the same name
    let with_key =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "gateway", "env": [auth_key_env()]}]}}}});
    assert_eq!(user.patch(&rolled.revision, "", &json!({"data": with_key})).await.status, 422);
    user.delete(&rolled.revision).await.stored();
    user.apply(&rolled.forged(&with_key)).await.stored();
    assert_eq!(rolled.next_pod().await["spec"]["containers"][0]["env"], json!([auth_key_env()]));
    // the roles of Kubernetes for tenants give no right to write them
    for role in ["edit", "admin"] {
        // the API server notices a binding, and the controllers complete these roles, a moment later
        eventually("the role", || async { may_write(user, role, "statefulsets").await.then_some(()) }).await;
        for resource in ["controllerrevisions", "statefulsets/status"] {
            assert!(!may_write(user, role, resource).await, "{role} {resource}");
        }
    }
}

/// May a user with this role of Kubernetes create objects of this resource, or update this subresource?
async fn may_write(user: &User, role: &str, resource: &str) -> bool {
    let namespace = &user.namespace;
    let tenant = format!("tenant-{role}");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": tenant}, "subjects": [{"kind": "User", "name": tenant}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
    });
    let created = user.apply(&binding).await;
    assert!([201, 409].contains(&created.status), "{}", created.body);
    let (resource, sub_resource) = resource.split_once('/').unwrap_or((resource, ""));
    let verb = if sub_resource.is_empty() { "create" } else { "update" };
    let attributes = json!({
        "namespace": namespace, "verb": verb, "group": "apps", "resource": resource, "subresource": sub_resource,
    });
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": tenant, "resourceAttributes": attributes},
    });
    let answer = user.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).await.stored();
    answer["status"]["allowed"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_the_policy_in_the_docs_lets_only_controllers_write_revisions() {
    let Some(webhook) = Webhook::shared() else { return };
    if !webhook.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let rolled = Rolled::start(webhook, "revisions-protected").await;
    let user = &rolled.user;
    for mut object in policy_in_docs() {
        if object["kind"] == "ValidatingAdmissionPolicyBinding" {
            // the tests of one control plane share it
            object["spec"]["matchResources"]["namespaceSelector"]["matchLabels"] =
                json!({"kubernetes.io/metadata.name": user.namespace, "apim-keyless.dev/mode": "enforce"});
        }
        let kind = object["kind"].as_str().unwrap().to_lowercase();
        let collection = kind.strip_suffix('y').map_or(format!("{kind}s"), |kind| format!("{kind}ies"));
        user.post(&format!("/apis/admissionregistration.k8s.io/v1/{collection}"), &object).await.stored();
    }
    user.delete(&rolled.revision).await.stored();
    let forged = rolled.forged(&patch_with_secret());
    eventually("a denial", || async {
        let response = user.apply(&forged).await;
        if response.status == 201 {
            user.delete(&forged).await.stored();
        }
        let message = response.body["message"].as_str().unwrap_or_default();
        (response.status == 403 && message.contains("only controllers write ControllerRevisions")).then_some(())
    })
    .await;
    // controllers write revisions as before, and the Pod is made from one of them
    roll(user, "second").await;
    assert_eq!(rolled.next_pod().await["spec"]["containers"][0]["env"], Value::Null);
}

/// The admission policy that docs/security.md shows.
fn policy_in_docs() -> Vec<Value> {
    let blocks = SECURITY.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    documents(blocks.into_iter().find(|block| block.contains("ValidatingAdmissionPolicy")).unwrap())
}
