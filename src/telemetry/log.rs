//! Events as lines on stderr.

use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// How an event is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// A JSON object a line.
    Json,
    /// A line for people.
    Text,
}

/// Starts the log. Without a format it is text on a terminal and JSON elsewhere; `RUST_LOG` sets levels (default `info`).
///
/// Only the first call of a process counts.
pub fn start_log(format: Option<LogFormat>) {
    let format = format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_writer(stderr).with_env_filter(filter);
    let started = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_target(false).try_init(),
        LogFormat::Text => builder.with_target(false).with_ansi(stderr().is_terminal()).try_init(),
    };
    // a log that runs already keeps running
    drop(started);
}
