//! The three paths, and the event of a review. The object itself is never logged.

use super::{Answer, Decision, Endpoint, Request, ReviewError, answer, answer_or_failure};
use crate::gateway::Snapshot;
use crate::policy::{Finding, Policy, printable};
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest body that is read unless the server is told otherwise: a write of 3 MiB, twice (new and old object), with every `<`, `>` and `&` escaped, fits.
pub const BODY_BYTES: u32 = 16 * 1024 * 1024;

/// Told of every review that was answered, for metrics.
pub trait ReviewObserver: Send + Sync + 'static {
    /// A review that came in at `endpoint` was answered after `duration`.
    fn answered(&self, endpoint: Endpoint, answer: &Answer, duration: Duration);
    /// A body that came in at `endpoint` was no review.
    fn review_error(&self, endpoint: Endpoint);
    /// A review that came in at `endpoint` was put off, since its namespace was not seen yet.
    fn deferred(&self, endpoint: Endpoint);
}

/// What the paths share.
pub struct AdmissionState {
    /// By what is judged.
    pub policy: ArcSwap<Policy>,
    /// What stands beside what is judged.
    pub related: Arc<ArcSwap<Snapshot>>,
    /// Whom to tell.
    pub observer: Box<dyn ReviewObserver>,
}

/// The paths of every entry.
pub fn router(state: Arc<AdmissionState>) -> Router {
    let router = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let answer = async move |State(state): State<Arc<AdmissionState>>, content: Content, body: Body| {
            // what comes here is whole, and was measured before it was read
            let body = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
            Ok::<_, StatusCode>(review(endpoint, &state, content, &body))
        };
        router.route(&endpoint.path(), post(answer))
    });
    router.with_state(state)
}

/// What the head of a request says of its body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Json,
    Other,
}

impl<S: Sync> FromRequestParts<S> for Content {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = text.split(';').next().unwrap_or_default().trim();
        Ok(if media_type.eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Other })
    }
}

/// Answers a body. The whole of it was read before, and judging it waits for nothing.
fn review(endpoint: Endpoint, state: &AdmissionState, content: Content, body: &[u8]) -> Response {
    let start = Instant::now();
    if content != Content::Json {
        state.observer.review_error(endpoint);
        let message = "Content-Type: expected application/json, which an AdmissionReview has\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    }
    let request = match Request::read(body) {
        Ok(request) => request,
        Err(review_error) => return refuse_body(endpoint, state, &review_error),
    };
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let Some(related) = state.related.load().of(namespace) else { return defer(endpoint, state, &request) };
    let policy = state.policy.load();
    let answer = answer_or_failure(endpoint, &request, || answer(&policy, &related, endpoint, &request));
    let duration = start.elapsed();
    state.observer.answered(endpoint, &answer, duration);
    log(endpoint, &request, &answer, duration);
    ([(header::CONTENT_TYPE, "application/json")], answer.response.to_review()).into_response()
}

/// `503` with `Retry-After`: the API server asks again within its time-out, and by then a namespace that was just made
/// has been seen. What it expects can't be guessed, so neither a remedy nor a refusal is.
fn defer(endpoint: Endpoint, state: &AdmissionState, request: &Request<'_>) -> Response {
    state.observer.deferred(endpoint);
    let namespace = printable(request.namespace.as_deref().unwrap_or_default());
    tracing::warn!(uid = %printable(&request.uid), webhook = endpoint.webhook.name(), mode = endpoint.mode.name(), %namespace, "namespace not seen yet");
    let message = format!("namespace \"{namespace}\" was not seen yet, so what it expects is not known; try again\n");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message).into_response()
}

/// `400`: for the API server a call that failed, so that `failurePolicy` decides.
fn refuse_body(endpoint: Endpoint, state: &AdmissionState, review_error: &ReviewError) -> Response {
    state.observer.review_error(endpoint);
    tracing::warn!(webhook = endpoint.webhook.name(), mode = endpoint.mode.name(), error = %printable(&review_error.to_string()), "not a review");
    (StatusCode::BAD_REQUEST, format!("{review_error}\n")).into_response()
}

/// The event of a review. One that nothing is said of is none that anybody looks for: it is counted by the metrics, and
/// an event of level debug, since writing it costs more than judging it (`docs/adr/0012`).
fn log(endpoint: Endpoint, request: &Request<'_>, answer: &Answer, duration: Duration) {
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                uid = &*printable(&request.uid),
                webhook = endpoint.webhook.name(),
                mode = endpoint.mode.name(),
                decision = answer.decision.name(),
                operation = request.operation.name(),
                kind = &*printable(&request.kind.kind),
                sub_resource = &*printable(request.sub_resource()),
                namespace = &*printable(request.namespace.as_deref().unwrap_or_default()),
                name = &*printable(request.name.as_deref().unwrap_or_default()),
                user = &*printable(&request.user_info.username),
                dry_run = request.dry_run.unwrap_or_default(),
                violations = &*printable(&violations(answer)),
                patch = answer.patch.as_ref().map(ToString::to_string),
                microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
                "review"
            )
        };
    }
    if answer.decision == Decision::Allowed { event!(debug) } else { event!(info) }
}

fn violations(answer: &Answer) -> String {
    answer.findings.iter().map(Finding::sentence).collect::<Vec<_>>().join(" | ")
}
