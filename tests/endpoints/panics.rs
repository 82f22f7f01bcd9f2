//! A judgement that breaks down never stops a write where nothing is refused, and never lets one pass where it is.

use super::{readable, review, verify};
use apim_keyless::admission::routes::ReviewObserver;
use apim_keyless::admission::{Answer, Decision, Endpoint, Request, answer_or_failure};
use apim_keyless::telemetry::Metrics;
use serde_json::{Value, json};
use std::time::Duration;

/// The answer at `endpoint` to a review whose judgement panics.
fn stand_in(endpoint: Endpoint, review: &Value) -> (Decision, Value) {
    let body = review.to_string();
    let request = Request::read(body.as_bytes()).unwrap();
    let decide = || -> Answer { panic!("{}", review["request"]["object"]) };
    let answer = answer_or_failure(endpoint, &request, decide);
    let metrics = Metrics::default();
    metrics.answered(endpoint, &answer, Duration::ZERO);
    assert!(metrics.to_text().contains("\napim_keyless_panics_total 1\n"), "{}", metrics.to_text());
    (answer.decision, serde_json::from_slice(&answer.response.to_review()).unwrap())
}

#[test]
fn a_panic_refuses_only_where_refusing_is_asked_for() {
    let review = review("deployment-with-key");
    let message = "apim-keyless failed to judge this object; that is a defect of its own, and its log tells where";
    for endpoint in Endpoint::ALL {
        let (decision, answer) = stand_in(endpoint, &review);
        assert_eq!(decision, Decision::Failed);
        verify(endpoint, &review, &answer).unwrap();
        let expected = if endpoint.path() == "/enforce/validate" {
            json!({"allowed": false, "status": {"code": 500, "reason": "InternalError", "message": message}})
        } else {
            json!({"allowed": true, "warnings": [message]})
        };
        assert_eq!(readable(answer["response"].clone()), expected, "{}", endpoint.path());
    }
}
