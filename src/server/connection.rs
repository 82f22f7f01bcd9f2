//! One connection: HTTP/1.1 within the limits, and its part in a drain.

use super::limiter::Limiter;
use super::timeouts::{ConnectionState, TimeoutStream};
use super::{Limits, ServerSettings};
use axum::response::Response;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// How far a server is on its way out. Connections watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// Every answer closes its connection.
    Draining,
    /// Idle connections are closed.
    Closing,
}

/// Answers what comes on `stream` until either side closes it.
pub(super) async fn serve<S>(stream: S, peer: SocketAddr, limiter: &Limiter, mut phase: watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (answering, turns) = (phase.clone(), ConnectionState::new());
    let ServerSettings { limits, observer, .. } = &limiter.settings;
    let stream = TokioIo::new(TimeoutStream::new(stream, turns.clone(), *limits, Arc::clone(observer)));
    let (answering, turns) = (&answering, &turns);
    let service = service_fn(move |request| {
        turns.asked();
        async move {
            let mut response = limiter.answer(request).await;
            close_while_draining(&mut response, *answering.borrow());
            // after the last answer comes no request, but what is left of a body that was refused
            if !response.headers().contains_key(CONNECTION) {
                turns.answered();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(http(limits).serve_connection(stream, service));
    let closing = async {
        let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
    };
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection failed");
    }
}

/// The least that hyper takes as a buffer.
const LEAST_BUFFER: usize = 8 * 1024;

/// A stream that is patient within bounds needs no time-out of hyper's. The buffer, which by default grows to 400 KiB and
/// stays, need not hold more than the headers: a body is gathered elsewhere.
fn http(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(LEAST_BUFFER.max(limits.header_bytes as usize))
        .max_header_size(limits.header_bytes as usize)
        .max_headers(limits.headers as usize);
    builder
}

/// Asked when the answer is ready, not when the request came: a request in flight at shutdown closes its connection
/// too.
fn close_while_draining(response: &mut Response, phase: Phase) {
    if phase != Phase::Serving {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}
