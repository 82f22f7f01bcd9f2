//! Gateways of other kinds: a Rollout, with the definition of Argo Rollouts, and a `CloneSet`. The chart registers
//! them. Their controllers do not run here; the tests write what these write, as their users.

use crate::chart::definitions;
use crate::related::until_enforced;
use serde_json::{Value, json};
use test_support::gateways::{KRUISE, ROLLOUTS, container_with_auth_key, merged, template, valid, with_container};
use test_support::helm::Helm;
use test_support::run::Folder;
use test_support::webhook::objects::{ARTICLE, one};
use test_support::webhook::{User, Webhook, eventually, not_run};

const EXTRA_RESOURCES: &str = r#"extraResources=[
  {"apiGroups": ["argoproj.io"], "apiVersions": ["v1alpha1"], "resources": ["rollouts"],
    "controllers": ["system:serviceaccount:argo-rollouts:argo-rollouts"]},
  {"apiGroups": ["apps.kruise.io"], "apiVersions": ["v1alpha1"], "resources": ["clonesets"],
    "controllers": ["system:serviceaccount:kruise-system:kruise-manager"]}]"#;

/// The definition of a `CloneSet`. As in `OpenKruise`, the API server does not know the fields of its pod template.
const CLONE_SET: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: clonesets.apps.kruise.io
  annotations: {api-approved.kubernetes.io: unapproved}
spec:
  group: apps.kruise.io
  names: {kind: CloneSet, plural: clonesets, singular: cloneset, listKind: CloneSetList}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              replicas: {type: integer}
              selector: {type: object, x-kubernetes-preserve-unknown-fields: true}
              template: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

/// A kind, its controller, and the kind that the controller makes.
struct Kind {
    name: &'static str,
    controller: &'static str,
    other_controller: &'static str,
    made: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind { name: "Rollout", controller: ROLLOUTS, other_controller: KRUISE, made: "ReplicaSet" },
    Kind { name: "CloneSet", controller: KRUISE, other_controller: ROLLOUTS, made: "Pod" },
];

#[tokio::test(flavor = "multi_thread")]
async fn gateways_of_other_kinds_are_evaluated_and_keep_their_pods() {
    let Some(helm) = Helm::shared() else { return };
    let Some(webhook) = Webhook::of_test("other-kinds", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    if !webhook.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let administrator = webhook.in_own_namespace();
    let rollouts = definitions::from_module("github.com/argoproj/argo-rollouts", "manifests/crds/rollout-crd.yaml");
    for definition in rollouts.iter().chain(&test_support::webhook::documents(CLONE_SET)) {
        definitions::create(&administrator, definition).await;
    }
    webhook.register_instead(&helm.template(&[EXTRA_RESOURCES]).success()).await;
    for kind in &KINDS {
        let user = webhook.user(&format!("other-{}", kind.name.to_lowercase()), None).await;
        user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
        let old = Old::start(user, kind).await;
        old.user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
        until_enforced(&old.user).await;
        old.check_that_its_pods_come_back().await;
        // the API server does not send what the controller makes; the offline tests show that the policy allows it, too
        assert!(webhook.events(&old.user.namespace).iter().all(|event| event["user"] != kind.controller));
        check_new_ones(&old.user, kind.name).await;
        if kind.name == "Rollout" {
            check_that_verify_finds_its_pods(&webhook, &old).await;
        }
    }
}

/// `verify` finds the Pods of the `ReplicaSet` of a Rollout, and knows by the hash which are of an earlier template.
async fn check_that_verify_finds_its_pods(webhook: &Webhook, old: &Old<'_>) {
    let kubeconfig = std::fs::read_to_string(webhook.control_plane.kubeconfig_file()).unwrap();
    let folder = Folder::with(&[("kubeconfig", &kubeconfig)]);
    let name = old.owner["metadata"]["name"].as_str().unwrap();
    let found = |status: Value, code: &'static str| {
        let (folder, namespace) = (&folder, &old.user.namespace);
        async move {
            old.user.patch(&old.owner, "/status", &json!({"status": status})).await.stored();
            let gateway = format!("rollout/{name}");
            let command = ["verify", "--kubeconfig", "kubeconfig", "-n", namespace, &gateway, "--output", "json"];
            let report = folder.run(&command).json();
            let findings = report["findings"].as_array().unwrap();
            let found = findings.iter().find(|finding| finding["rule"] == code).map(ToString::to_string);
            found.unwrap_or_else(|| panic!("{code}: {report}"))
        }
    };
    for pod in old.pods().await {
        let label = json!({"metadata": {"labels": {"rollouts-pod-template-hash": "first"}}});
        // the items of a list carry neither
        let pod = merged(pod, json!({"apiVersion": "v1", "kind": "Pod"}));
        old.user.impersonating("system:kube-controller-manager").patch(&pod, "", &label).await.stored();
    }
    assert!(found(json!({"currentPodHash": "first"}), "pod-not-ready").await.contains("gateway-made-"));
    assert!(found(json!({"currentPodHash": "second"}), "template-outdated").await.contains("gateway-made-"));
}

/// A gateway with a key that is older than the enforcement, and what its controller made for it.
struct Old<'k> {
    user: User,
    kind: &'k Kind,
    owner: Value,
    made: Value,
}

impl<'k> Old<'k> {
    async fn start(user: User, kind: &'k Kind) -> Self {
        let owner = with_container(kind.name, "containers", container_with_auth_key());
        let owner = user.apply(&owner).await.stored();
        let mut made = with_container(kind.made, "containers", container_with_auth_key());
        made["metadata"]["name"] = json!("gateway-made");
        if kind.made == "ReplicaSet" {
            made["spec"]["replicas"] = json!(1);
        }
        let metadata = &owner["metadata"];
        made["metadata"]["ownerReferences"] = json!([{
            "apiVersion": owner["apiVersion"], "kind": kind.name, "name": metadata["name"], "uid": metadata["uid"],
            "controller": true, "blockOwnerDeletion": true,
        }]);
        user.impersonating(kind.controller).apply(&made).await.stored();
        let old = Self { user, kind, owner, made };
        eventually("a Pod", || async { old.pods().await.pop() }).await;
        old
    }

    async fn pods(&self) -> Vec<Value> {
        let pods = self.user.list(&format!("/api/v1/namespaces/{}/pods", self.user.namespace)).await;
        pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
    }

    async fn check_that_its_pods_come_back(&self) {
        let (user, kind) = (&self.user, self.kind);
        let before: Vec<Value> = self.pods().await.iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
        let replicas = json!({"spec": {"replicas": 2}});
        user.patch(&self.owner, "", &replicas).await.stored();
        // as when its node is drained, and when a user deletes the ReplicaSet
        user.delete(&self.made).await.stored();
        for other in [None, Some(kind.other_controller), Some("system:kube-controller-manager")] {
            let other = other.map_or_else(|| user.impersonating("jane"), |name| user.impersonating(name));
            other.apply_with(&self.made, "?dryRun=All").await.denied(&["auth-key-reference"]);
        }
        let made = eventually("the end of the old one", || async {
            let made = user.impersonating(kind.controller).apply(&self.made).await;
            (made.status != 409).then_some(made)
        });
        made.await.stored();
        eventually("a new Pod", || async {
            self.pods().await.into_iter().find(|pod| !before.contains(&pod["metadata"]["uid"]))
        })
        .await;
    }
}

/// A new gateway of this kind, and changes of the old one, are evaluated like those of a Deployment.
async fn check_new_ones(user: &User, kind: &str) {
    let renamed = |object: Value, name: &str| {
        let metadata = merged(object["metadata"].clone(), json!({"name": name}));
        merged(object, json!({"metadata": metadata}))
    };
    let with_key = renamed(with_container(kind, "containers", container_with_auth_key()), "new");
    user.apply(&with_key).await.denied(&["auth-key-reference"]);
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    let old = with_container(kind, "containers", container_with_auth_key());
    user.patch(&old, "", &restart).await.denied(&["auth-key-reference"]);
    let mut bare = renamed(valid(kind), "bare");
    template(&mut bare)["metadata"]["labels"] = json!({"app": "gateway"});
    template(&mut bare)["spec"]["serviceAccountName"] = json!(null);
    let mut stored = user.apply(&bare).await.stored();
    let stored = template(&mut stored);
    assert_eq!(stored["metadata"]["labels"]["azure.workload.identity/use"], "true", "{kind}");
    assert_eq!(stored["spec"]["serviceAccountName"], "apim-gateway-workload-identity", "{kind}");
}
