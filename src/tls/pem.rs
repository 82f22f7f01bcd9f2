//! Certificates out of PEM text, and the few questions about one that the whole room asks.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// The trust of a client that accepts what the certificates in `ca_pem` issued, and nothing else.
///
/// # Errors
/// The text holds no certificate, one that cannot be read, or a private key.
pub fn trust(ca_pem: &str) -> Result<RootCertStore, TlsError> {
    let part = TlsPart::CaCertificate;
    store(certificates(part, ca_pem)?)
}

/// As [`trust`], without those certificates that are not valid now: rustls does not look at the dates of what it
/// trusts, but the API server (Go) does.
pub(super) fn trust_at(ca_pem: &str, now: SystemTime) -> Result<RootCertStore, TlsError> {
    let part = TlsPart::CaCertificate;
    let mut valid = Vec::new();
    let mut refusal = None;
    for certificate in certificates(part, ca_pem)? {
        match check_validity(part, &parse(part, &certificate)?, now) {
            Ok(()) => valid.push(certificate),
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        Some(error) if valid.is_empty() => Err(error),
        _ => store(valid),
    }
}

fn store(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|_| TlsError::new(TlsPart::CaCertificate, TlsErrorKind::Malformed))?;
    }
    Ok(store)
}

/// Every certificate in the text, at least one.
pub(super) fn certificates(part: TlsPart, text: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if part == TlsPart::CaCertificate && text.contains("PRIVATE KEY-----") {
        return Err(TlsError::new(part, TlsErrorKind::KeyInside));
    }
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::new(part, TlsErrorKind::NoCertificate))?;
    if certificates.is_empty() { Err(TlsError::new(part, TlsErrorKind::NoCertificate)) } else { Ok(certificates) }
}

/// The first certificate in the text: the one that a key beside it belongs to.
pub(super) fn first_certificate(part: TlsPart, text: &str) -> Result<CertificateDer<'static>, TlsError> {
    certificates(part, text)?.into_iter().next().ok_or_else(|| TlsError::new(part, TlsErrorKind::NoCertificate))
}

/// The private key in the text. The parser's message is dropped, as it may quote a byte of the key.
pub(super) fn private_key(part: TlsPart, text: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| TlsError::new(part, TlsErrorKind::NoKey))
}

pub(super) fn parse<'a>(part: TlsPart, certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, TlsError> {
    match X509Certificate::from_der(certificate.as_ref()) {
        Ok((_, parsed)) => Ok(parsed),
        Err(_) => Err(TlsError::new(part, TlsErrorKind::Malformed)),
    }
}

pub(super) fn check_validity(
    part: TlsPart,
    certificate: &X509Certificate<'_>,
    now: SystemTime,
) -> Result<(), TlsError> {
    let validity = certificate.validity();
    if now > moment(validity.not_after) {
        return Err(TlsError::new(part, TlsErrorKind::Expired(validity.not_after.to_string())));
    }
    if now < moment(validity.not_before) {
        return Err(TlsError::new(part, TlsErrorKind::NotYetValid(validity.not_before.to_string())));
    }
    Ok(())
}

/// A certificate's serial number in hexadecimal digits.
pub(super) fn serial(certificate: &X509Certificate<'_>) -> String {
    certificate.raw_serial().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A certificate's time on our clock; what lies outside the clock's range becomes 1970.
pub(super) fn moment(time: ASN1Time) -> SystemTime {
    let distance = Duration::from_secs(time.timestamp().unsigned_abs());
    let moment = if time.timestamp() < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    moment.unwrap_or(UNIX_EPOCH)
}
