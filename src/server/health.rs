//! The health port: liveness, readiness and metrics.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Content type of `/metrics`.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether this process is ready, and if not, why.
///
/// It starts as not ready. A drain is final: a process that shuts down never becomes ready again.
#[derive(Debug)]
pub struct Health {
    state: watch::Sender<State>,
}

/// A condition of readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// The API server trusts the serving certificate. Without it the server still answers requests from clients that
    /// trust that certificate.
    Certificate,
    /// The start of the process is complete.
    Start,
    /// The cache of related objects is complete.
    RelatedObjects,
}

/// What a note of `/readyz` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthNote {
    /// The policy document.
    Policy,
    /// The cache of related objects.
    RelatedObjects,
}

#[derive(Debug, Default)]
struct State {
    unmet: BTreeMap<Condition, String>,
    notes: BTreeMap<HealthNote, String>,
    is_draining: bool,
}

impl Health {
    /// Not ready: starting.
    pub fn new() -> Self {
        let unmet = BTreeMap::from([(Condition::Start, "starting".to_owned())]);
        Self { state: watch::Sender::new(State { unmet, ..State::default() }) }
    }

    /// Ready from the start, for the health port itself.
    pub(super) fn always_ready() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    /// The condition is met.
    pub fn set_met(&self, condition: Condition) {
        self.change(|state| _ = state.unmet.remove(&condition));
    }

    /// The condition is not met. `/readyz` shows the reason, which must not contain a secret.
    pub fn set_unmet(&self, condition: Condition, reason: impl Into<String>) {
        self.change(|state| _ = state.unmet.insert(condition, reason.into()));
    }

    /// Sets or clears a note that `/readyz` shows, ready or not. It must not contain a secret.
    pub fn set_note(&self, note: HealthNote, text: Option<String>) {
        self.state.send_modify(|state| {
            _ = match text {
                Some(text) => state.notes.insert(note, text),
                None => state.notes.remove(&note),
            };
        });
    }

    /// The process shuts down.
    pub fn drain(&self) {
        self.state.send_modify(|state| state.is_draining = true);
    }

    /// Does the server answer requests? It does so without a trusted certificate and while it drains, although it is
    /// not ready then.
    pub(super) fn accepts_requests(&self) -> bool {
        let state = self.state.borrow();
        state.is_draining || state.unmet.keys().all(|condition| *condition == Condition::Certificate)
    }

    /// Is the process ready?
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(|state| {
            let was_ready = state.is_ready();
            change(state);
            match (was_ready, state.is_ready()) {
                (false, true) => tracing::info!("ready"),
                (true, false) => tracing::warn!(reason = state.text(), "not ready"),
                _ => {}
            }
        });
    }
}

impl State {
    fn is_ready(&self) -> bool {
        self.unmet.is_empty() && !self.is_draining
    }

    /// The body of `/readyz`.
    fn text(&self) -> String {
        let readiness = if self.is_draining {
            "not ready: draining".to_owned()
        } else if self.unmet.is_empty() {
            "ok".to_owned()
        } else {
            format!("not ready: {}", self.unmet.values().map(String::as_str).collect::<Vec<_>>().join("; "))
        };
        self.notes.values().fold(readiness, |text, note| format!("{text}\n{note}"))
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// `/livez` (200 while the process runs), `/readyz` (200, or 503 with the reasons) and `/metrics` (OpenMetrics: the
/// text that `metrics` returns). `metrics` is called at every scrape and must not block.
pub fn health_router(health: Arc<Health>, metrics: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async move || readiness(&health)))
        .route("/metrics", get(async move || ([(CONTENT_TYPE, OPEN_METRICS)], metrics())))
}

fn readiness(health: &Health) -> impl IntoResponse + use<> {
    let state = health.state.borrow();
    (if state.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, state.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(health: &Health) -> String {
        health.state.borrow().text()
    }

    #[test]
    fn readiness_requires_every_condition_and_a_drain_is_final() {
        let health = Health::new();
        assert_eq!(text(&health), "not ready: starting");
        health.set_unmet(Condition::Certificate, "no certificate");
        health.set_met(Condition::Start);
        assert_eq!(text(&health), "not ready: no certificate");
        assert!(!health.is_ready() && health.accepts_requests(), "a request is answered without a trusted certificate");
        health.set_unmet(Condition::RelatedObjects, "not cached yet");
        assert_eq!(text(&health), "not ready: no certificate; not cached yet");
        assert!(!health.accepts_requests());
        health.set_met(Condition::Certificate);
        health.set_met(Condition::RelatedObjects);
        health.set_note(HealthNote::RelatedObjects, Some("cache: stale".to_owned()));
        health.set_note(HealthNote::Policy, Some("policy: the previous one is used".to_owned()));
        assert!(health.is_ready() && text(&health) == "ok\npolicy: the previous one is used\ncache: stale");
        health.set_note(HealthNote::Policy, None);
        assert_eq!(text(&health), "ok\ncache: stale");
        health.drain();
        health.set_met(Condition::Start);
        assert!(!health.is_ready() && health.accepts_requests());
        assert!(text(&health).starts_with("not ready: draining"));
    }
}
