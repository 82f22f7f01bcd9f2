//! The output and the exit codes of the binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod run;

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/certs.rs"]
mod certs;
#[path = "cli/changes.rs"]
mod changes;
#[path = "cli/exit_codes.rs"]
mod exit_codes;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/json.rs"]
mod json;
#[path = "cli/pipes.rs"]
mod pipes;
#[path = "cli/policy.rs"]
mod policy;
#[path = "cli/positions.rs"]
mod positions;
#[path = "cli/review.rs"]
mod review;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/serve.rs"]
mod serve;
#[path = "cli/text.rs"]
mod text;
#[path = "cli/together.rs"]
mod together;
