//! The CAs: kept in the Secret, and trusted by every webhook entry.

use super::case::Entry;
use super::{Case, Fault, Finding, Place};
use crate::tls::{authorities_in, examine_bundle};
use k8s_openapi::ByteString;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// There is a CA that is valid, where the replicas look after their own.
pub(super) fn are_kept(case: &Case<'_>) -> Vec<Finding> {
    let Ok(stored) = &case.installation.authorities else { return Vec::new() };
    if !case.is_self_managed() || !kept(case).is_empty() {
        return Vec::new();
    }
    let problem = match stored {
        None => "there is no Secret with the CAs that certificates come from",
        Some(_) => "it holds no CA that is valid",
    };
    vec![Finding::new(Fault::AuthorityMissing, case.site, Place::here("Secret", &case.site.secret, case.site), problem)]
}

/// Every caBundle can be used and holds the CAs that are kept.
pub(super) fn are_trusted(case: &Case<'_>) -> Vec<Finding> {
    let kept = kept(case);
    let (mut findings, mut whole) = (Vec::new(), Vec::new());
    for entry in case.entries() {
        match distrust(case, entry, &kept) {
            None => whole.push(entry),
            Some((fault, problem)) => findings.push(finding(case, entry, fault, &problem)),
        }
    }
    let first = whole.first().and_then(bundle);
    findings.extend(whole.iter().filter(|entry| bundle(entry) != first).map(|entry| {
        let problem = "its caBundle is not that of the other entries".to_owned();
        finding(case, *entry, Fault::BundlesDiffer, &problem)
    }));
    findings
}

fn finding(case: &Case<'_>, entry: Entry<'_>, fault: Fault, problem: &str) -> Finding {
    let place = entry.place(&["clientConfig", "caBundle"]);
    Finding::new(fault, case.site, place, format!("{}: {problem}", entry.webhook.name))
}

/// Why the API server would not trust our replicas by this entry.
fn distrust(case: &Case<'_>, entry: Entry<'_>, kept: &BTreeMap<String, String>) -> Option<(Fault, String)> {
    let Some(bundle) = bundle(&entry) else {
        return Some((Fault::BundleMissing, "it has no caBundle".to_owned()));
    };
    if let Err(error) = examine_bundle(&bundle, case.now) {
        let fault = if error.is_expiry() { Fault::BundleExpired } else { Fault::BundleUnreadable };
        return Some((fault, format!("its caBundle is of no use: {error}")));
    }
    let held = authorities_in(&bundle, case.now);
    let lacking: Vec<&str> = kept.keys().filter(|id| !held.contains_key(*id)).map(String::as_str).collect();
    match lacking.as_slice() {
        [] => None,
        all if all.len() == kept.len() => {
            Some((Fault::BundleForeign, format!("its caBundle holds no CA of Secret {}", case.site.secret)))
        }
        some => Some((
            Fault::BundleIncomplete,
            format!("its caBundle lacks CA {} of Secret {}", some.join(", "), case.site.secret),
        )),
    }
}

/// The CAs of ours that are kept and valid, by their ids; none if others look after them.
fn kept(case: &Case<'_>) -> BTreeMap<String, String> {
    let stored = case.installation.authorities.as_ref().ok().and_then(Option::as_deref);
    stored.filter(|_| case.is_self_managed()).map(|text| authorities_in(text, case.now)).unwrap_or_default()
}

/// The caBundle of an entry, if it has one.
fn bundle<'a>(entry: &Entry<'a>) -> Option<Cow<'a, str>> {
    let ByteString(bytes) = entry.webhook.client_config.ca_bundle.as_ref()?;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes))
}
