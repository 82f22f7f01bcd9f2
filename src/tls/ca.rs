//! The CA: created, read back, and the certificates that it issues.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use super::{ServingCertificate, pem, provider};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType, SerialNumber,
};
use rustls::pki_types::ServerName;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use x509_parser::certificate::X509Certificate;

/// How long a CA is valid by default: three years.
pub const CA_VALIDITY: Duration = Duration::from_hours(3 * 365 * 24);

/// The common name of every CA that this program creates starts with this.
pub(super) const CA_NAME: &str = "apim-keyless CA ";

/// A new CA is valid from this long before its creation, for clients whose clock is slow; at most a thirtieth of its
/// validity.
const CA_BACKDATING: Duration = Duration::from_hours(24);

/// The same for a new serving certificate.
const CERTIFICATE_BACKDATING: Duration = Duration::from_hours(1);

/// The longest common name that X.509 allows (RFC 5280, ub-common-name).
const COMMON_NAME_LIMIT: usize = 64;

/// A CA with its key, able to issue [`ServingCertificate`]s.
pub struct Ca {
    certificate_pem: String,
    key_pem: String,
    issuer: Issuer<'static, KeyPair>,
    id: String,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Ca {
    /// Creates a CA with an ECDSA P-256 key, valid from 24 h before `now` until [`CA_VALIDITY`] after it. It can issue
    /// serving certificates but no further CAs (path length 0).
    ///
    /// Its common name ends with the start of its key identifier, so that clients never confuse two CAs.
    ///
    /// # Errors
    /// The system provides no random bytes, or the key cannot be created.
    pub fn create(now: SystemTime) -> Result<Self, TlsError> {
        Self::create_for(&[], now, CA_VALIDITY)
    }

    /// Like [`Ca::create`] with another `validity`. If `names` is not empty, the CA can issue only for these DNS names
    /// and names below them (name constraints, RFC 5280, section 4.2.1.10): a stolen key cannot impersonate any other
    /// server.
    ///
    /// # Errors
    /// The system provides no random bytes, or the key cannot be created.
    pub fn create_for(names: &[String], now: SystemTime, validity: Duration) -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(|error| cannot_create(TlsPart::CaKey, &error))?;
        let mut parameters = ca_parameters(&key)?;
        parameters.not_before = now.checked_sub(CA_BACKDATING.min(validity / 30)).unwrap_or(now).into();
        parameters.not_after = now.checked_add(validity).unwrap_or(now).into();
        parameters.name_constraints = (!names.is_empty()).then(|| NameConstraints {
            permitted_subtrees: names.iter().cloned().map(GeneralSubtree::DnsName).collect(),
            excluded_subtrees: Vec::new(),
        });
        let certificate =
            parameters.self_signed(&key).map_err(|error| cannot_create(TlsPart::CaCertificate, &error))?;
        Self::from_pem(&certificate.pem(), &key.serialize_pem())
    }

    /// Reads a CA from PEM text and checks that it is valid at `now`. Of several certificates, the first is the CA's.
    ///
    /// # Errors
    /// Those of [`Ca::from_pem`], or the certificate is not valid at `now`.
    pub fn from_valid_pem(certificate_pem: &str, key_pem: &str, now: SystemTime) -> Result<Self, TlsError> {
        let part = TlsPart::CaCertificate;
        let ca = Self::from_pem(certificate_pem, key_pem)?;
        pem::check_validity(part, &pem::parse(part, &pem::first_certificate(part, certificate_pem)?)?, now)?;
        Ok(ca)
    }

    /// Like [`Ca::from_valid_pem`], without the check of the validity. The key must be PKCS#8.
    ///
    /// # Errors
    /// One of the texts cannot be read, the key does not belong to the certificate, or the certificate is not a CA's.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, TlsError> {
        let part = TlsPart::CaCertificate;
        let certificate = pem::first_certificate(part, certificate_pem)?;
        let parsed = pem::parse(part, &certificate)?;
        let key = KeyPair::from_pem(key_pem).map_err(|_| TlsError::new(TlsPart::CaKey, TlsErrorKind::NoKey))?;
        if key.subject_public_key_info() != parsed.public_key().raw {
            return Err(TlsError::new(TlsPart::CaKey, TlsErrorKind::KeyMismatch));
        }
        if !may_issue(&parsed) {
            return Err(TlsError::new(part, TlsErrorKind::NotCa));
        }
        let (not_before, not_after) =
            (pem::system_time(parsed.validity().not_before), pem::system_time(parsed.validity().not_after));
        let id = pem::serial(&parsed);
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|_| TlsError::new(part, TlsErrorKind::Malformed))?;
        let (certificate_pem, key_pem) = (certificate_pem.to_owned(), key_pem.to_owned());
        Ok(Self { certificate_pem, key_pem, issuer, id, not_before, not_after })
    }

    /// The certificate, for clients that must trust what this CA issues.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key (PKCS#8). With it anyone can impersonate every server that this CA is trusted for.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Its unique id: the certificate's serial number in hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first second in which the CA is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last second in which the CA is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Issues a certificate with a new ECDSA P-256 key for a server that clients reach by `names` (DNS names or IP
    /// addresses).
    ///
    /// It is valid from one hour before `now` until `now + validity`, but never longer than the CA.
    ///
    /// # Errors
    /// `names` is empty, a name is neither a DNS name nor an IP address, or the CA's key cannot sign.
    pub fn issue(&self, names: &[String], now: SystemTime, validity: Duration) -> Result<ServingCertificate, TlsError> {
        let part = TlsPart::ServingCertificate;
        let end = now.checked_add(validity).map_or(self.not_after, |end| end.min(self.not_after));
        let key = KeyPair::generate().map_err(|error| cannot_create(TlsPart::ServingKey, &error))?;
        let certificate = serving_parameters(names, now, end, CERTIFICATE_BACKDATING.min(validity / 30))?
            .signed_by(&key, &self.issuer)
            .map_err(|error| cannot_create(part, &error))?;
        ServingCertificate::from_pem(&certificate.pem(), &key.serialize_pem())
    }
}

/// Written by hand, so that debug output never contains the key.
impl fmt::Debug for Ca {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ca").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

fn ca_parameters(key: &KeyPair) -> Result<CertificateParams, TlsError> {
    let mut parameters = CertificateParams::default();
    let key_id =
        parameters.key_identifier(key).iter().take(4).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    parameters.distinguished_name = common_name(&format!("{CA_NAME}{key_id}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.use_authority_key_identifier_extension = true;
    parameters.serial_number = Some(random_serial(TlsPart::CaCertificate)?);
    Ok(parameters)
}

fn serving_parameters(
    names: &[String],
    now: SystemTime,
    end: SystemTime,
    backdating: Duration,
) -> Result<CertificateParams, TlsError> {
    let Some(first) = names.first() else {
        return Err(TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::NoNames));
    };
    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names = names.iter().map(|name| alternative_name(name)).collect::<Result<_, _>>()?;
    parameters.distinguished_name =
        if first.len() <= COMMON_NAME_LIMIT { common_name(first) } else { DistinguishedName::new() };
    parameters.is_ca = IsCa::NoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    parameters.serial_number = Some(random_serial(TlsPart::ServingCertificate)?);
    parameters.not_before = now.checked_sub(backdating).unwrap_or(now).into();
    parameters.not_after = end.into();
    Ok(parameters)
}

fn alternative_name(name: &str) -> Result<SanType, TlsError> {
    let bad = || TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::BadName(name.to_owned()));
    match ServerName::try_from(name).map_err(|_| bad())? {
        ServerName::DnsName(dns) => Ok(SanType::DnsName(dns.as_ref().try_into().map_err(|_| bad())?)),
        ServerName::IpAddress(address) => Ok(SanType::IpAddress(IpAddr::from(address))),
        _ => Err(bad()),
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}

/// 16 random bytes whose first two bits are `01`: DER then encodes the number as positive and always in 16 bytes.
fn random_serial(part: TlsPart) -> Result<SerialNumber, TlsError> {
    let mut bytes = [0; 16];
    provider().secure_random.fill(&mut bytes).map_err(|_| {
        TlsError::new(part, TlsErrorKind::CannotCreate("the system provides no random bytes".to_owned()))
    })?;
    let [first, ..] = &mut bytes;
    *first = (*first & 0x3f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// Whether a certificate is allowed to issue others. Without the keyUsage extension it is not restricted (RFC 5280,
/// section 4.2.1.3).
fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    let may_sign =
        certificate.key_usage().is_ok_and(|usage| usage.is_none_or(|extension| extension.value.key_cert_sign()));
    certificate.is_ca() && may_sign
}

fn cannot_create(part: TlsPart, error: &rcgen::Error) -> TlsError {
    TlsError::new(part, TlsErrorKind::CannotCreate(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::CertificateDer;
    use std::time::UNIX_EPOCH;
    use x509_parser::extensions::ParsedExtension;

    const DAY: Duration = Duration::from_hours(24);

    /// 1 January 2026.
    fn now() -> SystemTime {
        UNIX_EPOCH + 20_454 * DAY
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn der(text: &str) -> CertificateDer<'static> {
        pem::first_certificate(TlsPart::ServingCertificate, text).unwrap()
    }

    /// Subject key identifier and authority key identifier (the issuer's key).
    fn identifiers(certificate: &X509Certificate<'_>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let (mut subject, mut issuer) = (None, None);
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => subject = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    issuer = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                _ => {}
            }
        }
        (subject, issuer)
    }

    #[test]
    fn a_new_ca_is_as_documented() {
        let ca = Ca::create(now()).unwrap();
        let der = der(ca.certificate_pem());
        let certificate = pem::parse(TlsPart::CaCertificate, &der).unwrap();

        let (subject, issuer) = identifiers(&certificate);
        let subject = subject.unwrap();
        let key_id = subject[..4].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(certificate.subject().to_string(), format!("CN=apim-keyless CA {key_id}"));
        assert_eq!(issuer, Some(subject));

        let constraints = certificate.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        let usage = certificate.key_usage().unwrap().unwrap().value;
        assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());

        assert_eq!(pem::system_time(certificate.validity().not_before), now() - DAY);
        assert_eq!(pem::system_time(certificate.validity().not_after), now() + 1095 * DAY);
        assert_eq!(ca.not_after(), now() + 1095 * DAY);
        assert_eq!(certificate.raw_serial().len(), 16);
    }

    #[test]
    fn every_ca_has_its_own_name_and_serial_number() {
        let (first, second) = (Ca::create(now()).unwrap(), Ca::create(now()).unwrap());
        let (first, second) = (der(first.certificate_pem()), der(second.certificate_pem()));
        let first = pem::parse(TlsPart::CaCertificate, &first).unwrap();
        let second = pem::parse(TlsPart::CaCertificate, &second).unwrap();
        assert_ne!(first.subject().to_string(), second.subject().to_string());
        assert_ne!(first.raw_serial(), second.raw_serial());
    }

    #[test]
    fn a_serving_certificate_is_as_documented() {
        let ca = Ca::create(now()).unwrap();
        let names = names(&["apim.gateways.svc", "127.0.0.1", "::1"]);
        let serving = ca.issue(&names, now(), 7 * DAY).unwrap();
        assert_eq!(serving.names(), names);
        assert_eq!(serving.not_after(), now() + 7 * DAY);

        let der = der(serving.certificate_pem());
        let certificate = pem::parse(TlsPart::ServingCertificate, &der).unwrap();
        assert_eq!(certificate.subject().to_string(), "CN=apim.gateways.svc");
        assert_eq!(pem::system_time(certificate.validity().not_before), now() - Duration::from_hours(1));
        assert!(!certificate.is_ca());
        let usage = certificate.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && !usage.key_cert_sign());
        let extended = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(extended.server_auth && !extended.client_auth && !extended.any);
        let ca_der = self::der(ca.certificate_pem());
        let ca_certificate = pem::parse(TlsPart::CaCertificate, &ca_der).unwrap();
        assert_eq!(identifiers(&certificate).1, identifiers(&ca_certificate).0);
    }

    #[test]
    fn a_serving_certificate_never_outlives_its_ca() {
        let ca = Ca::create(now()).unwrap();
        let names = names(&["localhost"]);
        let late = ca.issue(&names, now() + 1094 * DAY, 7 * DAY).unwrap();
        assert_eq!(late.not_after(), ca.not_after());
        let endless = ca.issue(&names, now(), Duration::MAX).unwrap();
        assert_eq!(endless.not_after(), ca.not_after());
    }

    #[test]
    fn a_first_name_beyond_64_characters_is_not_used_as_common_name() {
        let ca = Ca::create(now()).unwrap();
        let long = format!("{}.{}.svc", "a".repeat(40), "b".repeat(40));
        let serving = ca.issue(std::slice::from_ref(&long), now(), DAY).unwrap();
        assert_eq!(serving.names(), [long]);
        let der = der(serving.certificate_pem());
        assert_eq!(pem::parse(TlsPart::ServingCertificate, &der).unwrap().subject().to_string(), "");
    }

    #[test]
    fn invalid_names_are_rejected() {
        let ca = Ca::create(now()).unwrap();
        for (bad, expected) in
            [(&["a b"][..], "`a b` is neither"), (&["https://x"], "`https://x`"), (&[], "no name was given")]
        {
            let error = ca.issue(&names(bad), now(), DAY).unwrap_err().to_string();
            assert!(error.starts_with("the serving certificate: ") && error.contains(expected), "{error}");
        }
    }

    fn error_of(certificate: &str, key: &str, now: SystemTime) -> String {
        Ca::from_valid_pem(certificate, key, now).unwrap_err().to_string()
    }

    #[test]
    fn a_pair_that_is_not_a_ca_is_rejected() {
        let ca = Ca::create(now()).unwrap();
        let other = Ca::create(now()).unwrap();
        let serving = ca.issue(&names(&["localhost"]), now(), DAY).unwrap();
        let (certificate, key) = (ca.certificate_pem(), ca.key_pem());
        let with_key = format!("{certificate}{key}");
        for (certificate, key, expected) in [
            (certificate, other.key_pem(), "the CA's key: it does not belong to the certificate; use"),
            (certificate, "garbage", "the CA's key: it contains no private key in a supported form; replace"),
            ("garbage", key, "the CA's certificate: it contains no certificate in PEM form; replace"),
            (serving.certificate_pem(), serving.key_pem(), "its certificate is not allowed to issue certificates; use"),
            (&with_key, key, "it contains a private key; remove"),
        ] {
            let error = error_of(certificate, key, now());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_ca_is_rejected_outside_its_validity() {
        let ca = Ca::create(now()).unwrap();
        let (certificate, key) = (ca.certificate_pem(), ca.key_pem());
        let late = error_of(certificate, key, now() + 1096 * DAY);
        assert!(late.contains("the CA's certificate: it expired on Dec 31 00:00:00 2028 +00:00; replace"), "{late}");
        let early = error_of(certificate, key, now() - 2 * DAY);
        assert!(early.contains("the CA's certificate: it is not valid before Dec 31 00:00:00 2025"), "{early}");
        Ca::from_valid_pem(certificate, key, now() + 1095 * DAY).unwrap();
    }

    #[test]
    fn debug_output_contains_no_key() {
        let ca = Ca::create(now()).unwrap();
        let serving = ca.issue(&names(&["localhost"]), now(), DAY).unwrap();
        let printed = format!("{ca:?} {serving:?} {ca:#?} {serving:#?}");
        assert!(!printed.contains("PRIVATE") && !printed.contains("key"), "{printed}");
    }
}
