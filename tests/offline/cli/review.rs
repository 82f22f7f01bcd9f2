//! `review`: answers one AdmissionReview from stdin.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use test_support::run::manifests::{KEYLESS, OUTDATED, UNLABELED};
use test_support::run::{Folder, RunOutput};

/// A review for the creation of an object.
fn review(yaml: &str) -> Value {
    let object: Value = serde_saphyr::from_str(yaml).unwrap();
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "2b5a7f0e-0d3c-4e51-8a87-2f8d3c1f6a11",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "operation": "CREATE",
            "name": "orders",
            "namespace": "shop",
            "userInfo": {"username": "jane"},
            "object": object,
        },
    })
}

fn answered(webhook: &str, mode: &str, stdin: &str) -> RunOutput {
    Folder::with(&[]).feed(&["review", "--webhook", webhook, "--mode", mode], stdin)
}

/// The `response` of the answer, which must be an AdmissionReview.
fn response(ran: &RunOutput) -> Value {
    let answer = ran.json();
    assert_eq!((&answer["apiVersion"], &answer["kind"]), (&json!("admission.k8s.io/v1"), &json!("AdmissionReview")));
    assert_eq!(answer["response"]["uid"], "2b5a7f0e-0d3c-4e51-8a87-2f8d3c1f6a11");
    answer["response"].clone()
}

#[test]
fn a_mutating_review_is_answered_with_a_patch() {
    let ran = answered("mutating", "enforce", &review(UNLABELED).to_string());
    let response = response(&ran);
    assert_eq!((ran.code, &response["allowed"], &response["patchType"]), (0, &json!(true), &json!("JSONPatch")));
    let patch = STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&patch).unwrap(),
        json!([{
            "op": "add",
            "path": "/spec/template/metadata",
            "value": {"labels": {"azure.workload.identity/use": "true"}},
        }])
    );
}

#[test]
fn a_complete_gateway_gets_no_patch() {
    let ran = answered("mutating", "enforce", &review(KEYLESS).to_string());
    assert_eq!((ran.code, response(&ran).get("patch")), (0, None));
}

#[test]
fn a_denied_object_gets_403_and_exits_with_1() {
    let ran = answered("validating", "enforce", &review(OUTDATED).to_string());
    let response = response(&ran);
    assert_eq!((ran.code, &response["allowed"]), (1, &json!(false)));
    assert_eq!(
        response["status"],
        json!({
            "code": 403,
            "reason": "Forbidden",
            "message": "Deployment \"orders\" is denied for 1 reason:
  unsupported-version at spec.template.spec.containers[0].image: Use gateway image version 2.11.0 or newer in container \"gateway\": the image named 2.9.0 is older than the first version that supports workload identity
read more: apim-keyless explain unsupported-version",
        })
    );
}

#[test]
fn audit_mode_allows_with_warnings() {
    for (yaml, warning) in [
        (
            OUTDATED,
            "apim-keyless: unsupported-version: would deny: Use gateway image version 2.11.0 or newer in container \"gateway\": the image named 2.9.0",
        ),
        (UNLABELED, "apim-keyless: missing-identity-label: would set spec.template.metadata.labels"),
    ] {
        let ran = answered("validating", "audit", &review(yaml).to_string());
        let response = response(&ran);
        assert_eq!((ran.code, &response["allowed"], response.get("patch")), (0, &json!(true), None));
        let warnings = response["warnings"].as_array().unwrap();
        assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().starts_with(warning), "{warnings:?}");
    }
}

#[test]
fn the_policy_document_applies() {
    let folder = Folder::with(&[(
        "policy.yaml",
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: mild}\nspec: {rules: {unsupported-version: audit}}\n",
    )]);
    let arguments = ["review", "--webhook", "validating", "--mode", "enforce", "--policy", "policy.yaml"];
    let ran = folder.feed(&arguments, &review(OUTDATED).to_string());
    assert_eq!((ran.code, &response(&ran)["auditAnnotations"]["policy"]), (0, &json!("mild")));
}

#[test]
fn there_is_no_mutation_in_audit_mode() {
    answered("mutating", "audit", &review(KEYLESS).to_string()).failed_with(
        "error: --webhook mutating has no --mode audit: in audit mode nothing is changed; use --webhook validating, which reports what would be set\n",
    );
}

#[test]
fn an_invalid_review_is_reported_with_its_position() {
    let of = |pointer: &str, value: Value| {
        let mut review = review(KEYLESS);
        *review.pointer_mut(pointer).unwrap() = value;
        review.to_string()
    };
    for (stdin, message) in [
        (String::new(), "body: Send an AdmissionReview of admission.k8s.io/v1: the body is empty"),
        (
            "hunter2".to_owned(),
            "line 1 column 1: Send a complete JSON document: the body is not JSON, or ends too early",
        ),
        (
            "{\n  \"kind\": \"hunter2\n".to_owned(),
            "line 3 column 0: Send a complete JSON document: the body is not JSON, or ends too early",
        ),
        (
            of("/apiVersion", json!("admission.k8s.io/v1beta1")),
            "apiVersion, kind: Send an AdmissionReview of admission.k8s.io/v1: the body is of another kind or version",
        ),
        (of("/request", Value::Null), "request: Add the request: it is missing"),
        (
            of("/request/object", Value::Null),
            "request.object: Add the object: it is missing or null, and CREATE must carry it",
        ),
        (
            of("/request/kind/version", json!(424_242)),
            "request.kind.version: must be a string: put the number in quotes",
        ),
        (
            of("/request/object/spec/template/spec/containers/0/image", json!(424_242)),
            "request.object.spec.template.spec.containers[0].image: must be a string: put the number in quotes",
        ),
    ] {
        answered("validating", "enforce", &stdin)
            .failed_with(&format!("error: stdin is not a valid AdmissionReview: {message}\n"));
    }
}
