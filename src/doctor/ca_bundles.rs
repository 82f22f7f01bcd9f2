//! Checks of the CAs: the CA Secret holds a valid one, and the caBundle of every webhook entry holds all of them.

use super::check_input::WebhookEntry;
use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, DoctorCode, Outcome};
use crate::tls::{cas_in, check_ca_bundle};
use apim_keyless_report::Diagnostic;
use k8s_openapi::ByteString;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Does the CA Secret hold a valid CA? Only for certificate source `self-managed`.
pub(super) fn check_ca_secret(input: &CheckInput<'_>) -> Outcome {
    if !input.is_self_managed() {
        return Outcome::NotApplicable;
    }
    let Ok(stored) = &input.installation.cas else { return Outcome::Unknown };
    if !stored_cas(input).is_empty() {
        return Outcome::PASSED;
    }
    let message = match stored {
        None => "the Secret with the CAs does not exist",
        Some(_) => "the Secret holds no valid CA",
    };
    let target = Target::in_namespace("Secret", &input.names.secret, input.names);
    Outcome::found(diagnostic(DoctorCode::CaMissing, input.names, target, message))
}

/// Is every caBundle valid, does it hold the CAs of the Secret, and is it the same in all webhook entries?
pub(super) fn check_ca_bundles(input: &CheckInput<'_>) -> Outcome {
    let stored = stored_cas(input);
    let (mut findings, mut valid) = (Vec::new(), Vec::new());
    for entry in input.entries() {
        match ca_bundle_problem(input, entry, &stored) {
            None => valid.push(entry),
            Some((code, message)) => findings.push(finding(input, entry, code, &message)),
        }
    }
    let first = valid.first().and_then(ca_bundle);
    findings.extend(valid.iter().filter(|entry| ca_bundle(entry) != first).map(|entry| {
        let message = "its caBundle differs from the caBundle of the first entry".to_owned();
        finding(input, *entry, DoctorCode::CaBundlesDiffer, &message)
    }));
    input.of_entries(findings, !input.is_self_managed() || input.installation.cas.is_ok())
}

fn finding(input: &CheckInput<'_>, entry: WebhookEntry<'_>, code: DoctorCode, message: &str) -> Diagnostic {
    let target = entry.target(&["clientConfig", "caBundle"]);
    diagnostic(code, input.names, target, format!("{}: {message}", entry.webhook.name))
}

/// Why the API server would not trust all replicas with this caBundle.
fn ca_bundle_problem(
    input: &CheckInput<'_>,
    entry: WebhookEntry<'_>,
    stored: &BTreeMap<String, String>,
) -> Option<(DoctorCode, String)> {
    let Some(text) = ca_bundle(&entry) else {
        return Some((DoctorCode::CaBundleMissing, "it has no caBundle".to_owned()));
    };
    if let Err(error) = check_ca_bundle(&text, input.now) {
        let code = if error.is_expired() { DoctorCode::CaBundleExpired } else { DoctorCode::CaBundleMalformed };
        return Some((code, format!("its caBundle cannot be used: {error}")));
    }
    let contained = cas_in(&text, input.now);
    let missing: Vec<&str> = stored.keys().filter(|id| !contained.contains_key(*id)).map(String::as_str).collect();
    match missing.as_slice() {
        [] => None,
        all if all.len() == stored.len() => {
            Some((DoctorCode::CaBundleUnexpected, format!("its caBundle holds no CA of Secret {}", input.names.secret)))
        }
        some => Some((
            DoctorCode::CaBundleIncomplete,
            format!("its caBundle lacks CA {} of Secret {}", some.join(", "), input.names.secret),
        )),
    }
}

/// The valid CAs of the Secret, by id; none for other certificate sources.
fn stored_cas(input: &CheckInput<'_>) -> BTreeMap<String, String> {
    let stored = input.installation.cas.as_ref().ok().and_then(Option::as_deref);
    stored.filter(|_| input.is_self_managed()).map(|text| cas_in(text, input.now)).unwrap_or_default()
}

/// `clientConfig.caBundle` of an entry, if it is set.
fn ca_bundle<'a>(entry: &WebhookEntry<'a>) -> Option<Cow<'a, str>> {
    let ByteString(bytes) = entry.webhook.client_config.ca_bundle.as_ref()?;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes))
}
