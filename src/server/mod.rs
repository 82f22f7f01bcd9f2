//! The listening side: sockets, TLS, HTTP/1.1, health, and how a server ends without losing a request. What is
//! answered is the router's business; this room decides nothing about policies.
//!
//! [`bind`] takes a port, [`serve`] answers HTTPS on it, [`serve_plain`] answers the health port. [`HttpsClient`] is the
//! other end, for demonstrations and tests.
//!
//! A connection goes through `accept` (the loop and the drain), `https` (the handshake), `connection` (HTTP/1.1) on a
//! stream with `patience` (slow clients), and each of its requests through `limiter` (bodies, overload, readiness) to the
//! router.

mod accept;
mod connection;
mod drain;
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
pub use health::{Health, Need, health_router};
pub use https::{ServerSettings, serve, serve_plain};
pub use https_client::{HttpsClient, HttpsClientError};
pub use limits::Limits;
pub use listener::{ListenError, bind};
pub use observer::{ConnectionObserver, Wait};
pub use rejection::Rejection;
