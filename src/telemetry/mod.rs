//! What is told of the program itself: its log and its metrics.

mod connections;
mod log;
mod metrics;
mod upkeep;

pub use connections::Connections;
pub use log::{LogFormat, log_to, start_log};
pub use metrics::Metrics;
pub use upkeep::Upkeep;
