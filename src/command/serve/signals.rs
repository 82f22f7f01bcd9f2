//! Signals that stop the server.

use anyhow::Context;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, CtrlShutdown, ctrl_c, ctrl_shutdown};

/// SIGTERM and SIGINT (Ctrl-C).
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }
}

/// Ctrl-C, and the shutdown of the machine or of its container.
#[cfg(windows)]
pub(super) struct Signals {
    interrupt: CtrlC,
    terminate: CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    pub(super) fn new() -> anyhow::Result<Self> {
        let context = "cannot listen for signals";
        Ok(Self { interrupt: ctrl_c().context(context)?, terminate: ctrl_shutdown().context(context)? })
    }
}

impl Signals {
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
