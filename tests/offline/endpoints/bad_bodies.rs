//! Bodies that no API server sends. Each is rejected with the place of the error, and the next valid review is
//! answered.

use super::{ReviewServer, outcome, review};
use apim_keyless::admission::Endpoint;
use apim_keyless::admission::routes::BODY_BYTES;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// A value that no response may contain.
const CANARY: &str = "canary-5d41402abc4b2a76";
/// More bytes than a body may have.
const TOO_LONG: usize = BODY_BYTES as usize + 1;

/// A recorded review with the value at `pointer` set to `value`. Missing parents are created.
fn with(pointer: &str, value: Value) -> Value {
    let mut review = review("deployment-with-key");
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    review.pointer_mut(parent).unwrap()[member] = value;
    review
}

fn without(member: &str) -> Value {
    let mut review = review("deployment-with-key");
    review["request"].as_object_mut().unwrap().remove(member).unwrap();
    review
}

/// Asserts that every endpoint rejects the body with 400 and names `place`, and then answers a valid review.
async fn rejected(server: &ReviewServer, body: impl Into<Vec<u8>>, place: &str) {
    let body = body.into();
    for endpoint in Endpoint::ALL {
        let reply = server.post(&endpoint.path(), body.clone()).await;
        assert_eq!(reply.status, 400, "{place}: {}", reply.text);
        assert!(reply.text.contains(place), "{place}: {}", reply.text);
        assert!(!reply.text.contains(CANARY), "{}", reply.text);
        assert_eq!(reply.text.lines().count(), 1, "{}", reply.text);
        still_answers(server, endpoint).await;
    }
}

async fn still_answers(server: &ReviewServer, endpoint: Endpoint) {
    let expected = [("mutate", "mutated"), ("validate", "denied")];
    let outcome = outcome(&server.ask(endpoint, &review("deployment-bare")).await);
    let path = endpoint.path();
    assert!(
        path == "/audit/validate" || expected.iter().any(|(webhook, is)| path.ends_with(webhook) && outcome == *is)
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_reported_by_line_and_column() {
    let server = ReviewServer::open().await;
    rejected(&server, CANARY, "line 1 column 1").await;
    let whole = review("deployment-with-key").to_string();
    for end in [1, whole.len() / 2, whole.len() - 1] {
        rejected(&server, whole.get(..end).unwrap(), "line 1 column").await;
    }
    rejected(&server, format!("{whole}{CANARY}"), "line 1 column").await;
    rejected(&server, vec![b'{', 0xff], "byte 1: Send JSON in UTF-8: this byte is not UTF-8").await;
    rejected(&server, "", "body: Send an AdmissionReview of admission.k8s.io/v1: the body is empty").await;
    rejected(&server, format!("[\"{CANARY}\"]"), "").await;
}

#[tokio::test]
async fn a_body_of_another_kind_or_version_is_rejected_with_the_expected_one() {
    let server = ReviewServer::open().await;
    for (member, value) in [("apiVersion", "admission.k8s.io/v1beta1"), ("kind", "AdmissionRequest"), ("kind", CANARY)]
    {
        let body = with(&format!("/{member}"), json!(value)).to_string();
        let expected =
            "apiVersion, kind: Send an AdmissionReview of admission.k8s.io/v1: the body is of another kind or version";
        rejected(&server, body, expected).await;
    }
    rejected(&server, "{}", "AdmissionReview of admission.k8s.io/v1").await;
    let mut without_request = review("deployment-with-key");
    without_request.as_object_mut().unwrap().remove("request");
    rejected(&server, without_request.to_string(), "request: Add the request: it is missing").await;
    rejected(&server, with("/request", Value::Null).to_string(), "request: Add the request: it is missing").await;
}

#[tokio::test]
async fn a_missing_or_malformed_field_of_the_request_is_named() {
    let server = ReviewServer::open().await;
    for member in ["uid", "operation", "kind"] {
        rejected(&server, without(member).to_string(), "request").await;
    }
    rejected(
        &server,
        without("object").to_string(),
        "request.object: Add the object: it is missing or null, and CREATE must carry it",
    )
    .await;
    rejected(
        &server,
        with("/request/object", Value::Null).to_string(),
        "request.object: Add the object: it is missing or null",
    )
    .await;
    rejected(&server, with("/request/operation", json!(CANARY)).to_string(), "request.operation").await;
    rejected(&server, with("/request/uid", json!([CANARY])).to_string(), "request.uid").await;
    rejected(&server, with("/request/name", json!({CANARY: 1})).to_string(), "request.name").await;
    rejected(&server, with("/request/userInfo", json!(CANARY)).to_string(), "request.userInfo").await;
    rejected(&server, with("/request/dryRun", json!(CANARY)).to_string(), "request.dryRun").await;
}

#[tokio::test]
async fn a_duplicate_field_is_named() {
    let server = ReviewServer::open().await;
    let whole = review("deployment-with-key-scaled").to_string();
    for member in ["uid", "kind", "name", "operation", "object", "oldObject", "dryRun"] {
        let value = &review("deployment-with-key-scaled")["request"][member];
        let twice = whole.replacen("\"request\":{", &format!("\"request\":{{\"{member}\":{value},"), 1);
        rejected(&server, twice, &format!("Remove the duplicate of field {member}: it occurs twice here")).await;
    }
}

#[tokio::test]
async fn an_object_of_another_shape_is_reported_by_path_and_not_by_value() {
    let server = ReviewServer::open().await;
    let template = "spec.template.spec";
    for (pointer, value, place, expected) in [
        ("/spec/template/spec/containers/0/image", json!({CANARY: 1}), "containers[0].image", "a string"),
        ("/spec/template/spec/containers/0/env/0/value", json!([CANARY]), "containers[0].env[0].value", "a string"),
        ("/spec/template/spec/containers", json!(CANARY), "spec.template.spec.containers", "a list"),
        ("/spec/template/spec", json!([CANARY]), template, "a mapping"),
        ("/metadata/labels", json!(CANARY), "metadata.labels", "a mapping"),
        ("/metadata/name", json!([CANARY]), "metadata.name", "a string"),
        ("/metadata", json!(CANARY), "metadata", "a mapping"),
        ("/spec/template/spec/serviceAccountName", json!({"a": CANARY}), "serviceAccountName", "a string"),
    ] {
        let body = with(&format!("/request/object{pointer}"), value);
        rejected(
            &server,
            body.to_string(),
            &format!("request.object.{}: must be {expected}", place_of(pointer, place)),
        )
        .await;
    }
    rejected(&server, with("/request/object", json!(CANARY)).to_string(), "request.object: is not of the type").await;
}

#[tokio::test]
async fn a_list_instead_of_an_object_is_rejected() {
    let server = ReviewServer::open().await;
    rejected(&server, with("/request/object", json!([CANARY])).to_string(), "request.object: is not").await;
    rejected(&server, with("/request/object", json!(["apps/v1", "Deployment"])).to_string(), "request.object: is not")
        .await;
    let metadata = json!([CANARY, null, null, {}, {}, null]);
    rejected(
        &server,
        with("/request/object/metadata", metadata).to_string(),
        "request.object.metadata: must be a mapping",
    )
    .await;
    let good = review("deployment-with-key");
    rejected(&server, json!([good["apiVersion"], good["kind"], good["request"]]).to_string(), "body").await;
}

/// The full path for a pointer, which must end with `end`.
fn place_of(pointer: &str, end: &str) -> String {
    let full: String = pointer.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
    assert!(full.ends_with(end), "{full}");
    full
}

#[tokio::test]
async fn other_http_requests_get_the_right_status() {
    let server = ReviewServer::open().await;
    let good = review("deployment-with-key").to_string();
    for endpoint in Endpoint::ALL {
        let path = endpoint.path();
        for content_type in ["text/plain", "application/yaml", "application/jsonp", ""] {
            let reply = server.call(Request::post(&path).header(CONTENT_TYPE, content_type), good.clone()).await;
            assert_eq!(reply.status, 415, "{content_type:?}");
            assert!(reply.text.contains("Set Content-Type: application/json"), "{}", reply.text);
        }
        assert_eq!(server.call(Request::post(&path), good.clone()).await.status, 415, "no content type");
        let other_case = Request::post(&path).header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
        assert_eq!(server.call(other_case, good.clone()).await.status, 200);
        for request in [Request::get(&path), Request::put(&path), Request::delete(&path)] {
            assert_eq!(server.call(request, "").await.status, 405);
        }
        let unknown_path = format!("{path}/{CANARY}");
        let reply = server.post(&unknown_path, good.clone()).await;
        assert_eq!((reply.status.as_u16(), reply.text.contains(CANARY)), (404, false));
        still_answers(&server, endpoint).await;
    }
    assert_eq!(server.post("/audit/mutate", good).await.status, 404, "audit has no mutating endpoint");
}

#[tokio::test]
async fn a_body_above_the_limit_is_rejected_and_one_at_the_limit_is_answered() {
    let server = ReviewServer::open().await;
    for endpoint in Endpoint::ALL {
        let reply = server.post(&endpoint.path(), vec![b' '; TOO_LONG]).await;
        assert_eq!(reply.status, 413, "{}", reply.text);
        still_answers(&server, endpoint).await;
        let mut long = review("deployment-bare").to_string().into_bytes();
        long.resize(BODY_BYTES as usize, b' ');
        assert_eq!(server.post(&endpoint.path(), long).await.status, 200);
    }
}
