//! The serving certificate: what the server presents in TLS handshakes, with its key.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use super::{pem, provider};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::verify_server_name;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// The certificate chain of a server and its private key.
pub struct ServingCertificate {
    certificate_pem: String,
    key_pem: String,
    certified_key: Arc<CertifiedKey>,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl ServingCertificate {
    /// Reads a chain (the server's own certificate first) and its key (PKCS#8, PKCS#1 or SEC1) from PEM text. The
    /// validity is not checked.
    ///
    /// # Errors
    /// One of the texts cannot be read, or the key does not belong to the certificate.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, TlsError> {
        let part = TlsPart::ServingCertificate;
        let chain = pem::certificates(part, certificate_pem)?;
        let first = pem::first_certificate(part, certificate_pem)?;
        let parsed = pem::parse(part, &first)?;
        let key = pem::private_key(TlsPart::ServingKey, key_pem)?;
        let certified_key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::new(TlsPart::ServingKey, TlsErrorKind::KeyMismatch),
            rustls::Error::InvalidCertificate(_) => TlsError::new(part, TlsErrorKind::Malformed),
            _ => TlsError::new(TlsPart::ServingKey, TlsErrorKind::NoKey),
        })?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            key_pem: key_pem.to_owned(),
            certified_key: Arc::new(certified_key),
            names: names_of(&parsed),
            not_before: pem::system_time(parsed.validity().not_before),
            not_after: pem::system_time(parsed.validity().not_after),
        })
    }

    /// The chain, the server's own certificate first.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key. With it anyone can impersonate this server.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The last second in which the certificate is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Chain and key in the form that rustls needs.
    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified_key)
    }

    /// The DNS names and IP addresses in the certificate, unchanged: a wildcard is listed as a wildcard.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the certificate is valid for every one of `names`.
    pub fn covers(&self, names: &[String]) -> bool {
        let Some(Ok(certificate)) = self.certified_key.cert.first().map(ParsedCertificate::try_from) else {
            return false;
        };
        names.iter().all(|name| {
            ServerName::try_from(name.as_str()).is_ok_and(|name| verify_server_name(&certificate, &name).is_ok())
        })
    }

    /// Whether less than a third of its validity is left at `now`.
    pub fn is_due_for_renewal(&self, now: SystemTime) -> bool {
        let lifetime = self.not_after.duration_since(self.not_before).unwrap_or_default();
        let remaining = self.not_after.duration_since(now).unwrap_or_default();
        remaining < lifetime / 3
    }

    /// Checks that a client that trusts `roots` accepts the certificate at `now` for every one of `names`.
    pub(super) fn check(&self, roots: RootCertStore, names: &[String], now: SystemTime) -> Result<(), TlsError> {
        let rejected = |error| TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::Rejected(error));
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| rejected(rustls::Error::General(error.to_string())))?;
        let Some((certificate, intermediates)) = self.certified_key.cert.split_first() else {
            return Err(TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::NoCertificate));
        };
        let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        for name in names {
            let server_name = ServerName::try_from(name.as_str())
                .map_err(|_| TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::BadName(name.clone())))?;
            verifier.verify_server_cert(certificate, intermediates, &server_name, &[], now).map_err(rejected)?;
        }
        Ok(())
    }
}

/// Written by hand, so that debug output never contains the key.
impl fmt::Debug for ServingCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServingCertificate")
            .field("names", &self.names)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension.value.general_names.iter().filter_map(name_text).collect()
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ca;
    use super::*;
    use std::time::Duration;

    const HOUR: Duration = Duration::from_hours(1);

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn issue(for_names: &[&str], now: SystemTime) -> ServingCertificate {
        Ca::create(now).unwrap().issue(&names(for_names), now, 299 * HOUR).unwrap()
    }

    #[test]
    fn a_certificate_covers_its_names_and_no_others() {
        let certificate = issue(&["localhost", "apim.gateways.svc", "127.0.0.1"], SystemTime::now());
        assert!(certificate.covers(&names(&["127.0.0.1", "LOCALHOST", "apim.gateways.svc"])));
        for other in ["apim.other.svc", "127.0.0.2", "gateways.svc", "::1", "", "a b"] {
            assert!(!certificate.covers(&names(&["localhost", other])), "{other}");
        }
    }

    #[test]
    fn a_certificate_is_due_for_renewal_in_the_last_third_of_its_validity() {
        let now = SystemTime::now();
        let certificate = issue(&["localhost"], now);
        assert!(!certificate.is_due_for_renewal(now));
        assert!(!certificate.is_due_for_renewal(now + 198 * HOUR));
        assert!(certificate.is_due_for_renewal(now + 200 * HOUR));
        assert!(certificate.is_due_for_renewal(now + 1000 * HOUR));
    }

    #[test]
    fn text_that_is_not_a_certificate_with_its_key_is_rejected() {
        let now = SystemTime::now();
        let (one, other) = (issue(&["localhost"], now), issue(&["localhost"], now));
        let bad_base64 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let bad_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (certificate, key, expected) in [
            (
                one.certificate_pem(),
                other.key_pem(),
                "the serving certificate's key: it does not belong to the certificate",
            ),
            (bad_base64, one.key_pem(), "the serving certificate: it is not an X.509 certificate"),
            ("", one.key_pem(), "the serving certificate: it contains no certificate in PEM form"),
            (
                one.certificate_pem(),
                bad_key,
                "the serving certificate's key: it contains no private key in a supported form",
            ),
            (
                one.certificate_pem(),
                "",
                "the serving certificate's key: it contains no private key in a supported form",
            ),
        ] {
            let error = ServingCertificate::from_pem(certificate, key).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("c2Vj") && !error.contains("secret"), "{error}");
        }
    }
}
