//! An update that says it changes nothing, and the old object as an excuse.

use crate::attempt::{Attempt, Fate, fate};
use crate::gateways::{IMAGE, KINDS, key, merged, right, right_container, template, with_container, wrong_containers};
use serde_json::{Value, json};

#[test]
fn b8_what_was_right_is_judged_anew_when_it_changes() {
    for kind in KINDS {
        let old = right(kind);
        assert_eq!(Attempt::new(&old).over(&old).refused(), Vec::<&str>::new(), "{kind}");
        for (rule, container) in wrong_containers() {
            let new = with_container(kind, "containers", container);
            assert_eq!(Attempt::new(&new).over(&old).refused(), [rule], "{new}");
        }
    }
}

#[test]
fn b8_what_was_wrong_is_no_excuse_for_a_change() {
    for kind in KINDS {
        for (rule, container) in wrong_containers() {
            let old = with_container(kind, "containers", container.clone());
            assert_eq!(Attempt::new(&old).over(&old).refused(), Vec::<&str>::new(), "untouched: {old}");
            let touched = merged(container, json!({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}));
            let new = with_container(kind, "containers", touched);
            assert_eq!(Attempt::new(&new).over(&old).refused(), [rule], "{new}");
        }
    }
}

#[test]
fn b8_what_is_being_deleted_is_judged_like_all() {
    let terminating = json!({
        "name": "gateway", "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0,
        "finalizers": ["example.com/hold"],
    });
    for kind in KINDS {
        let with = |mut object: Value| {
            object["metadata"] = merged(object["metadata"].clone(), terminating.clone());
            object
        };
        let (old, wrong) = (with(right(kind)), with(with_container(kind, "containers", keyed())));
        assert_eq!(Attempt::new(&wrong).over(&old).refused(), ["auth-key-reference"], "{kind}");
        assert_eq!(Attempt::new(&wrong).refused(), ["auth-key-reference"], "{kind}");
        let mut released = wrong.clone();
        released["metadata"]["finalizers"] = json!([]);
        assert_eq!(Attempt::new(&released).over(&wrong).refused(), Vec::<&str>::new(), "{kind}");
    }
}

#[test]
fn b8_an_old_object_that_proves_nothing_excuses_nothing() {
    let new = with_container("Deployment", "containers", keyed());
    let mut of_another_kind = with_container("DaemonSet", "containers", keyed());
    let mut review = Attempt::new(&new).over(&new).review();
    for old in [
        Value::Null,
        json!({}),
        json!({"apiVersion": "v1", "kind": "Secret"}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": 1}),
        of_another_kind.take(),
        right("Deployment"),
    ] {
        review["request"]["oldObject"] = old;
        assert_eq!(fate(review.to_string().as_bytes()), Fate::Denied(vec!["auth-key-reference"]), "{review}");
    }
    review["request"]["operation"] = json!("CREATE");
    review["request"]["oldObject"] = new;
    assert_eq!(fate(review.to_string().as_bytes()), Fate::Denied(vec!["auth-key-reference"]), "nothing is old yet");
}

#[test]
fn b8_a_pod_is_judged_when_what_its_environment_points_at_changes() {
    for keys in ["labels", "annotations"] {
        let from = json!({"fieldRef": {"fieldPath": format!("metadata.{keys}['note']")}});
        let container = merged(right_container(), json!({"env": [{"name": "config.service.auth", "valueFrom": from}]}));
        let pod = |note: Option<&str>| {
            let mut pod = with_container("Pod", "containers", container.clone());
            pod["metadata"][keys]["note"] = json!(note);
            pod
        };
        let key = Some("GatewayKey orders&202601010000&bm90IGEga2V5");
        for old in [None, Some("workloadIdentity")] {
            assert_eq!(Attempt::new(&pod(key)).over(&pod(old)).refused(), ["auth-key-literal"], "{keys} {old:?}");
        }
        let mut other = pod(key);
        other["metadata"][keys]["other"] = json!("x");
        assert_eq!(Attempt::new(&other).over(&pod(key)).refused(), Vec::<&str>::new(), "the note is as it was");
    }
}

#[test]
fn b9_no_subresource_is_a_way_in() {
    let added = json!([{"name": "debugger", "image": IMAGE, "env": [key()]}]);
    for sub_resource in
        ["", "ephemeralcontainers", "resize", "status", "binding", "eviction", "scale", "exec", "nonsense"]
    {
        for list in ["ephemeralContainers", "initContainers"] {
            let old = right("Pod");
            let mut new = old.clone();
            template(&mut new)["spec"][list] = added.clone();
            let refused = Attempt::new(&new).over(&old).through(sub_resource).refused();
            assert_eq!(refused, ["auth-key-reference"], "{sub_resource} {list}");
        }
        for kind in KINDS {
            let new = with_container(kind, "containers", keyed());
            let refused = Attempt::new(&new).over(&right(kind)).through(sub_resource).refused();
            assert_eq!(refused, ["auth-key-reference"], "{sub_resource} {kind}");
        }
    }
}

#[test]
fn b9_what_is_beside_the_change_of_an_old_pod_is_left_alone() {
    let old = with_container("Pod", "containers", keyed());
    let mut new = old.clone();
    template(&mut new)["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox:1.37"}]);
    assert_eq!(Attempt::new(&new).over(&old).through("ephemeralcontainers").refused(), Vec::<&str>::new());
}

fn keyed() -> Value {
    merged(right_container(), json!({"env": [key()]}))
}
