//! What a write costs through a real API server: without anybody at its doors, with us, and with admission policies of
//! Kubernetes' own that do as much of the same as they can. `docs/performance.md` has the figures.
//!
//! `cargo bench --bench writes` measures; `cargo test` goes through all of it once with a few writes and looks at what
//! comes of them, not at figures.

#![allow(clippy::unwrap_used, reason = "a benchmark of something else than was meant must not go on")]
#![allow(clippy::indexing_slicing, reason = "a serde_json::Value answers null")]
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../../tests/control_plane/mod.rs"]
mod control_plane;
mod figures;
#[path = "../../tests/helm/mod.rs"]
mod helm;
mod outcome;
mod processes;
mod series;
mod set_up;
mod statistics;
#[path = "../../tests/webhook/mod.rs"]
mod webhook;
mod write;

use clap::Parser;
use control_plane::ControlPlane;
use helm::Helm;
use libtest_mimic::{Arguments, Trial};
use series::{Coverage, Stage};
use std::env;
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Builder;
use webhook::Webhook;

/// Measures what a write costs through a real API server.
#[derive(Parser)]
struct Options {
    /// How often all is measured, which tells how far the figures can be trusted
    #[arg(long, default_value_t = 5)]
    alternations: usize,
    /// How many writes of each sort, under each set-up, are one measurement
    #[arg(long, default_value_t = 400)]
    writes: usize,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    // cargo test doesn't say it, but what it says to every test: filters, --list, --nocapture
    if !env::args().any(|argument| argument == "--bench") {
        let few = Coverage { alternations: 1, rounds: 1, writes: 3, warm_up: 1, pause: PAUSE / 10 };
        let trial = Trial::test("every_write_comes_out_as_its_set_up_has_it", move || {
            print(&few);
            Ok(())
        });
        return libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code();
    }
    let Options { alternations, writes, .. } = Options::parse();
    print(&Coverage { alternations, rounds: ROUNDS, writes: writes.div_ceil(ROUNDS), warm_up: 5, pause: PAUSE });
    ExitCode::SUCCESS
}

/// Among how many turns the writes of an alternation are shared out.
const ROUNDS: usize = 8;

/// For how long is looked at what the servers do by themselves, under each set-up in each alternation.
const PAUSE: Duration = Duration::from_secs(1);

/// Nothing where there is no control plane or no Helm, which standard error says.
fn print(coverage: &Coverage) {
    let Some(control_plane) = ControlPlane::shared_without_controllers() else { return };
    let (Some(helm), Some(webhook)) = (Helm::shared(), Webhook::start()) else { return };
    let _logs = control_plane.show_logs_on_panic();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let measured = runtime.block_on(async { Stage::set(&webhook, helm).await.measure(coverage).await });
    println!("{}", figures::tables(&measured));
}
