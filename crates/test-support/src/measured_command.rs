//! Measures a command: wall time, CPU time and peak memory.
//!
//! Each command runs in a process of its own that measures its child, because the operating system only reports the
//! highest peak memory of all children.

use nix::sys::resource::{UsageWho, getrusage};
use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Makes a benchmark measure a command. It is an environment variable because cargo adds arguments of its own.
const MEASURE: &str = "APIM_KEYLESS_MEASURE";

/// What a command used.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// From its start to its end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Most resident memory, in KiB.
    pub peak_kib: u64,
}

impl Used {
    /// A row of a table: wall time and CPU time in seconds, memory in MiB.
    pub fn row(&self, command: &str) -> String {
        let (wall, cpu) = (self.wall.as_secs_f64(), self.cpu.as_secs_f64());
        format!("| `{command}` | {wall:.2} | {cpu:.2} | {} |", self.peak_kib.div_ceil(1024))
    }
}

/// The head of a table of [`Used::row`]s.
pub const HEAD: &str = "| command | wall, s | CPU, s | peak memory, MiB |\n|---|---|---|---|";

/// In a process that [`best_of`] started: measures the command and returns true. The benchmark then ends.
pub fn is_measuring() -> bool {
    let Ok(command) = env::var(MEASURE) else { return false };
    measure_child(&command);
    true
}

/// The fastest of several runs, with the highest peak of them. The fastest counts, because other work on the machine only
/// adds time.
pub fn best_of(runs: usize, command: &[&str]) -> Used {
    let mut all: Vec<Used> = (0..runs).map(|_| measured(command)).collect();
    let peak_kib = all.iter().map(|used| used.peak_kib).max().unwrap();
    all.sort_by_key(|used| used.wall);
    Used { peak_kib, ..all[0] }
}

fn measured(command: &[&str]) -> Used {
    let output = Command::new(env::current_exe().unwrap()).env(MEASURE, command.join("\n")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [wall, cpu, peak_kib] = numbers[..] else {
        panic!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr))
    };
    Used { wall: Duration::from_micros(wall), cpu: Duration::from_micros(cpu), peak_kib }
}

/// Runs the command and prints microseconds of wall time and of CPU time, and the peak memory in KiB.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn measure_child(command: &str) {
    let words: Vec<&str> = command.split('\n').collect();
    let start = Instant::now();
    let mut child = Command::new(words[0]);
    child.args(&words[1..]).env_remove(MEASURE).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = child.status().unwrap();
    let wall = start.elapsed();
    // 1: findings; 2: a file that cannot be evaluated, as folders of teams have
    assert!(status.code().is_some(), "{command} was killed");
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = [used.user_time(), used.system_time()].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    println!("{} {} {}", wall.as_micros(), cpu.iter().sum::<i64>(), used.max_rss());
}
