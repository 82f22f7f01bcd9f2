//! The options of `cargo bench --bench serving --`.

use crate::case::{CASES, Case};
use clap::Parser;
use std::time::Duration;

/// Measures the cost of a served review, compared with two floors
#[derive(Debug, Parser)]
#[command(name = "serving")]
pub(crate) struct Options {
    /// Number of turns of each server
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) alternations: u32,
    /// Length of each turn in seconds
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Measures only the cases whose names contain this, under every load
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) case: String,
    /// Measures each server for a minute at half of its capacity, then the webhook for ten minutes at full capacity
    #[arg(long)]
    pub(crate) long: bool,
    /// Writes the tables to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
    /// Cargo passes this to every benchmark
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Options {
    /// The selected cases.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &'static Case> {
        CASES.iter().filter(|case| case.name.contains(&self.case))
    }

    /// Is the case measured under every load, and not only under the one that measures its cost?
    pub(crate) fn has_all_loads(&self, case: &Case) -> bool {
        !self.case.is_empty() || case.name == "chart-validate"
    }

    /// Length of a turn.
    pub(crate) fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}
