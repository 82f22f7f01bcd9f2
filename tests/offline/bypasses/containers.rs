//! Containers, kinds and exemptions that an evaluation may overlook.

use super::attempt::Attempt;
use serde_json::{Value, json};
use test_support::gateways::{
    KINDS, LISTS, auth_key_env, container_with_auth_key, invalid_containers, merged, template, valid, valid_container,
    with_container,
};

#[test]
fn b4_init_and_ephemeral_containers_are_evaluated_too() {
    for (kind, list) in KINDS.iter().flat_map(|kind| LISTS.map(|list| (kind, list))) {
        let valid = with_container(kind, list, valid_container());
        assert_eq!(Attempt::new(&valid).denied_by(), Vec::<&str>::new(), "{kind} {list}");
        for (rule, container) in invalid_containers() {
            let wrong = with_container(kind, list, container);
            assert_eq!(Attempt::new(&wrong).denied_by(), [rule], "{kind} {list} {wrong}");
        }
    }
}

#[test]
fn b4_the_last_of_many_containers_is_evaluated_too() {
    for list in LISTS {
        let mut object = valid("Deployment");
        let others = (0..200).map(|index| json!({"name": format!("other-{index}"), "image": "busybox:1.37"}));
        let last = merged(valid_container(), json!({"name": "last", "env": [auth_key_env()]}));
        template(&mut object)["spec"][list] = others.chain([last]).collect();
        assert_eq!(Attempt::new(&object).denied_by(), ["auth-key-reference"], "{list}");
    }
}

#[test]
fn b12_no_label_or_annotation_exempts_an_object() {
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
        KINDS.iter().flat_map(|kind| invalid_containers().into_iter().map(move |it| (kind, it)))
    {
        for (keys, on_template) in [("labels", false), ("annotations", false), ("labels", true), ("annotations", true)]
        {
            let mut object = with_container(kind, "containers", container.clone());
            let location = if on_template { template(&mut object) } else { &mut object };
            let own = location["metadata"][keys].take();
            location["metadata"][keys] = merged(marks.clone(), if own.is_null() { json!({}) } else { own });
            assert_eq!(Attempt::new(&object).denied_by(), [rule], "{object}");
        }
    }
}

#[test]
fn b12_a_namespace_can_tighten_expectations_but_not_loosen_them() {
    let namespace = |annotations: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "annotations": annotations}});
    let loose = namespace(json!({
        "apim-keyless.dev/allowed-secrets": "all",
        "apim-keyless.dev/minimum-version": "2.0.0",
        "apim-keyless.dev/images": "registry.example/other",
        "apim-keyless.dev/controlled-pods": "audit",
    }));
    for (rule, container) in invalid_containers() {
        let wrong = with_container("Deployment", "containers", container);
        assert_eq!(Attempt::new(&wrong).with_related(std::slice::from_ref(&loose)).denied_by(), [rule], "{wrong}");
    }
    let strict = namespace(json!({"apim-keyless.dev/minimum-version": "2.12.0"}));
    assert_eq!(Attempt::new(&valid("Deployment")).with_related(&[strict]).denied_by(), ["unsupported-version"]);
}

#[test]
fn b18_every_api_version_of_a_kind_is_evaluated() {
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
            let mut object = with_container(kind, "containers", container_with_auth_key());
            object["apiVersion"] = json!(version);
            assert_eq!(Attempt::new(&object).denied_by(), ["auth-key-reference"], "{version} {kind}");
        }
    }
}

#[test]
fn b19_the_name_of_an_object_does_not_matter() {
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
            let mut wrong = with_container(kind, "containers", container_with_auth_key());
            let mut valid = valid(kind);
            for object in [&mut wrong, &mut valid] {
                let labels = object["metadata"]["labels"].take();
                object["metadata"] = merged(metadata.clone(), json!({"labels": labels}));
            }
            assert_eq!(Attempt::new(&wrong).denied_by(), ["auth-key-reference"], "{wrong}");
            assert_eq!(Attempt::new(&valid).denied_by(), Vec::<&str>::new(), "{valid}");
        }
    }
}
