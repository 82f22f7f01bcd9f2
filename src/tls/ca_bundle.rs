//! The CAs in a caBundle.

use super::error::TlsPart;
use super::{CA_NAME, CaBundle, TlsError, pem};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::time::SystemTime;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// CAs of ours that are still valid, by their ids: the certificate of each as PEM text.
///
/// What is no CA of ours, no certificate, or has ended is left out, whatever stands around it.
pub fn cas_in(text: &str, now: SystemTime) -> BTreeMap<String, String> {
    let blocks = text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END));
    blocks
        .filter_map(|(body, _)| {
            let block = format!("{BEGIN}{}{END}\n", body.replace('\r', ""));
            Some((id_of_ours(&block, now)?, block))
        })
        .collect()
}

/// The text of a caBundle that holds `wanted`, each certificate out of `known`.
pub fn ca_bundle_text(wanted: &CaBundle, known: &BTreeMap<String, String>) -> String {
    wanted.iter().filter_map(|id| known.get(id)).map(String::as_str).collect()
}

/// Does a caBundle hold a certificate that is valid at `now`, whoever made it?
///
/// # Errors
/// It holds none, or something that is no certificate.
pub fn check_ca_bundle(text: &str, now: SystemTime) -> Result<(), TlsError> {
    pem::trust_at(text, now).map(drop)
}

fn id_of_ours(block: &str, now: SystemTime) -> Option<String> {
    let certificate: CertificateDer<'_> = pem::first_certificate(TlsPart::CaCertificate, block).ok()?;
    let parsed = pem::parse(TlsPart::CaCertificate, &certificate).ok()?;
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok())?;
    let is_ours = name.starts_with(CA_NAME) && parsed.is_ca() && pem::moment(parsed.validity().not_after) > now;
    is_ours.then(|| pem::serial(&parsed))
}

#[cfg(test)]
mod tests {
    use super::super::Ca;
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_of_ours_is_found_among_anything_else() {
        let now = SystemTime::now();
        let names = ["a.b.svc".to_owned()];
        let [one, other] = [(); 2].map(|()| Ca::create_for(&names, now, Duration::from_hours(1)).unwrap());
        let certificate = one.issue(&names, now, Duration::from_hours(1)).unwrap();
        let text = format!(
            "rubbish\n{}\n{BEGIN}\nAAAA\n{END}\n{}{}{BEGIN}",
            one.certificate_pem().replace('\n', "\r\n"),
            certificate.certificate_pem(),
            other.certificate_pem()
        );
        let found = cas_in(&text, now);
        assert_eq!(found.keys().cloned().collect::<CaBundle>(), [one.id(), other.id()].map(str::to_owned).into());
        let both = ca_bundle_text(&found.keys().cloned().collect(), &found);
        assert_eq!(cas_in(&both, now), found);
        assert_eq!(ca_bundle_text(&found.keys().cloned().collect(), &cas_in(&both, now)), both);
        assert!(cas_in(&text, now + Duration::from_hours(2)).is_empty());
        for nothing in ["", "CA_BUNDLE", BEGIN, END] {
            assert!(cas_in(nothing, now).is_empty());
        }
    }
}
