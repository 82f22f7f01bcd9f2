//! The export of traces while the server runs.

use crate::telemetry::TraceExporter;
use tokio::sync::oneshot::{Sender, channel};
use tokio::task::JoinHandle;

/// The running export of traces.
pub(super) struct Traces {
    stop: Sender<()>,
    exporting: JoinHandle<()>,
}

impl Traces {
    pub(super) fn start(exporter: TraceExporter) -> Self {
        let (stop, stopped) = channel();
        Self { stop, exporting: tokio::spawn(exporter.run(stopped)) }
    }

    /// Sends the spans that wait.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // it ends by itself: each call of the collector has a time limit
        _ = self.exporting.await;
    }
}
