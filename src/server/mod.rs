//! The listening side: sockets, TLS, HTTP/1.1, health, and how a server ends without losing a request. What is
//! answered is the router's business; this room decides nothing about policies.
//!
//! [`bind`] takes a port, [`serve`] answers HTTPS on it, [`serve_plain`] answers the health port. [`Client`] is the
//! other end, for demonstrations and tests.

mod accept;
mod client;
mod connection;
mod health;
mod https;
mod limits;
mod listener;

pub use client::{Client, ClientError};
pub use health::{Health, health_router};
pub use https::{Site, serve, serve_plain};
pub use limits::Limits;
pub use listener::{ListenError, bind};
