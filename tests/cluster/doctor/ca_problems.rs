//! Problems of the CAs and caBundles.

use super::injection::{InjectedProblem, Injection, change};
use apim_keyless::doctor::DoctorCode;
use apim_keyless::tls::Ca;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use test_support::webhook::CONFIGURATIONS;

/// The Secret with the CAs.
pub(crate) const SECRET: &str = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";

const DAY: Duration = Duration::from_hours(24);

/// The certificates in a Secret, as PEM text.
pub(crate) fn certificates(secret: &Value) -> String {
    let data = secret["data"].as_object().unwrap().iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
    data.map(|(_, text)| String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap()).collect()
}

/// A CA for the webhook's name, created `age` ago and valid for `validity`.
fn ca(age: Duration, validity: Duration) -> Ca {
    let names = ["apim-keyless.apim-keyless.svc".to_owned()];
    Ca::create_for(&names, SystemTime::now() - age, validity).unwrap()
}

/// Sets the caBundle of the entry of the mutating webhook configuration.
fn set_ca_bundle(text: &str) -> Injection {
    let encoded = STANDARD.encode(text);
    change(CONFIGURATIONS[0], move |configuration| {
        configuration["webhooks"][0]["clientConfig"]["caBundle"] = json!(encoded);
    })
}

/// Every problem of CAs and caBundles. `stored` are the certificates of the CA Secret.
pub(crate) fn all(stored: &str) -> Vec<InjectedProblem> {
    let location = "MutatingWebhookConfiguration apim-keyless /webhooks/0/clientConfig/caBundle";
    let others: Vec<String> = (0..4)
        .map(|entry| format!("ValidatingWebhookConfiguration apim-keyless /webhooks/{entry}/clientConfig/caBundle"))
        .collect();
    let all_entries: Vec<&str> = [location].into_iter().chain(others.iter().map(String::as_str)).collect();
    let (fresh, expired) = (ca(Duration::ZERO, DAY), ca(2 * DAY, DAY));
    let (id, pem) = (fresh.id().to_owned(), fresh.certificate_pem().to_owned());
    let secret = "Secret apim-keyless/apim-keyless-ca";
    vec![
        InjectedProblem::new(
            DoctorCode::CaBundleMissing,
            &[location],
            change(CONFIGURATIONS[0], |configuration| {
                configuration["webhooks"][0]["clientConfig"].as_object_mut().unwrap().remove("caBundle");
            }),
        ),
        InjectedProblem::new(DoctorCode::CaBundleMalformed, &[location], set_ca_bundle("garbage")),
        InjectedProblem::new(DoctorCode::CaBundleExpired, &[location], set_ca_bundle(expired.certificate_pem())),
        InjectedProblem::new(DoctorCode::CaBundleUnexpected, &[location], set_ca_bundle(fresh.certificate_pem())),
        // the others are compared with the first entry of the report
        InjectedProblem::new(
            DoctorCode::CaBundlesDiffer,
            &all_entries[1..],
            set_ca_bundle(&format!("{stored}{}", fresh.certificate_pem())),
        ),
        InjectedProblem::new(
            DoctorCode::CaBundleIncomplete,
            &all_entries,
            change(SECRET, move |secret| secret["data"][format!("{id}.crt")] = json!(STANDARD.encode(&pem))),
        ),
        InjectedProblem::new(
            DoctorCode::CaMissing,
            &[secret],
            change(SECRET, move |secret| secret["data"] = json!({"a.crt": STANDARD.encode("garbage")})),
        ),
        InjectedProblem::new(DoctorCode::CaMissing, &[secret], Injection::Remove(SECRET)),
    ]
}
