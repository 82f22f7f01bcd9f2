//! The log, the metrics and the traces.

mod audit_metrics;
mod connection_metrics;
mod log;
mod metrics;
mod runtime_metrics;
mod traces;

pub use audit_metrics::{AuditMetrics, AuditPart};
pub use connection_metrics::ConnectionMetrics;
pub use log::{LogFormat, LogLevelError, hide_panic_texts, log_to, start_log};
pub use metrics::Metrics;
pub use runtime_metrics::{PolicyReload, RuntimeMetrics};
pub use traces::{OtlpEndpoint, TraceExporter};
