//! The response of an `AdmissionReview`, in our own type: kube's writes the patch as an array of numbers, denies
//! without a code, and loses the uid of what it can't judge.

use super::request::{API_VERSION, KIND};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the API server is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The uid of the request.
    pub uid: String,
    /// May the write go on?
    pub allowed: bool,
    /// Why not; only with a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The JSON patch (RFC 6902) in base64; `patchType` stands beside it or neither does.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub patch: Option<EncodedPatch>,
    /// Annotations of the API server's audit event; it puts the webhook's name before each key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit_annotations: BTreeMap<&'static str, String>,
    /// What the user is shown beside the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A denial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// HTTP code that the user's client sees.
    pub code: u16,
    /// Kubernetes' word for it.
    pub reason: &'static str,
    /// Every reason of ours.
    pub message: String,
}

/// A patch as the review carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EncodedPatch {
    patch: String,
    patch_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewBody<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: &'a Response,
}

impl Status {
    /// `403 Forbidden`, which says that the request was understood and is not wanted.
    pub fn forbidden(message: String) -> Self {
        Self { code: 403, reason: "Forbidden", message }
    }

    /// `500`: the object could not be judged.
    pub fn internal_error(message: String) -> Self {
        Self { code: 500, reason: "InternalError", message }
    }
}

impl EncodedPatch {
    /// Encodes a patch.
    pub fn of(patch: &json_patch::Patch) -> Self {
        // a patch consists of JSON values, so it can't fail to become JSON
        Self { patch: STANDARD.encode(serde_json::to_vec(patch).unwrap_or_default()), patch_type: "JSONPatch" }
    }
}

impl Response {
    /// The bytes of the `AdmissionReview` that carries this response.
    pub fn to_review(&self) -> Vec<u8> {
        // texts, numbers and maps of texts can't fail to become JSON
        serde_json::to_vec(&ReviewBody { api_version: API_VERSION, kind: KIND, response: self }).unwrap_or_default()
    }
}
