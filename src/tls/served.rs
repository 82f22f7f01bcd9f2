//! The leaf that is shown, which may be replaced while connections are open.

use super::Leaf;
use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// What handshakes show from now on. Until there is a first leaf they fail.
#[derive(Debug, Default)]
pub struct Served(ArcSwapOption<CertifiedKey>);

impl Served {
    /// Shows `leaf` in every handshake that begins from now on.
    pub fn show(&self, leaf: &Leaf) {
        self.0.store(Some(leaf.certified()));
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}
