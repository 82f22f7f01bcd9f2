//! What can be typed behind `cargo bench --bench serving --`.

use crate::case::{CASES, RuleInput};
use clap::Parser;
use std::time::Duration;

/// Measures the webhook as it is served, against two floors.
#[derive(Debug, Parser)]
#[command(name = "serving")]
pub(crate) struct Options {
    /// How often the servers take turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) alternations: u32,
    /// How long each turn is
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Only the cases whose names hold this, but under every load
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) case: String,
    /// Instead of all that: a minute at half of the capacity, then ten minutes at the whole of it
    #[arg(long)]
    pub(crate) long: bool,
    /// Write the table to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
    /// Cargo says so to every benchmark
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Options {
    /// The cases that are meant.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &'static RuleInput> {
        CASES.iter().filter(|case| case.name.contains(&self.case))
    }

    /// Whether a case is put under every load, not only under that which tells its cost.
    pub(crate) fn is_whole(&self, case: &RuleInput) -> bool {
        !self.case.is_empty() || case.name == "chart-validate"
    }

    /// How long a turn is.
    pub(crate) fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}
