//! Which clients a server accepts, if it asks them for a certificate.

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
use x509_parser::prelude::FromDer;

/// Accepts only clients with a certificate that a CA in `ca_pem` issued. If `names` is not empty, a DNS name or the
/// common name of that certificate must be one of them.
///
/// # Errors
/// The text contains no certificate, one that cannot be read, or a private key.
pub fn require_client_certificate(ca_pem: &str, names: Vec<String>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(pem::root_store(ca_pem)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build().map_err(|error| {
        TlsError::new(TlsPart::CaCertificate, TlsErrorKind::Rejected(Error::General(error.to_string())))
    })?;
    Ok(if names.is_empty() { verifier } else { Arc::new(NameVerifier { verifier, names }) })
}

/// Accepts every client and asks for no certificate.
pub fn allow_any_client() -> Arc<dyn ClientCertVerifier> {
    WebPkiClientVerifier::no_client_auth()
}

/// Accepts what `verifier` accepts if the certificate also has one of `names`.
#[derive(Debug)]
struct NameVerifier {
    verifier: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl NameVerifier {
    fn has_accepted_name(&self, certificate: &CertificateDer<'_>) -> bool {
        X509Certificate::from_der(certificate.as_ref())
            .is_ok_and(|(_, parsed)| names_of(&parsed).any(|name| self.names.iter().any(|accepted| accepted == name)))
    }
}

/// The DNS names of a certificate, then its common name.
fn names_of<'a>(certificate: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a str> {
    let alternative_names = certificate.subject_alternative_name().ok().flatten();
    let dns_names = alternative_names.into_iter().flat_map(|extension| &extension.value.general_names).filter_map(
        |name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        },
    );
    dns_names.chain(certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()))
}

impl ClientCertVerifier for NameVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.verifier.verify_client_cert(certificate, intermediates, now)?;
        if self.has_accepted_name(certificate) {
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
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
