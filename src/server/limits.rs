//! What one listening socket allows. docs/serving.md says why, and what happens at each limit.

use crate::admission::routes::BODY_BYTES;
use clap::{Args, value_parser};
use humantime::{format_duration, parse_duration};
use std::time::Duration;

/// Bounds of a listening socket. The defaults are those of a replica in a cluster.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Open connections; further ones wait in the socket's queue
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.connections, value_parser = value_parser!(u32).range(1..))]
    pub connections: u32,
    /// TLS handshakes at once, counted from a whole `ClientHello`; further ones wait
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.handshakes, value_parser = value_parser!(u32).range(1..))]
    pub handshakes: u32,
    /// From the connection to the end of its TLS handshake
    #[arg(long, value_name = "DURATION", default_value = shown(Self::DEFAULT.handshake_timeout), value_parser = duration)]
    pub handshake_timeout: Duration,
    /// How long a connection may be idle; must be longer than the 90 s that the API server keeps one
    #[arg(long, value_name = "DURATION", default_value = shown(Self::DEFAULT.keep_alive_idle), value_parser = duration)]
    pub keep_alive_idle: Duration,
    /// From the first byte of a request to the end of its header section
    #[arg(long, value_name = "DURATION", default_value = shown(Self::DEFAULT.header_timeout), value_parser = duration)]
    pub header_timeout: Duration,
    /// Bytes of a request's header section
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.header_bytes, value_parser = value_parser!(u32).range(1024..))]
    pub header_bytes: u32,
    /// Header fields of a request
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.headers, value_parser = value_parser!(u32).range(1..))]
    pub headers: u32,
    /// From the header section to the end of the body; a request's own ?timeout=, less 200 ms, counts if it is shorter
    #[arg(long, value_name = "DURATION", default_value = shown(Self::DEFAULT.body_timeout), value_parser = duration)]
    pub body_timeout: Duration,
    /// Bytes of a request's body
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.body_bytes, value_parser = value_parser!(u32).range(1..))]
    pub body_bytes: u32,
    /// Bytes of all bodies at once, taken from their Content-Length before they are read
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.bodies_bytes, value_parser = value_parser!(u32).range(1..))]
    pub bodies_bytes: u32,
    /// Reviews at once, counted from a whole body
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.reviews, value_parser = value_parser!(u32).range(1..))]
    pub reviews: u32,
    /// How long a client may take nothing of its answer
    #[arg(long, value_name = "DURATION", default_value = shown(Self::DEFAULT.answer_timeout), value_parser = duration)]
    pub answer_timeout: Duration,
}

impl Limits {
    const DEFAULT: Self = Self {
        connections: 2048,
        handshakes: 256,
        handshake_timeout: Duration::from_secs(5),
        keep_alive_idle: Duration::from_mins(2),
        header_timeout: Duration::from_secs(10),
        header_bytes: 16 * 1024,
        headers: 64,
        body_timeout: Duration::from_secs(10),
        body_bytes: BODY_BYTES,
        bodies_bytes: 2 * BODY_BYTES,
        reviews: 64,
        answer_timeout: Duration::from_secs(10),
    };

    /// For the health port: few clients, short requests.
    pub(super) fn health() -> Self {
        Self { connections: 256, ..Self::DEFAULT }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn shown(duration: Duration) -> String {
    format_duration(duration).to_string()
}

/// Nothing can be done in no time at all.
fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it like 10s or 500ms")),
    }
}
