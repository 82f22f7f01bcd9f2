//! The CPU time of the processes that take part in a write.

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use std::time::Duration;
use test_support::webhook::Webhook;

/// The names of the processes, in the order of all arrays with one value per process.
pub(crate) const NAMES: [&str; 3] = ["API server", "etcd", "apim-keyless"];

/// The CPU clocks of the processes. They include the time of threads that have ended.
pub(crate) struct Processes([ClockId; 3]);

impl Processes {
    pub(crate) fn of(webhook: &Webhook) -> Self {
        let servers = ["kube-apiserver", "etcd"].map(|name| webhook.control_plane.pid(name));
        let pids = [servers[0], servers[1], webhook.pid().parse().unwrap()];
        Self(pids.map(|pid| clock_getcpuclockid(Pid::from_raw(pid)).unwrap()))
    }

    /// The CPU time of each process so far.
    pub(crate) fn used(&self) -> [Duration; 3] {
        self.0.map(|clock| clock.now().unwrap().into())
    }

    /// The CPU seconds of each process since `before`.
    pub(crate) fn since(&self, before: [Duration; 3]) -> [f64; 3] {
        let now = self.used();
        [0, 1, 2].map(|index| now[index].saturating_sub(before[index]).as_secs_f64())
    }
}
