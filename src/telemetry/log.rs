//! The log: one line per event on stderr.

use clap::ValueEnum;
use std::io::{IsTerminal, Write, stderr};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Format of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line
    Json,
    /// Text for people
    Text,
}

/// Starts the log. The default format is text if stderr is a terminal, else JSON. `RUST_LOG` sets the level (default
/// `info`) for everything or per target: `info,apim_keyless::admission=debug`.
///
/// Only the first call in a process has an effect.
pub fn start_log(format: Option<LogFormat>) {
    let format = format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let started = log_to(stderr, format, stderr().is_terminal(), levels()).try_init();
    // fails if a log was started before; that one stays in use
    drop(started);
}

/// From now on, a panic shows its source location and not its text, which can contain parts of an object: in the log if
/// it was started, else on stderr.
pub fn hide_panic_texts() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        if tracing::dispatcher::has_been_set() {
            tracing::error!(at, "panic: this is a bug in apim-keyless");
        } else {
            // if stderr is closed, only the exit code reports the panic
            _ = writeln!(stderr(), "error: panic at {at}: this is a bug in apim-keyless; report it");
        }
    }));
}

/// A log that writes lines of `format` to `writer`, filtered by `levels`. `has_colors` is for terminals.
pub fn log_to<W>(writer: W, format: LogFormat, has_colors: bool, levels: Targets) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_writer(writer).with_max_level(LevelFilter::TRACE).with_target(false);
    match format {
        LogFormat::Json => Dispatch::new(
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().with(levels),
        ),
        LogFormat::Text => Dispatch::new(builder.with_ansi(has_colors).finish().with(levels)),
    }
}

/// The levels of `RUST_LOG`; `info` if it is unset, empty or malformed.
fn levels() -> Targets {
    let variable = std::env::var("RUST_LOG").ok().filter(|levels| !levels.is_empty());
    let levels = variable.and_then(|levels| levels.parse().ok());
    levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}
