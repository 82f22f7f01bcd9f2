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

/// A value of `RUST_LOG` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "RUST_LOG: part {part} is neither a level nor TARGET=LEVEL; write off, error, warn, info, debug or trace, for \
     example info,apim_keyless::admission=debug"
)]
pub struct LogLevelError {
    /// Which of the parts between commas, from 1.
    part: usize,
}

/// Starts the log. The default format is text if stderr is a terminal, else JSON. `RUST_LOG` sets the level (default
/// `info`) for everything or per target: `info,apim_keyless::admission=debug`. The target `kube_client` is off unless it
/// is named: the messages of this project say the same, once.
///
/// Only the first call in a process has an effect.
///
/// # Errors
/// `RUST_LOG` is malformed.
pub fn start_log(format: Option<LogFormat>) -> Result<(), LogLevelError> {
    let levels = levels(&std::env::var("RUST_LOG").unwrap_or_default())?;
    let format = format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let started = log_to(stderr, format, stderr().is_terminal(), levels).try_init();
    // fails if a log was started before; that one stays in use
    drop(started);
    Ok(())
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

/// The target of the Kubernetes client's own messages.
const CLIENT: &str = "kube_client";

/// The levels that a text sets; `info` if it is empty. A word that is not a level is an error: it would be the name of a
/// target, and nothing else would be logged.
fn levels(text: &str) -> Result<Targets, LogLevelError> {
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    let mut is_client_named = false;
    let parts = text.split(',').map(str::trim).enumerate().filter(|(_, part)| !part.is_empty());
    let mut is_default_set = false;
    for (index, part) in parts {
        let error = || LogLevelError { part: index + 1 };
        let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        let level: LevelFilter = level.parse().map_err(|_| error())?;
        targets = match target {
            None => {
                is_default_set = true;
                targets.with_default(level)
            }
            Some(target) if !is_target(target) => return Err(error()),
            Some(target) => {
                is_client_named |= target.starts_with(CLIENT);
                targets.with_target(target, level)
            }
        };
    }
    // as in every program with RUST_LOG: naming a target switches the others off
    if !is_default_set && targets.iter().next().is_some() {
        targets = targets.with_default(LevelFilter::ERROR);
    }
    Ok(if is_client_named { targets } else { targets.with_target(CLIENT, LevelFilter::OFF) })
}

/// Whether a text is the path of a module.
fn is_target(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_:-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_is_set_for_everything_or_for_a_target() {
        for (text, target, level, expected) in [
            ("", "apim_keyless", Level::INFO, true),
            ("", "apim_keyless", Level::DEBUG, false),
            ("warn", "apim_keyless", Level::INFO, false),
            ("info,apim_keyless::admission=debug", "apim_keyless::admission::routes", Level::DEBUG, true),
            ("info, apim_keyless::admission=debug", "apim_keyless::cluster", Level::DEBUG, false),
            ("apim_keyless=info", "rustls", Level::INFO, false),
            ("off", "apim_keyless", Level::ERROR, false),
            ("debug", "kube_client::client", Level::ERROR, false),
            ("info,kube_client=debug", "kube_client::client", Level::DEBUG, true),
        ] {
            assert_eq!(levels(text).unwrap().would_enable(target, &level), expected, "{text}: {target}");
        }
    }

    #[test]
    fn what_is_neither_a_level_nor_a_target_with_a_level_is_an_error() {
        for (text, part) in
            [("inof", 1), ("verbose", 1), ("info,apim_keyless", 2), ("a=b", 1), ("=info", 1), ("info;debug", 1)]
        {
            assert_eq!(levels(text).err(), Some(LogLevelError { part }), "{text}");
        }
    }
}
