//! The CAs: kept in the Secret, and trusted by every webhook entry.

use super::check_input::WebhookEntry;
use super::{CheckInput, Code, DoctorFinding, Location};
use crate::tls::{cas_in, check_ca_bundle};
use k8s_openapi::ByteString;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// There is a CA that is valid, where the replicas look after their own.
pub(super) fn are_kept(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let Ok(stored) = &input.installation.cas else { return Vec::new() };
    if !input.is_self_managed() || !kept(input).is_empty() {
        return Vec::new();
    }
    let message = match stored {
        None => "there is no Secret with the CAs that certificates come from",
        Some(_) => "it holds no CA that is valid",
    };
    vec![DoctorFinding::new(
        Code::CaMissing,
        input.names,
        Location::here("Secret", &input.names.secret, input.names),
        message,
    )]
}

/// Every caBundle can be used and holds the CAs that are kept.
pub(super) fn are_trusted(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let kept = kept(input);
    let (mut findings, mut whole) = (Vec::new(), Vec::new());
    for entry in input.entries() {
        match distrust(input, entry, &kept) {
            None => whole.push(entry),
            Some((code, message)) => findings.push(finding(input, entry, code, &message)),
        }
    }
    let first = whole.first().and_then(bundle);
    findings.extend(whole.iter().filter(|entry| bundle(entry) != first).map(|entry| {
        let message = "its caBundle is not that of the other entries".to_owned();
        finding(input, *entry, Code::CaBundlesDiffer, &message)
    }));
    findings
}

fn finding(input: &CheckInput<'_>, entry: WebhookEntry<'_>, code: Code, message: &str) -> DoctorFinding {
    let location = entry.location(&["clientConfig", "caBundle"]);
    DoctorFinding::new(code, input.names, location, format!("{}: {message}", entry.webhook.name))
}

/// Why the API server would not trust our replicas by this entry.
fn distrust(
    input: &CheckInput<'_>,
    entry: WebhookEntry<'_>,
    kept: &BTreeMap<String, String>,
) -> Option<(Code, String)> {
    let Some(bundle) = bundle(&entry) else {
        return Some((Code::CaBundleMissing, "it has no caBundle".to_owned()));
    };
    if let Err(error) = check_ca_bundle(&bundle, input.now) {
        let code = if error.is_expiry() { Code::CaBundleExpired } else { Code::CaBundleMalformed };
        return Some((code, format!("its caBundle is of no use: {error}")));
    }
    let held = cas_in(&bundle, input.now);
    let lacking: Vec<&str> = kept.keys().filter(|id| !held.contains_key(*id)).map(String::as_str).collect();
    match lacking.as_slice() {
        [] => None,
        all if all.len() == kept.len() => {
            Some((Code::CaBundleUnexpected, format!("its caBundle holds no CA of Secret {}", input.names.secret)))
        }
        some => Some((
            Code::CaBundleIncomplete,
            format!("its caBundle lacks CA {} of Secret {}", some.join(", "), input.names.secret),
        )),
    }
}

/// The CAs of ours that are kept and valid, by their ids; none if others look after them.
fn kept(input: &CheckInput<'_>) -> BTreeMap<String, String> {
    let stored = input.installation.cas.as_ref().ok().and_then(Option::as_deref);
    stored.filter(|_| input.is_self_managed()).map(|text| cas_in(text, input.now)).unwrap_or_default()
}

/// The caBundle of an entry, if it has one.
fn bundle<'a>(entry: &WebhookEntry<'a>) -> Option<Cow<'a, str>> {
    let ByteString(bytes) = entry.webhook.client_config.ca_bundle.as_ref()?;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes))
}
