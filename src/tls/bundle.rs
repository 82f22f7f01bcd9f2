//! The CAs in a caBundle.

use super::error::Part;
use super::{AUTHORITY_NAME, Bundle, TlsError, pem};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::time::SystemTime;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// CAs of ours that are still valid, by their ids: the certificate of each as PEM text.
///
/// What is no CA of ours, no certificate, or has ended is left out, whatever stands around it.
pub fn authorities_in(text: &str, now: SystemTime) -> BTreeMap<String, String> {
    let blocks = text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END));
    blocks
        .filter_map(|(body, _)| {
            let block = format!("{BEGIN}{}{END}\n", body.replace('\r', ""));
            Some((id_of_ours(&block, now)?, block))
        })
        .collect()
}

/// The text of a caBundle that holds `wanted`, each certificate out of `known`.
pub fn bundle_text(wanted: &Bundle, known: &BTreeMap<String, String>) -> String {
    wanted.iter().filter_map(|id| known.get(id)).map(String::as_str).collect()
}

/// Does a caBundle hold a certificate that is valid at `now`, whoever made it?
///
/// # Errors
/// It holds none, or something that is no certificate.
pub fn examine_bundle(text: &str, now: SystemTime) -> Result<(), TlsError> {
    pem::trust_at(text, now).map(drop)
}

fn id_of_ours(block: &str, now: SystemTime) -> Option<String> {
    let certificate: CertificateDer<'_> = pem::first_certificate(Part::AuthorityCertificate, block).ok()?;
    let parsed = pem::parse(Part::AuthorityCertificate, &certificate).ok()?;
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok())?;
    let is_ours = name.starts_with(AUTHORITY_NAME) && parsed.is_ca() && pem::moment(parsed.validity().not_after) > now;
    is_ours.then(|| pem::serial(&parsed))
}

#[cfg(test)]
mod tests {
    use super::super::Authority;
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_of_ours_is_found_among_anything_else() {
        let now = SystemTime::now();
        let names = ["a.b.svc".to_owned()];
        let [one, other] = [(); 2].map(|()| Authority::create_for(&names, now, Duration::from_hours(1)).unwrap());
        let leaf = one.issue(&names, now, Duration::from_hours(1)).unwrap();
        let text = format!(
            "rubbish\n{}\n{BEGIN}\nAAAA\n{END}\n{}{}{BEGIN}",
            one.certificate_pem().replace('\n', "\r\n"),
            leaf.certificate_pem(),
            other.certificate_pem()
        );
        let found = authorities_in(&text, now);
        assert_eq!(found.keys().cloned().collect::<Bundle>(), [one.id(), other.id()].map(str::to_owned).into());
        let both = bundle_text(&found.keys().cloned().collect(), &found);
        assert_eq!(authorities_in(&both, now), found);
        assert_eq!(bundle_text(&found.keys().cloned().collect(), &authorities_in(&both, now)), both);
        assert!(authorities_in(&text, now + Duration::from_hours(2)).is_empty());
        for nothing in ["", "CA_BUNDLE", BEGIN, END] {
            assert!(authorities_in(nothing, now).is_empty());
        }
    }
}
