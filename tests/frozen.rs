//! A watch that hears nothing any more: nothing turns on what it did not show, and it is found afterwards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
mod related;
mod webhook;

use related::{account, hidden_key, main_config_map, prefixed, remarks, until_refused};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use webhook::objects::{BARE, one, review};
use webhook::relay::Way;
use webhook::{User, Webhook, eventually};

/// Everything of a namespace that is judged together, as `kubectl get -o json` shows it.
async fn everything_in(user: &User) -> Value {
    let mut items = Vec::new();
    for (version, path, kind) in
        [("v1", "api/v1", "ConfigMap"), ("v1", "api/v1", "ServiceAccount"), ("apps/v1", "apis/apps/v1", "Deployment")]
    {
        let path = format!("/{path}/namespaces/{}/{}s", user.namespace, kind.to_lowercase());
        for mut object in user.list(&path).await {
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
            items.push(object);
        }
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// What `check` makes of it.
fn looked_at(objects: &Value) -> (Option<i32>, String) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_apim-keyless"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(objects.to_string().as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

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
    // a look at what is there finds it
    let (code, found) = looked_at(&everything_in(&user).await);
    assert!(code == Some(1) && found.contains("refused[auth-key-literal]"), "{found}");
    // once the silence is noticed nothing is said to be absent any more
    let mut other = prefixed();
    other["metadata"]["name"] = json!("other");
    eventually("silence", || async { remarks(&user, &other).await.is_empty().then_some(()) }).await;
    // another replica that starts now answers nothing before it has seen the cluster
    let mut starting = webhook.replica(&[]).await;
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
