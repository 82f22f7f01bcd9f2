//! The requester and the owner of an object.

use super::attempt::Attempt;
use apim_keyless::admission::{Endpoint, Webhook};
use apim_keyless_core::policy::{Mode, Policy};
use serde_json::{Value, json};
use test_support::gateways::{
    KINDS, KRUISE, OTHER_KINDS, POLICY, ROLLOUTS, container_with_auth_key, merged, template, valid, with_container,
};

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

#[test]
fn b10_the_controller_of_another_kind_is_exempt_for_owners_of_its_group() {
    let owned_by = |version: &str, object: &str| {
        let mut wrong = with_container(object, "containers", container_with_auth_key());
        wrong["metadata"]["ownerReferences"] = json!([owner("Any", json!({"apiVersion": version}))]);
        wrong
    };
    for (version, user) in [("argoproj.io/v1alpha1", ROLLOUTS), ("apps.kruise.io/v1beta1", KRUISE)] {
        for made in KINDS.into_iter().chain(OTHER_KINDS.map(|(_, kind)| kind)) {
            assert_eq!(
                Attempt::new(&owned_by(version, made)).by(user).denied_by(),
                Vec::<&str>::new(),
                "{user} {made}"
            );
        }
        for other in ["jane", "argo-rollouts", "system:kube-controller-manager", REPLICA_SETS] {
            let denied_by = Attempt::new(&owned_by(version, "Pod")).by(other).denied_by();
            assert_eq!(denied_by, ["auth-key-reference"], "{other}");
        }
    }
    for version in ["apps.kruise.io/v1alpha1", "argoproj.io", "argoproj.io.example/v1", "apps/v1", "v1", "", "/v1"] {
        let denied_by = Attempt::new(&owned_by(version, "Pod")).by(ROLLOUTS).denied_by();
        assert_eq!(denied_by, ["auth-key-reference"], "{version}");
    }
    for (of_built_in, object) in [("ReplicaSet", "Pod"), ("Deployment", "ReplicaSet")] {
        let mut wrong = owned_by("apps/v1", object);
        wrong["metadata"]["ownerReferences"][0]["kind"] = json!(of_built_in);
        assert_eq!(Attempt::new(&wrong).by(ROLLOUTS).denied_by(), ["auth-key-reference"], "{of_built_in}");
    }
}

#[test]
fn a_job_that_a_user_starts_from_a_cron_job_is_fixed() {
    let policies = [POLICY.to_owned(), format!("{POLICY}  controlledPods: enforce\n")];
    let mutating = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
    let cron_job = owner("CronJob", json!({"apiVersion": "batch/v1"}));
    let unlabeled = |kind: &str, reference: &Value| {
        let mut object = valid(kind);
        template(&mut object)["metadata"]["labels"] = json!({"app": "gateway"});
        object["metadata"]["ownerReferences"] = json!([reference]);
        object
    };
    for policy in policies.map(|text| Policy::parse(&text).unwrap()) {
        let is_mutated =
            |object: &Value, user: &str| Attempt::new(object).by(user).answer(&policy, mutating).patch.is_some();
        assert!(is_mutated(&unlabeled("Job", &cron_job), "jane"));
        for user in ["system:serviceaccount:kube-system:cronjob-controller", "system:kube-controller-manager"] {
            assert!(!is_mutated(&unlabeled("Job", &cron_job), user), "{user}");
        }
        assert!(!is_mutated(&unlabeled("Pod", &cron_job), "jane"));
        let other = owner("CronJob", json!({"apiVersion": "batch.example/v1"}));
        assert!(!is_mutated(&unlabeled("Job", &other), "jane"));
    }
}

#[test]
fn what_has_a_controlling_owner_is_never_mutated() {
    let policies = [POLICY.to_owned(), format!("{POLICY}  controlledPods: enforce\n")];
    let policies = policies.map(|text| Policy::parse(&text).unwrap());
    let mutating = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
    let owners = [("argoproj.io/v1alpha1", "Rollout"), ("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet")];
    for kind in KINDS.into_iter().chain(OTHER_KINDS.map(|(_, kind)| kind)) {
        let mut unlabeled = valid(kind);
        template(&mut unlabeled)["metadata"]["labels"] = json!({"app": "gateway"});
        for policy in &policies {
            let is_mutated =
                |object: &Value, user: &str| Attempt::new(object).by(user).answer(policy, mutating).patch.is_some();
            assert!(is_mutated(&unlabeled, "jane"), "{kind}");
            for (version, of_kind) in owners {
                let mut owned = unlabeled.clone();
                let reference = owner(of_kind, json!({"apiVersion": version, "controller": true}));
                owned["metadata"]["ownerReferences"] = json!([reference]);
                let users = ["jane", REPLICA_SETS, "system:kube-controller-manager", ROLLOUTS];
                assert!(!users.iter().any(|user| is_mutated(&owned, user)), "{kind} of {of_kind}");
                assert_eq!(Attempt::new(&owned).denied_by(), ["missing-identity-label"], "{kind} of {of_kind}");
                // an owner that is not the controlling one makes nothing again
                owned["metadata"]["ownerReferences"][0]["controller"] = json!(false);
                assert!(is_mutated(&owned, "jane"), "{kind}");
            }
        }
    }
}
