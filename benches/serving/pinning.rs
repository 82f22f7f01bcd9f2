//! Which core does what, by `taskset`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio, id};

/// A core for the load and one for the server, or why there is no such thing.
pub(crate) enum Pinning {
    Cores { load: usize, server: usize },
    None(&'static str),
}

impl Pinning {
    /// Pins this process, and what it starts from now on.
    pub(crate) fn of_this_process() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
        let [load, server] = cores(allowed.trim())[..] else { return Self::None("there is only one core") };
        let pinned =
            Command::new("taskset").args(["-acp", &load.to_string(), &id().to_string()]).stdout(Stdio::null()).status();
        if pinned.is_ok_and(|status| status.success()) {
            Self::Cores { load, server }
        } else {
            Self::None("there is no taskset")
        }
    }

    /// A command that runs on the server's core.
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

    /// What there is to say of it.
    pub(crate) fn told(&self) -> String {
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
