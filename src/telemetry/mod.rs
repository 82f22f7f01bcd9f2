//! The log and the metrics.

mod cluster_metrics;
mod connection_metrics;
mod log;
mod metrics;

pub use cluster_metrics::{ClusterMetrics, PolicyReload};
pub use connection_metrics::ConnectionMetrics;
pub use log::{LogFormat, log_to, start_log};
pub use metrics::Metrics;
