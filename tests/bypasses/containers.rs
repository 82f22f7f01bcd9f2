//! The container that nobody looked at, and the kind.

use crate::attempt::Attempt;
use crate::gateways::{KINDS, LISTS, key, merged, right, right_container, template, with_container, wrong_containers};
use serde_json::{Value, json};

#[test]
fn b4_init_and_ephemeral_containers_are_judged_like_all() {
    for (kind, list) in KINDS.iter().flat_map(|kind| LISTS.map(|list| (kind, list))) {
        let right = with_container(kind, list, right_container());
        assert_eq!(Attempt::new(&right).refused(), Vec::<&str>::new(), "{kind} {list}");
        for (rule, container) in wrong_containers() {
            let wrong = with_container(kind, list, container);
            assert_eq!(Attempt::new(&wrong).refused(), [rule], "{kind} {list} {wrong}");
        }
    }
}

#[test]
fn b4_the_last_of_many_containers_is_judged_like_the_first() {
    for list in LISTS {
        let mut object = right("Deployment");
        let others = (0..200).map(|index| json!({"name": format!("other-{index}"), "image": "busybox:1.37"}));
        let last = merged(right_container(), json!({"name": "last", "env": [key()]}));
        template(&mut object)["spec"][list] = others.chain([last]).collect();
        assert_eq!(Attempt::new(&object).refused(), ["auth-key-reference"], "{list}");
    }
}

#[test]
fn b12_nothing_that_a_tenant_writes_on_an_object_exempts_it() {
    let marks = json!({
        "apim-keyless.dev/mode": "off",
        "apim-keyless.dev/gateway": "false",
        "apim-keyless.dev/allowed-secrets": "orders-token,all",
        "apim-keyless.dev/minimum-version": "2.0.0",
        "apim-keyless.dev/exempt": "true",
        "admissions.enforcer/disabled": "true",
        "admission.gatekeeper.sh/ignore": "true",
        "policies.kyverno.io/scored": "false",
        "control-plane": "true",
        "kubernetes.azure.com/managedby": "aks",
        "app.kubernetes.io/component": "self-hosted-gateway",
        "app.kubernetes.io/managed-by": "Helm",
        "helm.sh/hook": "test",
        "kubernetes.io/bootstrapping": "rbac-defaults",
        "kubernetes.io/config.mirror": "73c4",
        "kubernetes.io/config.source": "file",
    });
    for (kind, (rule, container)) in
        KINDS.iter().flat_map(|kind| wrong_containers().into_iter().map(move |it| (kind, it)))
    {
        for (keys, on_template) in [("labels", false), ("annotations", false), ("labels", true), ("annotations", true)]
        {
            let mut object = with_container(kind, "containers", container.clone());
            let location = if on_template { template(&mut object) } else { &mut object };
            let own = location["metadata"][keys].take();
            location["metadata"][keys] = merged(marks.clone(), if own.is_null() { json!({}) } else { own });
            assert_eq!(Attempt::new(&object).refused(), [rule], "{object}");
        }
    }
}

#[test]
fn b12_a_namespace_may_tighten_what_is_expected_and_never_loosen_it() {
    let namespace = |annotations: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "annotations": annotations}});
    let loose = namespace(json!({
        "apim-keyless.dev/allowed-secrets": "all",
        "apim-keyless.dev/minimum-version": "2.0.0",
        "apim-keyless.dev/images": "registry.example/other",
        "apim-keyless.dev/controlled-pods": "audit",
    }));
    for (rule, container) in wrong_containers() {
        let wrong = with_container("Deployment", "containers", container);
        assert_eq!(Attempt::new(&wrong).beside(std::slice::from_ref(&loose)).refused(), [rule], "{wrong}");
    }
    let strict = namespace(json!({"apim-keyless.dev/minimum-version": "2.12.0"}));
    assert_eq!(Attempt::new(&right("Deployment")).beside(&[strict]).refused(), ["unsupported-version"]);
}

#[test]
fn b18_no_version_of_a_kind_is_another_kind() {
    for (kind, versions) in [
        ("CronJob", &["batch/v1", "batch/v1beta1", "batch/v2alpha1", "batch/v3"][..]),
        ("DaemonSet", &["apps/v1", "apps/v1beta2", "extensions/v1beta1", "apps/v2"]),
        ("Deployment", &["apps/v1", "apps/v1beta1", "apps/v1beta2", "extensions/v1beta1", "apps/"]),
        ("Job", &["batch/v1", "batch/v1beta1"]),
        ("Pod", &["v1", "v2", "v1beta3", ""]),
        ("PodTemplate", &["v1", "v2"]),
        ("ReplicaSet", &["apps/v1", "apps/v1beta2", "extensions/v1beta1"]),
        ("ReplicationController", &["v1", "v2"]),
        ("StatefulSet", &["apps/v1", "apps/v1beta1", "apps/v1beta2"]),
    ] {
        for version in versions {
            let mut object = with_container(kind, "containers", merged(right_container(), json!({"env": [key()]})));
            object["apiVersion"] = json!(version);
            assert_eq!(Attempt::new(&object).refused(), ["auth-key-reference"], "{version} {kind}");
        }
    }
}

#[test]
fn b19_a_name_decides_nothing() {
    let long = "a".repeat(253);
    for metadata in [
        json!({"generateName": "gateway-"}),
        json!({"generateName": ""}),
        json!({"name": ""}),
        json!({"name": null}),
        json!({}),
        json!({"name": long}),
        json!({"name": "kube-system"}),
        json!({"name": "apim-keyless", "generateName": "apim-keyless-"}),
    ] {
        for kind in KINDS {
            let mut wrong = with_container(kind, "containers", merged(right_container(), json!({"env": [key()]})));
            let mut right = right(kind);
            for object in [&mut wrong, &mut right] {
                let labels = object["metadata"]["labels"].take();
                object["metadata"] = merged(metadata.clone(), json!({"labels": labels}));
            }
            assert_eq!(Attempt::new(&wrong).refused(), ["auth-key-reference"], "{wrong}");
            assert_eq!(Attempt::new(&right).refused(), Vec::<&str>::new(), "{right}");
        }
    }
}
