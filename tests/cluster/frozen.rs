//! A watch whose connection is dead: no decision depends on objects that it does not report, and a later check finds
//! them.

use crate::related::{
    account, config_map_with_key, deployment_with_related, main_config_map, until_creation_is_denied, warned_rules,
    write_before_enforcement,
};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use test_support::project;
use test_support::webhook::objects::{BARE, one, review};
use test_support::webhook::tcp_proxy::Traffic;
use test_support::webhook::{User, Webhook, eventually};

/// After how long the cache is stale in these tests.
const STALE_AFTER: Duration = Duration::from_secs(10);

fn stale_after() -> Vec<String> {
    vec![format!("--cache-stale-after={}s", STALE_AFTER.as_secs())]
}

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
    let Some(webhook) = Webhook::of_test("frozen", |_| stale_after()) else { return };
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
    // once the cache is stale, no object is reported as absent any more
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

/// The kinds that the metrics show as stale.
async fn stale_kinds(webhook: &Webhook) -> Vec<String> {
    let metrics = webhook.metrics().await;
    let stale =
        metrics.lines().filter_map(|line| line.strip_prefix("apim_keyless_cache_stale{kind=\"")?.split_once('"'));
    let mut kinds: Vec<String> = stale.filter(|(_, rest)| rest.ends_with(" 1")).map(|(kind, _)| kind.into()).collect();
    kinds.sort();
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_counts_in_a_quiet_cluster_and_not_in_a_stale_cache() {
    // a control plane of its own, without controllers: nobody else writes
    let Some(webhook) = Webhook::alone_without_controllers(|_| stale_after()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("stale", Some("enforce")).await;
    write_before_enforcement(&user, &config_map_with_key()).await;
    user.apply(&main_config_map()).await.stored();
    let gateway = deployment_with_related();
    until_creation_is_denied(&user, &gateway, "auth-key-literal").await;
    assert_eq!(webhook.readiness().await, (200, "ok".to_owned()));

    // nobody writes anything for longer than the limit: the watches end and start again, so the cache is not stale
    tokio::time::sleep(3 * STALE_AFTER).await;
    assert_eq!(webhook.count("the cache is stale: what it held of this kind counts as unknown"), 0);
    user.apply(&gateway).await.denied(&["auth-key-literal"]);

    webhook.tcp_proxy.set(Traffic::Held);
    eventually("a stale cache", || async {
        (stale_kinds(&webhook).await == ["ConfigMap", "Namespace", "ServiceAccount"]).then_some(())
    })
    .await;
    let (status, text) = webhook.readiness().await;
    assert!(status == 200 && text.contains("nothing about ConfigMaps, Namespaces, ServiceAccounts for 10s"), "{text}");
    // the key in the ConfigMap denies nothing any more, and no object counts as absent
    assert_eq!(warned_rules(&user, &gateway).await, Vec::<String>::new());
    let stored = user.apply(&gateway).await.stored();
    // what the object itself says still does
    let mut named = config_map_with_key();
    named["metadata"]["name"] = json!("other");
    user.apply(&named).await.denied(&["auth-key-literal"]);

    webhook.tcp_proxy.set(Traffic::Forwarded);
    user.delete(&stored).await.stored();
    until_creation_is_denied(&user, &gateway, "auth-key-literal").await;
    eventually("a current cache", || async { stale_kinds(&webhook).await.is_empty().then_some(()) }).await;
    assert_eq!(webhook.readiness().await, (200, "ok".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_stale_on_its_own() {
    let Some(webhook) = Webhook::of_test("one-stale-kind", |_| stale_after()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("one-stale-kind", Some("enforce")).await;
    write_before_enforcement(&user, &account(Some("7d1c6ae4-3b52-4f0e-9a64-000000000000"))).await;
    write_before_enforcement(&user, &config_map_with_key()).await;
    let warned = |expected: &'static [&str]| {
        let user = &user;
        eventually("these warnings", move || async move {
            (warned_rules(user, &deployment_with_related()).await == expected).then_some(())
        })
    };
    warned(&["absent-config-map", "auth-key-literal", "unexpected-client-id"]).await;

    // the API server answers every list and watch of ConfigMaps, but with 403
    let path = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{}", webhook.in_own_namespace().namespace);
    let role = user.get(&path).await.stored();
    let mut reduced = role.clone();
    for rule in reduced["rules"].as_array_mut().unwrap() {
        rule["resources"].as_array_mut().unwrap().retain(|resource| resource != "configmaps");
    }
    user.patch_at(&path, &json!({"rules": reduced["rules"]})).await.stored();
    warned(&["unexpected-client-id"]).await;
    assert_eq!(stale_kinds(&webhook).await, ["ConfigMap"]);

    user.patch_at(&path, &json!({"rules": role["rules"]})).await.stored();
    warned(&["absent-config-map", "auth-key-literal", "unexpected-client-id"]).await;
    assert_eq!(stale_kinds(&webhook).await, Vec::<String>::new());
}
