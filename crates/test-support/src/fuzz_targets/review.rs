//! Reads bytes as the body of a review, at every endpoint.

use crate::TODAY;
use apim_keyless::admission::{Answer, Endpoint, MessageOptions, Operation, Request, Webhook, answer};
use apim_keyless_core::gateway::RelatedObjects;
use apim_keyless_core::policy::Policy;
use serde_json::Value;

/// Every review is answered with its uid, in JSON, within the limits, and a key is never admitted.
pub fn check(body: &[u8]) {
    let Ok(request) = Request::read(body) else { return };
    let (policy, related) = (Policy::default(), RelatedObjects::default());
    for endpoint in Endpoint::ALL {
        let answer = answer(&policy, &related, &MessageOptions::default(), endpoint, &request, TODAY);
        let review: Value = serde_json::from_slice(&answer.response.to_review()).expect("a response is JSON");
        let response = &review["response"];
        assert_eq!(review["kind"], "AdmissionReview");
        assert_eq!(response["uid"], *request.uid);
        assert_eq!(response["status"].is_object(), response["allowed"] == false, "{response}");
        assert_eq!(response["patch"].is_string(), response["patchType"] == "JSONPatch", "{response}");
        assert!(endpoint.webhook == Webhook::Mutating || response["patch"].is_null(), "{response}");
        assert!(endpoint.fails_closed() || response["allowed"] == true, "{response}");
        assert_limits(&answer);
        if endpoint.fails_closed() && has_key(&request, body) {
            assert_eq!(response["allowed"], false, "a key is admitted");
        }
    }
}

fn assert_limits(answer: &Answer) {
    assert!(answer.response.warnings.len() <= 5);
    for warning in &answer.response.warnings {
        assert!(warning.len() <= 256 && warning.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{warning:?}");
    }
    for text in answer.response.audit_annotations.values() {
        assert!(text.len() <= 256, "{text}");
    }
}

/// Is it a new Deployment without an owner, with a container that takes the auth setting from a Secret or as a key in plain
/// text?
///
/// Decides by the raw object, and only for unambiguous cases.
fn has_key(request: &Request<'_>, body: &[u8]) -> bool {
    let Ok(review) = serde_json::from_slice::<Value>(body) else { return false };
    let object = &review["request"]["object"];
    let is_deployment = request.kind.group == "apps" && request.kind.kind == "Deployment";
    let containers = object["spec"]["template"]["spec"]["containers"].as_array();
    let variables = containers.into_iter().flatten().filter_map(|container| container["env"].as_array()).flatten();
    let mut of_auth = variables.filter(|variable| variable["name"] == "config.service.auth");
    request.operation == Operation::Create
        && is_deployment
        && object["metadata"]["ownerReferences"].is_null()
        && of_auth.any(is_key)
}

fn is_key(variable: &Value) -> bool {
    let text = variable["value"].as_str().unwrap_or_default();
    text.starts_with("GatewayKey ") && !text.contains('$')
        || text.is_empty() && variable["valueFrom"]["secretKeyRef"]["name"].is_string()
}
