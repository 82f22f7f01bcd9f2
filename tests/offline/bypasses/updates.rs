//! Updates that claim to change nothing, and old objects that excuse a finding.

use super::attempt::{Attempt, Outcome, outcome};
use serde_json::{Value, json};
use test_support::gateways::{
    IMAGE, KINDS, auth_key_env, container_with_auth_key, invalid_containers, merged, template, valid, valid_container,
    with_container,
};

#[test]
fn b8_a_valid_gateway_is_evaluated_again_when_it_changes() {
    for kind in KINDS {
        let old = valid(kind);
        assert_eq!(Attempt::new(&old).updating(&old).denied_by(), Vec::<&str>::new(), "{kind}");
        for (rule, container) in invalid_containers() {
            let new = with_container(kind, "containers", container);
            assert_eq!(Attempt::new(&new).updating(&old).denied_by(), [rule], "{new}");
        }
    }
}

#[test]
fn b8_an_old_finding_does_not_excuse_a_change() {
    for kind in KINDS {
        for (rule, container) in invalid_containers() {
            let old = with_container(kind, "containers", container.clone());
            assert_eq!(Attempt::new(&old).updating(&old).denied_by(), Vec::<&str>::new(), "unchanged: {old}");
            let changed = merged(container, json!({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}));
            let new = with_container(kind, "containers", changed);
            assert_eq!(Attempt::new(&new).updating(&old).denied_by(), [rule], "{new}");
        }
    }
}

#[test]
fn b8_only_a_workload_whose_controller_ends_with_it_is_excused_by_its_deletion() {
    let terminating = json!({
        "name": "gateway", "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0,
        "finalizers": ["example.com/hold"],
    });
    let with = |mut object: Value| {
        object["metadata"] = merged(object["metadata"].clone(), terminating.clone());
        object
    };
    for kind in KINDS {
        let (old, wrong) = (with(valid(kind)), with(with_container(kind, "containers", container_with_auth_key())));
        let denied_by = Attempt::new(&wrong).updating(&old).denied_by();
        let is_denied = matches!(kind, "Pod" | "PodTemplate");
        assert_eq!(denied_by, if is_denied { vec!["auth-key-reference"] } else { vec![] }, "{kind}");
        // the API server stores no new object with a deletion timestamp
        assert_eq!(Attempt::new(&wrong).denied_by(), ["auth-key-reference"], "{kind}");
        let mut released = wrong.clone();
        released["metadata"]["finalizers"] = json!([]);
        assert_eq!(Attempt::new(&released).updating(&wrong).denied_by(), Vec::<&str>::new(), "{kind}");
    }
    let config_map = |value: &str| {
        with(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"config.service.auth": value}}))
    };
    let denied_by = Attempt::new(&config_map("azureAdApp")).updating(&config_map("workloadIdentity")).denied_by();
    assert!(!denied_by.is_empty(), "a Pod can still read a ConfigMap that is being deleted");
}

#[test]
fn b8_an_unusable_old_object_excuses_nothing() {
    let new = with_container("Deployment", "containers", container_with_auth_key());
    let mut of_another_kind = with_container("DaemonSet", "containers", container_with_auth_key());
    let mut review = Attempt::new(&new).updating(&new).review();
    for old in [
        Value::Null,
        json!({}),
        json!({"apiVersion": "v1", "kind": "Secret"}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": 1}),
        of_another_kind.take(),
        valid("Deployment"),
    ] {
        review["request"]["oldObject"] = old;
        assert_eq!(outcome(review.to_string().as_bytes()), Outcome::Denied(vec!["auth-key-reference"]), "{review}");
    }
    review["request"]["operation"] = json!("CREATE");
    review["request"]["oldObject"] = new;
    assert_eq!(
        outcome(review.to_string().as_bytes()),
        Outcome::Denied(vec!["auth-key-reference"]),
        "a CREATE has no old object"
    );
}

#[test]
fn b8_a_pod_is_evaluated_when_a_referenced_label_or_annotation_changes() {
    for keys in ["labels", "annotations"] {
        let from = json!({"fieldRef": {"fieldPath": format!("metadata.{keys}['note']")}});
        let container = merged(valid_container(), json!({"env": [{"name": "config.service.auth", "valueFrom": from}]}));
        let pod = |note: Option<&str>| {
            let mut pod = with_container("Pod", "containers", container.clone());
            pod["metadata"][keys]["note"] = json!(note);
            pod
        };
        let key = Some("GatewayKey orders&202601010000&bm90IGEga2V5");
        for old in [None, Some("workloadIdentity")] {
            assert_eq!(Attempt::new(&pod(key)).updating(&pod(old)).denied_by(), ["auth-key-literal"], "{keys} {old:?}");
        }
        let mut other = pod(key);
        other["metadata"][keys]["other"] = json!("x");
        assert_eq!(Attempt::new(&other).updating(&pod(key)).denied_by(), Vec::<&str>::new(), "the note did not change");
    }
}

#[test]
fn b9_no_subresource_bypasses_the_evaluation() {
    let added = json!([{"name": "debugger", "image": IMAGE, "env": [auth_key_env()]}]);
    for sub_resource in
        ["", "ephemeralcontainers", "resize", "status", "binding", "eviction", "scale", "exec", "nonsense"]
    {
        for list in ["ephemeralContainers", "initContainers"] {
            let old = valid("Pod");
            let mut new = old.clone();
            template(&mut new)["spec"][list] = added.clone();
            let denied_by = Attempt::new(&new).updating(&old).through_subresource(sub_resource).denied_by();
            assert_eq!(denied_by, ["auth-key-reference"], "{sub_resource} {list}");
        }
        for kind in KINDS {
            let new = with_container(kind, "containers", container_with_auth_key());
            let denied_by = Attempt::new(&new).updating(&valid(kind)).through_subresource(sub_resource).denied_by();
            assert_eq!(denied_by, ["auth-key-reference"], "{sub_resource} {kind}");
        }
    }
}

#[test]
fn b9_containers_that_an_update_does_not_change_are_left_alone() {
    let old = with_container("Pod", "containers", container_with_auth_key());
    let mut new = old.clone();
    template(&mut new)["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox:1.37"}]);
    assert_eq!(
        Attempt::new(&new).updating(&old).through_subresource("ephemeralcontainers").denied_by(),
        Vec::<&str>::new()
    );
}
