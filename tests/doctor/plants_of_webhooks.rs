//! Faults of the webhook configurations.

use crate::plants::{How, Plant, change};
use crate::webhook::account::CONFIGURATIONS;
use apim_keyless::doctor::Code;
use serde_json::{Value, json};

const MUTATING: &str = CONFIGURATIONS[0];
const VALIDATING: &str = CONFIGURATIONS[1];

/// Sets a field of an entry.
fn set(path: &'static str, entry: usize, field: &'static str, value: Value) -> How {
    change(path, move |configuration| *configuration["webhooks"][entry].pointer_mut(field).unwrap() = value.clone())
}

/// Faults of the webhook configurations.
pub(crate) fn all() -> Vec<Plant> {
    outages().into_iter().chain(what_is_seen()).chain(what_is_told_to_whom()).chain(what_is_there()).collect()
}

fn outages() -> Vec<Plant> {
    vec![
        Plant::new(
            Code::FailurePolicyDiffers,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/0/failurePolicy"],
            set(VALIDATING, 0, "/failurePolicy", json!("Ignore")),
        ),
        Plant::new(
            Code::FailurePolicyDiffers,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0/failurePolicy"],
            set(MUTATING, 0, "/failurePolicy", json!("Fail")),
        ),
        Plant::new(
            Code::FailurePolicyStopsOthers,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/1/failurePolicy"],
            set(VALIDATING, 1, "/failurePolicy", json!("Fail")),
        ),
        Plant::new(
            Code::FailurePolicyStopsOthers,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/2/failurePolicy"],
            set(VALIDATING, 2, "/failurePolicy", json!("Fail")),
        ),
        Plant::new(
            Code::TimeoutDiffers,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0/timeoutSeconds"],
            set(MUTATING, 0, "/timeoutSeconds", json!(30)),
        ),
    ]
}

fn what_is_seen() -> Vec<Plant> {
    vec![
        Plant::new(
            Code::MatchPolicyExact,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/2/matchPolicy"],
            set(VALIDATING, 2, "/matchPolicy", json!("Exact")),
        ),
        Plant::new(
            Code::ReinvocationNever,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0/reinvocationPolicy"],
            set(MUTATING, 0, "/reinvocationPolicy", json!("Never")),
        ),
        Plant::new(
            Code::SideEffectsDeclared,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/2/sideEffects"],
            set(VALIDATING, 2, "/sideEffects", json!("NoneOnDryRun")),
        ),
    ]
}

fn what_is_told_to_whom() -> Vec<Plant> {
    vec![
        Plant::new(
            Code::AdmissionsEnforcer,
            &["MutatingWebhookConfiguration apim-keyless /metadata"],
            change(MUTATING, |configuration| {
                let metadata = configuration["metadata"].as_object_mut().unwrap();
                for keys in ["labels", "annotations"] {
                    metadata[keys].as_object_mut().unwrap().remove("admissions.enforcer/disabled");
                }
            }),
        ),
        Plant::new(
            Code::NamespaceSelectorRewritten,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/0/namespaceSelector"],
            change(VALIDATING, |configuration| {
                let term = json!({"key": "control-plane", "operator": "NotIn", "values": ["true"]});
                let selector = &mut configuration["webhooks"][0]["namespaceSelector"];
                selector["matchExpressions"].as_array_mut().unwrap().push(term);
            }),
        ),
        Plant::new(
            Code::WebhookNotCalled,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0"],
            change(MUTATING, |configuration| {
                for rule in configuration["webhooks"][0]["rules"].as_array_mut().unwrap() {
                    rule["operations"] = json!(["UPDATE"]);
                }
            }),
        ),
    ]
}

fn what_is_there() -> Vec<Plant> {
    let astray = "ValidatingWebhookConfiguration apim-keyless /webhooks/2/clientConfig";
    vec![
        Plant::new(
            Code::WebhookConfigurationMissing,
            &["MutatingWebhookConfiguration apim-keyless"],
            How::Remove(MUTATING),
        ),
        Plant::new(
            Code::WebhookEntryMissing,
            &["ValidatingWebhookConfiguration apim-keyless"],
            change(VALIDATING, |configuration| _ = configuration["webhooks"].as_array_mut().unwrap().remove(2)),
        ),
        Plant::new(
            Code::WebhookEntryMissing,
            &["ValidatingWebhookConfiguration apim-keyless"],
            change(VALIDATING, |configuration| _ = configuration["webhooks"].as_array_mut().unwrap().remove(1)),
        ),
        Plant::new(
            Code::ServiceMissing,
            &[astray],
            set(VALIDATING, 2, "/clientConfig/service/name", json!("elsewhere")),
        ),
        Plant::new(
            Code::ServiceMissing,
            &[astray],
            set(VALIDATING, 2, "/clientConfig/service/namespace", json!("elsewhere")),
        ),
        Plant::new(
            Code::ServiceMissing,
            &[astray],
            change(VALIDATING, |configuration| {
                let client = configuration["webhooks"][2]["clientConfig"].as_object_mut().unwrap();
                client.remove("service");
                client.insert("url".to_owned(), json!("https://apim-keyless.example/audit/validate"));
            }),
        ),
    ]
}
