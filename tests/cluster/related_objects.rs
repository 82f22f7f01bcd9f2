//! Related objects in a real cluster: they count as soon as they are created.

use crate::related::{
    account, config_map_with_key, deployment_with_related, main_config_map, until_creation_is_denied, until_denied,
    warned_rules, write_before_enforcement,
};
use serde_json::json;
use test_support::webhook::objects::{BARE, one};
use test_support::webhook::{Webhook, eventually};

const CLIENT_ID: &str = "1c9f0f4e-6d1c-4f3b-9a53-6f1d2c3b4a50";

#[tokio::test(flavor = "multi_thread")]
async fn the_annotations_of_a_new_namespace_count_at_once() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    for index in 0..10 {
        let namespace = format!("annotated-{index}");
        let annotations = json!({"apim-keyless.dev/client-id": CLIENT_ID});
        let user = webhook.annotated_user(&namespace, "enforce", &annotations).await;
        let stored = user.apply(&one(BARE, "ServiceAccount")).await.stored();
        assert_eq!(stored["metadata"]["annotations"]["azure.workload.identity/client-id"], CLIENT_ID);
    }
    // a change of the annotation counts too
    let user = webhook.in_namespace("annotated-0");
    let other = CLIENT_ID.replace('1', "2");
    user.patch_namespace(&json!({"metadata": {"annotations": {"apim-keyless.dev/client-id": other}}})).await.stored();
    let mut account = account(Some(CLIENT_ID));
    account["metadata"]["name"] = json!("other");
    account["metadata"]["labels"]["apim-keyless.dev/gateway"] = json!("true");
    until_denied(&user, &account, "unexpected-client-id").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn related_objects_are_evaluated_with_a_gateway() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("related", Some("enforce")).await;
    let everything_is_absent = || async {
        let absent = ["absent-config-map", "absent-config-map", "absent-service-account"];
        (warned_rules(&user, &deployment_with_related()).await == absent).then_some(())
    };
    eventually("warnings about absent objects", everything_is_absent).await;

    user.apply(&main_config_map()).await.stored();
    user.apply(&account(Some("7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"))).await.stored();
    let mut harmless = config_map_with_key();
    harmless["data"] = json!({"endpoint.timeout": "30"});
    user.apply(&harmless).await.stored();
    eventually("no warning", || async {
        warned_rules(&user, &deployment_with_related()).await.is_empty().then_some(())
    })
    .await;

    user.delete(&harmless).await.stored();
    write_before_enforcement(&user, &config_map_with_key()).await;
    let message = until_creation_is_denied(&user, &deployment_with_related(), "auth-key-literal").await;
    assert!(message.contains("\napply ConfigMap \"related\" first, then this object\n"), "{message}");
    assert_eq!(warned_rules(&user, &deployment_with_related()).await, ["auth-key-literal"], "a dry run only warns");
    user.delete(&harmless).await.stored();
    eventually("a warning", || async {
        (warned_rules(&user, &deployment_with_related()).await == ["absent-config-map"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_exist_before_a_namespace_opts_in_are_cached() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("late", None).await;
    user.apply(&config_map_with_key()).await.stored();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_creation_is_denied(&user, &deployment_with_related(), "auth-key-literal").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_opts_in_is_listed_alone_page_by_page() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("late-and-large", None).await;
    // more than one page of 50, and the page with the key is the last
    for index in 0..60 {
        let name = format!("other-{index}");
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}});
        user.apply(&other).await.stored();
    }
    user.apply(&config_map_with_key()).await.stored();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_creation_is_denied(&user, &deployment_with_related(), "auth-key-literal").await;
    // what is not in the cluster counts as absent, so the namespace is known completely
    eventually("warnings about absent objects", || async {
        let absent = ["absent-config-map", "absent-service-account"];
        user.delete(&config_map_with_key()).await;
        let warned = warned_rules(&user, &deployment_with_related()).await;
        absent.iter().all(|rule| warned.iter().any(|warned| warned == rule)).then_some(())
    })
    .await;
    let lists = webhook.lists_in("late-and-large");
    let of = |resource: &str| lists.iter().filter(|path| path.contains(resource)).count();
    assert!(of("/configmaps?") == 2 && of("/serviceaccounts?") == 1, "{lists:#?}");
}
