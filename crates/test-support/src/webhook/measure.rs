//! Measurements of the long tests, and their size.

use super::Webhook;
use std::env;

impl Webhook {
    /// The server's process id.
    pub fn pid(&self) -> String {
        self.server.pid()
    }

    /// Deletes the webhook configurations if they exist. The server keeps running.
    pub async fn unregister(&self) {
        self.registration.unregister(&self.in_own_namespace()).await;
    }
}

/// What this run does of `full`: `make soak` does all of it (`SOAK_DIVISOR=1`), `make test` a fifth.
pub fn reduced(full: usize) -> usize {
    let divisor = env::var("SOAK_DIVISOR").ok().and_then(|divisor| divisor.parse().ok()).unwrap_or(5);
    full.div_ceil(divisor)
}

/// A memory limit in KiB: `mebibytes`, and 32 MiB more in a debug build, whose code alone is larger.
pub fn kibibytes(mebibytes: u64) -> u64 {
    1024 * if cfg!(debug_assertions) { mebibytes + 32 } else { mebibytes }
}
