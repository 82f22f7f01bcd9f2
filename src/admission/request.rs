//! The request of an `AdmissionReview`, `admission.k8s.io/v1`, read from its bytes. Objects stay bytes.

use crate::gateway::Unreadable;
use crate::gateway::reading::Mapping;
use crate::policy::dotted;
use jsonptr::PointerBuf;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;
use std::borrow::Cow;

/// The one version that is spoken.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";
/// The one kind that is spoken.
pub(super) const KIND: &str = "AdmissionReview";

/// What the API server asks. Strings are borrowed from the body where they can be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// Identifies the review; the answer repeats it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// Kind of `object`.
    #[serde(borrow)]
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
    /// The object as it is to be; absent at DELETE.
    #[serde(borrow, default)]
    pub object: Option<&'a RawValue>,
    /// The object as it was; absent at CREATE.
    #[serde(borrow, default)]
    pub old_object: Option<&'a RawValue>,
    /// Is it only tried, and never stored?
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// What tells a kind.
#[derive(Deserialize)]
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

/// A body that is no review that can be answered. It names the place and never a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{place}: {problem}")]
pub struct Undecodable {
    /// Where in the body: a path, or line and column.
    pub place: String,
    /// What is wrong there, and what was expected.
    pub problem: String,
}

impl Undecodable {
    /// An object in a review that is not of its kind's shape.
    pub(super) fn of_object(unreadable: &Unreadable) -> Self {
        Self { place: format!("request.object at {}", dotted(&unreadable.at)), problem: unreadable.problem.to_owned() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<Mapping<Request<'a>>>,
}

impl<'a> Request<'a> {
    /// Reads the request out of the body of a review.
    ///
    /// # Errors
    /// The body is not JSON, not an `AdmissionReview` of version v1, or has no request.
    pub fn read(body: &'a [u8]) -> Result<Self, Undecodable> {
        let undecodable = |place: &str, problem: String| Undecodable { place: place.to_owned(), problem };
        if body.is_empty() {
            return Err(undecodable("body", format!("is empty; expected an {KIND} of {API_VERSION}")));
        }
        let Mapping(review): Mapping<Review<'_>> = decoded(body)?;
        if review.kind != KIND || review.api_version != API_VERSION {
            return Err(undecodable(
                "apiVersion, kind",
                format!("another kind or version of review; expected {KIND} of {API_VERSION}"),
            ));
        }
        let Some(Mapping(request)) = review.request else {
            return Err(undecodable("request", "is missing".to_owned()));
        };
        if request.object.is_none() && request.operation.writes() {
            return Err(undecodable(
                "request.object",
                format!("is missing or null; {} carries the object", request.operation.name()),
            ));
        }
        Ok(request)
    }

    /// The subresource, empty for the object itself.
    pub fn sub_resource(&self) -> &str {
        self.sub_resource.as_deref().unwrap_or_default()
    }
}

/// Reads `json` once; only if that fails, a second time with the path, so that a good review doesn't pay for it.
fn decoded<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Undecodable> {
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            let place = format!("line {} column {}", error.line(), error.column());
            Undecodable { place, problem: "the body is not JSON, or ends too early".to_owned() }
        }
        Category::Data => Undecodable { place: place(&path_of_fault::<T>(json)), problem: data_problem(&error) },
    })
}

fn path_of_fault<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_path_to_error::Path {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut track = serde_path_to_error::Track::new();
    _ = T::deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track)).is_ok();
    track.path()
}

/// What serde says of a missing or repeated field, which names the field alone; its other messages quote values.
fn data_problem(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let field = |start: &str| message.strip_prefix(start)?.split('`').next().map(str::to_owned);
    match (field("missing field `"), field("duplicate field `")) {
        (Some(field), _) => format!("the field {field} is missing"),
        (_, Some(field)) => format!("the field {field} stands here a second time"),
        _ => "a field is not of its type".to_owned(),
    }
}

fn place(path: &serde_path_to_error::Path) -> String {
    let tokens = path.iter().map(|segment| match segment {
        Segment::Map { key } => key.clone(),
        other => other.to_string(),
    });
    let at = PointerBuf::from_tokens(tokens);
    if at.is_root() { "body".to_owned() } else { dotted(&at) }
}
