//! Certificates: our own CA, the leaf that the server shows, and the folder both may live in. Bytes and files only: no
//! network, no clock (every function is told the time), no log.
//!
//! [`Ca`] issues, [`ServingCertificate`] is served, [`Certificates`] keeps both in a folder for a start without a cluster.
//! An error of this room names what is at fault, why and what cures it, and never quotes a file.

mod ca;
mod ca_bundle;
mod ca_rotation;
mod ca_set;
mod certificate_resolver;
mod client_verifier;
mod error;
mod files;
mod pem;
mod serving_certificate;
mod standalone;

use ca::CA_NAME;
pub use ca::{CA_VALIDITY, Ca};
pub use ca_bundle::{ca_bundle_text, cas_in, check_ca_bundle};
pub use ca_rotation::{CaBundle, CaChange, CaState, RotationPeriods, RotationState, ServedCertificate, UnknownCas};
pub use ca_set::{CaSet, Data};
pub use certificate_resolver::CertificateResolver;
pub use client_verifier::{clients_of, everyone};
pub use error::TlsError;
pub use pem::trust;
pub use serving_certificate::ServingCertificate;
pub use standalone::{CERTIFICATE_VALIDITY, Certificates, Origin, certificate_in};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The cryptography of every connection of ours, passed explicitly so that no process-wide default is needed.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
