//! Limits of a listening socket. docs/serving.md says why each exists, and what happens when it is reached.

use crate::admission::routes::BODY_BYTES;
use clap::Args;
use humantime::{format_duration, parse_duration};
use std::time::Duration;

/// From this size of its body in bytes on, a review is long: it is evaluated on a thread of its own, because the other
/// tasks of an async thread would wait for it. At most [`Limits::long_reviews`] are evaluated at once, because each may
/// use much memory.
pub const LONG_REVIEW_BYTES: usize = 64 * 1024;

/// How many threads serve connections at most. Four answer more reviews than an API server sends, and each may use
/// memory for a review, so a node with many cores must not start more.
pub const SERVING_THREADS: usize = 4;

/// Limits of a listening socket. The defaults are those of a replica in a cluster.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Maximum number of open connections, shared fairly by peer address; further ones of an address are closed
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.connections, value_parser = number::<1>, allow_negative_numbers = true)]
    pub connections: u32,
    /// Maximum number of concurrent TLS handshakes of a peer address, each counted from its complete `ClientHello`;
    /// further ones wait
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.handshakes, value_parser = number::<1>, allow_negative_numbers = true)]
    pub handshakes: u32,
    /// Maximum time from the TCP connection to the end of the TLS handshake
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.handshake_timeout), value_parser = duration)]
    pub handshake_timeout: Duration,
    /// Maximum time a connection may be idle; must be longer than the 90 s that the API server keeps idle connections
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.keep_alive_idle), value_parser = keep_alive_idle)]
    pub keep_alive_idle: Duration,
    /// Maximum time from the first byte of a request to the end of its header section
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.header_timeout), value_parser = duration)]
    pub header_timeout: Duration,
    /// Maximum size of a request's header section in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.header_bytes, value_parser = number::<1024>, allow_negative_numbers = true)]
    pub header_bytes: u32,
    /// Maximum number of header fields of a request
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.headers, value_parser = number::<1>, allow_negative_numbers = true)]
    pub headers: u32,
    /// Maximum time from the header section to the end of the body; a shorter ?timeout= of the request, minus
    /// 200 ms, takes precedence
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.body_timeout), value_parser = duration)]
    pub body_timeout: Duration,
    /// Maximum size of a request body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.body_bytes, value_parser = number::<1>, allow_negative_numbers = true)]
    pub body_bytes: u32,
    /// Maximum total size of all concurrent request bodies in bytes, by their Content-Length, shared fairly by peer
    /// address. One address alone gets half, so set it to at least twice the size of the longest body
    #[arg(long, value_name = "BYTES", default_value_t = Self::DEFAULT.bodies_bytes, value_parser = number::<1>, allow_negative_numbers = true)]
    pub bodies_bytes: u32,
    /// Maximum number of concurrent reviews, each counted from its complete body, shared fairly by peer address
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.reviews, value_parser = number::<1>, allow_negative_numbers = true)]
    pub reviews: u32,
    /// Maximum number of reviews of 64 KiB or more that are evaluated at once; further ones wait, and peer addresses
    /// take turns
    #[arg(long, value_name = "NUMBER", default_value_t = Self::DEFAULT.long_reviews, value_parser = number::<1>, allow_negative_numbers = true)]
    pub long_reviews: u32,
    /// Maximum time a client may read nothing of its response
    #[arg(long, value_name = "DURATION", default_value = formatted(Self::DEFAULT.response_timeout), value_parser = duration)]
    pub response_timeout: Duration,
}

impl Limits {
    const DEFAULT: Self = Self {
        connections: 1024,
        handshakes: 64,
        handshake_timeout: Duration::from_secs(5),
        keep_alive_idle: Duration::from_mins(2),
        header_timeout: Duration::from_secs(10),
        header_bytes: 16 * 1024,
        headers: 64,
        body_timeout: Duration::from_secs(10),
        body_bytes: BODY_BYTES,
        bodies_bytes: 4 * BODY_BYTES,
        reviews: 64,
        long_reviews: 1,
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

/// How long the API server keeps an idle connection to a webhook: the default of Go's HTTP client.
const IDLE_AT_CLIENT: Duration = Duration::from_secs(90);

/// Parses the time that a connection may be idle. A shorter one is an error: the API server would send reviews on
/// connections that the server closes, and does not repeat them.
fn keep_alive_idle(text: &str) -> Result<Duration, String> {
    let idle = duration(text)?;
    if idle > IDLE_AT_CLIENT {
        return Ok(idle);
    }
    Err("write a duration longer than 90s: the API server uses a connection again that was idle for so long".to_owned())
}

/// Parses a whole number of at least `LEAST`.
fn number<const LEAST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|number| *number >= LEAST);
    number.ok_or_else(|| format!("write a whole number, {LEAST} or more, without a unit"))
}

/// Parses a duration. Zero is an error: every request would time out.
fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("write a duration that is longer than 0, such as 10s".to_owned()),
        Ok(duration) => Ok(duration),
        Err(_) => Err("write a number and a unit, such as 10s or 500ms".to_owned()),
    }
}
