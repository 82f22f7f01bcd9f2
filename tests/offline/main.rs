//! Tests that need no cluster: the evaluation, the server, the files and the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test fails by panicking, and may print what it tested"
)]

mod admission;
mod architecture;
mod bypasses;
mod ca_rotation;
mod canaries;
mod cli;
mod corpus;
mod edge;
mod endpoints;
mod environment;
mod findings;
mod fuzz;
mod guides;
mod metrics;
mod properties;
mod rule_docs;
mod schema;
mod server;
mod shapes;
mod words;
