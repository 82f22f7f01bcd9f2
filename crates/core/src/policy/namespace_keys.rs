//! Checks the labels and annotations of apim-keyless on a Namespace, such as `apim-keyless.dev/mode`.
//!
//! An evaluation treats a wrong key as absent. `doctor` reports it.

use super::document_value::{Guid, Name, TextFormat};
use super::{FIRST_VERSION, Mode};
use crate::gateway::well_known::{MODE, OUR_PREFIX, StringMap};
use jsonptr::PointerBuf;
use semver::Version;

/// A label or annotation of apim-keyless on a Namespace that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceKeyProblem {
    /// The kind of problem.
    pub kind: NamespaceKeyProblemKind,
    /// JSON pointer to the label or annotation.
    pub at: PointerBuf,
    /// What to do, then why. It never quotes the value.
    pub message: String,
}

/// What can be wrong with a label or annotation of apim-keyless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceKeyProblemKind {
    /// The value of the mode label is not a mode.
    Mode,
    /// apim-keyless does not read this key, or not here.
    Unknown,
    /// The value does not have the required form.
    Value,
}

/// Checks the value of an annotation. The error continues "Set annotation KEY ": what to set it to, then why.
type ValueCheck = fn(&str) -> Result<(), String>;

/// Every annotation that apim-keyless reads, without the prefix.
const ANNOTATIONS: [(&str, ValueCheck); 6] = [
    ("client-id", each::<Guid>),
    ("config-map", each::<Name>),
    ("gateway-name", each::<Name>),
    ("minimum-version", version),
    ("service-account", each::<Name>),
    ("tenant-id", each::<Guid>),
];

/// Every problem with the labels and annotations of apim-keyless on a Namespace.
pub fn namespace_problems(labels: &StringMap, annotations: &StringMap) -> Vec<NamespaceKeyProblem> {
    let of_labels = labels.iter().filter(|(key, _)| has_our_prefix_or_similar(key)).filter_map(|(key, value)| {
        let (kind, message) = label_problem(key, value)?;
        Some(NamespaceKeyProblem { kind, at: PointerBuf::from_tokens(["metadata", "labels", key]), message })
    });
    let of_annotations =
        annotations.iter().filter(|(key, _)| has_our_prefix_or_similar(key)).filter_map(|(key, value)| {
            let (kind, message) = annotation_problem(key, value)?;
            Some(NamespaceKeyProblem { kind, at: PointerBuf::from_tokens(["metadata", "annotations", key]), message })
        });
    of_labels.chain(of_annotations).collect()
}

fn label_problem(key: &str, value: &str) -> Option<(NamespaceKeyProblemKind, String)> {
    if key != MODE {
        let is_annotation = ANNOTATIONS.iter().any(|(name, _)| key.strip_prefix(OUR_PREFIX) == Some(name));
        let message = if is_annotation {
            format!("Move {key} to the annotations: it is not read as a label")
        } else {
            format!(
                "Rename or remove label {key}: it is not read; the only label of a Namespace that is read is {MODE}"
            )
        };
        return Some((NamespaceKeyProblemKind::Unknown, message));
    }
    let modes = [Mode::Enforce, Mode::Audit, Mode::Off].map(Mode::name);
    (!modes.contains(&value)).then(|| {
        let modes = modes.join(", ");
        (NamespaceKeyProblemKind::Mode, format!("Set label {key} to one of {modes}: its value is not one of them"))
    })
}

fn annotation_problem(key: &str, value: &str) -> Option<(NamespaceKeyProblemKind, String)> {
    let Some((_, check)) = ANNOTATIONS.iter().find(|(name, _)| key.strip_prefix(OUR_PREFIX) == Some(name)) else {
        let names = ANNOTATIONS.map(|(name, _)| name).join(", ");
        let message = if key == MODE {
            format!("Move {key} to the labels: it is not read as an annotation")
        } else {
            format!(
                "Rename or remove annotation {key}: it is not read; those that are read are {OUR_PREFIX} with {names}"
            )
        };
        return Some((NamespaceKeyProblemKind::Unknown, message));
    };
    check(value)
        .err()
        .map(|form_and_cause| (NamespaceKeyProblemKind::Value, format!("Set annotation {key} {form_and_cause}")))
}

/// Whether `key` has the prefix `apim-keyless.dev/`, or a misspelled one.
fn has_our_prefix_or_similar(key: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
    };
    key.split_once('/').is_some_and(|(prefix, _)| letters(prefix).starts_with("apimkeyless"))
}

/// Checks that every member of a comma-separated list is a `T`. An empty list counts as absent.
fn each<T: TextFormat>(value: &str) -> Result<(), String> {
    let mut members = value.split(',').map(str::trim).filter(|one| !one.is_empty());
    if members.all(|one| T::read(one).is_some()) {
        Ok(())
    } else {
        Err(format!("to {}, or a comma-separated list of them: its value has another form", T::DESCRIPTION))
    }
}

fn version(value: &str) -> Result<(), String> {
    match Version::read(value.trim()) {
        _ if value.trim().is_empty() => Ok(()),
        None => Err(format!("to {}: its value has another form", Version::DESCRIPTION)),
        Some(version) if version < FIRST_VERSION => {
            Err(format!("to {FIRST_VERSION} or newer: the minimum {FIRST_VERSION} can be raised, never lowered"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NamespaceKeyProblemKind::{Mode, Unknown, Value};

    fn problems(
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
    ) -> Vec<(NamespaceKeyProblemKind, String, String)> {
        let keys = |keys: &[(&str, &str)]| keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let found = namespace_problems(&keys(labels), &keys(annotations));
        found.into_iter().map(|one| (one.kind, one.at.to_string(), one.message)).collect()
    }

    #[test]
    fn a_correct_key_has_no_problem() {
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
            assert_eq!(problems(&[("apim-keyless.dev/mode", mode), ("app", "apim-keyless")], &annotations), []);
        }
    }

    #[test]
    fn a_message_names_the_key_and_never_quotes_its_value() {
        for (labels, annotations, kind, words) in [
            (
                &[("apim-keyless.dev/mode", "enforced")][..],
                &[][..],
                Mode,
                "to one of enforce, audit, off: its value is not one of them",
            ),
            (&[("apim-keyless.dev/mode", "")], &[], Mode, "is not one of"),
            (&[("apim-keyless.dev/Mode", "secret")], &[], Unknown, "Rename or remove"),
            (&[("apim-keyless.io/mode", "secret")], &[], Unknown, "Rename or remove"),
            (&[("apim-keyless.dev/client-id", "secret")], &[], Unknown, "to the annotations"),
            (&[], &[("apim-keyless.dev/mode", "secret")], Unknown, "to the labels"),
            (&[], &[("apim-keyless.dev/client_id", "secret")], Unknown, "Rename or remove"),
            (&[], &[("apimkeyless.dev/client-id", "secret")], Unknown, "Rename or remove"),
            (&[], &[("apim-keyless.dev/client-id", "secret")], Value, "to a GUID"),
            (&[], &[("apim-keyless.dev/tenant-id", "secret")], Value, "to a GUID"),
            (&[], &[("apim-keyless.dev/config-map", "a secret")], Value, "to a name"),
            (&[], &[("apim-keyless.dev/minimum-version", "2.12")], Value, "three numbers"),
            (&[], &[("apim-keyless.dev/minimum-version", "2.10.0")], Value, "never lowered"),
        ] {
            let found = problems(labels, annotations);
            let (key, value) = labels.first().or(annotations.first()).unwrap();
            let [(found_kind, at, message)] = found.as_slice() else { panic!("{key}: {found:?}") };
            assert!(
                *found_kind == kind && message.contains(words) && at.ends_with(&key.replace('/', "~1")),
                "{found:?}"
            );
            assert!(value.is_empty() || !message.contains(value), "{message}");
        }
    }
}
