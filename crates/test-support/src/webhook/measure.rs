//! Measurements of the long tests, and their size.

use super::{Webhook, registration};
use std::env;

impl Webhook {
    /// The server's process id.
    pub(crate) fn pid(&self) -> String {
        self.server.pid()
    }

    /// Deletes the webhook configurations if they exist. The server keeps running.
    pub(crate) async fn unregister(&self) {
        registration::unregister(&self.in_namespace("apim-keyless")).await;
    }
}

/// The share of `full` that this run does: `make soak` does all of it (`SOAK_SHARE=1`), `make test` a fifth.
pub(crate) fn share(full: usize) -> usize {
    let part = env::var("SOAK_SHARE").ok().and_then(|part| part.parse().ok()).unwrap_or(5);
    full.div_ceil(part)
}

/// A memory limit in KiB: `mebibytes`, and 32 MiB more in a debug build, whose code alone is larger.
pub(crate) fn kibibytes(mebibytes: u64) -> u64 {
    1024 * if cfg!(debug_assertions) { mebibytes + 32 } else { mebibytes }
}
