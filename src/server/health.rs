//! What probes and scrapers ask on the health port.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::collections::BTreeMap;
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

/// What a process needs to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A certificate that callers trust. Whoever gets through all the same is answered.
    Certificate,
    /// The start itself.
    Start,
    /// What stands beside an object that is judged.
    RelatedObjects,
}

#[derive(Debug, Default)]
struct State {
    missing: BTreeMap<Need, String>,
    remark: Option<String>,
    is_draining: bool,
}

impl Health {
    /// Not ready, because it is starting.
    pub fn new() -> Self {
        let missing = BTreeMap::from([(Need::Start, "starting".to_owned())]);
        Self { state: watch::Sender::new(State { missing, ..State::default() }) }
    }

    /// In need of nothing, from first to last.
    pub(super) fn unconditional() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    /// A need is met.
    pub fn has(&self, need: Need) {
        self.change(|state| _ = state.missing.remove(&need));
    }

    /// A need is not met; whoever asks is told the reason, which must hold no secret.
    pub fn lacks(&self, need: Need, reason: impl Into<String>) {
        self.change(|state| _ = state.missing.insert(need, reason.into()));
    }

    /// Something that whoever asks should know, ready or not; it must hold no secret.
    pub fn remark(&self, remark: Option<String>) {
        self.state.send_modify(|state| state.remark = remark);
    }

    /// The process is about to end.
    pub fn drain(&self) {
        self.state.send_modify(|state| state.is_draining = true);
    }

    /// Are requests that come all the same answered? While the process drains they are.
    pub(super) fn takes_requests(&self) -> bool {
        let state = self.state.borrow();
        state.is_draining || state.missing.keys().all(|need| *need == Need::Certificate)
    }

    /// May requests come?
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(|state| {
            let was_ready = state.is_ready();
            change(state);
            match (was_ready, state.is_ready()) {
                (false, true) => tracing::info!("ready"),
                (true, false) => tracing::warn!(reason = state.answer(), "not ready"),
                _ => {}
            }
        });
    }
}

impl State {
    fn is_ready(&self) -> bool {
        self.missing.is_empty() && !self.is_draining
    }

    /// What whoever asks is told.
    fn answer(&self) -> String {
        let readiness = if self.is_draining {
            "not ready: draining".to_owned()
        } else if self.missing.is_empty() {
            "ok".to_owned()
        } else {
            format!("not ready: {}", self.missing.values().map(String::as_str).collect::<Vec<_>>().join("; "))
        };
        self.remark.iter().fold(readiness, |answer, remark| format!("{answer}\n{remark}"))
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// `/livez` (200 as long as the process answers), `/readyz` (200, or 503 with the reasons) and `/metrics` (OpenMetrics,
/// the text that `metrics` returns; it is called at every scrape and must not block).
pub fn health_router(health: Arc<Health>, metrics: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async move || readiness(&health)))
        .route("/metrics", get(async move || ([(CONTENT_TYPE, OPEN_METRICS)], metrics())))
}

fn readiness(health: &Health) -> impl IntoResponse + use<> {
    let state = health.state.borrow();
    (if state.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, state.answer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(health: &Health) -> String {
        health.state.borrow().answer()
    }

    #[test]
    fn every_need_counts_and_a_drain_is_final() {
        let health = Health::new();
        assert_eq!(answer(&health), "not ready: starting");
        health.lacks(Need::Certificate, "no certificate");
        health.has(Need::Start);
        assert_eq!(answer(&health), "not ready: no certificate");
        assert!(!health.is_ready() && health.takes_requests(), "who gets through is answered");
        health.lacks(Need::RelatedObjects, "not seen yet");
        assert_eq!(answer(&health), "not ready: no certificate; not seen yet");
        assert!(!health.takes_requests());
        health.has(Need::Certificate);
        health.has(Need::RelatedObjects);
        health.remark(Some("policy: the old one counts".to_owned()));
        assert!(health.is_ready() && answer(&health) == "ok\npolicy: the old one counts");
        health.drain();
        health.has(Need::Start);
        assert!(!health.is_ready() && health.takes_requests());
        assert!(answer(&health).starts_with("not ready: draining"));
    }
}
