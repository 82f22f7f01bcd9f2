//! Certificates: our own CA, the leaf that the server shows, and the folder both may live in. Bytes and files only: no
//! network, no clock (every function is told the time), no log.
//!
//! [`Authority`] issues, [`Leaf`] is served, [`Certificates`] keeps both in a folder for a start without a cluster.
//! An error of this room names what is at fault, why and what cures it, and never quotes a file.

mod authorities;
mod authority;
mod bundle;
mod clients;
mod error;
mod files;
mod leaf;
mod pem;
mod served;
mod standalone;
mod succession;

pub use authorities::{Authorities, Data};
use authority::AUTHORITY_NAME;
pub use authority::{AUTHORITY_VALIDITY, Authority};
pub use bundle::{authorities_in, bundle_text, examine_bundle};
pub use clients::{clients_of, everyone};
pub use error::TlsError;
pub use leaf::Leaf;
pub use pem::trust;
pub use served::Served;
pub use standalone::{Certificates, LEAF_VALIDITY, Origin, leaf_in};
pub use succession::{Amendment, Bundle, Generation, Shown, Strangers, Terms, View};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The cryptography of every connection of ours, passed explicitly so that no process-wide default is needed.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
