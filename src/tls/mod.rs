//! Certificates: the CA, the serving certificate, and the folder that can hold both.
//!
//! Works on bytes and files only: no network, no log, no clock (functions take the current time as an argument).
//!
//! [`Ca`] issues a [`ServingCertificate`], [`CertificateResolver`] serves it in TLS handshakes, [`RotationState`]
//! decides when a CA follows another, and [`Certificates`] keeps CA and certificate in a folder for a server without a
//! cluster. A [`TlsError`] names the place, the cause and the fix. It never quotes the content of a file.

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
pub use ca_rotation::{CaChange, CaIds, CaState, RotationPeriods, RotationState, ServedCertificate, UnknownCas};
pub use ca_set::{CaSet, SecretData};
pub use certificate_resolver::CertificateResolver;
pub use client_verifier::{allow_any_client, require_client_certificate};
pub use error::TlsError;
pub use pem::{ca_certificates, expired_on, root_store};
pub use serving_certificate::ServingCertificate;
pub use standalone::{CERTIFICATE_VALIDITY, Certificates, Origin, read_serving_certificate};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The cryptography provider (ring) of every TLS connection. Callers pass it explicitly, so no process-wide default is
/// needed.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
