//! Reads a request's body within the limits and passes the request to the router, or rejects it. This is not a layer
//! of the router: axum would look it up and box its future for each request.
//!
//! No request waits for a permit, because the queue would be unbounded; without a permit a request is rejected. The
//! only exception are the permits for long reviews: at most `--reviews` requests wait for one.

use super::fair_pool::{FairPermit, FairPool, PeerSemaphores};
use super::{LONG_REVIEW_BYTES, Rejection, ServerSettings, Wait};
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
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The part of the caller's timeout that is kept for the evaluation and the response.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(200);

/// How long the rest of a slow or broken body is read while the response is sent.
const LINGER: Duration = Duration::from_secs(1);

/// The permits that the requests on all connections share.
pub(super) struct Limiter {
    pub(super) settings: ServerSettings,
    router: TowerToHyperService<Router>,
    body_bytes: Arc<FairPool>,
    reviews: Arc<FairPool>,
    long_reviews: Arc<Semaphore>,
    /// One review of each address waits for `long_reviews`, the others behind it. So addresses take turns.
    turns: PeerSemaphores,
}

impl Limiter {
    pub(super) fn new(settings: ServerSettings) -> Self {
        let limits = &settings.limits;
        Self {
            router: TowerToHyperService::new(settings.router.clone()),
            body_bytes: FairPool::new(limits.bodies_bytes),
            reviews: FairPool::new(limits.reviews),
            long_reviews: Arc::new(Semaphore::new(limits.long_reviews as usize)),
            turns: PeerSemaphores::new(1),
            settings,
        }
    }

    /// The response to a request of `peer`: the router's, or a rejection.
    pub(super) async fn handle(&self, peer: IpAddr, request: Request<Incoming>) -> Response {
        let (head, mut body) = request.into_parts();
        let (length, byte_permit) = match self.check_header(peer, &head, &body) {
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
        let Some(review_permit) = self.reviews.try_acquire(peer, 1) else {
            return self.reject(Rejection::TooManyReviews);
        };
        let response = self.router.call(Request::from_parts(head, Body::from(body_bytes)));
        if length < LONG_REVIEW_BYTES {
            return response.await.into_response();
        }
        let long_review_permit = self.long_review(peer).await;
        // the thread owns the permits, because it continues even if the connection is cut
        on_blocking_thread(async move {
            let _permits = (byte_permit, review_permit, long_review_permit);
            response.await.into_response()
        })
        .await
    }

    /// Waits until a long review of `peer` may be evaluated. The semaphore is first in, first out, and each address has
    /// at most one review in it.
    async fn long_review(&self, peer: IpAddr) -> Result<OwnedSemaphorePermit, AcquireError> {
        let _turn = self.turns.acquire(peer).await;
        Arc::clone(&self.long_reviews).acquire_owned().await
    }

    /// Decides by the header section whether the body may be read. Returns its length and a permit for its bytes.
    fn check_header(&self, peer: IpAddr, head: &Parts, body: &Incoming) -> Result<(usize, FairPermit), Rejection> {
        if !self.settings.health.accepts_requests() {
            return Err(Rejection::NotReady);
        }
        let length = content_length(head, body).ok_or(Rejection::NoContentLength)?;
        let limit = self.settings.limits.body_bytes.min(self.body_bytes.largest_share());
        let length = u32::try_from(length).ok().filter(|length| *length <= limit).ok_or(Rejection::BodyTooLong)?;
        let permit = self.body_bytes.try_acquire(peer, length).ok_or(Rejection::TooManyBytes)?;
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
