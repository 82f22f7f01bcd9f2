//! `schema`: prints a JSON schema.

use super::print;
use crate::cli::{SchemaArguments, SchemaName};
use apim_keyless_core::policy;
use std::process::ExitCode;

/// The schema of JSON reports, as it is published.
const REPORT: &str = include_str!("../../docs/schemas/report-v1.schema.json");

/// The schema of JSON plans, as it is published.
const PLAN: &str = include_str!("../../docs/schemas/plan-v1.schema.json");

/// Prints one schema.
pub(super) fn run(arguments: &SchemaArguments) -> anyhow::Result<ExitCode> {
    match arguments.name {
        SchemaName::Plan => print(PLAN)?,
        SchemaName::Policy => print(&format!("{:#}\n", policy::schema()))?,
        SchemaName::Report => print(REPORT)?,
    }
    Ok(ExitCode::SUCCESS)
}
