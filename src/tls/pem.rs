//! Reads certificates and keys from PEM text, and the fields of a certificate that this module needs.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// The root certificates of a client that trusts the certificates in `ca_pem` and no others. Their validity is not
/// checked.
///
/// # Errors
/// The text contains no certificate, one that cannot be read, or a private key.
pub fn root_store(ca_pem: &str) -> Result<RootCertStore, TlsError> {
    let part = TlsPart::CaCertificate;
    store_of(certificates(part, ca_pem)?)
}

/// The certificates in `ca_pem`, in DER.
///
/// # Errors
/// Like [`root_store`].
pub fn ca_certificates(ca_pem: &str) -> Result<Vec<Vec<u8>>, TlsError> {
    let all = certificates(TlsPart::CaCertificate, ca_pem)?;
    Ok(all.iter().map(|certificate| certificate.to_vec()).collect())
}

/// Like [`root_store`], without the certificates that are not valid at `now`: rustls ignores the dates of root
/// certificates, but the API server (Go) checks them. If none is valid, the error of the last one is returned.
pub(super) fn valid_root_store(ca_pem: &str, now: SystemTime) -> Result<RootCertStore, TlsError> {
    let part = TlsPart::CaCertificate;
    let mut valid = Vec::new();
    let mut last_error = None;
    for certificate in certificates(part, ca_pem)? {
        match check_validity(part, &parse(part, &certificate)?, now) {
            Ok(()) => valid.push(certificate),
            Err(error) => last_error = Some(error),
        }
    }
    match last_error {
        Some(error) if valid.is_empty() => Err(error),
        _ => store_of(valid),
    }
}

fn store_of(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|_| TlsError::new(TlsPart::CaCertificate, TlsErrorKind::Malformed))?;
    }
    Ok(store)
}

/// All certificates in the text; an error if there is none.
pub(super) fn certificates(part: TlsPart, text: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if part == TlsPart::CaCertificate && text.contains("PRIVATE KEY-----") {
        return Err(TlsError::new(part, TlsErrorKind::KeyInside));
    }
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::new(part, TlsErrorKind::NoCertificate))?;
    if certificates.is_empty() { Err(TlsError::new(part, TlsErrorKind::NoCertificate)) } else { Ok(certificates) }
}

/// The first certificate in the text. A key that is kept with the text belongs to this certificate.
pub(super) fn first_certificate(part: TlsPart, text: &str) -> Result<CertificateDer<'static>, TlsError> {
    certificates(part, text)?.into_iter().next().ok_or_else(|| TlsError::new(part, TlsErrorKind::NoCertificate))
}

/// The private key in the text. The parser's message is dropped, because it can quote a byte of the key.
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
    if now > system_time(validity.not_after) {
        return Err(TlsError::new(part, TlsErrorKind::Expired(validity.not_after.to_string())));
    }
    if now < system_time(validity.not_before) {
        return Err(TlsError::new(part, TlsErrorKind::NotYetValid(validity.not_before.to_string())));
    }
    Ok(())
}

/// When the first certificate in the text expired, if it has by `now`. `None` also if there is no certificate.
pub fn expired_on(text: &str, now: SystemTime) -> Option<String> {
    let part = TlsPart::ServingCertificate;
    let certificate = first_certificate(part, text).ok()?;
    let not_after = parse(part, &certificate).ok()?.validity().not_after;
    (now > system_time(not_after)).then(|| not_after.to_string())
}

/// The serial number of a certificate, in hexadecimal digits.
pub(super) fn serial(certificate: &X509Certificate<'_>) -> String {
    certificate.raw_serial().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Converts a time in a certificate. A time outside the range of [`SystemTime`] becomes 1970.
pub(super) fn system_time(time: ASN1Time) -> SystemTime {
    let distance = Duration::from_secs(time.timestamp().unsigned_abs());
    let moment = if time.timestamp() < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    moment.unwrap_or(UNIX_EPOCH)
}
