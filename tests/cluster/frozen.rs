//! A watch whose connection is dead: no decision depends on objects that it does not report, and a later check finds
//! them.

use crate::related::{
    account, config_map_with_key, deployment_with_related, main_config_map, until_creation_is_denied, warned_rules,
    write_before_enforcement,
};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use test_support::project;
use test_support::webhook::objects::{BARE, one, review};
use test_support::webhook::tcp_proxy::Traffic;
use test_support::webhook::{User, Webhook, eventually};

/// All objects of a namespace that are evaluated together, in the form of `kubectl get -o json`.
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

/// Exit code and report of `check` for these objects.
fn check(objects: &Value) -> (Option<i32>, String) {
    let mut process = Command::new(project::binary())
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(objects.to_string().as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_a_dead_watch_misses_change_no_decision_and_are_found_later() {
    let Some(webhook) = Webhook::of_test("frozen", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("frozen", Some("enforce")).await;
    eventually("the namespace", || async {
        (warned_rules(&user, &deployment_with_related()).await.len() == 3).then_some(())
    })
    .await;
    webhook.tcp_proxy.set(Traffic::Held);
    write_before_enforcement(&user, &config_map_with_key()).await;
    user.apply(&main_config_map()).await.stored();
    // neither denied nor mutated, although its ConfigMap now contains a key and was absent in the cache
    let stored = user.apply(&deployment_with_related()).await.stored();
    assert_eq!(
        stored["spec"]["template"]["spec"]["containers"][0]["envFrom"],
        deployment_with_related()["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    );
    // a check of the objects finds it
    let (code, found) = check(&everything_in(&user).await);
    assert!(code == Some(1) && found.contains("error[auth-key-literal]"), "{found}");
    // once the dead connection is detected, no object is reported as absent any more
    let mut other = deployment_with_related();
    other["metadata"]["name"] = json!("other");
    eventually("no warnings", || async { warned_rules(&user, &other).await.is_empty().then_some(()) }).await;
    // a replica that starts now answers no review before its cache is complete
    let mut starting = webhook.replica(&[]).await;
    assert!(!starting.answers("/enforce/validate", &review(&deployment_with_related())).await);
    // reviews of a new namespace are deferred: its expectations are unknown
    let new_user = webhook.user("new", Some("enforce")).await;
    let response = new_user.apply(&one(BARE, "Deployment")).await;
    assert!(
        response.status == 500 && response.body.to_string().contains("enforce.apim-keyless.dev"),
        "{}",
        response.body
    );

    webhook.tcp_proxy.set(Traffic::Forwarded);
    starting.wait_until_ready();
    assert!(starting.answers("/enforce/validate", &review(&deployment_with_related())).await);
    starting.stop();
    // the policy's client id is set on a ServiceAccount without one, and the key is found
    user.apply(&account(None)).await.stored();
    until_creation_is_denied(&user, &other, "auth-key-literal").await;
    let touched = json!({"spec": {"template": {"metadata": {"annotations": {"touched": "yes"}}}}});
    user.patch(&deployment_with_related(), "", &touched).await.denied(&["auth-key-literal"]);
    new_user.apply(&one(BARE, "Deployment")).await.stored();
}
