//! Events as lines on stderr.

use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

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
/// Only the first call of a process counts. From then on a panic is an event that names its place.
pub fn start_log(format: Option<LogFormat>) {
    let format = format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let started = log_to(stderr, format, stderr().is_terminal()).try_init();
    // a log that runs already keeps running
    drop(started);
    // what a panic says may quote an object, so only its place is told
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a defect: something panicked");
    }));
}

/// The log, as lines of `format` on any writer; `has_colours` is for terminals.
pub fn log_to<W>(writer: W, format: LogFormat, has_colours: bool) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter);
    match format {
        LogFormat::Json => Dispatch::new(builder.json().flatten_event(true).with_target(false).finish()),
        LogFormat::Text => Dispatch::new(builder.with_target(false).with_ansi(has_colours).finish()),
    }
}
