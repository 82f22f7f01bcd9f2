//! The HTTP routes of the endpoints, and the log event of each review. The object itself is never logged.

use super::bounded::{LogText, log_text, log_value};
use super::{
    Answer, Decision, Endpoint, MessageOptions, Request, ReviewError, SecondLook, TraceParent, answer,
    answer_or_failure,
};
use apim_keyless_core::gateway::{Kind, RelatedObjects, Snapshot};
use apim_keyless_core::policy::{Policy, utc_date};
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::LengthLimitError;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Default length limit of a request body, in bytes. It fits two objects (new and old) of 1.5 MiB, the largest that etcd
/// stores by default (`--max-request-bytes`), even if each character takes six bytes in JSON: Go escapes `<`, `>` and `&`.
/// A shorter limit would let such an object pass at webhook entries with `failurePolicy: Ignore`.
pub const BODY_BYTES: u32 = 20 * 1024 * 1024;

/// Length limits of the texts of a log event, in bytes of its line. A whole line has at most 16 KiB: container runtimes
/// split longer ones (containerd: `max_container_log_line_size`).
const NAME_BYTES: usize = 512;
const ERROR_BYTES: usize = 4 * 1024;
const VIOLATIONS_BYTES: usize = 6 * 1024;
const PATCH_BYTES: usize = 6 * 1024;

/// A review that belongs to a recorded trace.
pub struct TracedReview<'a> {
    /// The span of the API server that called.
    pub parent: &'a TraceParent,
    /// The endpoint that received it.
    pub endpoint: Endpoint,
    /// When its body was complete.
    pub start: SystemTime,
    /// When it was answered.
    pub end: SystemTime,
    /// What the API server asked.
    pub request: &'a Request<'a>,
    /// The answer.
    pub answer: &'a Answer,
}

/// Receives what happens to reviews, for metrics and traces.
pub trait ReviewObserver: Send + Sync + 'static {
    /// A review that `endpoint` received was answered after `duration`.
    fn answered(&self, endpoint: Endpoint, answer: &Answer, duration: Duration);
    /// A body that `endpoint` received was not a valid review.
    fn review_error(&self, endpoint: Endpoint);
    /// A review that `endpoint` received was deferred: its namespace is not in the cache yet.
    fn deferred(&self, endpoint: Endpoint);
    /// Are traces exported? If not, no request is searched for one.
    fn exports_traces(&self) -> bool {
        false
    }
    /// A review that belongs to a recorded trace was answered.
    fn traced(&self, _: &TracedReview<'_>) {}
}

/// State that all endpoints share.
pub struct AdmissionState {
    /// The policy; replaced when its document changes.
    pub policy: ArcSwap<Policy>,
    /// The related objects of each namespace; replaced when the cluster changes.
    pub related: Arc<ArcSwap<Snapshot>>,
    /// How messages are written.
    pub messages: MessageOptions,
    /// The second look at denials that rest on related objects.
    pub second_look: SecondLook,
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
        let answer = async move |State(state): State<Arc<AdmissionState>>, head: Head, body: Body| {
            let body = read_body(body, body_bytes).await?;
            Ok::<_, StatusCode>(review(endpoint, &state, &head, &body).await)
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

/// What matters of the request's headers.
struct Head {
    /// Is the body JSON?
    is_json: bool,
    /// The recorded trace that the request belongs to, if traces are exported.
    trace_parent: Option<TraceParent>,
}

impl FromRequestParts<Arc<AdmissionState>> for Head {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, state: &Arc<AdmissionState>) -> Result<Self, Infallible> {
        let text =
            |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let media_type = text("content-type").split(';').next().unwrap_or_default().trim();
        let trace_parent =
            if state.observer.exports_traces() { TraceParent::sampled(text("traceparent")) } else { None };
        Ok(Self { is_json: media_type.eq_ignore_ascii_case("application/json"), trace_parent })
    }
}

/// Answers a body. A denial that rests on a related object is decided by a second look, because the cache may be a
/// moment behind.
async fn review(endpoint: Endpoint, state: &AdmissionState, head: &Head, body: &[u8]) -> Response {
    if !head.is_json {
        state.observer.review_error(endpoint);
        let message = "Set Content-Type: application/json: the body of an AdmissionReview is JSON\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    }
    let trace = head.trace_parent.as_ref().map(|parent| (parent, SystemTime::now()));
    let first = evaluate(endpoint, state, body);
    let looks_again = first.as_ref().is_ok_and(|evaluated| evaluated.answer.rests_on_related_objects());
    let last = if looks_again && state.second_look.wait(body).await { evaluate(endpoint, state, body) } else { first };
    match last {
        Ok(evaluated) => {
            if let Some((parent, start)) = trace {
                let (request, answer, end) = (&evaluated.request, &evaluated.answer, SystemTime::now());
                state.observer.traced(&TracedReview { parent, endpoint, start, end, request, answer });
            }
            evaluated.respond(endpoint, state)
        }
        Err(response) => *response,
    }
}

/// A review and the answer to it.
struct EvaluatedReview<'a> {
    request: Request<'a>,
    answer: Answer,
    duration: Duration,
}

/// Evaluates a body with the current policy and cache. Nothing here waits: the body is complete, and the evaluation
/// calls no API.
fn evaluate<'a>(
    endpoint: Endpoint,
    state: &AdmissionState,
    body: &'a [u8],
) -> Result<EvaluatedReview<'a>, Box<Response>> {
    let start = Instant::now();
    let request = Request::read(body).map_err(|error| Box::new(bad_request(endpoint, state, &error)))?;
    // without its namespace the expectations are unknown, so nothing can be set or denied
    let related = related_objects(state, &request).ok_or_else(|| Box::new(defer(endpoint, state, &request)))?;
    let policy = state.policy.load();
    let today = utc_date(SystemTime::now());
    let evaluate = || answer(&policy, &related, &state.messages, endpoint, &request, today);
    let answer = answer_or_failure(endpoint, &request, evaluate);
    Ok(EvaluatedReview { request, answer, duration: start.elapsed() })
}

/// The related objects of the reviewed object; `None` if they are not known yet. A Namespace needs none, and it is not
/// cached before it is created.
fn related_objects(state: &AdmissionState, request: &Request<'_>) -> Option<Arc<RelatedObjects>> {
    let is_namespace = request.object.as_ref().is_some_and(|object| object.kind == Kind::Namespace);
    let namespace = request.namespace.as_deref().filter(|_| !is_namespace).unwrap_or_default();
    state.related.load().related_objects(namespace)
}

impl EvaluatedReview<'_> {
    fn respond(self, endpoint: Endpoint, state: &AdmissionState) -> Response {
        let Self { request, answer, duration } = self;
        state.observer.answered(endpoint, &answer, duration);
        log(endpoint, &request, &answer, duration);
        ([(header::CONTENT_TYPE, "application/json")], answer.response.to_review()).into_response()
    }
}

/// Why a review is deferred.
const DEFERRED: &str = "its namespace is not in the cache yet";

/// `503` with `Retry-After`: the API server asks again before its timeout ends, and by then the cache has what was written
/// a moment ago.
fn defer(endpoint: Endpoint, state: &AdmissionState, request: &Request<'_>) -> Response {
    state.observer.deferred(endpoint);
    let namespace = log_text(request.namespace.as_deref().unwrap_or_default(), NAME_BYTES);
    tracing::warn!(
        uid = %log_text(&request.uid, NAME_BYTES),
        webhook = endpoint.webhook.name(),
        mode = endpoint.mode.name(),
        %namespace,
        reason = DEFERRED,
        "deferred a review"
    );
    let message = format!("Retry this review of namespace \"{namespace}\": {DEFERRED}\n");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message).into_response()
}

/// `400`: for the API server this call failed, so `failurePolicy` decides.
fn bad_request(endpoint: Endpoint, state: &AdmissionState, error: &ReviewError) -> Response {
    state.observer.review_error(endpoint);
    tracing::warn!(
        webhook = endpoint.webhook.name(),
        mode = endpoint.mode.name(),
        error = %log_value(error, ERROR_BYTES),
        "received a body that is not a valid AdmissionReview"
    );
    (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()
}

/// Logs a review. Reviews without a finding are logged at debug: writing the event costs more than the evaluation
/// (`docs/adr/0012`), and the metrics count them.
fn log(endpoint: Endpoint, request: &Request<'_>, answer: &Answer, duration: Duration) {
    let name = |text| log_text(text, NAME_BYTES);
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                uid = &*name(&request.uid),
                webhook = endpoint.webhook.name(),
                mode = endpoint.mode.name(),
                decision = answer.decision.name(),
                operation = request.operation.name(),
                kind = &*name(&request.kind.kind),
                sub_resource = &*name(request.sub_resource()),
                namespace = &*name(request.namespace.as_deref().unwrap_or_default()),
                name = &*name(request.name.as_deref().unwrap_or_default()),
                user = &*name(&request.user_info.username),
                dry_run = request.dry_run.unwrap_or_default(),
                violations = violations(answer),
                patch = answer.patch.as_ref().map(|patch| log_value(patch, PATCH_BYTES)),
                microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
                "review"
            )
        };
    }
    if answer.decision == Decision::Allowed { event!(debug) } else { event!(info) }
}

/// All findings, as many as fit, and how many more there are.
fn violations(answer: &Answer) -> String {
    let more = |number: usize| format!(" | and {number} more");
    let mut text = LogText::new(VIOLATIONS_BYTES - more(usize::MAX).len());
    for (index, finding) in answer.findings.iter().enumerate() {
        let fits = (index == 0 || text.push(" | ")) && text.push(&finding.sentence());
        if !fits {
            return text.text + &more(answer.findings.len() - index - 1);
        }
    }
    text.text
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
            second_look: SecondLook::default(),
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
