//! What stands before the router: a request passes with its body whole, or is refused. It is asked directly, as a layer of
//! the router would be looked up and boxed for each request.
//!
//! Permits are only ever tried for: whoever waited here for one would be a queue without a bound. The turns of long bodies
//! alone are waited for, by as many at most as there may be reviews.

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

/// What is left of a caller's own time-out for the decision and the way back.
const MARGIN: Duration = Duration::from_millis(200);

/// How long what is left of a slow body is read beside the answer.
const LINGER: Duration = Duration::from_secs(1);

/// From this size on a body is judged on a thread of its own: it may take long, and whoever shares its thread would
/// wait as long. As many at a time as there are cores: more would take no less time together, and more memory.
const LONG_BODY: usize = 64 * 1024;

/// What the requests on all connections share.
pub(super) struct Limiter {
    pub(super) settings: ServerSettings,
    router: TowerToHyperService<Router>,
    bytes: Semaphore,
    reviews: Semaphore,
    long_reviews: Arc<Semaphore>,
}

impl Limiter {
    pub(super) fn of(settings: ServerSettings) -> Self {
        let permits = |number: u32| Semaphore::new(number as usize);
        Self {
            router: TowerToHyperService::new(settings.router.clone()),
            bytes: permits(settings.limits.bodies_bytes),
            reviews: permits(settings.limits.reviews),
            long_reviews: Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))),
            settings,
        }
    }

    /// What a request is answered: by the router, or by a refusal.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response {
        let (head, mut body) = request.into_parts();
        let (length, _bytes) = match self.admit(&head, &body) {
            Ok(admitted) => admitted,
            Err(rejection) => {
                discard(body, self.settings.limits.body_timeout);
                return self.reject(rejection);
            }
        };
        let bytes = match self.read(&head, &mut body, length).await {
            Ok(bytes) => bytes,
            Err(rejection) => {
                discard(body, LINGER);
                return self.reject(rejection);
            }
        };
        // not before the body is whole: a slow client must hold none of these
        let Ok(_review) = self.reviews.try_acquire() else { return self.reject(Rejection::TooManyReviews) };
        let answer = self.router.call(Request::from_parts(head, Body::from(bytes)));
        if length < LONG_BODY {
            return answer.await.into_response();
        }
        let turn = Arc::clone(&self.long_reviews).acquire_owned().await;
        // the thread has the turn, as it goes on even if the connection is cut
        apart(async move {
            let _turn = turn;
            answer.await.into_response()
        })
        .await
    }

    /// May the body be read? Then its length, and as much of the budget.
    fn admit(&self, head: &Parts, body: &Incoming) -> Result<(usize, SemaphorePermit<'_>), Rejection> {
        if !self.settings.health.takes_requests() {
            return Err(Rejection::NotReady);
        }
        let length = content_length(head, body).ok_or(Rejection::NoContentLength)?;
        let limit = self.settings.limits.body_bytes.min(self.settings.limits.bodies_bytes);
        let length = u32::try_from(length).ok().filter(|length| *length <= limit).ok_or(Rejection::LongBody)?;
        let permit = self.bytes.try_acquire_many(length).map_err(|_| Rejection::TooManyBytes)?;
        Ok((length as usize, permit))
    }

    async fn read(&self, head: &Parts, body: &mut Incoming, length: usize) -> Result<Bytes, Rejection> {
        let patience = patience(head.uri.query(), self.settings.limits.body_timeout);
        match timeout(patience, whole(body, length)).await {
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

/// Runs on a thread that may be kept. A panic goes on here, where it ends the connection as any other does.
async fn apart(answer: impl Future<Output = Response> + Send + 'static) -> Response {
    let runtime = Handle::current();
    match spawn_blocking(move || runtime.block_on(answer)).await {
        Ok(response) => response,
        // a runtime that ends takes nothing on
        Err(error) => {
            error.try_into_panic().map_or_else(|_| Rejection::NotReady.into_response(), |panic| resume_unwind(panic))
        }
    }
}

/// How long the body is, if the head says so. A POST that says nothing may have forgotten its body.
fn content_length(head: &Parts, body: &Incoming) -> Option<u64> {
    let exact = body.size_hint().exact()?;
    (head.method != Method::POST || head.headers.contains_key(CONTENT_LENGTH)).then_some(exact)
}

/// How long a body may take: not longer than its sender waits for the answer, which the API server says in the query.
fn patience(query: Option<&str>, limit: Duration) -> Duration {
    let said = query.and_then(|query| query.split('&').find_map(|part| part.strip_prefix("timeout=")));
    let asked = said.and_then(|text| parse_duration(text).ok());
    asked.map_or(limit, |asked| asked.saturating_sub(MARGIN).min(limit))
}

/// The body: as it came if it came at once, else in memory that was asked for once.
async fn whole(body: &mut Incoming, length: usize) -> hyper::Result<Bytes> {
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

/// Reads on beside the answer, for a while: a socket that is closed with something unread is reset, and its client
/// loses the answer.
fn discard(mut body: Incoming, patience: Duration) {
    if !body.is_end_stream() {
        tokio::spawn(timeout(patience, async move { while let Some(Ok(_)) = body.frame().await {} }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_waited_for_no_longer_than_its_sender_waits_for_the_answer() {
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
            assert_eq!(patience(query, limit), Duration::from_millis(milliseconds), "{query:?}");
        }
    }
}
