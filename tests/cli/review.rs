//! `review`: one AdmissionReview in, its answer out.

use crate::run::manifests::{KEYLESS, OUTDATED, UNLABELLED};
use crate::run::{Folder, Ran};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A review of the creation of an object.
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
            "userInfo": {"username": "somebody"},
            "object": object,
        },
    })
}

fn answered(webhook: &str, mode: &str, stdin: &str) -> Ran {
    Folder::with(&[]).feed(&["review", "--webhook", webhook, "--mode", mode], stdin)
}

/// The response in an answer that must be a review.
fn response(ran: &Ran) -> Value {
    let answer = ran.json();
    assert_eq!((&answer["apiVersion"], &answer["kind"]), (&json!("admission.k8s.io/v1"), &json!("AdmissionReview")));
    assert_eq!(answer["response"]["uid"], "2b5a7f0e-0d3c-4e51-8a87-2f8d3c1f6a11");
    answer["response"].clone()
}

#[test]
fn a_mutating_review_is_answered_with_a_patch() {
    let ran = answered("mutate", "enforce", &review(UNLABELLED).to_string());
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
fn what_is_complete_gets_no_patch() {
    let ran = answered("mutate", "enforce", &review(KEYLESS).to_string());
    assert_eq!((ran.code, response(&ran).get("patch")), (0, None));
}

#[test]
fn a_refused_object_is_denied_with_403_and_makes_exit_code_1() {
    let ran = answered("validate", "enforce", &review(OUTDATED).to_string());
    let response = response(&ran);
    assert_eq!((ran.code, &response["allowed"]), (1, &json!(false)));
    assert_eq!(
        response["status"],
        json!({
            "code": 403,
            "reason": "Forbidden",
            "message": "1 fault keeps gateway \"orders\" from running keyless
  unsupported-version at spec.template.spec.containers[0].image: 2.9.0 is older than 2.11.0, the first version that can use workload identity
explain: apim-keyless explain unsupported-version",
        })
    );
}

#[test]
fn an_audited_object_is_allowed_with_warnings() {
    for (yaml, warning) in [
        (OUTDATED, "apim-keyless: unsupported-version: would refuse: 2.9.0 is older than 2.11.0"),
        (UNLABELLED, "apim-keyless: missing-identity-label: would set spec.template.metadata.labels"),
    ] {
        let ran = answered("validate", "audit", &review(yaml).to_string());
        let response = response(&ran);
        assert_eq!((ran.code, &response["allowed"], response.get("patch")), (0, &json!(true), None));
        let warnings = response["warnings"].as_array().unwrap();
        assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().starts_with(warning), "{warnings:?}");
    }
}

#[test]
fn the_policy_document_counts() {
    let folder = Folder::with(&[(
        "policy.yaml",
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: mild}\nspec: {rules: {unsupported-version: audit}}\n",
    )]);
    let arguments = ["review", "--webhook", "validate", "--mode", "enforce", "--policy", "policy.yaml"];
    let ran = folder.feed(&arguments, &review(OUTDATED).to_string());
    assert_eq!((ran.code, &response(&ran)["auditAnnotations"]["policy"]), (0, &json!("mild")));
}

#[test]
fn there_is_no_mutation_in_audit() {
    answered("mutate", "audit", &review(KEYLESS).to_string()).failed_with(
        "error: --webhook mutating with --mode audit: nothing is changed in audit; use --webhook validating, which tells what would be\n",
    );
}

#[test]
fn what_is_no_review_is_told_with_its_place() {
    let of = |pointer: &str, value: Value| {
        let mut review = review(KEYLESS);
        *review.pointer_mut(pointer).unwrap() = value;
        review.to_string()
    };
    for (stdin, message) in [
        (String::new(), "body: is empty; expected an AdmissionReview of admission.k8s.io/v1"),
        ("hunter2".to_owned(), "line 1 column 1: the body is not JSON, or ends too early"),
        ("{\n  \"kind\": \"hunter2\n".to_owned(), "line 3 column 0: the body is not JSON, or ends too early"),
        (
            of("/apiVersion", json!("admission.k8s.io/v1beta1")),
            "apiVersion, kind: another kind or version of review; expected AdmissionReview of admission.k8s.io/v1",
        ),
        (of("/request", Value::Null), "request: is missing"),
        (of("/request/object", Value::Null), "request.object: is missing or null; CREATE carries the object"),
        (
            of("/request/kind/version", json!(424_242)),
            "request.kind.version: is not of the type that Kubernetes expects here",
        ),
        (
            of("/request/object/spec/template/spec/containers/0/image", json!(424_242)),
            "request.object.spec.template.spec.containers[0].image: is not of the type that Kubernetes expects here",
        ),
    ] {
        answered("validate", "enforce", &stdin)
            .failed_with(&format!("error: stdin is no review that can be answered: {message}\n"));
    }
}
