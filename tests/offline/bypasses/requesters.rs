//! The requester and the owner of an object.

use super::attempt::Attempt;
use serde_json::{Value, json};
use test_support::gateways::{container_with_auth_key, merged, valid, with_container};

const REPLICA_SETS: &str = "system:serviceaccount:kube-system:replicaset-controller";

fn owned_by(owners: Value) -> Value {
    let mut pod = with_container("Pod", "containers", container_with_auth_key());
    pod["metadata"]["ownerReferences"] = owners;
    pod
}

fn owner(kind: &str, members: Value) -> Value {
    merged(json!({"apiVersion": "apps/v1", "kind": kind, "name": "good", "uid": "1", "controller": true}), members)
}

#[test]
fn b10_an_owner_counts_only_if_its_controller_asks() {
    let pod = owned_by(json!([owner("ReplicaSet", json!({}))]));
    for user in [REPLICA_SETS, "system:kube-controller-manager"] {
        assert_eq!(Attempt::new(&pod).by(user).denied_by(), Vec::<&str>::new(), "{user}");
    }
    for user in [
        "jane",
        "",
        "system:admin",
        "kubernetes-admin",
        "system:node:worker-1",
        "system:apiserver",
        "system:kube-scheduler",
        "system:kube-controller-manager ",
        "System:kube-controller-manager",
        "system:serviceaccount:kube-system:",
        "system:serviceaccount:kube-system:default",
        "system:serviceaccount:kube-system:deployment-controller",
        "system:serviceaccount:kube-system:daemon-set-controller",
        "system:serviceaccount:kube-system:job-controller",
        "system:serviceaccount:kube-system:replication-controller",
        "system:serviceaccount:kube-system:replicaset-controller-2",
        "system:serviceaccount:kube-system:ReplicaSet-controller",
        "system:serviceaccount:kube-system:x:replicaset-controller",
        "system:serviceaccount:team-a:replicaset-controller",
        "system:serviceaccount:kube-system2:replicaset-controller",
        "x:system:serviceaccount:kube-system:replicaset-controller",
        "replicaset-controller",
    ] {
        assert_eq!(Attempt::new(&pod).by(user).denied_by(), ["auth-key-reference"], "{user}");
    }
}

#[test]
fn b10_an_owner_that_cannot_create_the_object_does_not_count() {
    for owners in [
        json!(null),
        json!([]),
        json!([owner("ReplicaSet", json!({"controller": false}))]),
        json!([owner("ReplicaSet", json!({"controller": null}))]),
        json!([owner("ReplicaSet", json!({"apiVersion": "example.com/v1"}))]),
        json!([owner("ReplicaSet", json!({"apiVersion": "v1"}))]),
        json!([owner("ReplicaSet", json!({"apiVersion": ""}))]),
        json!([owner("replicaset", json!({}))]),
        json!([owner("Deployment", json!({}))]),
        json!([owner("DaemonSet", json!({}))]),
        json!([owner("Pod", json!({"apiVersion": "v1"}))]),
        json!([owner("Node", json!({"apiVersion": "v1"}))]),
        // the first owner with `controller: true` is the controlling owner
        json!([owner("Deployment", json!({})), owner("ReplicaSet", json!({}))]),
    ] {
        let pod = owned_by(owners);
        assert_eq!(Attempt::new(&pod).by(REPLICA_SETS).denied_by(), ["auth-key-reference"], "{pod}");
    }
}

#[test]
fn b30_the_mirror_pod_of_a_static_pod_is_left_alone() {
    let mut pod = with_container("Pod", "containers", container_with_auth_key());
    pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("d41d8cd9");
    assert_eq!(Attempt::new(&pod).by("system:node:worker-1").denied_by(), Vec::<&str>::new());
    for user in ["jane", "system:nodes", "node:worker-1"] {
        assert_eq!(Attempt::new(&pod).by(user).denied_by(), ["auth-key-reference"], "{user}");
    }
}

#[test]
fn b10_a_controller_is_exempt_only_for_the_kind_that_it_creates() {
    let controllers = [
        ("batch/v1", "CronJob", "cronjob-controller", "Job"),
        ("apps/v1", "DaemonSet", "daemon-set-controller", "Pod"),
        ("apps/v1", "Deployment", "deployment-controller", "ReplicaSet"),
        ("batch/v1", "Job", "job-controller", "Pod"),
        ("apps/v1", "ReplicaSet", "replicaset-controller", "Pod"),
        ("v1", "ReplicationController", "replication-controller", "Pod"),
        ("apps/v1", "StatefulSet", "statefulset-controller", "Pod"),
    ];
    for ((version, kind, of_kind, made), (.., controller, _)) in
        controllers.iter().flat_map(|owner| controllers.iter().map(move |other| (owner, other)))
    {
        for object in test_support::gateways::KINDS {
            let mut wrong = with_container(object, "containers", container_with_auth_key());
            wrong["metadata"]["ownerReferences"] = json!([owner(kind, json!({"apiVersion": version}))]);
            let user = format!("system:serviceaccount:kube-system:{controller}");
            let is_exempt = controller == of_kind && object == *made;
            let denied_by = Attempt::new(&wrong).by(&user).denied_by();
            assert_eq!(denied_by.is_empty(), is_exempt, "{object} of {kind}, created by {controller}");
        }
    }
}

#[test]
fn b10_a_valid_pod_of_any_user_is_allowed() {
    let mut pod = valid("Pod");
    pod["metadata"]["ownerReferences"] = json!([owner("ReplicaSet", json!({}))]);
    assert_eq!(Attempt::new(&pod).denied_by(), Vec::<&str>::new());
}
