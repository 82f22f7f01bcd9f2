//! A judgement that breaks down never stops a write where nothing is refused, and never lets one pass where it is.

use super::{readable, review, verify};
use apim_keyless::admission::routes::Observer;
use apim_keyless::admission::{Answer, Entry, Request, Verdict, answer_or_stand_in};
use apim_keyless::telemetry::Metrics;
use serde_json::{Value, json};
use std::time::Duration;

/// The answer at `entry` to a review whose judgement panics.
fn stand_in(entry: Entry, review: &Value) -> (Verdict, Value) {
    let body = review.to_string();
    let request = Request::read(body.as_bytes()).unwrap();
    let decide = || -> Answer { panic!("{}", review["request"]["object"]) };
    let answer = answer_or_stand_in(entry, &request, decide);
    let metrics = Metrics::default();
    metrics.answered(entry, &answer, Duration::ZERO);
    assert!(metrics.to_text().contains("\napim_keyless_panics_total 1\n"), "{}", metrics.to_text());
    (answer.verdict, serde_json::from_slice(&answer.response.to_review()).unwrap())
}

#[test]
fn a_panic_refuses_only_where_refusing_is_asked_for() {
    let review = review("deployment-with-key");
    let problem = "apim-keyless failed to judge this object; that is a defect of its own, and its log tells where";
    for entry in Entry::ALL {
        let (verdict, answer) = stand_in(entry, &review);
        assert_eq!(verdict, Verdict::Failed);
        verify(entry, &review, &answer).unwrap();
        let expected = if entry.path() == "/enforce/validate" {
            json!({"allowed": false, "status": {"code": 500, "reason": "InternalError", "message": problem}})
        } else {
            json!({"allowed": true, "warnings": [problem]})
        };
        assert_eq!(readable(answer["response"].clone()), expected, "{}", entry.path());
    }
}
