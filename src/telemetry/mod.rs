//! The log and the metrics of the program itself.

mod cluster_metrics;
mod connection_metrics;
mod log;
mod metrics;

pub use cluster_metrics::ClusterMetrics;
pub use connection_metrics::ConnectionMetrics;
pub use log::{LogFormat, log_to, start_log};
pub use metrics::Metrics;
