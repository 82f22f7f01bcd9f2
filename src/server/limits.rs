//! Limits of a listening socket. docs/serving.md says why each exists, and what happens when it is reached.

use crate::admission::routes::BODY_BYTES;
use clap::{Args, value_parser};
use humantime::{format_duration, parse_duration};
use std::time::Duration;

/// Limits of a listening socket. The defaults are those of a replica in a cluster.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Maximum number of open connections; further ones wait in the socket's queue
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.connections, value_parser = value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Maximum number of concurrent TLS handshakes, each counted from its complete `ClientHello`; further ones wait
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.handshakes, value_parser = value_parser!(u32).range(1..))]
    pub handshakes: u32,
    /// Maximum time from the TCP connection to the end of the TLS handshake
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.handshake_timeout), value_parser = duration)]
    pub handshake_timeout: Duration,
    /// Maximum time a connection may be idle; must be longer than the 90 s that the API server keeps idle connections
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.keep_alive_idle), value_parser = duration)]
    pub keep_alive_idle: Duration,
    /// Maximum time from the first byte of a request to the end of its header section
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.header_timeout), value_parser = duration)]
    pub header_timeout: Duration,
    /// Maximum size of a request's header section in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.header_bytes, value_parser = value_parser!(u32).range(1024..))]
    pub header_bytes: u32,
    /// Maximum number of header fields of a request
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.headers, value_parser = value_parser!(u32).range(1..))]
    pub headers: u32,
    /// Maximum time from the header section to the end of the body; a shorter ?timeout= of the request, minus
    /// 200 ms, takes precedence
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.body_timeout), value_parser = duration)]
    pub body_timeout: Duration,
    /// Maximum size of a request body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.body_bytes, value_parser = value_parser!(u32).range(1..))]
    pub body_bytes: u32,
    /// Maximum total size of all concurrent request bodies in bytes, by their Content-Length
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.bodies_bytes, value_parser = value_parser!(u32).range(1..))]
    pub bodies_bytes: u32,
    /// Maximum number of concurrent reviews, each counted from its complete body
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.reviews, value_parser = value_parser!(u32).range(1..))]
    pub reviews: u32,
    /// Maximum time a client may read nothing of its response
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.response_timeout), value_parser = duration)]
    pub response_timeout: Duration,
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
        response_timeout: Duration::from_secs(10),
    };

    /// For the health port, which has few clients and short requests.
    pub(super) fn health() -> Self {
        Self { connections: 256, ..Self::DEFAULT }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn formatted(duration: Duration) -> String {
    format_duration(duration).to_string()
}

/// Parses a duration. Zero is an error: every request would time out.
fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; expected a duration such as 10s or 500ms")),
    }
}
