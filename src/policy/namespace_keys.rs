//! What labels and annotations of ours on a Namespace may be, and what is wrong with those that nobody understands.
//!
//! A judgement takes such a key as if it was not there. Whoever looks for faults of an installation says so.

use super::document_value::{Guid, Name, TextFormat};
use super::{FIRST_VERSION, Mode};
use crate::gateway::well_known::{Keys, MODE, OUR_PREFIX};
use jsonptr::PointerBuf;
use semver::Version;

/// A label or annotation of a Namespace that doesn't do what it was meant to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceProblem {
    /// What sort of fault.
    pub code: NamespaceKeyProblem,
    /// The label or annotation.
    pub at: PointerBuf,
    /// What is wrong, and what would be right. Its value is not told.
    pub message: String,
}

/// What can be wrong with a label or annotation of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceKeyProblem {
    /// The mode is none.
    Mode,
    /// Nobody reads a key of this name, or not here.
    Unknown,
    /// Its value is not of the form that it must be.
    Value,
}

/// Reads the value of an annotation; what it must be, if it isn't.
type Check = fn(&str) -> Result<(), String>;

/// Every annotation that is read, behind the prefix.
const ANNOTATIONS: [(&str, Check); 6] = [
    ("client-id", each::<Guid>),
    ("config-map", each::<Name>),
    ("gateway-name", each::<Name>),
    ("minimum-version", version),
    ("service-account", each::<Name>),
    ("tenant-id", each::<Guid>),
];

/// What is wrong with the labels and annotations of ours on a Namespace.
pub fn namespace_problems(labels: &Keys, annotations: &Keys) -> Vec<NamespaceProblem> {
    let of_labels = labels.iter().filter(|(key, _)| is_nearly_ours(key)).filter_map(|(key, value)| {
        let (code, message) = label_fault(key, value)?;
        Some(NamespaceProblem { code, at: PointerBuf::from_tokens(["metadata", "labels", key]), message })
    });
    let of_annotations = annotations.iter().filter(|(key, _)| is_nearly_ours(key)).filter_map(|(key, value)| {
        let (code, message) = annotation_fault(key, value)?;
        Some(NamespaceProblem { code, at: PointerBuf::from_tokens(["metadata", "annotations", key]), message })
    });
    of_labels.chain(of_annotations).collect()
}

fn label_fault(key: &str, value: &str) -> Option<(NamespaceKeyProblem, String)> {
    if key != MODE {
        let is_annotation = ANNOTATIONS.iter().any(|(name, _)| key.strip_prefix(OUR_PREFIX) == Some(name));
        let read = if is_annotation { "as an annotation, not as a label" } else { "by nobody" };
        return Some((
            NamespaceKeyProblem::Unknown,
            format!("{key} is read {read}; the label of a Namespace that is read is {MODE}"),
        ));
    }
    let modes = [Mode::Enforce, Mode::Audit, Mode::Off].map(Mode::name);
    (!modes.contains(&value)).then(|| (NamespaceKeyProblem::Mode, format!("{key} is none of {}", modes.join(", "))))
}

fn annotation_fault(key: &str, value: &str) -> Option<(NamespaceKeyProblem, String)> {
    let Some((_, check)) = ANNOTATIONS.iter().find(|(name, _)| key.strip_prefix(OUR_PREFIX) == Some(name)) else {
        let read = if key == MODE { "as a label, not as an annotation" } else { "by nobody" };
        let names = ANNOTATIONS.map(|(name, _)| name).join(", ");
        return Some((
            NamespaceKeyProblem::Unknown,
            format!("{key} is read {read}; annotations that are read are {OUR_PREFIX}{names}"),
        ));
    };
    check(value).err().map(|message| (NamespaceKeyProblem::Value, format!("{key} {message}")))
}

/// Is it a key of ours, or meant to be one?
fn is_nearly_ours(key: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
    };
    key.split_once('/').is_some_and(|(prefix, _)| letters(prefix).starts_with("apimkeyless"))
}

/// Every member of a list must be of a form; an empty one says nothing.
fn each<T: TextFormat>(value: &str) -> Result<(), String> {
    let mut members = value.split(',').map(str::trim).filter(|one| !one.is_empty());
    if members.all(|one| T::read(one).is_some()) {
        Ok(())
    } else {
        Err(format!("is not {}, or a list of such", T::DESCRIPTION))
    }
}

fn version(value: &str) -> Result<(), String> {
    match Version::read(value.trim()) {
        _ if value.trim().is_empty() => Ok(()),
        None => Err(format!("is not {}", Version::DESCRIPTION)),
        Some(version) if version < FIRST_VERSION => {
            Err(format!("is older than {FIRST_VERSION}, which counts: it can be raised, never lowered"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NamespaceKeyProblem::{Mode, Unknown, Value};

    fn faults(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Vec<(NamespaceKeyProblem, String, String)> {
        let keys = |keys: &[(&str, &str)]| keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let found = namespace_problems(&keys(labels), &keys(annotations));
        found.into_iter().map(|one| (one.code, one.at.to_string(), one.message)).collect()
    }

    #[test]
    fn what_is_read_has_no_fault() {
        let guid = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
        let two = format!("{guid}, {guid}");
        for mode in ["enforce", "audit", "off"] {
            let annotations = [
                ("apim-keyless.dev/client-id", two.as_str()),
                ("apim-keyless.dev/config-map", "a,b"),
                ("apim-keyless.dev/gateway-name", "orders"),
                ("apim-keyless.dev/minimum-version", "2.12.0"),
                ("apim-keyless.dev/service-account", ""),
                ("apim-keyless.dev/tenant-id", guid),
                ("other.example/apim-keyless", "?"),
            ];
            assert_eq!(faults(&[("apim-keyless.dev/mode", mode), ("app", "apim-keyless")], &annotations), []);
        }
    }

    #[test]
    fn what_nobody_understands_is_told_by_its_key_and_never_by_its_value() {
        for (labels, annotations, code, words) in [
            (&[("apim-keyless.dev/mode", "enforced")][..], &[][..], Mode, "none of enforce, audit, off"),
            (&[("apim-keyless.dev/mode", "")], &[], Mode, "none of"),
            (&[("apim-keyless.dev/Mode", "secret")], &[], Unknown, "by nobody"),
            (&[("apim-keyless.io/mode", "secret")], &[], Unknown, "by nobody"),
            (&[("apim-keyless.dev/client-id", "secret")], &[], Unknown, "as an annotation"),
            (&[], &[("apim-keyless.dev/mode", "secret")], Unknown, "as a label"),
            (&[], &[("apim-keyless.dev/client_id", "secret")], Unknown, "by nobody"),
            (&[], &[("apimkeyless.dev/client-id", "secret")], Unknown, "by nobody"),
            (&[], &[("apim-keyless.dev/client-id", "secret")], Value, "is not a GUID"),
            (&[], &[("apim-keyless.dev/tenant-id", "secret")], Value, "is not a GUID"),
            (&[], &[("apim-keyless.dev/config-map", "a secret")], Value, "is not a name"),
            (&[], &[("apim-keyless.dev/minimum-version", "2.12")], Value, "three numbers"),
            (&[], &[("apim-keyless.dev/minimum-version", "2.10.0")], Value, "never lowered"),
        ] {
            let found = faults(labels, annotations);
            let (key, value) = labels.first().or(annotations.first()).unwrap();
            let [(found_fault, at, message)] = found.as_slice() else { panic!("{key}: {found:?}") };
            assert!(
                *found_fault == code && message.contains(words) && at.ends_with(&key.replace('/', "~1")),
                "{found:?}"
            );
            assert!(value.is_empty() || !message.contains(value), "{message}");
        }
    }
}
