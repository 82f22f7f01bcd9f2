//! The response of an `AdmissionReview`, as a type of this crate: kube's writes the patch as an array of numbers, denies
//! without an HTTP code, and loses the uid of a request that it cannot parse.

use super::request::{API_VERSION, KIND};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the API server receives.
///
/// Field by field: <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The uid of the request.
    pub uid: String,
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The reason of a denial; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The JSON patch (RFC 6902) in base64, with its `patchType`; both or neither are present.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub patch: Option<EncodedPatch>,
    /// Annotations of the API server's audit event, which prefixes each key with the webhook's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit_annotations: BTreeMap<&'static str, String>,
    /// Texts that the client shows to the user with the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A denial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// HTTP status code that the client receives.
    pub code: u16,
    /// The reason as Kubernetes' `metav1.StatusReason` writes it.
    pub reason: &'static str,
    /// The text of the denial.
    pub message: String,
}

/// A patch in the form of a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EncodedPatch {
    patch: String,
    patch_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewResponseBody<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: &'a Response,
}

impl Status {
    /// `403 Forbidden`: the request is valid, and the policy denies it.
    pub fn forbidden(message: String) -> Self {
        Self { code: 403, reason: "Forbidden", message }
    }

    /// `500 InternalError`: the evaluation failed.
    pub fn internal_error(message: String) -> Self {
        Self { code: 500, reason: "InternalError", message }
    }
}

impl EncodedPatch {
    /// Encodes a patch.
    pub fn of(patch: &json_patch::Patch) -> Self {
        // A patch consists of JSON values, so serializing it cannot fail.
        Self { patch: STANDARD.encode(serde_json::to_vec(patch).unwrap_or_default()), patch_type: "JSONPatch" }
    }
}

impl Response {
    /// The `AdmissionReview` with this response, as JSON.
    pub fn to_review(&self) -> Vec<u8> {
        // Texts, numbers and maps of texts cannot fail to serialize.
        serde_json::to_vec(&ReviewResponseBody { api_version: API_VERSION, kind: KIND, response: self })
            .unwrap_or_default()
    }
}
