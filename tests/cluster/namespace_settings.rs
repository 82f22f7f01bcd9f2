//! What is set for a namespace, through a real API server: malformed labels and annotations of a Namespace are warned
//! about where they are written and at every gateway, and exceptions of the policy document take objects out of
//! enforcement.

use serde_json::{Value, json};
use test_support::gateways::{container_with_auth_key, valid, with_container};
use test_support::webhook::{Webhook, eventually};

const RULE: &str = "apim-keyless: malformed-namespace-setting: ";

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_setting_is_warned_about_where_it_is_written_and_at_every_gateway() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("namespace-settings", Some("enforce")).await;
    let namespace = format!("/api/v1/namespaces/{}", user.namespace);
    let patched = async |mut metadata: Value| {
        // without a resourceVersion the API server may first patch an older state of its cache, and keeps the warnings
        metadata["resourceVersion"] = user.get(&namespace).await.stored()["metadata"]["resourceVersion"].clone();
        let response = user.patch_namespace(&json!({"metadata": metadata})).await;
        let warnings = response.warnings.clone();
        response.stored();
        warnings
    };
    let client_id = |value: &str| json!({"annotations": {"apim-keyless.dev/client-id": value}});
    assert_eq!(patched(client_id("7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10")).await, Vec::<String>::new());
    let malformed = patched(client_id("CLIENT_ID")).await;
    let [warning] = malformed.as_slice() else { panic!("{malformed:?}") };
    assert!(
        warning.starts_with(&format!("{RULE}Set annotation apim-keyless.dev/client-id of the Namespace to a GUID"))
    );

    let gateway = eventually("the warning at a gateway", || async {
        let response = user.apply_with(&valid("Deployment"), "?dryRun=All").await;
        assert_eq!(response.status, 201, "{}", response.body);
        // others can be about objects that the cache knows to be absent
        response.warnings.contains(warning).then_some(response.body)
    })
    .await;
    assert_eq!(gateway["kind"], "Deployment");

    // the label that selects this webhook's registrations must stay
    let misspelled = patched(json!({"labels": {"apim-keyless.dev/mode": "enforced"}, "annotations": null})).await;
    let [warning] = misspelled.as_slice() else { panic!("{misspelled:?}") };
    assert!(
        warning.starts_with(&format!("{RULE}Set label apim-keyless.dev/mode of the Namespace to one of")),
        "{warning}"
    );
    assert_eq!(
        patched(json!({"labels": {"apim-keyless.dev/mode": "off", "team": "shop"}})).await,
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_setting_of_a_new_namespace_is_warned_about_and_not_denied() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let annotations = json!({"apimkeyless.dev/client-id": "a", "apim-keyless.dev/minimum-version": "2.9.0"});
    let user = webhook.annotated_user("new-namespace-settings", "enforce", &annotations).await;
    let reviews = eventually("the review of the new Namespace", || async {
        Some(webhook.events(&user.namespace)).filter(|events| !events.is_empty())
    })
    .await;
    assert_eq!((&reviews[0]["kind"], &reviews[0]["decision"]), (&json!("Namespace"), &json!("warned")), "{reviews:?}");
    assert_eq!((&reviews[0]["mode"], &reviews[0]["operation"]), (&json!("audit"), &json!("CREATE")));
    let violations = reviews[0]["violations"].as_str().unwrap();
    assert_eq!(violations.matches("malformed-namespace-setting").count(), 2, "{violations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_takes_its_objects_out_of_enforcement_until_it_expires() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("exceptions", Some("enforce")).await;
    let named = |name: &str| {
        let mut object = with_container("Deployment", "containers", container_with_auth_key());
        object["metadata"]["name"] = json!(name);
        // the mutating webhook adds it, unless every rule is excepted
        object["spec"]["template"]["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
        object
    };
    let label = "/spec/template/metadata/labels/azure.workload.identity~1use";
    let rule = "auth-key-reference";

    user.apply(&named("orders")).await.denied(&[rule]);
    user.apply(&named("expired-orders")).await.denied(&[rule]);
    let one_rule = user.apply(&named("moving-orders")).await;
    assert!(one_rule.warnings.iter().any(|warning| warning.contains(rule)), "{:?}", one_rule.warnings);
    assert_eq!(one_rule.stored().pointer(label), Some(&json!("true")));
    let every_rule = user.apply(&named("dashboard")).await;
    assert!(every_rule.warnings.iter().any(|warning| warning.contains("missing-identity-label")));
    assert_eq!(every_rule.stored().pointer(label), None);

    let metrics = webhook.metrics().await;
    for (state, number) in [("active", 2), ("expiring", 0), ("expired", 1)] {
        let line = format!("apim_keyless_exceptions{{state=\"{state}\"}} {number}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    let expired = "Remove the exception from * for \"expired-*\" in namespace exceptions, or set a later date: it ended after \
                   2020-01-31 and has no effect";
    assert_eq!(webhook.count(expired), 1);
}
