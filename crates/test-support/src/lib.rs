//! What more than one test binary, benchmark or fuzz target uses: a real control plane, the webhook under test, runs of
//! the binary, and generated objects. Nothing but tests depends on this crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "only tests call this, and an error here fails the test by a panic"
)]

pub mod control_plane;
pub mod fuzz_targets;
pub mod gateways;
pub mod generate;
pub mod go_tools;
pub mod helm;
pub mod key_sources;
pub mod project;
pub mod report_schema;
pub mod run;
pub mod webhook;
