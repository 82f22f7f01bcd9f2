//! The options of `cargo bench --bench worst_case --`.

use clap::Parser;
use test_support::worst_case::Shape;

/// Searches the most expensive review
#[derive(Debug, Parser)]
#[command(name = "worst_case")]
pub(crate) struct Options {
    /// Length of the search in minutes, after each part was tried
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    pub(crate) minutes: f64,
    /// Start of the random numbers: another seed searches elsewhere
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u8,
    /// Length of an object during the search, in bytes
    #[arg(long, value_name = "N", default_value_t = 64 * 1024)]
    pub(crate) bytes: usize,
    /// Number of rows of the table for CPU time, and for memory
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) rows: usize,
    /// Measures only this shape, in the form that the table has
    #[arg(long, value_name = "SHAPE")]
    pub(crate) shape: Option<Shape>,
    /// Number of clients that send the worst reviews to a server at the same time; 0: none
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) callers: usize,
    /// Writes the table to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
    /// Cargo passes this to every benchmark
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}
