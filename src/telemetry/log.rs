//! Events as lines on stderr.

use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How an event is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// A JSON object a line.
    Json,
    /// A line for people.
    Text,
}

/// Starts the log. Without a format it is text on a terminal and JSON elsewhere; `RUST_LOG` sets levels
/// (default `info`), of all or by target: `info,apim_keyless::admission=debug`.
///
/// Only the first call of a process counts. From then on a panic is an event that names its place.
pub fn start_log(format: Option<LogFormat>) {
    let format = format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let started = log_to(stderr, format, stderr().is_terminal(), levels()).try_init();
    // a log that runs already keeps running
    drop(started);
    // what a panic says may quote an object, so only its place is told
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a defect: something panicked");
    }));
}

/// The log, as lines of `format` on any writer, of these levels; `has_colours` is for terminals.
pub fn log_to<W>(writer: W, format: LogFormat, has_colours: bool, levels: Targets) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_writer(writer).with_max_level(LevelFilter::TRACE).with_target(false);
    match format {
        LogFormat::Json => Dispatch::new(
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().with(levels),
        ),
        LogFormat::Text => Dispatch::new(builder.with_ansi(has_colours).finish().with(levels)),
    }
}

/// The levels of `RUST_LOG`, by target; `info` if it sets none that can be read.
fn levels() -> Targets {
    let told = std::env::var("RUST_LOG").ok().filter(|levels| !levels.is_empty());
    let levels = told.and_then(|levels| levels.parse().ok());
    levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}
