//! A watch that hears nothing any more: nothing turns on what it did not show, and it is found afterwards.

mod beside;
mod control_plane;
mod webhook;

use beside::{account, hidden_key, main_config_map, prefixed, remarks, until_refused};
use serde_json::json;
use webhook::objects::{BARE, one, review};
use webhook::relay::Way;
use webhook::{Webhook, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_turns_on_what_a_frozen_watch_did_not_show_and_it_is_found_afterwards() {
    let Some(webhook) = Webhook::start() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("frozen", Some("enforce")).await;
    eventually("the namespace", || async { (remarks(&user, &prefixed()).await.len() == 3).then_some(()) }).await;
    webhook.relay.set(Way::Frozen);
    user.apply(&hidden_key()).await.stored();
    user.apply(&main_config_map()).await.stored();
    // neither refused nor changed, though what it takes holds a key, and though the last thing seen was that it is absent
    let stored = user.apply(&prefixed()).await.stored();
    assert_eq!(
        stored["spec"]["template"]["spec"]["containers"][0]["envFrom"],
        prefixed()["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    );
    // once the silence is noticed nothing is said to be absent any more
    let mut other = prefixed();
    other["metadata"]["name"] = json!("other");
    eventually("silence", || async { remarks(&user, &other).await.is_empty().then_some(()) }).await;
    // another replica that starts now answers nothing before it has seen the cluster
    let mut starting = webhook.another_replica().await;
    assert!(!starting.answers("/enforce/validate", &review(&prefixed())).await);
    // a new namespace is put off: what it expects can't be known
    let unseen = webhook.user("unseen", Some("enforce")).await;
    let answer = unseen.apply(&one(BARE, "Deployment")).await;
    assert!(answer.status == 500 && answer.body.to_string().contains("enforce.apim-keyless.dev"), "{}", answer.body);

    webhook.relay.set(Way::Open);
    starting.wait_until_ready();
    assert!(starting.answers("/enforce/validate", &review(&prefixed())).await);
    starting.stop();
    // the account that arrives without a client id is mended by what the policy expects, and the fault is found
    user.apply(&account(None)).await.stored();
    until_refused(&user, &other, "auth-key-literal").await;
    let touched = json!({"spec": {"template": {"metadata": {"annotations": {"touched": "yes"}}}}});
    user.patch(&prefixed(), "", &touched).await.refused(&["auth-key-literal"]);
    unseen.apply(&one(BARE, "Deployment")).await.stored();
}
