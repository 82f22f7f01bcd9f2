//! The HTTP routes of the endpoints, and the log event of each review. The object itself is never logged.

use super::{Answer, Decision, Deferrals, Endpoint, MessageOptions, Request, ReviewError, answer, answer_or_failure};
use apim_keyless_core::gateway::Snapshot;
use apim_keyless_core::policy::{Finding, Policy, printable};
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::LengthLimitError;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Default length limit of a request body, in bytes. It fits the largest write that an API server accepts (3 MiB), twice
/// (new and old object), with each `<`, `>` and `&` escaped.
pub const BODY_BYTES: u32 = 16 * 1024 * 1024;

/// Receives what happens to reviews, for metrics.
pub trait ReviewObserver: Send + Sync + 'static {
    /// A review that `endpoint` received was answered after `duration`.
    fn answered(&self, endpoint: Endpoint, answer: &Answer, duration: Duration);
    /// A body that `endpoint` received was not a valid review.
    fn review_error(&self, endpoint: Endpoint);
    /// A review that `endpoint` received was deferred: the cache may be a moment behind.
    fn deferred(&self, endpoint: Endpoint);
}

/// State that all endpoints share.
pub struct AdmissionState {
    /// The policy; replaced when its document changes.
    pub policy: ArcSwap<Policy>,
    /// The related objects of each namespace; replaced when the cluster changes.
    pub related: Arc<ArcSwap<Snapshot>>,
    /// How messages are written.
    pub messages: MessageOptions,
    /// The reviews that were deferred a moment ago.
    pub deferrals: Deferrals,
    /// Receives what happens to reviews.
    pub observer: Box<dyn ReviewObserver>,
}

/// Routes the paths of all endpoints, for bodies of at most [`BODY_BYTES`].
pub fn router(state: Arc<AdmissionState>) -> Router {
    router_with_limit(state, BODY_BYTES)
}

/// Routes the paths of all endpoints. A body of more than `body_bytes` is answered with `413`.
pub fn router_with_limit(state: Arc<AdmissionState>, body_bytes: u32) -> Router {
    let router = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let answer = async move |State(state): State<Arc<AdmissionState>>, media_type: MediaType, body: Body| {
            let body = read_body(body, body_bytes).await?;
            Ok::<_, StatusCode>(review(endpoint, &state, media_type, &body))
        };
        router.route(&endpoint.path(), post(answer))
    });
    router.with_state(state)
}

async fn read_body(body: Body, limit: u32) -> Result<Bytes, StatusCode> {
    to_bytes(body, usize::try_from(limit).unwrap_or(usize::MAX)).await.map_err(|error| {
        let is_too_long = error.source().is_some_and(<dyn Error>::is::<LengthLimitError>);
        if is_too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
    })
}

/// The media type that the request's headers state for its body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MediaType {
    Json,
    Other,
}

impl<S: Sync> FromRequestParts<S> for MediaType {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = text.split(';').next().unwrap_or_default().trim();
        Ok(if media_type.eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Other })
    }
}

/// Answers a body. Nothing here waits: the body is complete, and the evaluation calls no API.
fn review(endpoint: Endpoint, state: &AdmissionState, media_type: MediaType, body: &[u8]) -> Response {
    let start = Instant::now();
    if media_type != MediaType::Json {
        state.observer.review_error(endpoint);
        let message = "Set Content-Type: application/json: the body of an AdmissionReview is JSON\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    }
    let request = match Request::read(body) {
        Ok(request) => request,
        Err(error) => return bad_request(endpoint, state, &error),
    };
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let Some(related) = state.related.load().related_objects(namespace) else {
        // Its expectations are unknown, so nothing can be set or denied.
        return defer(endpoint, state, &request, "its namespace is not in the cache yet");
    };
    let policy = state.policy.load();
    let evaluate = || answer(&policy, &related, &state.messages, endpoint, &request);
    let answer = answer_or_failure(endpoint, &request, evaluate);
    if answer.rests_on_related_objects() && state.deferrals.defer_first(&request.uid, start) {
        return defer(
            endpoint,
            state,
            &request,
            "the decision rests on a related object that may have changed just now",
        );
    }
    let duration = start.elapsed();
    state.observer.answered(endpoint, &answer, duration);
    log(endpoint, &request, &answer, duration);
    ([(header::CONTENT_TYPE, "application/json")], answer.response.to_review()).into_response()
}

/// `503` with `Retry-After`: the API server asks again before its timeout ends, and by then the cache has what was written
/// a moment ago.
fn defer(endpoint: Endpoint, state: &AdmissionState, request: &Request<'_>, reason: &str) -> Response {
    state.observer.deferred(endpoint);
    let namespace = printable(request.namespace.as_deref().unwrap_or_default());
    tracing::warn!(
        uid = %printable(&request.uid),
        webhook = endpoint.webhook.name(),
        mode = endpoint.mode.name(),
        %namespace,
        reason,
        "deferred a review"
    );
    let message = format!("Retry this review of namespace \"{namespace}\": {reason}\n");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message).into_response()
}

/// `400`: for the API server this call failed, so `failurePolicy` decides.
fn bad_request(endpoint: Endpoint, state: &AdmissionState, error: &ReviewError) -> Response {
    state.observer.review_error(endpoint);
    tracing::warn!(
        webhook = endpoint.webhook.name(),
        mode = endpoint.mode.name(),
        error = %printable(&error.to_string()),
        "received a body that is not a valid AdmissionReview"
    );
    (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()
}

/// Logs a review. Reviews without a finding are logged at debug: writing the event costs more than the evaluation
/// (`docs/adr/0012`), and the metrics count them.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;
    use axum::http::Request as HttpRequest;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    #[tokio::test]
    async fn a_body_above_the_limit_is_not_read() {
        let state = AdmissionState {
            policy: ArcSwap::default(),
            related: Arc::default(),
            messages: MessageOptions::default(),
            deferrals: Deferrals::default(),
            observer: Box::new(Metrics::default()),
        };
        let router = TowerToHyperService::new(router(Arc::new(state)));
        let limit = BODY_BYTES as usize;
        for (bytes, status) in [(limit, StatusCode::BAD_REQUEST), (limit + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
            let request = HttpRequest::post("/enforce/validate").header(header::CONTENT_TYPE, "application/json");
            let response = router.call(request.body(Body::from(vec![b' '; bytes])).unwrap()).await.unwrap();
            assert_eq!(response.status(), status, "{bytes}");
        }
    }
}
