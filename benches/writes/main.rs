//! Measures the cost of a write through a real API server: without a webhook, with apim-keyless, and with Kubernetes'
//! own admission policies, which express those of the rules that CEL can express. `docs/performance.md` has the
//! figures.
//!
//! `cargo bench --bench writes` measures. `cargo test` runs every set-up once with a few writes and verifies their
//! results, without figures.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::indexing_slicing, reason = "indexing a serde_json::Value returns null")]
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod figures;
mod outcome;
mod processes;
mod series;
mod set_up;
mod statistics;
mod write;

use clap::Parser;
use libtest_mimic::{Arguments, Trial};
use series::{Bench, Plan};
use std::env;
use std::process::ExitCode;
use std::time::Duration;
use test_support::helm::Helm;
use test_support::webhook::Webhook;
use tokio::runtime::Builder;

/// Measures the cost of a write through a real API server
#[derive(Parser)]
struct Options {
    /// Number of repetitions of the whole measurement; they show the spread of the figures
    #[arg(long, default_value_t = 5)]
    alternations: usize,
    /// Number of writes of each kind, in each set-up, per alternation
    #[arg(long, default_value_t = 400)]
    writes: usize,
    /// Cargo passes this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    // cargo test passes no --bench, but the arguments of a test: filters, --list, --nocapture
    if !env::args().any(|argument| argument == "--bench") {
        let few = Plan { alternations: 1, rounds: 1, writes: 3, warm_up: 1, pause: PAUSE / 10 };
        let trial = Trial::test("every_set_up_has_the_expected_results", move || {
            print(&few);
            Ok(())
        });
        return libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code();
    }
    let Options { alternations, writes, .. } = Options::parse();
    print(&Plan { alternations, rounds: ROUNDS, writes: writes.div_ceil(ROUNDS), warm_up: 5, pause: PAUSE });
    ExitCode::SUCCESS
}

/// Number of turns into which the writes of an alternation are divided.
const ROUNDS: usize = 8;

/// Length of the pause in which the idle CPU is measured, in each set-up of each alternation.
const PAUSE: Duration = Duration::from_secs(1);

/// Measures and prints the tables. If there is no control plane or no Helm, it prints only a message on stderr.
fn print(plan: &Plan) {
    let (Some(helm), Some(webhook)) = (Helm::shared(), Webhook::alone_without_controllers(|_| Vec::new())) else {
        return;
    };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let measured = runtime.block_on(async { Bench::new(&webhook, helm).await.measure(plan).await });
    println!("{}", figures::tables(&measured));
}
