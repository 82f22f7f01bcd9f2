//! The request of an `AdmissionReview` (`admission.k8s.io/v1`), read from the bytes of the body.
//!
//! Field by field: <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request>.

use super::request_object::{RequestObject, RequestWithObject};
use super::review_error::{ReviewError, decoded};
use apim_keyless_core::gateway::json::go_json::StrictMap;
use apim_keyless_core::gateway::json::pointer_seed::text_at;
use apim_keyless_core::gateway::{Kind, KubernetesObject, ObjectJson, ObjectView};
use jsonptr::Pointer;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use strum::IntoStaticStr;

/// The only supported version of the review.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";
/// The only supported kind.
pub(super) const KIND: &str = "AdmissionReview";

const OBJECT: &Pointer = Pointer::from_static("/request/object");
const OLD_OBJECT: &Pointer = Pointer::from_static("/request/oldObject");

/// The request of a review. Texts without escapes are borrowed from the body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// Identifies the review; the response repeats it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// Kind of the object.
    #[serde(skip)]
    pub kind: GroupVersionKind<'a>,
    /// `ephemeralcontainers`, `resize`, `scale`, `status`, …; empty or absent for the object itself.
    #[serde(borrow, default)]
    pub sub_resource: Option<Cow<'a, str>>,
    /// Name of the object; absent or empty if the API server generates it later.
    #[serde(borrow, default)]
    pub name: Option<Cow<'a, str>>,
    /// Namespace of the object, whose own metadata may omit it.
    #[serde(borrow, default)]
    pub namespace: Option<Cow<'a, str>>,
    /// The operation.
    pub operation: Operation,
    /// The user who makes the request.
    #[serde(borrow, default)]
    pub user_info: UserInfo<'a>,
    /// The new object; `None` if there is none (DELETE) or if no rule evaluates its kind and it has no pod template.
    #[serde(skip)]
    pub object: Option<KubernetesObject<'a>>,
    /// Whether the API server will not store the object.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// Present if the request has an old object, which [`Request::old_object`] reads only when needed.
    #[serde(default)]
    old_object: Option<IgnoredAny>,
    #[serde(skip)]
    body: &'a str,
}

/// Group, version and kind of an object.
#[derive(Default, Deserialize)]
pub struct GroupVersionKind<'a> {
    /// Empty for the core group.
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    /// For example `v1`.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// For example `Deployment`.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
}

impl GroupVersionKind<'_> {
    /// The kind, if rules evaluate it whatever the shape of the object.
    pub(super) fn evaluated_kind(&self) -> Option<Kind> {
        Kind::of_group(&self.group, &self.kind)
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// The part of `userInfo` that is needed.
#[derive(Default, Deserialize)]
pub struct UserInfo<'a> {
    /// The user name; a workload controller's is `system:serviceaccount:kube-system:<controller>`.
    #[serde(borrow, default)]
    pub username: Cow<'a, str>,
}

/// The operation on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Operation {
    /// A connection, for example `kubectl exec`; the object holds its options.
    Connect,
    /// The object is created.
    Create,
    /// The object is deleted.
    Delete,
    /// The object is updated.
    Update,
}

impl Operation {
    /// Whether the request carries an object that is stored.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// Its name as the API server writes it, for example `CREATE`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewRequestBody<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<RequestWithObject<'a>>,
}

/// Whether a body that could not be read states another kind or version.
fn is_of_other_type(body: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TypeMeta<'a> {
        #[serde(borrow)]
        api_version: Cow<'a, str>,
        #[serde(borrow)]
        kind: Cow<'a, str>,
    }
    let stated: Option<TypeMeta<'_>> = serde_json::from_str(body).ok();
    stated.is_some_and(|stated| stated.kind != KIND || stated.api_version != API_VERSION)
}

impl<'a> Request<'a> {
    /// Reads the request from the body of a review.
    ///
    /// # Errors
    /// The body is not JSON, is not an `AdmissionReview` of version v1, has no request, or holds an object whose fields do
    /// not have the types of its kind. An API server never sends such a body.
    pub fn read(body: &'a [u8]) -> Result<Self, ReviewError> {
        let error = |location: &str, message: String| ReviewError { location: location.to_owned(), message };
        if body.is_empty() {
            return Err(error("body", format!("Send an {KIND} of {API_VERSION}: the body is empty")));
        }
        let body = std::str::from_utf8(body).map_err(|utf8| {
            error(&format!("byte {}", utf8.valid_up_to()), "Send JSON in UTF-8: this byte is not UTF-8".to_owned())
        })?;
        let other_type = || {
            let message = format!("Send an {KIND} of {API_VERSION}: the body is of another kind or version");
            error("apiVersion, kind", message)
        };
        // another version can lack a field, and its version is then what is wrong
        let StrictMap(review): StrictMap<ReviewRequestBody<'_>> =
            decoded(body).map_err(|failure| if is_of_other_type(body) { other_type() } else { failure })?;
        if review.kind != KIND || review.api_version != API_VERSION {
            return Err(other_type());
        }
        let Some(RequestWithObject { mut request, object }) = review.request else {
            return Err(error("request", "Add the request: it is missing".to_owned()));
        };
        if matches!(object, RequestObject::Missing) && request.operation.writes() {
            return Err(error(
                "request.object",
                format!("Add the object: it is missing or null, and {} must carry it", request.operation.name()),
            ));
        }
        request.body = body;
        request.object = object.view().map(|(kind, view)| request.object(kind, view));
        Ok(request)
    }

    fn object(&self, kind: Kind, view: ObjectView) -> KubernetesObject<'a> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let reference = view.reference(self.kind.api_version(), self.kind.kind.to_string(), namespace);
        KubernetesObject { reference, kind, view, json: ObjectJson::at_pointer(self.body, OBJECT) }
    }

    /// The JSON of the old object; `None` if there is none (CREATE).
    pub fn old_object(&self) -> Option<&'a str> {
        self.old_object.and_then(|_| text_at(self.body, OLD_OBJECT))
    }

    /// The subresource; empty for the object itself.
    pub fn sub_resource(&self) -> &str {
        self.sub_resource.as_deref().unwrap_or_default()
    }
}
