//! In scope `cluster` the API server sends only objects that may belong to a gateway. This test runs generated objects
//! through the policy and, with a real API server, through the `matchConditions` of the webhook configurations: an
//! object that the policy denies or fixes is always sent.

use apim_keyless_core::policy::Mode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use test_support::generate::evaluate::evaluate;
use test_support::generate::objects::any_object;
use test_support::generate::world::World;
use test_support::generate::{GATEWAYS, NON_GATEWAYS};
use test_support::helm::Helm;
use test_support::webhook::{Webhook, eventually, print_to_stderr};

const VALUES: [&str; 2] = ["scope=\"cluster\"", "defaultMode=\"enforce\""];

/// The number of generated objects.
const OBJECTS: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn the_conditions_send_every_object_that_the_policy_denies_or_fixes() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::of_test("conditions", |_| vec!["--scope=cluster".to_owned()]) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    webhook.register_instead(&helm.template(&VALUES).success()).await;
    let user = webhook.user("conditions", None).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/conditions/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    // without a server every call fails, and the error shows that the object was sent
    webhook.stop();
    let mut counts = BTreeMap::<(&str, bool), usize>::new();
    for object in objects() {
        let response = user.apply_with(&object, "?dryRun=All").await;
        let message = response.body["message"].as_str().unwrap_or_default();
        let result = match response.status {
            201 => "not sent",
            500 if message.contains("apim-keyless.dev") => "sent",
            // the API server rejects it whatever the webhook decides
            400 | 422 => "invalid",
            _ => panic!("{object} {}", response.body),
        };
        let has_finding = has_finding(&object);
        assert!(result != "not sent" || !has_finding, "not sent, but the policy denies or fixes it: {object}");
        *counts.entry((result, has_finding)).or_default() += 1;
    }
    print_to_stderr(&format!("objects, by result and by whether the policy denies or fixes them: {counts:?}"));
    let enough = |result, has_finding| counts.get(&(result, has_finding)).is_some_and(|count| *count >= OBJECTS / 20);
    assert!(enough("sent", true) && enough("not sent", false), "{counts:?}");
}

/// Does the policy deny or fix it if nothing is known of its related objects?
fn has_finding(object: &Value) -> bool {
    let document = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, metadata: {name: conditions}}";
    let alone = World { document, annotations: &[], is_complete: false, objects: Vec::new() };
    evaluate(&alone, object).iter().any(|finding| finding.mode == Mode::Enforce)
}

/// Gateways and non-gateway objects, each changed so that an API server accepts it.
fn objects() -> Vec<Value> {
    let mut runner = TestRunner::deterministic();
    let generators = [any_object(&GATEWAYS), any_object(&NON_GATEWAYS)];
    (0..OBJECTS).map(|index| acceptable(generators[index % 2].new_tree(&mut runner).unwrap().current())).collect()
}

/// The object with the fields that an API server requires, and without those that it rejects for reasons that have
/// nothing to do with the webhook.
fn acceptable(mut object: Value) -> Value {
    let metadata =
        json!({"name": "a", "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"]});
    object["metadata"] = metadata;
    let kind = object["kind"].as_str().unwrap().to_owned();
    let template = match kind.as_str() {
        "ConfigMap" | "ServiceAccount" => return object,
        "CronJob" => {
            object["spec"]["schedule"] = json!("0 2 * * *");
            &mut object["spec"]["jobTemplate"]["spec"]["template"]
        }
        "Pod" => &mut object,
        "PodTemplate" => &mut object["template"],
        _ => &mut object["spec"]["template"],
    };
    let labels = template["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    let selected: Map<String, Value> = labels.into_iter().chain([("selected".to_owned(), json!("by"))]).collect();
    let name = template["metadata"]["name"].clone();
    template["metadata"] = json!({"labels": selected, "annotations": template["metadata"]["annotations"]});
    if kind == "Pod" {
        template["metadata"]["name"] = if name.is_null() { json!("a") } else { name };
        // the API server looks up the ServiceAccount before it calls webhooks
        for account in ["serviceAccount", "serviceAccountName"] {
            template["spec"].as_object_mut().map(|spec| spec.remove(account));
        }
    }
    make_runnable(&mut template["spec"], matches!(kind.as_str(), "CronJob" | "Job"));
    match kind.as_str() {
        "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet" => {
            object["spec"]["selector"] = json!({"matchLabels": {"selected": "by"}});
        }
        "ReplicationController" => object["spec"]["selector"] = json!({"selected": "by"}),
        _ => {
            object.as_object_mut().and_then(|object| object.get_mut("spec")?.as_object_mut()?.remove("selector"));
        }
    }
    if object["apiVersion"] == "extensions/v1beta1" {
        object["apiVersion"] = json!("apps/v1");
    }
    object
}

/// Changes a pod spec so that the API server accepts it. `is_job`: the Pod has to end.
fn make_runnable(spec: &mut Value, is_job: bool) {
    let Some(members) = spec.as_object_mut() else {
        *spec = json!({"containers": [{"name": "a", "image": "a"}]});
        return make_runnable(spec, is_job);
    };
    for field in ["ephemeralContainers", "volumes"] {
        members.remove(field);
    }
    if is_job {
        members.insert("restartPolicy".to_owned(), json!("Never"));
    }
    for list in ["containers", "initContainers"] {
        let containers = members.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (index, container) in containers.enumerate() {
            container["name"] = json!(format!("{}-{index}", list.to_lowercase()));
            container.as_object_mut().unwrap().remove("volumeMounts");
        }
    }
    if members.get("containers").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        members.insert("containers".to_owned(), json!([{"name": "a", "image": "a"}]));
    }
}
