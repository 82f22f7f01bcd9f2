//! Reads and writes the CAs of a caBundle.

use super::error::TlsPart;
use super::{CA_NAME, CaIds, TlsError, pem};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::time::SystemTime;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The CAs in a caBundle that this program created and that have not expired: id to certificate (PEM text).
///
/// Other CAs, expired ones and any other text are skipped.
pub fn cas_in(text: &str, now: SystemTime) -> BTreeMap<String, String> {
    let blocks = text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END));
    blocks
        .filter_map(|(body, _)| {
            let block = format!("{BEGIN}{}{END}\n", body.replace('\r', ""));
            Some((id_if_ours(&block, now)?, block))
        })
        .collect()
}

/// The text of a caBundle with the CAs in `wanted`. `known` maps their ids to their certificates; an unknown id is
/// skipped.
pub fn ca_bundle_text(wanted: &CaIds, known: &BTreeMap<String, String>) -> String {
    wanted.iter().filter_map(|id| known.get(id)).map(String::as_str).collect()
}

/// Checks that a caBundle contains a certificate that is valid at `now`, of any CA.
///
/// # Errors
/// It contains no valid certificate, or something that is not a certificate.
pub fn check_ca_bundle(text: &str, now: SystemTime) -> Result<(), TlsError> {
    pem::valid_root_store(text, now).map(drop)
}

fn id_if_ours(block: &str, now: SystemTime) -> Option<String> {
    let certificate: CertificateDer<'_> = pem::first_certificate(TlsPart::CaCertificate, block).ok()?;
    let parsed = pem::parse(TlsPart::CaCertificate, &certificate).ok()?;
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok())?;
    let is_ours = name.starts_with(CA_NAME) && parsed.is_ca() && pem::system_time(parsed.validity().not_after) > now;
    is_ours.then(|| pem::serial(&parsed))
}

#[cfg(test)]
mod tests {
    use super::super::Ca;
    use super::*;
    use std::time::Duration;

    #[test]
    fn own_cas_are_found_among_other_text() {
        let now = SystemTime::now();
        let names = ["a.b.svc".to_owned()];
        let [one, other] = [(); 2].map(|()| Ca::create_for(&names, now, Duration::from_hours(1)).unwrap());
        let certificate = one.issue(&names, now, Duration::from_hours(1)).unwrap();
        let text = format!(
            "other text\n{}\n{BEGIN}\nAAAA\n{END}\n{}{}{BEGIN}",
            one.certificate_pem().replace('\n', "\r\n"),
            certificate.certificate_pem(),
            other.certificate_pem()
        );
        let found = cas_in(&text, now);
        assert_eq!(found.keys().cloned().collect::<CaIds>(), [one.id(), other.id()].map(str::to_owned).into());
        let both = ca_bundle_text(&found.keys().cloned().collect(), &found);
        assert_eq!(cas_in(&both, now), found);
        assert_eq!(ca_bundle_text(&found.keys().cloned().collect(), &cas_in(&both, now)), both);
        assert!(cas_in(&text, now + Duration::from_hours(2)).is_empty());
        for nothing in ["", "CA_BUNDLE", BEGIN, END] {
            assert!(cas_in(nothing, now).is_empty());
        }
    }
}
