//! Bypass attempts by names and by JSON, through a real API server.

use crate::bypasses::enforced;
use serde_json::{Value, json};
use test_support::gateways::{
    KINDS, auth_key_env, container_with_auth_key, merged, valid, valid_container, with_container,
};
use test_support::webhook::Webhook;
use test_support::webhook::objects::review;
use test_support::webhook::user::path;

#[tokio::test(flavor = "multi_thread")]
async fn b13_an_object_cannot_reach_another_namespace_than_its_own() {
    let Some(webhook) = Webhook::shared() else { return };
    let (user, other) = (enforced(webhook, "b13").await, webhook.user("b13-other", Some("off")).await);
    let mut invalid = with_container("Deployment", "containers", container_with_auth_key());
    invalid["metadata"]["namespace"] = json!(other.namespace);
    assert_eq!(user.post(&path(&invalid, "b13"), &invalid).await.status, 400);
    for name in ["../b13-other/texts", "b13-other/texts", "..", "texts.b13-other"] {
        let env =
            json!([{"name": "T", "valueFrom": {"configMapKeyRef": {"name": name, "key": "token"}}}, auth_key_env()]);
        let invalid = with_container("Deployment", "containers", merged(valid_container(), json!({"env": env})));
        let response = user.apply_with(&invalid, "?dryRun=All").await;
        assert!(matches!(response.status, 403 | 422), "{}", response.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b16_a_name_that_only_looks_like_the_setting_is_not_stored() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b16").await;
    let letters = ['с', 'о', 'ｃ', 'ı', 'ſ', '\u{212a}', '\u{200b}', '\u{202e}', '\u{a0}', '\u{301}', '․', '：'];
    let names = letters.iter().flat_map(|letter| {
        [
            format!("{letter}onfig.service.auth"),
            format!("config.{letter}service.auth"),
            format!("config.service.auth{letter}"),
        ]
    });
    for name in names {
        let env = json!([merged(auth_key_env(), json!({"name": name}))]);
        let pod = with_container("Pod", "containers", merged(valid_container(), json!({"env": env})));
        let data = json!({name.as_str(): "GatewayKey x"});
        let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
        for object in [pod, config_map] {
            let response = user.apply_with(&object, "?dryRun=All").await;
            assert_eq!(response.status, 422, "{name:?} {}", response.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_generated_name_and_a_reused_name_make_no_difference() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b19").await;
    let unnamed = |mut object: Value| {
        object["metadata"]["name"] = Value::Null;
        object["metadata"]["generateName"] = json!("gateway-");
        object
    };
    for kind in KINDS {
        user.apply_with(&unnamed(valid(kind)), "?dryRun=All").await.stored();
        let invalid = unnamed(with_container(kind, "containers", container_with_auth_key()));
        user.apply_with(&invalid, "?dryRun=All").await.denied(&["auth-key-reference"]);
    }
    user.apply(&valid("Deployment")).await.stored();
    user.delete(&valid("Deployment")).await.stored();
    user.apply(&with_container("Deployment", "containers", container_with_auth_key()))
        .await
        .denied(&["auth-key-reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_duplicate_members_and_members_in_another_case_store_no_key() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b21").await;
    let invalid = with_container("Deployment", "containers", container_with_auth_key());
    let (text, path) = (invalid.to_string(), format!("{}?dryRun=All", path(&invalid, "b21")));
    let mut denied = 0;
    let members = [
        "spec",
        "template",
        "containers",
        "env",
        "envFrom",
        "image",
        "valueFrom",
        "secretKeyRef",
        "labels",
        "metadata",
    ];
    let variants = members.iter().flat_map(|member| {
        let (named, other) = (format!("\"{member}\":"), format!("\"{}\":", member.to_uppercase()));
        let twice = |value| [format!("{named}{value},{named}"), format!("{other}{value},{named}")];
        let changed = ["null", "[]", "{}", "\"x\""].into_iter().flat_map(twice).chain([other.clone()]);
        changed.map(|changed| text.replacen(&named, &changed, 1)).collect::<Vec<_>>()
    });
    for text in variants {
        let response = user.post_text(&path, &text).await;
        denied += usize::from(response.status == 403);
        let stored = response.body["spec"]["template"]["spec"]["containers"].to_string();
        assert!(response.status >= 300 || !stored.contains("secretKeyRef\":{"), "{text} {stored}");
    }
    assert!(denied > 20, "the webhook denied only {denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b31_a_name_cannot_start_a_new_line_in_the_log_or_the_response() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b31").await;
    let forged = "gateway:1.0\n{\"message\":\"review\",\"decision\":\"allowed\"}\r\u{1b}[2K\u{1b}[31m\u{85}";
    let image = format!("mcr.microsoft.com/azure-api-management/{forged}");
    let invalid = merged(container_with_auth_key(), json!({"image": image}));
    let message =
        user.apply(&with_container("Deployment", "containers", invalid)).await.denied(&["auth-key-reference"]);
    assert!(!message.contains(|letter: char| letter.is_control() && letter != '\n'), "{message:?}");
    let mut review =
        review(&with_container("Deployment", "containers", merged(container_with_auth_key(), json!({"name": forged}))));
    for field in ["name", "subResource", "uid"] {
        review["request"][field] = json!(forged);
    }
    review["request"]["kind"]["kind"] = json!(forged);
    review["request"]["userInfo"] = json!({"username": forged});
    let response = webhook.post("/enforce/validate", &review).await;
    let message = response["response"]["status"]["message"].as_str().unwrap();
    assert!(!message.contains(|letter: char| letter.is_control() && letter != '\n'), "{message:?}");
    // reading the events also verifies that every line is JSON
    let escaped = forged.escape_debug().to_string();
    let events = webhook.events("default");
    let logged: Vec<&Value> = events.iter().filter(|event| event["uid"] == escaped.as_str()).collect();
    assert_eq!(logged.len(), 1, "{events:#?}");
    for field in ["name", "sub_resource", "uid", "kind", "user"] {
        assert_eq!(logged[0][field], escaped, "{field}");
    }
    // the same holds for the name of a namespace that does not exist
    review["request"]["namespace"] = json!(forged);
    assert_eq!(webhook.status("/enforce/validate", &review).await, 503);
    // other tests cause such events, too
    let deferred = webhook.events_with("deferred a review");
    assert!(deferred.iter().any(|event| event["namespace"] == escaped), "{deferred:#?}");
}
