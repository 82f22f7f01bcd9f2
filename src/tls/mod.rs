//! Certificates: our own CA, the leaf that the server shows, and the folder both may live in. Bytes and files only: no
//! network, no clock (every function is told the time), no log.
//!
//! [`Authority`] issues, [`Leaf`] is served, [`Certificates`] keeps both in a folder for a start without a cluster.
//! An error of this room names what is at fault, why and what cures it, and never quotes a file.

mod authority;
mod clients;
mod error;
mod files;
mod leaf;
mod pem;
mod standalone;

pub use authority::{AUTHORITY_VALIDITY, Authority};
pub use clients::clients_of;
pub use error::TlsError;
pub use leaf::Leaf;
pub use pem::trust;
pub use standalone::{Certificates, LEAF_VALIDITY, Origin};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The cryptography of every connection of ours, passed explicitly so that no process-wide default is needed.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
