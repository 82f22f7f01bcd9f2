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
mod advice;
mod agreement;
mod architecture;
mod bypasses;
mod ca_rotation;
mod canaries;
mod cli;
mod corpus;
mod edge;
mod endpoints;
mod entra_app;
mod environment;
mod exceptions;
mod findings;
mod fuzz;
mod guides;
mod limits;
mod long_texts;
mod metrics;
mod migrate;
mod migration_sources;
mod odd_characters;
mod packages;
mod pipelines;
mod plan;
mod possible_gateways;
mod properties;
mod rule_docs;
mod said_once;
mod schema;
mod server;
mod shapes;
mod site;
mod soundness;
mod words;
mod worst_case;
