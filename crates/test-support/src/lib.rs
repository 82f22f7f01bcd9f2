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

use apim_keyless_core::policy::Date;

/// The day of the evaluations that do not test exceptions.
pub const TODAY: Date = Date::constant(2027, 1, 1);

pub mod azure;
pub mod browser;
pub mod control_plane;
pub mod corpus;
pub mod fuzz_targets;
pub mod gateways;
pub mod generate;
pub mod go_tools;
pub mod helm;
pub mod key_sources;
pub mod measured_command;
pub mod npm;
pub mod project;
pub mod python;
pub mod report_schema;
pub mod run;
pub mod sarif_schema;
pub mod webhook;
pub mod worst_case;
