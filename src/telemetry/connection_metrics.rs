//! Metrics of the listening side.

use crate::server::{ConnectionObserver, Rejection, Wait};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What happens on the port for reviews. Clones count into the same families.
#[derive(Clone, Default)]
pub struct ConnectionMetrics {
    open: Gauge,
    handshake_failures: Counter,
    timeouts: Family<WaitLabels, Counter>,
    refused_requests: Family<ReasonLabels, Counter>,
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
        registry.register("open_connections", "Connections that are open, idle ones included", self.open.clone());
        registry.register("handshake_failures", "TLS handshakes that failed", self.handshake_failures.clone());
        registry.register("timeouts", "Clients that took too long, by what was waited for", self.timeouts.clone());
        registry.register(
            "refused_requests",
            "Requests that were turned away before they were looked at, by reason",
            self.refused_requests.clone(),
        );
        registry.register("panics", "Defects: judgements that broke down, and connections", self.panics.clone());
    }
}

impl ConnectionObserver for ConnectionMetrics {
    fn opened(&self) {
        self.open.inc();
    }

    fn closed(&self) {
        self.open.dec();
    }

    fn handshake_failed(&self) {
        self.handshake_failures.inc();
    }

    fn timed_out(&self, wait: Wait) {
        self.timeouts.get_or_create(&WaitLabels { wait: wait.name() }).inc();
    }

    fn rejected(&self, rejection: Rejection) {
        self.refused_requests.get_or_create(&ReasonLabels { reason: rejection.name() }).inc();
    }

    fn panicked(&self) {
        self.panics.inc();
    }
}
