//! Pins the load generator and the server to different cores with `taskset`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio, id};

/// The cores of the load generator and of the server, or the reason why they are not pinned.
pub(crate) enum Pinning {
    Cores { load: usize, server: usize },
    None(&'static str),
}

impl Pinning {
    /// Pins this process and the processes that it starts.
    pub(crate) fn of_this_process() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
        let [load, server] = cores(allowed.trim())[..] else { return Self::None("only one core is available") };
        let pinned =
            Command::new("taskset").args(["-acp", &load.to_string(), &id().to_string()]).stdout(Stdio::null()).status();
        if pinned.is_ok_and(|status| status.success()) {
            Self::Cores { load, server }
        } else {
            Self::None("taskset is not available")
        }
    }

    /// A command on the server's core.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Cores { server, .. } => {
                let mut command = Command::new("taskset");
                command.args(["-c", &server.to_string()]).arg(program);
                command
            }
            Self::None(_) => Command::new(program),
        }
    }

    /// A description for the report.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Cores { load, server } => format!("the server alone on core {server}, the load on core {load}"),
            Self::None(reason) => format!("not pinned to cores ({reason})"),
        }
    }
}

/// The first two of a list like `0-1` or `0,2-3`.
fn cores(list: &str) -> Vec<usize> {
    let numbers = list.split(',').flat_map(|range| {
        let (lowest, highest) = range.split_once('-').unwrap_or((range, range));
        lowest.parse().unwrap_or(1)..=highest.parse().unwrap_or(0)
    });
    numbers.take(2).collect()
}
