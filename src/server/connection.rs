//! One connection: serves HTTP/1.1 within the limits and takes part in the drain.

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

/// How far the shutdown of a server has come. Every connection watches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerPhase {
    Serving,
    /// Every response carries `Connection: close`.
    Draining,
    /// Idle connections are closed.
    Closing,
}

/// Serves the requests on `stream` until either side closes it.
pub(super) async fn serve<S>(stream: S, peer: SocketAddr, limiter: &Limiter, mut phase: watch::Receiver<ServerPhase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (server_phase, connection_state) = (phase.clone(), ConnectionState::new());
    let ServerSettings { limits, observer, .. } = &limiter.settings;
    let stream = TokioIo::new(TimeoutStream::new(stream, connection_state.clone(), *limits, Arc::clone(observer)));
    let service = service_fn(|request| {
        connection_state.header_received();
        async {
            let mut response = limiter.handle(peer.ip(), request).await;
            close_while_draining(&mut response, *server_phase.borrow());
            // after the last response no request follows, only the rest of a rejected body
            if !response.headers().contains_key(CONNECTION) {
                connection_state.response_ready();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(http(limits).serve_connection(stream, service));
    let closing = async {
        let _ = phase.wait_for(|phase| *phase == ServerPhase::Closing).await;
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

/// hyper's minimum for `max_buf_size`.
const MIN_BUFFER: usize = 8 * 1024;

/// hyper needs no timeout of its own: [`TimeoutStream`] has them. By default hyper's buffer grows to 400 KiB and is
/// kept. Here it holds the header section only, because `Limiter` collects the body.
fn http(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(MIN_BUFFER.max(limits.header_bytes as usize))
        .max_header_size(limits.header_bytes as usize)
        .max_headers(limits.headers as usize);
    builder
}

/// Called when the response is ready, so that a request in flight at shutdown closes its connection too.
fn close_while_draining(response: &mut Response, phase: ServerPhase) {
    if phase != ServerPhase::Serving {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}
