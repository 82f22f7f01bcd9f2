//! Faults of the CAs and caBundles.

use crate::plants::{How, Plant, change};
use crate::webhook::account::CONFIGURATIONS;
use apim_keyless::doctor::Code;
use apim_keyless::tls::Ca;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// The Secret with the CAs.
pub(crate) const SECRET: &str = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";

const DAY: Duration = Duration::from_hours(24);

/// The certificates that a Secret holds.
pub(crate) fn certificates(secret: &Value) -> String {
    let data = secret["data"].as_object().unwrap().iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
    data.map(|(_, text)| String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap()).collect()
}

/// A CA of the webhook's name that was made so long ago and is valid for so long.
fn authority(age: Duration, validity: Duration) -> Ca {
    let names = ["apim-keyless.apim-keyless.svc".to_owned()];
    Ca::create_for(&names, SystemTime::now() - age, validity).unwrap()
}

/// Writes a caBundle into the first entry of the mutating configuration.
fn bundle(text: &str) -> How {
    let encoded = STANDARD.encode(text);
    change(CONFIGURATIONS[0], move |configuration| {
        configuration["webhooks"][0]["clientConfig"]["caBundle"] = json!(encoded);
    })
}

/// Faults of CAs and caBundles, where these certificates are kept.
pub(crate) fn all(kept: &str) -> Vec<Plant> {
    let place = "MutatingWebhookConfiguration apim-keyless /webhooks/0/clientConfig/caBundle";
    let others: Vec<String> = (0..3)
        .map(|entry| format!("ValidatingWebhookConfiguration apim-keyless /webhooks/{entry}/clientConfig/caBundle"))
        .collect();
    let everywhere: Vec<&str> = [place].into_iter().chain(others.iter().map(String::as_str)).collect();
    let (fresh, expired) = (authority(Duration::ZERO, DAY), authority(2 * DAY, DAY));
    let (id, pem) = (fresh.id().to_owned(), fresh.certificate_pem().to_owned());
    let secret = "Secret apim-keyless/apim-keyless-ca";
    vec![
        Plant::new(
            Code::CaBundleMissing,
            &[place],
            change(CONFIGURATIONS[0], |configuration| {
                configuration["webhooks"][0]["clientConfig"].as_object_mut().unwrap().remove("caBundle");
            }),
        ),
        Plant::new(Code::CaBundleMalformed, &[place], bundle("rubbish")),
        Plant::new(Code::CaBundleExpired, &[place], bundle(expired.certificate_pem())),
        Plant::new(Code::CaBundleUnexpected, &[place], bundle(fresh.certificate_pem())),
        // the order of the report: the first entry is what the others are compared with
        Plant::new(Code::CaBundlesDiffer, &everywhere[1..], bundle(&format!("{kept}{}", fresh.certificate_pem()))),
        Plant::new(
            Code::CaBundleIncomplete,
            &everywhere,
            change(SECRET, move |secret| secret["data"][format!("{id}.crt")] = json!(STANDARD.encode(&pem))),
        ),
        Plant::new(
            Code::CaMissing,
            &[secret],
            change(SECRET, move |secret| secret["data"] = json!({"a.crt": STANDARD.encode("rubbish")})),
        ),
        Plant::new(Code::CaMissing, &[secret], How::Remove(SECRET)),
    ]
}
