//! The scope `cluster`, as the chart registers it: every namespace is evaluated, the API server does not call the
//! webhook for other applications, and if the webhook is unavailable, only changes of gateways stop.

use crate::non_gateway;
use serde_json::{Value, json};
use test_support::gateways::{IMAGE, KINDS, workload};
use test_support::helm::Helm;
use test_support::webhook::objects::{BARE, OLD_IMAGE, OTHER_APPLICATIONS, one};
use test_support::webhook::{User, Webhook, documents, eventually, print_to_stderr};

const VALUES: [&str; 3] =
    ["scope=\"cluster\"", "defaultMode=\"enforce\"", "policy.images=[\"registry.example/apim/gateway\"]"];

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_cluster_is_evaluated_and_an_outage_stops_only_changes_of_gateways() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::alone(|_| vec!["--scope=cluster".to_owned()]) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    // the same holds in scope `opt-in`, which is registered first
    let opted_in = [("opted-in-others", Some("enforce")), ("opted-in-audited-others", Some("audit"))];
    only_objects_that_may_belong_to_a_gateway_are_sent(&webhook, opted_in).await;
    webhook.register_instead(&helm.template(&VALUES).success()).await;

    every_namespace_is_evaluated_in_its_mode(&webhook).await;
    let unlabeled = [("others", None), ("audited-others", Some("audit"))];
    only_objects_that_may_belong_to_a_gateway_are_sent(&webhook, unlabeled).await;
    let user = webhook.user("stopped", None).await;
    webhook.stop();
    other_applications_can_be_changed(&webhook).await;
    let failures = non_gateway::failures(&user).await;
    changes_of_gateways_stop(&user).await;
    assert_ne!(non_gateway::failures(&user).await, failures, "the API server counts failed calls");
}

async fn every_namespace_is_evaluated_in_its_mode(webhook: &Webhook) {
    let old = one(OLD_IMAGE, "Deployment");
    let unlabeled = webhook.user("unlabeled", None).await;
    unlabeled.apply(&old).await.denied(&["unsupported-version"]);
    let mutated = unlabeled.apply(&one(BARE, "Deployment")).await.stored();
    assert_eq!(mutated["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], "true");
    let audited = webhook.user("audited", Some("audit")).await;
    let response = audited.apply(&old).await;
    assert!(response.warnings.iter().any(|warning| warning.contains("unsupported-version")), "{:?}", response.warnings);
    response.stored();
    let left_alone = webhook.user("left-alone", Some("off")).await;
    assert_eq!(left_alone.apply(&old).await.warnings, Vec::<String>::new());
    let events = webhook.events("left-alone").into_iter();
    assert_eq!(events.filter(|event| event["kind"] != "Namespace").collect::<Vec<Value>>(), Vec::<Value>::new());
}

async fn only_objects_that_may_belong_to_a_gateway_are_sent(webhook: &Webhook, namespaces: [(&str, Option<&str>); 2]) {
    for (namespace, mode) in namespaces {
        let user = webhook.user(namespace, mode).await;
        eventually("the default ServiceAccount", || async {
            let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            (!user.list(&path).await.is_empty()).then_some(())
        })
        .await;
        for object in documents(OTHER_APPLICATIONS) {
            user.apply(&object).await.stored();
        }
        // a Pod with an `envFrom` and a ServiceAccount may belong to a gateway: the conditions cannot see other objects
        let mut sent: Vec<String> =
            webhook.events(namespace).iter().map(|event| format!("{} {}", event["kind"], event["name"])).collect();
        sent.sort();
        sent.dedup();
        sent.retain(|object| object != "\"ServiceAccount\" \"default\"" && !object.starts_with("\"Namespace\""));
        assert_eq!(sent, ["\"Pod\" \"other\"", "\"ServiceAccount\" \"other\""], "{namespace}");
    }
}

/// A new namespace gets its default objects, and other applications can be changed.
async fn other_applications_can_be_changed(webhook: &Webhook) {
    let user = webhook.user("new", None).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/new/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    for object in documents(OTHER_APPLICATIONS) {
        user.apply(&object).await.stored();
    }
    print_to_stderr(&format!(
        "{} operations on non-gateway objects during an outage",
        non_gateway::write_all(&user).await
    ));
}

async fn changes_of_gateways_stop(user: &User) {
    let images = [
        IMAGE,
        "registry.example/apim/gateway",
        "registry.example/apim/gateway:2.11.1",
        "Registry.Example:443/apim/gateway@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    let spec = |image: &str| json!({"containers": [{"name": "a", "image": image}]});
    for object in images.iter().flat_map(|image| KINDS.map(|kind| workload(kind, spec(image)))) {
        let response = user.apply_with(&object, "?dryRun=All").await;
        let message = response.body["message"].as_str().unwrap_or_default();
        assert!(response.status == 500 && message.contains("enforce.apim-keyless.dev"), "{object} {}", response.body);
    }
    for image in
        ["registry.example/apim/gateways:1", "registryxexample/apim/gateway:1", "a/registry.example/apim/gateway"]
    {
        user.apply_with(&workload("Deployment", spec(image)), "?dryRun=All").await.stored();
    }
}
