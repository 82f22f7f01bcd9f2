//! The listening side: sockets, TLS, HTTP/1.1, health, and how a server ends without losing a request. What is
//! answered is the router's business; this room decides nothing about policies.
//!
//! [`bind`] takes a port, [`serve`] answers HTTPS on it, [`serve_plain`] answers the health port. [`Client`] is the
//! other end, for demonstrations and tests.
//!
//! A connection goes through `accept` (the loop and the drain), `https` (the handshake), `connection` (HTTP/1.1) on a
//! stream with `patience` (slow clients), and each of its requests through `gate` (bodies, overload, readiness) to the
//! router.

mod accept;
mod client;
mod connection;
mod drain;
mod gate;
mod health;
mod https;
mod limits;
mod listener;
mod observer;
mod patience;
mod refusal;

pub use client::{Client, ClientError};
pub use drain::Drain;
pub use health::{Health, Need, health_router};
pub use https::{Site, serve, serve_plain};
pub use limits::Limits;
pub use listener::{ListenError, bind};
pub use observer::{Observer, Wait};
pub use refusal::Refusal;
