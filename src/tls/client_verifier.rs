//! Which clients a server lets in, where it asks them for a certificate.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use super::{pem, provider};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// Lets those clients in whose certificate a CA in `ca_pem` issued, for one of `names` (a DNS name of the
/// certificate or its common name) if there are any.
///
/// # Errors
/// The text holds no certificate, one that cannot be read, or a private key.
pub fn clients_of(ca_pem: &str, names: Vec<String>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let issued =
        WebPkiClientVerifier::builder_with_provider(Arc::new(pem::trust(ca_pem)?), provider()).build().map_err(
            |error| TlsError::new(TlsPart::CaCertificate, TlsErrorKind::Refused(Error::General(error.to_string()))),
        )?;
    Ok(if names.is_empty() { issued } else { Arc::new(Named { issued, names }) })
}

/// Lets every client in, and asks none for a certificate.
pub fn everyone() -> Arc<dyn ClientCertVerifier> {
    WebPkiClientVerifier::no_client_auth()
}

/// Those of the clients that have one of the names.
#[derive(Debug)]
struct Named {
    issued: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl Named {
    fn knows(&self, certificate: &CertificateDer<'_>) -> bool {
        pem::parse(TlsPart::ServingCertificate, certificate)
            .is_ok_and(|parsed| names_in(&parsed).any(|name| self.names.iter().any(|known| known == name)))
    }
}

/// The DNS names of a certificate, and its common name.
fn names_in<'a>(certificate: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a str> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let dns =
        alternative.into_iter().flat_map(|extension| &extension.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
    dns.chain(certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()))
}

impl ClientCertVerifier for Named {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.issued.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.issued.verify_client_cert(certificate, intermediates, now)?;
        if self.knows(certificate) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.issued.supported_verify_schemes()
    }
}
