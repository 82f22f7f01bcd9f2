//! Metrics of the port for reviews.

use crate::server::{ConnectionObserver, Rejection, Wait};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Metrics of the port for reviews. Clones share the same metrics.
#[derive(Clone, Default)]
pub struct ConnectionMetrics {
    open: Gauge,
    rejected_connections: Counter,
    handshake_failures: Counter,
    timeouts: Family<WaitLabels, Counter>,
    rejected_requests: Family<ReasonLabels, Counter>,
    pub(super) panics: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WaitLabels {
    wait: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl ConnectionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("open_connections", "Open connections, including idle ones", self.open.clone());
        let help = "Connections that were closed at once, because their address holds its share of --connections";
        registry.register("rejected_connections", help, self.rejected_connections.clone());
        registry.register("handshake_failures", "Failed TLS handshakes", self.handshake_failures.clone());
        let help = "Timeouts of clients, by what the server waited for";
        registry.register("timeouts", help, self.timeouts.clone());
        let help = "Requests that were rejected before evaluation, by reason";
        registry.register("rejected_requests", help, self.rejected_requests.clone());
        registry.register("panics", "Panics in evaluations and connections: bugs", self.panics.clone());
    }
}

impl ConnectionObserver for ConnectionMetrics {
    fn opened(&self) {
        self.open.inc();
    }

    fn closed(&self) {
        self.open.dec();
    }

    fn connection_rejected(&self) {
        self.rejected_connections.inc();
    }

    fn handshake_failed(&self) {
        self.handshake_failures.inc();
    }

    fn timed_out(&self, wait: Wait) {
        self.timeouts.get_or_create(&WaitLabels { wait: wait.name() }).inc();
    }

    fn rejected(&self, rejection: Rejection) {
        self.rejected_requests.get_or_create(&ReasonLabels { reason: rejection.name() }).inc();
    }

    fn panicked(&self) {
        self.panics.inc();
    }
}
