//! What `/audit/validate` reports through a real API server, as docs/audit.md shows it, and how a namespace gets from audit
//! to enforce.

use serde_json::{Value, json};
use std::fs;
use test_support::webhook::objects::{PORTAL, one};
use test_support::webhook::{User, Webhook, documents, eventually};

/// The fields of the log event that the page shows.
const LOGGED: [&str; 8] = ["webhook", "mode", "kind", "name", "operation", "decision", "violations", "patch"];

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_an_audited_write_reports() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let page = fs::read_to_string("docs/audit.md").unwrap();
    let (_, section) = page.split_once("\n## At the webhook\n").unwrap();
    let user = webhook.user("audit-page", Some("audit")).await;
    for object in documents(PORTAL).iter().filter(|object| object["kind"] != "Deployment") {
        user.apply(object).await.stored();
    }
    let deployment = one(PORTAL, "Deployment");
    // the webhook sees a new ConfigMap a moment later
    let has = |warnings: &[String], rule: &str| warnings.iter().any(|warning| warning.contains(rule));
    let is_known = |_: u16, all: &[String]| has(all, "auth-key-reference") && !has(all, "absent-config-map");
    until(&user, "a key and a known ConfigMap", is_known).await;
    let response = user.apply(&deployment).await;
    // the helper leaves out the quote at the end of a header
    let whole = |warning: &String| warning.strip_suffix('\\').map_or(warning.clone(), |start| format!("{start}\""));
    let warnings: Vec<String> =
        response.warnings.iter().map(|warning| format!("Warning: {}", whole(warning))).collect();
    response.stored();
    let event = webhook.events("audit-page").into_iter().rfind(|event| event["kind"] == "Deployment").unwrap();
    let logged: serde_json::Map<String, Value> =
        LOGGED.iter().map(|key| ((*key).to_owned(), event[*key].clone())).collect();
    let annotations = webhook.audit_annotations("audit-page");
    let annotations = annotations.iter().rfind(|all| all["audit.apim-keyless.dev/would-patch"].is_string()).unwrap();
    let ours = annotations.as_object().unwrap().iter().filter(|(key, _)| key.contains("apim-keyless.dev/"));
    let ours: serde_json::Map<String, Value> = ours.map(|(key, value)| (key.clone(), value.clone())).collect();
    let pretty = |map: serde_json::Map<String, Value>| serde_json::to_string_pretty(&Value::Object(map)).unwrap();
    let expected = [warnings.join("\n"), pretty(logged), pretty(ours)];
    let missing: Vec<&String> = expected.iter().filter(|text| !section.contains(text.as_str())).collect();
    assert!(missing.is_empty(), "docs/audit.md must show:\n{}", expected.join("\n\n"));
    let metrics = webhook.metrics().await;
    let shown: Vec<&str> = section.lines().filter(|line| line.starts_with("apim_keyless_")).collect();
    assert!(shown.len() > 2, "{shown:?}");
    for line in shown {
        let sample = line.rsplit_once(' ').unwrap().0;
        assert!(metrics.contains(sample), "{sample} is not in\n{metrics}");
    }
}

/// Sends requests until `is_met`.
async fn until(user: &User, what: &str, is_met: impl Fn(u16, &[String]) -> bool) {
    let deployment = one(PORTAL, "Deployment");
    eventually(what, || async {
        let response = user.apply_with(&deployment, "?dryRun=All").await;
        is_met(response.status, &response.warnings).then_some(())
    })
    .await;
}

/// The API server chooses the endpoint by the label; nothing else of apim-keyless has to notice the change.
#[tokio::test(flavor = "multi_thread")]
async fn the_label_alone_switches_between_audit_and_enforce() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("audit-switch", Some("audit")).await;
    let is_audited = |status: u16, warnings: &[String]| {
        status == 201 && warnings.iter().any(|warning| warning.contains("auth-key-reference: would deny"))
    };
    until(&user, "a violation in audit", is_audited).await;
    for round in 0..10 {
        let (mode, is_denied) = if round % 2 == 0 { ("enforce", true) } else { ("audit", false) };
        user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}})).await.stored();
        let is_met =
            |status: u16, warnings: &[String]| if is_denied { status == 403 } else { is_audited(status, warnings) };
        until(&user, mode, is_met).await;
    }
}
