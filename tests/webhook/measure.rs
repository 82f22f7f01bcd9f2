//! What the long tests measure, and how much of it.

use super::{Webhook, registration};
use std::env;

impl Webhook {
    /// The number of the server's process.
    pub(crate) fn pid(&self) -> String {
        self.server.pid()
    }

    /// Takes the webhook configurations away, if there are any; the server runs on.
    pub(crate) async fn unregister(&self) {
        registration::unregister(&self.in_namespace("apim-keyless")).await;
    }
}

/// A part of the full number: `make soak` asks for all of it (`SOAK_SHARE=1`), `make test` for a fifth.
pub(crate) fn share(full: usize) -> usize {
    let part = env::var("SOAK_SHARE").ok().and_then(|part| part.parse().ok()).unwrap_or(5);
    full.div_ceil(part)
}

/// A bound of memory in KiB. The code of a debug build alone takes more than that of a release.
pub(crate) fn kibibytes(mebibytes: u64) -> u64 {
    1024 * if cfg!(debug_assertions) { mebibytes + 32 } else { mebibytes }
}
