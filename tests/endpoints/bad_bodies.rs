//! What no API server sends: each is told where it is wrong, and the next good review is answered.

use super::{ReviewServer, outcome, review};
use apim_keyless::admission::Endpoint;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// Stands where a value is, and must never come back.
const CANARY: &str = "canary-5d41402abc4b2a76";
/// More than a body may have.
const TOO_LONG: usize = 20 * 1024 * 1024;

/// A recorded review, the value at `pointer` (and whatever is missing on the way to its last member) set to `value`.
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

/// At every door the body is refused with this status, and the answer says `place`; then a good review is answered.
async fn refused(server: &ReviewServer, body: impl Into<Vec<u8>>, place: &str) {
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
    let expected = [("mutate", "mended"), ("validate", "refused")];
    let outcome = outcome(&server.ask(endpoint, &review("deployment-bare")).await);
    let path = endpoint.path();
    assert!(
        path == "/audit/validate" || expected.iter().any(|(webhook, is)| path.ends_with(webhook) && outcome == *is)
    );
}

#[tokio::test]
async fn what_is_no_json_is_told_by_line_and_column() {
    let server = ReviewServer::open().await;
    refused(&server, CANARY, "line 1 column 1").await;
    let whole = review("deployment-with-key").to_string();
    for end in [1, whole.len() / 2, whole.len() - 1] {
        refused(&server, whole.get(..end).unwrap(), "line 1 column").await;
    }
    refused(&server, format!("{whole}{CANARY}"), "line 1 column").await;
    refused(&server, vec![b'{', 0xff], "byte 1: the body is not UTF-8").await;
    refused(&server, "", "body: is empty").await;
    refused(&server, format!("[\"{CANARY}\"]"), "").await;
}

#[tokio::test]
async fn what_is_no_review_of_our_version_is_told_what_is_expected() {
    let server = ReviewServer::open().await;
    for (member, value) in [("apiVersion", "admission.k8s.io/v1beta1"), ("kind", "AdmissionRequest"), ("kind", CANARY)]
    {
        let body = with(&format!("/{member}"), json!(value)).to_string();
        refused(&server, body, "apiVersion, kind: another kind or version").await;
    }
    refused(&server, "{}", "AdmissionReview of admission.k8s.io/v1").await;
    let mut lost = review("deployment-with-key");
    lost.as_object_mut().unwrap().remove("request");
    refused(&server, lost.to_string(), "request: is missing").await;
    refused(&server, with("/request", Value::Null).to_string(), "request: is missing").await;
}

#[tokio::test]
async fn a_request_that_lacks_what_it_needs_is_told_by_the_field() {
    let server = ReviewServer::open().await;
    for member in ["uid", "operation", "kind"] {
        refused(&server, without(member).to_string(), "request").await;
    }
    refused(&server, without("object").to_string(), "request.object: is missing or null; CREATE").await;
    refused(&server, with("/request/object", Value::Null).to_string(), "request.object: is missing or null").await;
    refused(&server, with("/request/operation", json!(CANARY)).to_string(), "request.operation").await;
    refused(&server, with("/request/uid", json!([CANARY])).to_string(), "request.uid").await;
    refused(&server, with("/request/name", json!({CANARY: 1})).to_string(), "request.name").await;
    refused(&server, with("/request/userInfo", json!(CANARY)).to_string(), "request.userInfo").await;
    refused(&server, with("/request/dryRun", json!(CANARY)).to_string(), "request.dryRun").await;
}

#[tokio::test]
async fn what_stands_twice_is_told_by_the_field() {
    let server = ReviewServer::open().await;
    let whole = review("deployment-with-key-scaled").to_string();
    for member in ["uid", "kind", "name", "operation", "object", "oldObject", "dryRun"] {
        let value = &review("deployment-with-key-scaled")["request"][member];
        let twice = whole.replacen("\"request\":{", &format!("\"request\":{{\"{member}\":{value},"), 1);
        refused(&server, twice, &format!("the field {member} stands here a second time")).await;
    }
}

#[tokio::test]
async fn an_object_of_another_shape_is_told_by_the_path_and_never_by_the_value() {
    let server = ReviewServer::open().await;
    let template = "spec.template.spec";
    for (pointer, value, place) in [
        ("/spec/template/spec/containers/0/image", json!({CANARY: 1}), "containers[0].image"),
        ("/spec/template/spec/containers/0/env/0/value", json!([CANARY]), "containers[0].env[0].value"),
        ("/spec/template/spec/containers", json!(CANARY), "spec.template.spec.containers"),
        ("/spec/template/spec", json!([CANARY]), template),
        ("/metadata/labels", json!(CANARY), "metadata.labels"),
        ("/metadata/name", json!([CANARY]), "metadata.name"),
        ("/metadata", json!(CANARY), "metadata"),
        ("/spec/template/spec/serviceAccountName", json!({"a": CANARY}), "serviceAccountName"),
    ] {
        let body = with(&format!("/request/object{pointer}"), value);
        refused(&server, body.to_string(), &format!("request.object.{}: is not of", place_of(pointer, place))).await;
    }
    refused(&server, with("/request/object", json!(CANARY)).to_string(), "request.object: is not of the type").await;
}

#[tokio::test]
async fn a_list_is_no_object() {
    let server = ReviewServer::open().await;
    refused(&server, with("/request/object", json!([CANARY])).to_string(), "request.object: is not").await;
    refused(&server, with("/request/object", json!(["apps/v1", "Deployment"])).to_string(), "request.object: is not")
        .await;
    let metadata = json!([CANARY, null, null, {}, {}, null]);
    refused(&server, with("/request/object/metadata", metadata).to_string(), "request.object.metadata: is not").await;
    let good = review("deployment-with-key");
    refused(&server, json!([good["apiVersion"], good["kind"], good["request"]]).to_string(), "body").await;
}

/// The place in full, where only its end is told.
fn place_of(pointer: &str, end: &str) -> String {
    let full: String = pointer.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
    assert!(full.ends_with(end), "{full}");
    full
}

#[tokio::test]
async fn http_that_is_no_review_is_answered_by_its_status() {
    let server = ReviewServer::open().await;
    let good = review("deployment-with-key").to_string();
    for endpoint in Endpoint::ALL {
        let path = endpoint.path();
        for content_type in ["text/plain", "application/yaml", "application/jsonp", ""] {
            let reply = server.call(Request::post(&path).header(CONTENT_TYPE, content_type), good.clone()).await;
            assert_eq!(reply.status, 415, "{content_type:?}");
            assert!(reply.text.contains("Content-Type: expected application/json"), "{}", reply.text);
        }
        assert_eq!(server.call(Request::post(&path), good.clone()).await.status, 415, "no content type");
        let shouted = Request::post(&path).header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
        assert_eq!(server.call(shouted, good.clone()).await.status, 200);
        for request in [Request::get(&path), Request::put(&path), Request::delete(&path)] {
            assert_eq!(server.call(request, "").await.status, 405);
        }
        let beside = format!("{path}/{CANARY}");
        let reply = server.post(&beside, good.clone()).await;
        assert_eq!((reply.status.as_u16(), reply.text.contains(CANARY)), (404, false));
        still_answers(&server, endpoint).await;
    }
    assert_eq!(server.post("/audit/mutate", good).await.status, 404, "nothing is changed in audit");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_and_the_longest_that_fits_is_answered() {
    let server = ReviewServer::open().await;
    for endpoint in Endpoint::ALL {
        let reply = server.post(&endpoint.path(), vec![b' '; TOO_LONG]).await;
        assert_eq!(reply.status, 413, "{}", reply.text);
        still_answers(&server, endpoint).await;
        let mut long = review("deployment-bare").to_string().into_bytes();
        long.resize(apim_keyless::admission::routes::BODY_BYTES as usize, b' ');
        assert_eq!(server.post(&endpoint.path(), long).await.status, 200);
    }
}
