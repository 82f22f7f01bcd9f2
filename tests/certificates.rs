//! The CA that the webhook keeps in a real cluster: whatever happens to it, it is put right, and nobody is turned away.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod control_plane;
mod webhook;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use webhook::account::{CONFIGURATIONS, bundles};
use webhook::objects::{BARE, OLD_IMAGE, one};
use webhook::{User, Webhook, eventually};

const SECRET: &str = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";

/// The ids of the CAs in the Secret.
async fn cas(user: &User) -> BTreeSet<String> {
    let secret = user.get(SECRET).await;
    let keys = secret.body["data"].as_object().cloned().unwrap_or_default();
    keys.keys().filter_map(|key| Some(key.strip_suffix(".crt")?.to_owned())).collect()
}

/// Waits until every entry trusts every CA in the Secret, and nothing else is in a caBundle but certificates.
async fn until_trusted(user: &User) {
    let is_trusted = || async {
        let secret = user.get(SECRET).await;
        let data = secret.body["data"].as_object()?.clone();
        let certificates: Vec<String> = data
            .iter()
            .filter(|(key, _)| key.strip_suffix(".crt").is_some())
            .map(|(_, text)| String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap())
            .collect();
        let bundles = bundles(user).await;
        let is_well = |bundle: &String| {
            bundle.starts_with("-----BEGIN CERTIFICATE-----")
                && certificates.iter().all(|one| bundle.contains(one.trim()))
        };
        (!certificates.is_empty() && bundles.len() == 4 && bundles.iter().all(is_well)).then_some(())
    };
    eventually("trust in every entry", is_trusted).await;
}

/// Reviews get through, in both directions.
async fn reviews_are_answered(user: &User) {
    let bare = one(BARE, "Deployment");
    eventually("an answer", || async {
        let mended = user.apply_with(&bare, "?dryRun=All").await;
        let refused = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
        let account = "apim-gateway-workload-identity";
        let is_applied = mended.body["spec"]["template"]["spec"]["serviceAccountName"] == account;
        (is_applied && refused.status == 403).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_them_the_ca_and_the_bundles_are_put_right() {
    let Some(webhook) = Webhook::start() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("certificates", Some("enforce")).await;
    until_trusted(&user).await;
    reviews_are_answered(&user).await;
    only_the_bundles_are_ours(&user).await;

    // a manifest that is applied again without them, and one with another's
    for bundle in [Value::Null, json!(STANDARD.encode("none")), json!("")] {
        for path in CONFIGURATIONS {
            apply_again(&user, path, &bundle).await;
        }
        until_trusted(&user).await;
        reviews_are_answered(&user).await;
    }
    let kept = user.get(CONFIGURATIONS[1]).await.stored();
    assert_eq!(kept["webhooks"][0]["timeoutSeconds"], 7, "what others wrote stays");

    // a Secret that is spoilt, and one that is gone
    let before = cas(&user).await;
    let mut secret = user.get(SECRET).await.stored();
    for (key, text) in secret["data"].as_object_mut().unwrap() {
        *text = json!(STANDARD.encode(format!("spoilt {key}")));
    }
    user.put(SECRET, &secret).await.stored();
    let spoilt = until_renewed(&user, &before).await;
    user.remove(SECRET).await.stored();
    until_renewed(&user, &spoilt).await;

    // configurations that are deleted and made again
    for path in CONFIGURATIONS {
        let mut configuration = user.get(path).await.stored();
        user.remove(path).await.stored();
        configuration["metadata"] = json!({"name": "apim-keyless"});
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"].as_object_mut().unwrap().remove("caBundle");
        }
        user.post(path.rsplit_once('/').unwrap().0, &configuration).await.stored();
    }
    until_trusted(&user).await;
    reviews_are_answered(&user).await;
}

/// Somebody applies a configuration that has this caBundle, and another time-out, in every entry.
async fn apply_again(user: &User, path: &str, bundle: &Value) {
    let mut configuration = user.get(path).await.stored();
    for webhook in configuration["webhooks"].as_array_mut().unwrap() {
        webhook["clientConfig"]["caBundle"] = bundle.clone();
        webhook["timeoutSeconds"] = json!(7);
    }
    user.put(path, &configuration).await.stored();
}

/// Waits for CAs that are none of these, and for trust in them; all the while reviews are answered.
async fn until_renewed(user: &User, before: &BTreeSet<String>) -> BTreeSet<String> {
    let renewed = eventually("another CA", || async {
        let refused = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        let now = cas(user).await;
        (!now.is_empty() && now.is_disjoint(before)).then_some(now)
    })
    .await;
    until_trusted(user).await;
    reviews_are_answered(user).await;
    renewed
}

/// Of the configurations, nothing but the caBundles is ours.
async fn only_the_bundles_are_ours(user: &User) {
    for path in CONFIGURATIONS {
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
