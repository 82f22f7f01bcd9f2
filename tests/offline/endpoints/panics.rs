//! A panic in the evaluation is a denial at `/enforce/validate` and a warning at the other endpoints.

use super::{readable, review, verify};
use apim_keyless::admission::routes::ReviewObserver;
use apim_keyless::admission::{Answer, Decision, Endpoint, Request, answer_or_failure};
use apim_keyless::telemetry::Metrics;
use serde_json::{Value, json};
use std::time::Duration;

/// The answer of `endpoint` to a review whose evaluation panics.
fn answer_after_panic(endpoint: Endpoint, review: &Value) -> (Decision, Value) {
    let body = review.to_string();
    let request = Request::read(body.as_bytes()).unwrap();
    let evaluate = || -> Answer { panic!("{}", review["request"]["object"]) };
    let answer = answer_or_failure(endpoint, &request, evaluate);
    let metrics = Metrics::default();
    metrics.answered(endpoint, &answer, Duration::ZERO);
    assert!(metrics.to_text().contains("\napim_keyless_panics_total 1\n"), "{}", metrics.to_text());
    (answer.decision, serde_json::from_slice(&answer.response.to_review()).unwrap())
}

#[test]
fn a_panic_denies_only_at_the_enforcing_validating_endpoint() {
    let review = review("deployment-with-key");
    let message =
        "Report a bug: the evaluation of this object failed, and the log of apim-keyless names the source line";
    for endpoint in Endpoint::ALL {
        let (decision, answer) = answer_after_panic(endpoint, &review);
        assert_eq!(decision, Decision::Failed);
        verify(endpoint, &review, &answer).unwrap();
        let expected = if endpoint.path() == "/enforce/validate" {
            json!({"allowed": false, "status": {"code": 500, "reason": "InternalError", "message": message}})
        } else {
            json!({"allowed": true, "warnings": [format!("apim-keyless: {message}")]})
        };
        assert_eq!(readable(answer["response"].clone()), expected, "{}", endpoint.path());
    }
}
