//! The request of an `AdmissionReview`, `admission.k8s.io/v1`, read from its bytes.

use super::request_object::{RequestObject, RequestWithObject};
use super::review_error::{ReviewError, decoded};
use crate::gateway::json::go_json::StrictMap;
use crate::gateway::json::pointer_seed::text_at;
use crate::gateway::{Kind, KubernetesObject, ObjectJson, ObjectView};
use jsonptr::Pointer;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The one version that is spoken.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";
/// The one kind that is spoken.
pub(super) const KIND: &str = "AdmissionReview";

const OBJECT: &Pointer = Pointer::from_static("/request/object");
const OLD_OBJECT: &Pointer = Pointer::from_static("/request/oldObject");

/// What the API server asks. Texts are borrowed from the body where they can be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// Identifies the review; the answer repeats it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// Kind of the object.
    #[serde(skip)]
    pub kind: GroupVersionKind<'a>,
    /// `ephemeralcontainers`, `resize`, `scale`, `status`, …; empty or absent for the object itself.
    #[serde(borrow, default)]
    pub sub_resource: Option<Cow<'a, str>>,
    /// Name of the object; absent or empty while the API server has yet to generate it.
    #[serde(borrow, default)]
    pub name: Option<Cow<'a, str>>,
    /// Namespace of the object; its own metadata may leave it out.
    #[serde(borrow, default)]
    pub namespace: Option<Cow<'a, str>>,
    /// What is done to the object.
    pub operation: Operation,
    /// Who does it.
    #[serde(borrow, default)]
    pub user_info: UserInfo<'a>,
    /// The object as it is to be; `None` if there is none, as at DELETE, or if no rule looks at its kind.
    #[serde(skip)]
    pub object: Option<KubernetesObject<'a>>,
    /// Is it only tried, and never stored?
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// Is there one? It stays unread.
    #[serde(default)]
    old_object: Option<IgnoredAny>,
    #[serde(skip)]
    body: &'a str,
}

/// What tells a kind.
#[derive(Default, Deserialize)]
pub struct GroupVersionKind<'a> {
    /// Empty for the core group.
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    /// `v1`, say.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// `Deployment`, say.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
}

impl GroupVersionKind<'_> {
    /// The kind, if rules look at it.
    pub(super) fn known(&self) -> Option<Kind> {
        Kind::of_group(&self.group, &self.kind)
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// The user behind a request, as far as it is read.
#[derive(Default, Deserialize)]
pub struct UserInfo<'a> {
    /// Of a controller, `system:serviceaccount:kube-system:<its name>`.
    #[serde(borrow, default)]
    pub username: Cow<'a, str>,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// Something is connected to; the object is its options.
    Connect,
    /// It is made.
    Create,
    /// It is removed.
    Delete,
    /// It is changed.
    Update,
}

impl Operation {
    /// Does it bring an object that is to be stored?
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// Its name, as the API server writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Update => "UPDATE",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewBody<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<RequestWithObject<'a>>,
}

impl<'a> Request<'a> {
    /// Reads the request out of the body of a review.
    ///
    /// # Errors
    /// The body is not JSON, not an `AdmissionReview` of version v1, has no request, or an object that is judged but not of
    /// its kind's shape. An API server sends no such body.
    pub fn read(body: &'a [u8]) -> Result<Self, ReviewError> {
        let review_error = |place: &str, message: String| ReviewError { place: place.to_owned(), message };
        if body.is_empty() {
            return Err(review_error("body", format!("is empty; expected an {KIND} of {API_VERSION}")));
        }
        let body = std::str::from_utf8(body).map_err(|error| {
            review_error(&format!("byte {}", error.valid_up_to()), "the body is not UTF-8, as JSON is".to_owned())
        })?;
        let StrictMap(review): StrictMap<ReviewBody<'_>> = decoded(body)?;
        if review.kind != KIND || review.api_version != API_VERSION {
            return Err(review_error(
                "apiVersion, kind",
                format!("another kind or version of review; expected {KIND} of {API_VERSION}"),
            ));
        }
        let Some(RequestWithObject { mut request, object }) = review.request else {
            return Err(review_error("request", "is missing".to_owned()));
        };
        if matches!(object, RequestObject::Missing) && request.operation.writes() {
            return Err(review_error(
                "request.object",
                format!("is missing or null; {} carries the object", request.operation.name()),
            ));
        }
        request.body = body;
        request.object = object.view().map(|(kind, view)| request.object(kind, view));
        Ok(request)
    }

    fn object(&self, kind: Kind, view: ObjectView) -> KubernetesObject<'a> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let identity = view.identity(self.kind.api_version(), self.kind.kind.to_string(), namespace);
        KubernetesObject { identity, kind, view, json: ObjectJson::within(self.body, OBJECT) }
    }

    /// The object as it was, unread; `None` if there was none, as at CREATE.
    pub fn old_object(&self) -> Option<&'a str> {
        self.old_object.and_then(|_| text_at(self.body, OLD_OBJECT))
    }

    /// The subresource, empty for the object itself.
    pub fn sub_resource(&self) -> &str {
        self.sub_resource.as_deref().unwrap_or_default()
    }
}
