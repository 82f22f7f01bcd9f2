//! Ways around the judgement by names and by JSON, through a real API server.

use crate::bypasses::{enforced, keyed};
use crate::gateways::{KINDS, key, merged, right, right_container, with_container};
use crate::webhook::Webhook;
use crate::webhook::objects::review;
use crate::webhook::user::path;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn b13_no_object_goes_to_another_namespace_than_it_says() {
    let Some(webhook) = Webhook::shared() else { return };
    let (user, other) = (enforced(webhook, "b13").await, webhook.user("b13-other", Some("off")).await);
    let mut wrong = with_container("Deployment", "containers", keyed());
    wrong["metadata"]["namespace"] = json!(other.namespace);
    assert_eq!(user.post(&path(&wrong, "b13"), &wrong).await.status, 400);
    for name in ["../b13-other/texts", "b13-other/texts", "..", "texts.b13-other"] {
        let env = json!([{"name": "T", "valueFrom": {"configMapKeyRef": {"name": name, "key": "token"}}}, key()]);
        let wrong = with_container("Deployment", "containers", merged(right_container(), json!({"env": env})));
        let answer = user.apply_with(&wrong, "?dryRun=All").await;
        assert!(matches!(answer.status, 403 | 422), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b16_no_name_that_only_looks_like_the_setting_is_stored() {
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
        let env = json!([merged(key(), json!({"name": name}))]);
        let pod = with_container("Pod", "containers", merged(right_container(), json!({"env": env})));
        let data = json!({name.as_str(): "GatewayKey x"});
        let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
        for object in [pod, config_map] {
            let answer = user.apply_with(&object, "?dryRun=All").await;
            assert_eq!(answer.status, 422, "{name:?} {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_name_that_is_still_to_be_made_and_one_that_was_used_decide_nothing() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b19").await;
    let unnamed = |mut object: Value| {
        object["metadata"]["name"] = Value::Null;
        object["metadata"]["generateName"] = json!("gateway-");
        object
    };
    for kind in KINDS {
        user.apply_with(&unnamed(right(kind)), "?dryRun=All").await.stored();
        let wrong = unnamed(with_container(kind, "containers", keyed()));
        user.apply_with(&wrong, "?dryRun=All").await.refused(&["auth-key-reference"]);
    }
    user.apply(&right("Deployment")).await.stored();
    user.delete(&right("Deployment")).await.stored();
    user.apply(&with_container("Deployment", "containers", keyed())).await.refused(&["auth-key-reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_what_a_client_writes_twice_or_in_another_case_brings_no_key_in() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b21").await;
    let wrong = with_container("Deployment", "containers", keyed());
    let (text, path) = (wrong.to_string(), format!("{}?dryRun=All", path(&wrong, "b21")));
    let mut refused = 0;
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
    let odd = members.iter().flat_map(|member| {
        let (named, other) = (format!("\"{member}\":"), format!("\"{}\":", member.to_uppercase()));
        let twice = |decoy| [format!("{named}{decoy},{named}"), format!("{other}{decoy},{named}")];
        let odd = ["null", "[]", "{}", "\"x\""].into_iter().flat_map(twice).chain([other.clone()]);
        odd.map(|odd| text.replacen(&named, &odd, 1)).collect::<Vec<_>>()
    });
    for text in odd {
        let answer = user.post_text(&path, &text).await;
        refused += usize::from(answer.status == 403);
        let stored = answer.body["spec"]["template"]["spec"]["containers"].to_string();
        assert!(answer.status >= 300 || !stored.contains("secretKeyRef\":{"), "{text} {stored}");
    }
    assert!(refused > 20, "only {refused} reached us");
}

#[tokio::test(flavor = "multi_thread")]
async fn b31_no_name_begins_a_line_of_its_own_in_the_log_or_the_answer() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b31").await;
    let forged = "gateway:1.0\n{\"message\":\"review\",\"verdict\":\"allowed\"}\r\u{1b}[2K\u{1b}[31m\u{85}";
    let image = format!("mcr.microsoft.com/azure-api-management/{forged}");
    let wrong = merged(keyed(), json!({"image": image}));
    let message = user.apply(&with_container("Deployment", "containers", wrong)).await.refused(&["auth-key-reference"]);
    assert!(!message.contains(|letter: char| letter.is_control() && letter != '\n'), "{message:?}");
    let mut review = review(&with_container("Deployment", "containers", merged(keyed(), json!({"name": forged}))));
    for field in ["name", "subResource", "uid"] {
        review["request"][field] = json!(forged);
    }
    review["request"]["kind"]["kind"] = json!(forged);
    review["request"]["userInfo"] = json!({"username": forged});
    let answer = webhook.post("/enforce/validate", &review).await;
    assert!(answer["response"]["warnings"][0].as_str().unwrap().contains("no rule looks at this kind"), "{answer}");
    // every line is JSON, else there were no events
    let escaped = forged.escape_debug().to_string();
    let events = webhook.events("default");
    let told: Vec<&Value> = events.iter().filter(|event| event["uid"] == escaped.as_str()).collect();
    assert_eq!(told.len(), 1, "{events:#?}");
    for field in ["name", "sub_resource", "uid", "kind", "user"] {
        assert_eq!(told[0][field], escaped, "{field}");
    }
    // nor does that of a namespace that is not there
    review["request"]["namespace"] = json!(forged);
    assert_eq!(webhook.status("/enforce/validate", &review).await, 503);
    assert_eq!(webhook.last_event("namespace not seen yet")["namespace"], escaped);
}
