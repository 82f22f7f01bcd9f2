//! Reads a request's body within the limits and passes the request to the router, or rejects it. This is not a layer
//! of the router: axum would look it up and box its future for each request.
//!
//! No request waits for a permit, because the queue would be unbounded; without a permit a request is rejected. The
//! only exception are the permits for long bodies: at most `--reviews` requests wait for one.

use super::{Rejection, ServerSettings, Wait};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{Method, Request};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use humantime::parse_duration;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The part of the caller's timeout that is kept for the evaluation and the response.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(200);

/// How long the rest of a slow or broken body is read while the response is sent.
const LINGER: Duration = Duration::from_secs(1);

/// From this size in bytes on, a review is evaluated on a blocking thread: it may take long, and the other tasks of
/// an async thread would wait for it. As many run concurrently as there are cores: more would not be faster in total,
/// and would use more memory.
const BLOCKING_BODY_BYTES: usize = 64 * 1024;

/// The permits that the requests on all connections share.
pub(super) struct Limiter {
    pub(super) settings: ServerSettings,
    router: TowerToHyperService<Router>,
    body_byte_permits: Semaphore,
    review_permits: Semaphore,
    long_review_permits: Arc<Semaphore>,
}

impl Limiter {
    pub(super) fn new(settings: ServerSettings) -> Self {
        let permits = |number: u32| Semaphore::new(number as usize);
        Self {
            router: TowerToHyperService::new(settings.router.clone()),
            body_byte_permits: permits(settings.limits.bodies_bytes),
            review_permits: permits(settings.limits.reviews),
            long_review_permits: Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))),
            settings,
        }
    }

    /// The response to a request: the router's, or a rejection.
    pub(super) async fn handle(&self, request: Request<Incoming>) -> Response {
        let (head, mut body) = request.into_parts();
        let (length, _byte_permit) = match self.check_header(&head, &body) {
            Ok(accepted) => accepted,
            Err(rejection) => {
                discard_rest(body, self.settings.limits.body_timeout);
                return self.reject(rejection);
            }
        };
        let body_bytes = match self.read(&head, &mut body, length).await {
            Ok(body_bytes) => body_bytes,
            Err(rejection) => {
                discard_rest(body, LINGER);
                return self.reject(rejection);
            }
        };
        // only now that the body is complete: a slow client must not occupy a review
        let Ok(_review_permit) = self.review_permits.try_acquire() else {
            return self.reject(Rejection::TooManyReviews);
        };
        let response = self.router.call(Request::from_parts(head, Body::from(body_bytes)));
        if length < BLOCKING_BODY_BYTES {
            return response.await.into_response();
        }
        let permit = Arc::clone(&self.long_review_permits).acquire_owned().await;
        // the thread owns the permit, because it continues even if the connection is cut
        on_blocking_thread(async move {
            let _permit = permit;
            response.await.into_response()
        })
        .await
    }

    /// Decides by the header section whether the body may be read. Returns its length and a permit for its bytes.
    fn check_header(&self, head: &Parts, body: &Incoming) -> Result<(usize, SemaphorePermit<'_>), Rejection> {
        if !self.settings.health.accepts_requests() {
            return Err(Rejection::NotReady);
        }
        let length = content_length(head, body).ok_or(Rejection::NoContentLength)?;
        let limit = self.settings.limits.body_bytes.min(self.settings.limits.bodies_bytes);
        let length = u32::try_from(length).ok().filter(|length| *length <= limit).ok_or(Rejection::BodyTooLong)?;
        let permit = self.body_byte_permits.try_acquire_many(length).map_err(|_| Rejection::TooManyBytes)?;
        Ok((length as usize, permit))
    }

    async fn read(&self, head: &Parts, body: &mut Incoming, length: usize) -> Result<Bytes, Rejection> {
        let limit = body_timeout(head.uri.query(), self.settings.limits.body_timeout);
        match timeout(limit, read_body(body, length)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(Rejection::BrokenBody),
            Err(_) => {
                self.settings.observer.timed_out(Wait::Body);
                Err(Rejection::SlowBody)
            }
        }
    }

    fn reject(&self, rejection: Rejection) -> Response {
        self.settings.observer.rejected(rejection);
        rejection.into_response()
    }
}

/// Runs a future on a thread that it may block. A panic of it continues in the caller, so it ends the connection as any
/// other panic does.
async fn on_blocking_thread(response: impl Future<Output = Response> + Send + 'static) -> Response {
    let runtime = Handle::current();
    match spawn_blocking(move || runtime.block_on(response)).await {
        Ok(response) => response,
        // a runtime that shuts down starts no new work
        Err(error) => {
            error.try_into_panic().map_or_else(|_| Rejection::NotReady.into_response(), |panic| resume_unwind(panic))
        }
    }
}

/// The length of the body, if the header section gives it. A POST must have `Content-Length`, even for an empty body.
fn content_length(head: &Parts, body: &Incoming) -> Option<u64> {
    let exact = body.size_hint().exact()?;
    (head.method != Method::POST || head.headers.contains_key(CONTENT_LENGTH)).then_some(exact)
}

/// How long to wait for a body: at most `limit`, and not longer than the client waits for the response. The API
/// server sends its own timeout as `?timeout=`.
fn body_timeout(query: Option<&str>, limit: Duration) -> Duration {
    let value = query.and_then(|query| query.split('&').find_map(|part| part.strip_prefix("timeout=")));
    let requested = value.and_then(|text| parse_duration(text).ok());
    requested.map_or(limit, |requested| requested.saturating_sub(TIMEOUT_MARGIN).min(limit))
}

/// Reads the whole body: without a copy if it arrives in one frame, else into one allocation.
async fn read_body(body: &mut Incoming, length: usize) -> hyper::Result<Bytes> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) if data.len() == length => return Ok(data),
            Ok(data) => {
                bytes.reserve_exact(length.saturating_sub(bytes.len()));
                bytes.extend_from_slice(&data);
            }
            Err(_) => {}
        }
    }
    Ok(bytes.into())
}

/// Reads the rest of the body for at most `limit` while the response is sent. If a socket is closed with unread
/// bytes, the connection is reset and the client loses the response.
fn discard_rest(mut body: Incoming, limit: Duration) {
    if !body.is_end_stream() {
        tokio::spawn(timeout(limit, async move { while let Some(Ok(_)) = body.frame().await {} }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_timeout_is_the_clients_timeout_minus_a_margin_up_to_the_limit() {
        let limit = Duration::from_secs(10);
        for (query, milliseconds) in [
            (None, 10_000),
            (Some("timeout=5s"), 4_800),
            (Some("dryRun=All&timeout=1s"), 800),
            (Some("timeout=30s"), 10_000),
            (Some("timeout=1m0s"), 10_000),
            (Some("timeout=100ms"), 0),
            (Some("timeout="), 10_000),
            (Some("timeout=5"), 10_000),
            (Some("othertimeout=1s"), 10_000),
        ] {
            assert_eq!(body_timeout(query, limit), Duration::from_millis(milliseconds), "{query:?}");
        }
    }
}
