//! The server: listening sockets, TLS, HTTP/1.1, health, and a shutdown that loses no request. The router decides
//! what is answered; this module knows nothing of policies.
//!
//! [`bind`] binds a port, [`serve`] serves HTTPS on it, and [`serve_plain`] serves the health port. [`HttpsClient`]
//! is a client for `serve --examples` and tests.
//!
//! A connection passes `accept` (accept loop and drain), `https` (TLS handshake) and `connection` (HTTP/1.1), on a
//! stream of `timeouts` (slow clients). Each of its requests passes `limiter` (bodies, overload, readiness) and then
//! the router. `fair_pool` shares the limits fairly by peer address.

mod accept;
mod connection;
mod drain;
mod fair_pool;
mod health;
mod https;
mod https_client;
mod limiter;
mod limits;
mod listener;
mod observer;
mod rejection;
mod timeouts;

pub use drain::Drain;
pub use health::{Condition, Health, HealthNote, health_router};
pub use https::{ServerSettings, serve, serve_plain};
pub use https_client::{HttpsClient, HttpsClientError};
pub use limits::{LONG_REVIEW_BYTES, Limits, SERVING_THREADS};
pub use listener::{ListenError, bind};
pub use observer::{ConnectionObserver, Wait};
pub use rejection::Rejection;
