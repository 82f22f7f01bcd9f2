//! The certificate that the server shows, with its key.

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

/// A server's certificate chain and its private key.
pub struct ServingCertificate {
    certificate_pem: String,
    key_pem: String,
    certified: Arc<CertifiedKey>,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl ServingCertificate {
    /// The leaf whose chain (leaf first) and key (PKCS#8, PKCS#1 or SEC1) these texts hold. Its dates are not judged.
    ///
    /// # Errors
    /// Either text cannot be read, or the key is not the certificate's.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, TlsError> {
        let part = TlsPart::ServingCertificate;
        let chain = pem::certificates(part, certificate_pem)?;
        let first = pem::first_certificate(part, certificate_pem)?;
        let parsed = pem::parse(part, &first)?;
        let key = pem::private_key(TlsPart::ServingKey, key_pem)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::new(TlsPart::ServingKey, TlsErrorKind::OtherKey),
            rustls::Error::InvalidCertificate(_) => TlsError::new(part, TlsErrorKind::Malformed),
            _ => TlsError::new(TlsPart::ServingKey, TlsErrorKind::NoKey),
        })?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            key_pem: key_pem.to_owned(),
            certified: Arc::new(certified),
            names: alternative_names(&parsed),
            not_before: pem::moment(parsed.validity().not_before),
            not_after: pem::moment(parsed.validity().not_after),
        })
    }

    /// The chain, leaf first.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key: whoever holds it can be this server.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The last second of the leaf.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// What a handshake needs of it.
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// The DNS names and IP addresses it was issued for, as they stand in it: a wildcard stays one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Would a client that connects by any of `names` find that name in the certificate?
    pub fn covers(&self, names: &[String]) -> bool {
        let Some(Ok(certificate)) = self.certified.cert.first().map(ParsedCertificate::try_from) else {
            return false;
        };
        names.iter().all(|name| {
            ServerName::try_from(name.as_str()).is_ok_and(|name| verify_server_name(&certificate, &name).is_ok())
        })
    }

    /// Is less than a third of its life left?
    pub fn is_due_for_renewal(&self, now: SystemTime) -> bool {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        let rest = self.not_after.duration_since(now).unwrap_or_default();
        rest < life / 3
    }

    /// Would a client that trusts `roots` accept the leaf at `now`, by each of `names`?
    pub(super) fn check(&self, roots: RootCertStore, names: &[String], now: SystemTime) -> Result<(), TlsError> {
        let refused = |error| TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::Refused(error));
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| refused(rustls::Error::General(error.to_string())))?;
        let Some((certificate, intermediates)) = self.certified.cert.split_first() else {
            return Err(TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::NoCertificate));
        };
        let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        for name in names {
            let server_name = ServerName::try_from(name.as_str())
                .map_err(|_| TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::BadName(name.clone())))?;
            verifier.verify_server_cert(certificate, intermediates, &server_name, &[], now).map_err(refused)?;
        }
        Ok(())
    }
}

/// Shows no key, whatever prints it.
impl fmt::Debug for ServingCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Leaf")
            .field("names", &self.names)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
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

    fn certificate(for_names: &[&str], now: SystemTime) -> ServingCertificate {
        Ca::create(now).unwrap().issue(&names(for_names), now, 299 * HOUR).unwrap()
    }

    #[test]
    fn it_covers_its_names_and_no_others() {
        let certificate = certificate(&["localhost", "apim.gateways.svc", "127.0.0.1"], SystemTime::now());
        assert!(certificate.covers(&names(&["127.0.0.1", "LOCALHOST", "apim.gateways.svc"])));
        for other in ["apim.other.svc", "127.0.0.2", "gateways.svc", "::1", "", "a b"] {
            assert!(!certificate.covers(&names(&["localhost", other])), "{other}");
        }
    }

    #[test]
    fn it_is_worn_in_the_last_third() {
        let now = SystemTime::now();
        let certificate = certificate(&["localhost"], now);
        assert!(!certificate.is_due_for_renewal(now));
        assert!(!certificate.is_due_for_renewal(now + 198 * HOUR));
        assert!(certificate.is_due_for_renewal(now + 200 * HOUR));
        assert!(certificate.is_due_for_renewal(now + 1000 * HOUR));
    }

    #[test]
    fn a_pair_that_is_none_is_refused() {
        let now = SystemTime::now();
        let (one, other) = (certificate(&["localhost"], now), certificate(&["localhost"], now));
        let bad_base64 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let bad_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (certificate, key, said) in [
            (one.certificate_pem(), other.key_pem(), "the server's key: it does not belong to the certificate"),
            (bad_base64, one.key_pem(), "the server's certificate: it is not an X.509 certificate"),
            ("", one.key_pem(), "the server's certificate: it holds no certificate in PEM form"),
            (one.certificate_pem(), bad_key, "the server's key: it holds no private key that can be used"),
            (one.certificate_pem(), "", "the server's key: it holds no private key that can be used"),
        ] {
            let error = ServingCertificate::from_pem(certificate, key).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
            assert!(!error.contains("c2Vj") && !error.contains("secret"), "{error}");
        }
    }
}
