//! What probes and scrapers ask on the health port.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;
use tokio::sync::watch;

/// What the text of `/metrics` is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether this process may be sent requests, and if not, why.
///
/// It starts as not ready. A drain is final: nothing makes a process ready again that is about to end.
#[derive(Debug)]
pub struct Health {
    state: watch::Sender<State>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    NotReady(String),
    Ready,
    Draining,
}

impl Health {
    /// Not ready, because it is starting.
    pub fn new() -> Self {
        Self { state: watch::Sender::new(State::NotReady("starting".to_owned())) }
    }

    /// Requests may come, unless the process is draining.
    pub fn ready(&self) {
        self.change(State::Ready);
    }

    /// Requests should go elsewhere; whoever asks is told the reason, which must hold no secret.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.change(State::NotReady(reason.into()));
    }

    /// The process is about to end.
    pub fn drain(&self) {
        self.state.send_replace(State::Draining);
    }

    /// Are requests that come all the same answered? While the process drains they are.
    pub(super) fn takes_requests(&self) -> bool {
        !matches!(*self.state.borrow(), State::NotReady(_))
    }

    /// May requests come?
    pub fn is_ready(&self) -> bool {
        *self.state.borrow() == State::Ready
    }

    fn change(&self, next: State) {
        self.state.send_if_modified(|state| {
            let may_change = *state != State::Draining;
            if may_change {
                *state = next;
            }
            may_change
        });
    }

    fn refusal(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Ready => None,
            State::NotReady(reason) => Some(format!("not ready: {reason}")),
            State::Draining => Some("not ready: draining".to_owned()),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// `/livez` (200 as long as the process answers), `/readyz` (200, or 503 with the reason) and `/metrics` (OpenMetrics,
/// the text that `metrics` returns; it is called at every scrape and must not block).
pub fn health_router(health: Arc<Health>, metrics: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async move || readiness(&health)))
        .route("/metrics", get(async move || ([(CONTENT_TYPE, OPEN_METRICS)], metrics())))
}

fn readiness(health: &Health) -> impl IntoResponse + use<> {
    match health.refusal() {
        None => (StatusCode::OK, "ok".to_owned()),
        Some(refusal) => (StatusCode::SERVICE_UNAVAILABLE, refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_is_final() {
        let health = Health::new();
        assert_eq!(health.refusal().as_deref(), Some("not ready: starting"));
        health.ready();
        assert!(health.is_ready());
        health.not_ready("no certificate");
        assert_eq!(health.refusal().as_deref(), Some("not ready: no certificate"));
        health.drain();
        health.ready();
        assert_eq!(health.refusal().as_deref(), Some("not ready: draining"));
    }
}
