//! In a whole cluster only what might be a gateway's is sent to us. Objects of every sort, put to the policy and, through a
//! real API server, to the conditions of the webhook configurations: what the policy would refuse or mend is never left out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod control_plane;
#[allow(dead_code, reason = "a part of it is what is needed here")]
mod generate;
mod helm;
mod webhook;

use apim_keyless::policy::Mode;
use generate::evaluate::evaluate;
use generate::objects::any_object;
use generate::world::World;
use generate::{GATEWAYS, STRANGERS};
use helm::Helm;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use webhook::{Webhook, eventually, say};

const VALUES: [&str; 2] = ["scope=\"cluster\"", "defaultMode=\"enforce\""];

/// How many objects are put to both.
const OBJECTS: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_would_refuse_or_mend_is_never_left_out() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::start_with(|_| vec!["--scope=cluster".to_owned()]) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    webhook.register_instead(&helm.template(&VALUES).done()).await;
    let user = webhook.user("conditions", None).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/conditions/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    // a write that is sent to nobody fails, and so tells that it was sent
    webhook.stop();
    let mut counts = BTreeMap::<(&str, bool), usize>::new();
    for object in objects() {
        let answer = user.apply_with(&object, "?dryRun=All").await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        let fate = match answer.status {
            201 => "left out",
            500 if message.contains("apim-keyless.dev") => "sent",
            // it could never be stored
            400 | 422 => "invalid",
            _ => panic!("{object} {}", answer.body),
        };
        let is_faulty = is_faulty(&object);
        assert!(fate != "left out" || !is_faulty, "left out, though the policy refuses or mends it: {object}");
        *counts.entry((fate, is_faulty)).or_default() += 1;
    }
    say(&format!("objects, by what became of them and whether the policy refuses or mends them: {counts:?}"));
    let enough = |fate, is_faulty| counts.get(&(fate, is_faulty)).is_some_and(|count| *count >= OBJECTS / 20);
    assert!(enough("sent", true) && enough("left out", false), "{counts:?}");
}

/// Does the policy refuse or mend it, with nothing known of what stands beside it?
fn is_faulty(object: &Value) -> bool {
    let document = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, metadata: {name: conditions}}";
    let alone = World { document, annotations: &[], is_whole: false, objects: Vec::new() };
    evaluate(&alone, object).iter().any(|finding| finding.mode == Mode::Enforce)
}

/// Gateways of every sort and nobody's gateways, each made such that an API server takes it.
fn objects() -> Vec<Value> {
    let mut runner = TestRunner::deterministic();
    let sorts = [any_object(&GATEWAYS), any_object(&STRANGERS)];
    (0..OBJECTS).map(|index| acceptable(sorts[index % 2].new_tree(&mut runner).unwrap().current())).collect()
}

/// The object with all that an API server asks of one, and without what it refuses for a reason that is none of ours.
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
        // the API server looks it up before it asks anybody
        for account in ["serviceAccount", "serviceAccountName"] {
            template["spec"].as_object_mut().map(|spec| spec.remove(account));
        }
    }
    run(&mut template["spec"], matches!(kind.as_str(), "CronJob" | "Job"));
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

/// Something that can run.
fn run(spec: &mut Value, ends: bool) {
    let Some(members) = spec.as_object_mut() else {
        *spec = json!({"containers": [{"name": "a", "image": "a"}]});
        return run(spec, ends);
    };
    for volatile in ["ephemeralContainers", "volumes"] {
        members.remove(volatile);
    }
    if ends {
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
