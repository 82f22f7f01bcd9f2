//! The API server sends only objects that may belong to a gateway. This test runs generated objects through the policy
//! and, with a real API server, through the `matchConditions` of the webhook configurations: an object that the policy
//! denies or fixes is always sent, and if it does so without related objects, to the entry with `failurePolicy: Fail`.

use crate::large_objects::repeated;
use apim_keyless_core::policy::Mode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use test_support::gateways::{IMAGE, KINDS, template};
use test_support::generate::evaluate::{evaluate, fixed};
use test_support::generate::objects::any_object;
use test_support::generate::world::{EXPECTATIONS, World};
use test_support::generate::{GATEWAYS, NON_GATEWAYS, Palette};
use test_support::helm::Helm;
use test_support::webhook::{Response, Webhook, eventually, print_to_stderr};

const VALUES: [&str; 2] = [
    "policy.defaults={\"configMap\":\"apim-gateway-env\"}",
    "policy.images=[\"registry.example:443/apim/gateway\",\"docker.io/library/gateway\"]",
];

/// The number of generated objects.
const OBJECTS: usize = 2000;

/// Gateways by every documented setting, in many spellings, and by every image of [`VALUES`].
static MORE_GATEWAYS: Palette = Palette {
    images: &[
        IMAGE,
        "registry.example/apim/gateway",
        "Registry.Example:443/apim/gateway:2.9@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "index.docker.io/gateway:2.9",
        "docker.io/library/gateway",
        "gateway",
        "x@y/azure-api-management/gateway:a\nb",
        "busybox:1.36",
    ],
    settings: &[
        "DOTNET_config.service.auth",
        "aspnetcore_CONFIG__SERVICE__AUTH__KEY",
        "ASPNETCORE_config__service__auth__azureAd__certificatePath",
        "CONFIG__SERVICE.AUTH__azureAd__clientSecret",
        "config.service.auth.tokenAudience",
        "Dotnet_Config__Service__Endpoint",
        "config.service.auth.azureAd.authority",
        "config__service__auth__azuread__tenantid",
        "config.service.url",
        "gateway.name",
        "auth",
    ],
    prefixes: &["", "c", "DOTNET_", "aspnet", "CONFIG__", "config_", "config__service_", "config.service.x", "DB_"],
    ..GATEWAYS
};

/// Names of other applications that are close to those of a gateway.
static MORE_NON_GATEWAYS: Palette = Palette {
    settings: &[
        "config.service.url",
        "config.service.auth.username",
        "CONFIG_SERVICE_AUTH_KEY_FILE",
        "DOTNET_config.service",
        "DOTNET_DOTNET_config.service.auth",
        "dotnet__config.service.auth",
        "config.service.config.service.auth",
        "config.service.authentication",
    ],
    prefixes: &["DB_", "APP_", "CACHE_", "_", "configs.", "DOTNET__"],
    ..NON_GATEWAYS
};

/// What the API server does with an object while the webhook is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sent {
    No,
    /// To the entry with `failurePolicy: Fail`.
    AsGateway,
    /// To the entry with `failurePolicy: Ignore`.
    AsOther,
    /// The API server rejects the object whatever the webhook decides.
    Invalid,
}

impl Sent {
    fn of(response: &Response) -> Self {
        let message = response.body["message"].as_str().unwrap_or_default();
        match response.status {
            // 409: the object exists, which the API server notices after it has called the webhooks
            201 | 409 => Self::No,
            500 if message.contains("\"enforce.apim-keyless.dev\"") => Self::AsGateway,
            500 if message.contains("\"enforce-others.apim-keyless.dev\"") => Self::AsOther,
            400 | 422 => Self::Invalid,
            _ => panic!("{}", response.body),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conditions_send_every_object_that_the_policy_denies_or_fixes() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::of_test("conditions", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    webhook.register_instead(&repeated(&helm.template(&VALUES).success(), 1)).await;
    let user = webhook.user("conditions", Some("enforce")).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/conditions/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    let has_image_volumes = webhook.has_image_volumes().await;
    // without a server every call fails, and the error shows which entry the object was sent to
    webhook.stop();
    let mut counts = BTreeMap::<(Sent, bool), usize>::new();
    for (object, is_other) in known_objects(has_image_volumes) {
        let sent = Sent::of(&user.apply_with(&object, "?dryRun=All").await);
        let by_itself = has_finding(&object, DOCUMENT, Vec::new());
        let has_finding = by_itself || has_finding(&object, EXPECTATIONS, related());
        assert!(sent != Sent::No || !has_finding, "not sent, but the policy denies or fixes it: {object}");
        assert!(sent != Sent::AsOther || !by_itself, "an outage does not stop it: {object}");
        // of ServiceAccounts, every one with a key of azure-workload-identity may be a gateway's
        let must_pass = is_other && object["kind"] != "ServiceAccount";
        assert!(sent != Sent::AsGateway || !must_pass, "an outage stops it: {object}");
        *counts.entry((sent, has_finding)).or_default() += 1;
    }
    print_to_stderr(&format!("objects, by result and by whether the policy denies or fixes them: {counts:?}"));
    let enough = |key| counts.get(&key).is_some_and(|count| *count >= OBJECTS / 50);
    assert!([(Sent::AsGateway, true), (Sent::AsOther, true), (Sent::No, false)].into_iter().all(enough), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mutating_webhook_gets_every_object_that_it_changes() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::of_test("mutating-conditions", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let values = [VALUES[0], VALUES[1], "failurePolicies.mutate=\"Fail\""];
    webhook.register_instead(&repeated(&helm.template(&values).success(), 1)).await;
    let user = webhook.user("mutating-conditions", Some("enforce")).await;
    eventually("the default ServiceAccount", || async {
        let accounts = user.list("/api/v1/namespaces/mutating-conditions/serviceaccounts").await;
        (!accounts.is_empty()).then_some(())
    })
    .await;
    let has_image_volumes = webhook.has_image_volumes().await;
    // without a server every call fails
    webhook.stop();
    let worlds = [(DOCUMENT, Vec::new()), (EXPECTATIONS, related())];
    let worlds = worlds.map(|(document, objects)| World { document, annotations: &[], is_complete: false, objects });
    let mut counts = BTreeMap::<(bool, bool), usize>::new();
    for (object, _) in known_objects(has_image_volumes) {
        let complete = worlds.iter().filter_map(|world| fixed(world, &object));
        for object in std::iter::once(object.clone()).chain(complete) {
            let response = user.apply_with(&object, "?dryRun=All").await;
            let is_sent = is_sent_to_mutating(&response);
            let is_changed = worlds.iter().any(|world| fixed(world, &object).is_some());
            // the API server rejects some objects before it calls webhooks
            let is_valid = matches!(response.status, 201 | 409 | 500);
            assert!(is_sent || !is_changed || !is_valid, "not sent, but it is changed: {object}\n{}", response.body);
            *counts.entry((is_sent, is_changed)).or_default() += 1;
        }
    }
    print_to_stderr(&format!("objects, by whether they are sent and changed: {counts:?}"));
    let enough = |key| counts.get(&key).is_some_and(|count| *count >= OBJECTS / 50);
    assert!([(true, true), (false, false)].into_iter().all(enough), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_gateway_is_not_sent_to_the_mutating_webhook() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::of_test("complete", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    webhook.register_instead(&repeated(&helm.template(&["failurePolicies.mutate=\"Fail\""]).success(), 1)).await;
    let user = webhook.user("complete", Some("enforce")).await;
    webhook.stop();
    let objects = complete_gateway();
    for (object, pointers) in &objects {
        assert!(!is_sent_to_mutating(&user.apply_with(object, "?dryRun=All").await), "{object}");
        for pointer in *pointers {
            let mut lacking = object.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let key = key.replace("~1", "/");
            lacking.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&key).unwrap();
            let response = user.apply_with(&lacking, "?dryRun=All").await;
            assert!(is_sent_to_mutating(&response), "{pointer} of {object}");
        }
    }
}

/// Whether the call of the mutating webhook, which is the first one, failed.
fn is_sent_to_mutating(response: &Response) -> bool {
    let message = response.body["message"].as_str().unwrap_or_default();
    response.status == 500 && message.contains("\"mutate.apim-keyless.dev\"")
}

/// The objects of a complete gateway, and the places without which something is added to them.
fn complete_gateway() -> [(Value, &'static [&'static str]); 3] {
    let client_id = json!({"azure.workload.identity/client-id": "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"});
    let identity = json!({"azure.workload.identity/use": "true"});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "a", "labels": identity, "annotations": client_id}});
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
        "data": {"config.service.auth": "workloadIdentity", "gateway.name": "a", "config.service.endpoint": "a"}});
    let container = json!({"name": "a", "image": IMAGE, "envFrom": [{"configMapRef": {"name": "a"}}]});
    let labels = json!({"a": "b", "azure.workload.identity/use": "true"});
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"serviceAccountName": "a", "containers": [container]}});
    let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}});
    [
        (
            account,
            &[
                "/metadata/labels/azure.workload.identity~1use",
                "/metadata/annotations/azure.workload.identity~1client-id",
            ],
        ),
        (config_map, &["/data/config.service.auth", "/data/gateway.name"]),
        (
            workload,
            &[
                "/spec/template/metadata/labels/azure.workload.identity~1use",
                "/spec/template/spec/serviceAccountName",
                "/spec/template/spec/containers/0/envFrom",
            ],
        ),
    ]
}

/// The document of [`VALUES`] without expectations.
pub(crate) const DOCUMENT: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: conditions}
spec: {images: [registry.example/apim/gateway, docker.io/library/gateway]}
";

/// Related objects that make gateways of the workloads that take them.
fn related() -> Vec<Value> {
    let config_map = |name: &str, data: Value| {
        let metadata = json!({"name": name, "namespace": "team-a"});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    };
    vec![
        config_map("orders", json!({"config.service.auth": "key"})),
        config_map("api", json!({"config.service.endpoint": "x", "config.service.auth": "key"})),
        config_map("apim-gateway-env", json!({"auth": "key", "service.auth": "key"})),
    ]
}

/// Does the policy deny or fix it?
fn has_finding(object: &Value, document: &'static str, objects: Vec<Value>) -> bool {
    let world = World { document, annotations: &[], is_complete: false, objects };
    evaluate(&world, object).iter().any(|finding| finding.mode == Mode::Enforce)
}

/// The objects that the API server stores as a whole: an older one drops image volumes.
fn known_objects(has_image_volumes: bool) -> impl Iterator<Item = (Value, bool)> {
    let is_known = move |object: &Value| has_image_volumes || !object.to_string().contains(r#""image":{"reference""#);
    objects().into_iter().filter(move |(object, _)| is_known(object))
}

/// Gateways and non-gateway objects, each changed so that an API server accepts it, and whether no gateway can be made
/// of its names.
pub(crate) fn objects() -> Vec<(Value, bool)> {
    let mut runner = TestRunner::deterministic();
    let palettes = [&GATEWAYS, &NON_GATEWAYS, &MORE_GATEWAYS, &MORE_NON_GATEWAYS];
    let generators = palettes.map(any_object);
    let generated = |index: usize| {
        let mut object = acceptable(&generators[index % 4].new_tree(&mut runner).unwrap().current());
        let is_other = index % 2 == 1;
        if index % 10 < 4 {
            add_image_volume(&mut object, if is_other { "registry.example/gateway-files:1" } else { IMAGE });
        }
        (object, is_other)
    };
    (0..OBJECTS).map(generated).collect()
}

/// Adds an image volume that the first container mounts.
fn add_image_volume(object: &mut Value, image: &str) {
    if !KINDS.iter().any(|kind| object["kind"] == *kind) {
        return;
    }
    let spec = &mut template(object)["spec"];
    let volume = json!({"name": "files", "image": {"reference": image}});
    spec["volumes"].as_array_mut().unwrap().push(volume);
    spec["containers"][0]["volumeMounts"] = json!([{"name": "files", "mountPath": "/files"}]);
}

/// The object with the fields that an API server requires, and without those that it rejects for reasons that have
/// nothing to do with the webhook.
fn acceptable(object: &Value) -> Value {
    // no object can have this name
    let mut object: Value = serde_json::from_str(&object.to_string().replace("über\\nzwei", "umlaut")).unwrap();
    let expected = ["apim-gateway-env", "apim-gateway", "default", "orders"];
    let name = object["metadata"]["name"].as_str().filter(|name| expected.contains(name)).unwrap_or("a");
    let metadata =
        json!({"name": name, "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"]});
    object["metadata"] = metadata;
    let kind = object["kind"].as_str().unwrap().to_owned();
    let template = match kind.as_str() {
        "ConfigMap" | "ServiceAccount" => return object,
        "CronJob" => {
            object["spec"]["schedule"] = json!("0 2 * * *");
            object["spec"]["jobTemplate"]["spec"].as_object_mut().unwrap().remove("selector");
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
    members.remove("ephemeralContainers");
    // the volumes that a fileKeyRef can name
    members
        .insert("volumes".to_owned(), json!([{"name": "secrets", "emptyDir": {}}, {"name": "config", "emptyDir": {}}]));
    if is_job {
        members.insert("restartPolicy".to_owned(), json!("Never"));
    }
    for list in ["containers", "initContainers"] {
        let containers = members.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (index, container) in containers.enumerate() {
            container["name"] = json!(format!("{}-{index}", list.to_lowercase()));
            if container["image"].as_str().is_none_or(str::is_empty) {
                container["image"] = json!("a");
            }
            container.as_object_mut().unwrap().remove("volumeMounts");
        }
    }
    if members.get("containers").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        members.insert("containers".to_owned(), json!([{"name": "a", "image": "a"}]));
    }
}
