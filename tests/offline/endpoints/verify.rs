//! Verifies an answer like the API server (`VerifyAdmissionResponse` of
//! `k8s.io/apiserver/pkg/admission/plugin/webhook/request`), and checks that the API server drops no part of it.

use super::patch;
use apim_keyless::admission::{Endpoint, Webhook};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Longest key of an audit annotation: the name part of a qualified name.
const KEY_BYTES: usize = 63;
const VALUE_BYTES: usize = 256;
const WARNING_CHARACTERS: usize = 256;
const WARNINGS: usize = 5;

/// Checks that the API server accepts `answer` as the answer to `review`.
pub(crate) fn verify(endpoint: Endpoint, review: &Value, answer: &Value) -> Result<(), String> {
    let response = &answer["response"];
    let checks = [
        belongs(review, answer),
        is_denied_in_full(response),
        patch_is_complete(endpoint, response),
        patch_applies(&review["request"]["object"], response),
        annotations_are_kept(response),
        warnings_are_kept(response),
    ];
    checks.into_iter().collect()
}

fn belongs(review: &Value, answer: &Value) -> Result<(), String> {
    ensure(answer["apiVersion"] == "admission.k8s.io/v1", "apiVersion is wrong")?;
    ensure(answer["kind"] == "AdmissionReview", "kind is wrong")?;
    ensure(answer["response"].is_object(), "response is missing")?;
    ensure(answer["response"]["allowed"].is_boolean(), "allowed is not a boolean")?;
    ensure(answer["response"]["uid"] == review["request"]["uid"], "uid is wrong")
}

fn is_denied_in_full(response: &Value) -> Result<(), String> {
    let status = &response["status"];
    if response["allowed"] == true {
        return ensure(status.is_null(), "an allowed response has a status");
    }
    ensure(status["code"].as_u64().is_some_and(|code| (400..600).contains(&code)), "a denial without an error code")?;
    ensure(status["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "a denial without a reason")?;
    ensure(status["message"].as_str().is_some_and(|message| !message.is_empty()), "a denial without a message")
}

fn patch_is_complete(endpoint: Endpoint, response: &Value) -> Result<(), String> {
    let Some(encoded) = response.get("patch") else {
        return ensure(response.get("patchType").is_none(), "a patchType without a patch");
    };
    ensure(endpoint.webhook == Webhook::Mutating, "a patch from a validating webhook")?;
    ensure(response["patchType"] == "JSONPatch", "a patch without patchType JSONPatch")?;
    let bytes = STANDARD.decode(encoded.as_str().unwrap_or("-")).map_err(|error| format!("the patch: {error}"))?;
    let patch: json_patch::Patch =
        serde_json::from_slice(&bytes).map_err(|error| format!("the patch is not a JSON patch: {error}"))?;
    ensure(!patch.is_empty(), "an empty patch")
}

fn patch_applies(object: &Value, response: &Value) -> Result<(), String> {
    let Some(patch) = patch(response) else { return Ok(()) };
    ensure(!object.is_null(), "a patch without an object")?;
    let patch: json_patch::Patch = serde_json::from_value(patch).map_err(|error| error.to_string())?;
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &patch).map_err(|error| format!("the patch does not apply: {error}"))?;
    ensure(patched != *object, "a patch that changes nothing")?;
    let same = |field: &str| patched[field] == object[field];
    ensure(same("kind") && same("apiVersion") && same("status"), "a patch that changes apiVersion, kind or status")
}

fn annotations_are_kept(response: &Value) -> Result<(), String> {
    let Some(annotations) = response.get("auditAnnotations") else { return Ok(()) };
    let annotations = annotations.as_object().ok_or("auditAnnotations is not an object")?;
    for (key, value) in annotations {
        let is_name = !key.is_empty() && key.len() <= KEY_BYTES && !key.contains('/');
        ensure(is_name, &format!("the audit annotation {key} is dropped"))?;
        let is_short = value.as_str().is_some_and(|value| value.len() <= VALUE_BYTES);
        ensure(is_short, &format!("the audit annotation {key} is longer than {VALUE_BYTES} bytes"))?;
    }
    Ok(())
}

fn warnings_are_kept(response: &Value) -> Result<(), String> {
    let Some(warnings) = response.get("warnings") else { return Ok(()) };
    let warnings = warnings.as_array().ok_or("warnings is not a list")?;
    ensure(warnings.len() <= WARNINGS, "too many warnings")?;
    for warning in warnings {
        let text = warning.as_str().ok_or("a warning is not a string")?;
        let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let is_kept = is_printable && !text.is_empty() && text.len() <= WARNING_CHARACTERS;
        ensure(is_kept, &format!("a warning is shortened or dropped: {text:?}"))?;
    }
    Ok(())
}

fn ensure(holds: bool, violation: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(violation.to_owned()) }
}
