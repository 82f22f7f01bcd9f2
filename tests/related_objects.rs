//! What stands beside a gateway in a real cluster counts with it, from its first moment.

mod control_plane;
mod related;
mod webhook;

use related::{account, hidden_key, main_config_map, prefixed, remarks, until_refused};
use serde_json::json;
use webhook::objects::{BARE, one};
use webhook::{Webhook, eventually};

const CLIENT: &str = "1c9f0f4e-6d1c-4f3b-9a53-6f1d2c3b4a50";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_namespace_expects_counts_from_its_first_moment() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    for index in 0..10 {
        let namespace = format!("annotated-{index}");
        let annotations = json!({"apim-keyless.dev/client-id": CLIENT});
        let user = webhook.annotated_user(&namespace, "enforce", &annotations).await;
        let stored = user.apply(&one(BARE, "ServiceAccount")).await.stored();
        assert_eq!(stored["metadata"]["annotations"]["azure.workload.identity/client-id"], CLIENT);
    }
    // and a change of it counts from then on
    let user = webhook.in_namespace("annotated-0");
    let other = CLIENT.replace('1', "2");
    user.patch_namespace(&json!({"metadata": {"annotations": {"apim-keyless.dev/client-id": other}}})).await.stored();
    let mut account = account(Some(CLIENT));
    account["metadata"]["name"] = json!("other");
    account["metadata"]["labels"]["apim-keyless.dev/gateway"] = json!("true");
    until_refused(&user, &account, "unexpected-client-id").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_a_gateway_is_judged_with_it() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("beside", Some("enforce")).await;
    let everything_is_absent = || async {
        let absent = ["absent-config-map", "absent-config-map", "absent-service-account"];
        (remarks(&user, &prefixed()).await == absent).then_some(())
    };
    eventually("remarks on what is absent", everything_is_absent).await;

    user.apply(&main_config_map()).await.stored();
    user.apply(&account(Some("7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"))).await.stored();
    let mut harmless = hidden_key();
    harmless["data"] = json!({"endpoint.timeout": "30"});
    user.apply(&harmless).await.stored();
    eventually("no remark", || async { remarks(&user, &prefixed()).await.is_empty().then_some(()) }).await;

    user.patch(&harmless, "", &json!({"data": hidden_key()["data"]})).await.stored();
    until_refused(&user, &prefixed(), "auth-key-literal").await;
    user.delete(&harmless).await.stored();
    eventually("a remark", || async { (remarks(&user, &prefixed()).await == ["absent-config-map"]).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_opts_in_is_seen_with_what_was_there_before() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("late", None).await;
    user.apply(&hidden_key()).await.stored();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_refused(&user, &prefixed(), "auth-key-literal").await;
}
