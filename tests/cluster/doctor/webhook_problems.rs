//! Problems of the webhook configurations.

use super::injection::{InjectedProblem, Injection, change};
use apim_keyless::doctor::DoctorCode;
use serde_json::{Value, json};
use test_support::webhook::CONFIGURATIONS;

const MUTATING: &str = CONFIGURATIONS[0];
const VALIDATING: &str = CONFIGURATIONS[1];

/// Sets a field of a webhook entry.
fn set(path: &'static str, entry: usize, field: &'static str, value: Value) -> Injection {
    change(path, move |configuration| *configuration["webhooks"][entry].pointer_mut(field).unwrap() = value.clone())
}

/// Every problem of the webhook configurations.
pub(crate) fn all() -> Vec<InjectedProblem> {
    outage_problems()
        .into_iter()
        .chain(review_problems())
        .chain(selection_problems())
        .chain(existence_problems())
        .collect()
}

fn outage_problems() -> Vec<InjectedProblem> {
    vec![
        InjectedProblem::new(
            DoctorCode::FailurePolicyDiffers,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/0/failurePolicy"],
            set(VALIDATING, 0, "/failurePolicy", json!("Ignore")),
        ),
        InjectedProblem::new(
            DoctorCode::FailurePolicyDiffers,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0/failurePolicy"],
            set(MUTATING, 0, "/failurePolicy", json!("Fail")),
        ),
        InjectedProblem::new(
            DoctorCode::FailurePolicyStopsOthers,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/1/failurePolicy"],
            set(VALIDATING, 1, "/failurePolicy", json!("Fail")),
        ),
        InjectedProblem::new(
            DoctorCode::FailurePolicyStopsOthers,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/2/failurePolicy"],
            set(VALIDATING, 2, "/failurePolicy", json!("Fail")),
        ),
        InjectedProblem::new(
            DoctorCode::TimeoutDiffers,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0/timeoutSeconds"],
            set(MUTATING, 0, "/timeoutSeconds", json!(30)),
        ),
    ]
}

fn review_problems() -> Vec<InjectedProblem> {
    vec![
        InjectedProblem::new(
            DoctorCode::MatchPolicyExact,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/2/matchPolicy"],
            set(VALIDATING, 2, "/matchPolicy", json!("Exact")),
        ),
        InjectedProblem::new(
            DoctorCode::ReinvocationNever,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0/reinvocationPolicy"],
            set(MUTATING, 0, "/reinvocationPolicy", json!("Never")),
        ),
        InjectedProblem::new(
            DoctorCode::SideEffectsDeclared,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/2/sideEffects"],
            set(VALIDATING, 2, "/sideEffects", json!("NoneOnDryRun")),
        ),
    ]
}

fn selection_problems() -> Vec<InjectedProblem> {
    vec![
        InjectedProblem::new(
            DoctorCode::AdmissionsEnforcer,
            &["MutatingWebhookConfiguration apim-keyless /metadata"],
            change(MUTATING, |configuration| {
                let metadata = configuration["metadata"].as_object_mut().unwrap();
                for keys in ["labels", "annotations"] {
                    metadata[keys].as_object_mut().unwrap().remove("admissions.enforcer/disabled");
                }
            }),
        ),
        InjectedProblem::new(
            DoctorCode::NamespaceSelectorRewritten,
            &["ValidatingWebhookConfiguration apim-keyless /webhooks/0/namespaceSelector"],
            change(VALIDATING, |configuration| {
                let term = json!({"key": "control-plane", "operator": "NotIn", "values": ["true"]});
                let selector = &mut configuration["webhooks"][0]["namespaceSelector"];
                selector["matchExpressions"].as_array_mut().unwrap().push(term);
            }),
        ),
        InjectedProblem::new(
            DoctorCode::WebhookNotCalled,
            &["MutatingWebhookConfiguration apim-keyless /webhooks/0"],
            change(MUTATING, |configuration| {
                for rule in configuration["webhooks"][0]["rules"].as_array_mut().unwrap() {
                    rule["operations"] = json!(["UPDATE"]);
                }
            }),
        ),
    ]
}

fn existence_problems() -> Vec<InjectedProblem> {
    let client_config = "ValidatingWebhookConfiguration apim-keyless /webhooks/2/clientConfig";
    vec![
        InjectedProblem::new(
            DoctorCode::WebhookConfigurationMissing,
            &["MutatingWebhookConfiguration apim-keyless"],
            Injection::Remove(MUTATING),
        ),
        InjectedProblem::new(
            DoctorCode::WebhookEntryMissing,
            &["ValidatingWebhookConfiguration apim-keyless"],
            change(VALIDATING, |configuration| _ = configuration["webhooks"].as_array_mut().unwrap().remove(2)),
        ),
        InjectedProblem::new(
            DoctorCode::WebhookEntryMissing,
            &["ValidatingWebhookConfiguration apim-keyless"],
            change(VALIDATING, |configuration| _ = configuration["webhooks"].as_array_mut().unwrap().remove(1)),
        ),
        InjectedProblem::new(
            DoctorCode::ServiceMissing,
            &[client_config],
            set(VALIDATING, 2, "/clientConfig/service/name", json!("elsewhere")),
        ),
        InjectedProblem::new(
            DoctorCode::ServiceMissing,
            &[client_config],
            set(VALIDATING, 2, "/clientConfig/service/namespace", json!("elsewhere")),
        ),
        InjectedProblem::new(
            DoctorCode::ServiceMissing,
            &[client_config],
            change(VALIDATING, |configuration| {
                let client = configuration["webhooks"][2]["clientConfig"].as_object_mut().unwrap();
                client.remove("service");
                client.insert("url".to_owned(), json!("https://apim-keyless.example/audit/validate"));
            }),
        ),
    ]
}
