//! Bytes as the body of a review, at every door.

use apim_keyless::admission::{Answer, Endpoint, Operation, Request, Webhook, answer};
use apim_keyless::gateway::RelatedObjects;
use apim_keyless::policy::Policy;
use serde_json::Value;

/// Every body that is a review is answered: with its uid, in JSON, within bounds, and never by letting a key through.
pub(crate) fn hold(body: &[u8]) {
    let Ok(request) = Request::read(body) else { return };
    let (policy, related) = (Policy::default(), RelatedObjects::default());
    for endpoint in Endpoint::ALL {
        let answer = answer(&policy, &related, endpoint, &request);
        let review: Value = serde_json::from_slice(&answer.response.to_review()).expect("a response is JSON");
        let response = &review["response"];
        assert_eq!(review["kind"], "AdmissionReview");
        assert_eq!(response["uid"], *request.uid);
        assert_eq!(response["status"].is_object(), response["allowed"] == false, "{response}");
        assert_eq!(response["patch"].is_string(), response["patchType"] == "JSONPatch", "{response}");
        assert!(endpoint.webhook == Webhook::Mutating || response["patch"].is_null(), "{response}");
        assert!(endpoint.fails_closed() || response["allowed"] == true, "{response}");
        keeps_bounds(&answer);
        if endpoint.fails_closed() && carries_a_key(&request, body) {
            assert_eq!(response["allowed"], false, "a key is let through");
        }
    }
}

fn keeps_bounds(answer: &Answer) {
    assert!(answer.response.warnings.len() <= 5);
    for warning in &answer.response.warnings {
        assert!(warning.len() <= 120 && warning.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{warning:?}");
    }
    for text in answer.response.audit_annotations.values() {
        assert!(text.len() <= 256, "{text}");
    }
}

/// Is it, beyond doubt, a new Deployment of nobody's, of which a container is given the auth setting out of a Secret or
/// as a key written out?
///
/// Told from the raw object, and only where there is nothing to argue about.
fn carries_a_key(request: &Request<'_>, body: &[u8]) -> bool {
    let Ok(review) = serde_json::from_slice::<Value>(body) else { return false };
    let object = &review["request"]["object"];
    let is_deployment = request.kind.group == "apps" && request.kind.kind == "Deployment";
    let containers = object["spec"]["template"]["spec"]["containers"].as_array();
    let variables = containers.into_iter().flatten().filter_map(|container| container["env"].as_array()).flatten();
    let mut of_auth = variables.filter(|variable| variable["name"] == "config.service.auth");
    request.operation == Operation::Create
        && is_deployment
        && object["metadata"]["ownerReferences"].is_null()
        && of_auth.any(is_a_key)
}

fn is_a_key(variable: &Value) -> bool {
    let text = variable["value"].as_str().unwrap_or_default();
    text.starts_with("GatewayKey ") && !text.contains('$')
        || text.is_empty() && variable["valueFrom"]["secretKeyRef"]["name"].is_string()
}
