//! The self-managed CA in a real cluster: whatever is damaged is repaired, and no review fails meanwhile.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::webhook::objects::{BARE, OLD_IMAGE, one};
use test_support::webhook::{User, Webhook, eventually};

/// The ids of the CAs in the Secret.
async fn cas(webhook: &Webhook) -> BTreeSet<String> {
    let secret = webhook.in_own_namespace().get(&webhook.ca_secret()).await;
    let keys = secret.body["data"].as_object().cloned().unwrap_or_default();
    keys.keys().filter_map(|key| Some(key.strip_suffix(".crt")?.to_owned())).collect()
}

/// Waits until every caBundle contains every CA in the Secret, and starts with a certificate.
async fn until_trusted(webhook: &Webhook) {
    let is_trusted = || async {
        let secret = webhook.in_own_namespace().get(&webhook.ca_secret()).await;
        let data = secret.body["data"].as_object()?.clone();
        let certificates: Vec<String> = data
            .iter()
            .filter(|(key, _)| key.strip_suffix(".crt").is_some())
            .map(|(_, text)| String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap())
            .collect();
        let ca_bundles = webhook.ca_bundles().await;
        let is_correct = |ca_bundle: &String| {
            ca_bundle.starts_with("-----BEGIN CERTIFICATE-----")
                && certificates.iter().all(|certificate| ca_bundle.contains(certificate.trim()))
        };
        (!certificates.is_empty() && ca_bundles.len() == 5 && ca_bundles.iter().all(is_correct)).then_some(())
    };
    eventually("every CA in every caBundle", is_trusted).await;
}

/// Waits until one review is mutated and one is denied.
async fn until_reviews_are_answered(user: &User) {
    let bare = one(BARE, "Deployment");
    eventually("reviews that are answered", || async {
        let mutated = user.apply_with(&bare, "?dryRun=All").await;
        let denied = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
        let account = "apim-gateway-workload-identity";
        let is_mutated = mutated.body["spec"]["template"]["spec"]["serviceAccountName"] == account;
        (is_mutated && denied.status == 403).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_cas_and_ca_bundles_are_repaired() {
    let Some(webhook) = Webhook::of_test("certificates", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let (user, configurations) = (webhook.user("certificates", Some("enforce")).await, webhook.configurations());
    until_trusted(&webhook).await;
    until_reviews_are_answered(&user).await;
    only_ca_bundles_are_managed(&user, &configurations).await;

    // a manifest is applied again without caBundles, with a wrong one, and with empty ones
    for ca_bundle in [Value::Null, json!(STANDARD.encode("none")), json!("")] {
        for path in &configurations {
            apply_again(&user, path, &ca_bundle).await;
        }
        until_trusted(&webhook).await;
        until_reviews_are_answered(&user).await;
    }
    let kept = user.get(&configurations[1]).await.stored();
    assert_eq!(kept["webhooks"][0]["timeoutSeconds"], 7, "fields of other managers stay");

    // the Secret is damaged, then deleted
    let before = cas(&webhook).await;
    let mut secret = user.get(&webhook.ca_secret()).await.stored();
    for (key, text) in secret["data"].as_object_mut().unwrap() {
        *text = json!(STANDARD.encode(format!("damaged {key}")));
    }
    user.put(&webhook.ca_secret(), &secret).await.stored();
    let damaged = until_renewed(&webhook, &user, &before).await;
    user.remove(&webhook.ca_secret()).await.stored();
    until_renewed(&webhook, &user, &damaged).await;

    // the configurations are deleted and created again
    for path in &configurations {
        let mut configuration = user.get(path).await.stored();
        user.remove(path).await.stored();
        configuration["metadata"] = json!({"name": configuration["metadata"]["name"]});
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"].as_object_mut().unwrap().remove("caBundle");
        }
        user.post(path.rsplit_once('/').unwrap().0, &configuration).await.stored();
    }
    until_trusted(&webhook).await;
    until_reviews_are_answered(&user).await;
}

/// Another client applies a configuration with this caBundle and another `timeoutSeconds` in every webhook entry.
async fn apply_again(user: &User, path: &str, ca_bundle: &Value) {
    let mut configuration = user.get(path).await.stored();
    for webhook in configuration["webhooks"].as_array_mut().unwrap() {
        webhook["clientConfig"]["caBundle"] = ca_bundle.clone();
        webhook["timeoutSeconds"] = json!(7);
    }
    user.put(path, &configuration).await.stored();
}

/// Waits for new CAs, and until every caBundle contains them. No review fails meanwhile.
async fn until_renewed(webhook: &Webhook, user: &User, before: &BTreeSet<String>) -> BTreeSet<String> {
    let renewed = eventually("a new CA", || async {
        let denied = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
        assert_eq!(denied.status, 403, "{}", denied.body);
        let now = cas(webhook).await;
        (!now.is_empty() && now.is_disjoint(before)).then_some(now)
    })
    .await;
    until_trusted(webhook).await;
    until_reviews_are_answered(user).await;
    renewed
}

/// The webhook manages the caBundles of the configurations and no other field.
async fn only_ca_bundles_are_managed(user: &User, configurations: &[String]) {
    for path in configurations {
        let configuration = user.get(path).await.stored();
        let managed = configuration["metadata"]["managedFields"].as_array().unwrap();
        let ours: Vec<&Value> = managed.iter().filter(|fields| fields["manager"] == "apim-keyless").collect();
        assert_eq!(ours.len(), 1, "{managed:#?}");
        let webhooks = ours[0]["fieldsV1"]["f:webhooks"].as_object().unwrap();
        for fields in webhooks.values() {
            let expected = json!({".": {}, "f:clientConfig": {"f:caBundle": {}}, "f:name": {}});
            assert_eq!(*fields, expected);
        }
    }
}
