//! Checks the labels and annotations of apim-keyless on a Namespace, such as `apim-keyless.dev/mode`.
//!
//! An evaluation treats a wrong key as absent. The rule `malformed-namespace-setting` and `doctor` report it.

use super::{Mode, NamespaceAnnotations, NamespaceSetting};
use crate::gateway::well_known::{MODE, OUR_PREFIX, StringMap, is_our_key};
use jsonptr::PointerBuf;

/// A label or annotation of apim-keyless on a Namespace that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceKeyProblem {
    /// JSON pointer to the label or annotation.
    pub at: PointerBuf,
    /// What to do, then why. It never quotes the value.
    pub message: String,
}

/// Most problems that are reported of one Namespace: anybody who may write it can add thousands of keys.
const PROBLEMS: usize = 16;

/// The modes that the label of a Namespace can name.
const MODES: [Mode; 3] = [Mode::Enforce, Mode::Audit, Mode::Off];

/// The mode that the labels of a Namespace name; `None` without a valid one.
pub fn namespace_mode(labels: &StringMap) -> Option<Mode> {
    mode_of(labels.get(MODE)?)
}

fn mode_of(label: &str) -> Option<Mode> {
    MODES.into_iter().find(|mode| mode.name() == label)
}

/// The problems with the labels and annotations of apim-keyless on a Namespace.
pub fn namespace_problems(
    labels: &StringMap,
    annotations: &StringMap,
    namespace_annotations: NamespaceAnnotations,
) -> Vec<NamespaceKeyProblem> {
    let of = |keys: &'static str, key: &str, message| NamespaceKeyProblem {
        at: PointerBuf::from_tokens(["metadata", keys, key]),
        message,
    };
    let of_labels = labels
        .iter()
        .filter(|(key, _)| is_our_key(key))
        .filter_map(|(key, value)| Some(of("labels", key, label_problem(key, value)?)));
    let of_annotations = annotations
        .iter()
        .filter(|(key, _)| namespace_annotations == NamespaceAnnotations::Honor && is_our_key(key))
        .filter_map(|(key, value)| Some(of("annotations", key, annotation_problem(key, value)?)));
    of_labels.chain(of_annotations).take(PROBLEMS).collect()
}

fn label_problem(key: &str, value: &str) -> Option<String> {
    if key != MODE {
        return Some(match NamespaceSetting::of_annotation(key) {
            Some(_) => format!("Move {key} to the annotations of the Namespace: it is not read as a label"),
            None => format!(
                "Rename or remove label {key} of the Namespace: it is not read; the only one that is read is {MODE}"
            ),
        });
    }
    mode_of(value).is_none().then(|| {
        let modes = MODES.map(Mode::name).join(", ");
        format!("Set label {key} of the Namespace to one of {modes}: its value is not one of them")
    })
}

fn annotation_problem(key: &str, value: &str) -> Option<String> {
    let Some(setting) = NamespaceSetting::of_annotation(key) else {
        if key == MODE {
            return Some(format!("Move {key} to the labels of the Namespace: it is not read as an annotation"));
        }
        let names: Vec<&str> = NamespaceSetting::all().iter().filter_map(|setting| setting.annotation()).collect();
        return Some(format!(
            "Rename or remove annotation {key} of the Namespace: it is not read; those that are read are {OUR_PREFIX} with {}",
            names.join(", ")
        ));
    };
    let list = if setting.can_be_list() { ", or a comma-separated list of them" } else { "" };
    let form = setting.form().description;
    setting.values_in(value).is_none().then(|| {
        format!("Set annotation {key} of the Namespace to {form}{list}: its value has another form, so it is not read")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Vec<(String, String)> {
        let keys = |keys: &[(&str, &str)]| keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let found = namespace_problems(&keys(labels), &keys(annotations), NamespaceAnnotations::Honor);
        found.into_iter().map(|one| (one.at.to_string(), one.message)).collect()
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
                ("apim.example/mode", "?"),
                ("team.keyless/mode", "?"),
            ];
            assert_eq!(problems(&[("apim-keyless.dev/mode", mode), ("app", "apim-keyless")], &annotations), []);
        }
    }

    #[test]
    fn a_message_names_the_key_and_never_quotes_its_value() {
        for (labels, annotations, words) in [
            (
                &[("apim-keyless.dev/mode", "enforced")][..],
                &[][..],
                "to one of enforce, audit, off: its value is not one of them",
            ),
            (&[("apim-keyless.dev/mode", "")], &[], "is not one of"),
            (&[("apim-keyless.dev/Mode", "secret")], &[], "Rename or remove"),
            (&[("apim-keyless.io/mode", "secret")], &[], "Rename or remove"),
            (&[("apim-keyless.dev/client-id", "secret")], &[], "to the annotations"),
            (&[], &[("apim-keyless.dev/mode", "secret")], "to the labels"),
            (&[], &[("apim-keyless.dev/client_id", "secret")], "Rename or remove"),
            (&[], &[("apimkeyless.dev/client-id", "secret")], "Rename or remove"),
            (&[], &[("apim-keyless.dev/client-id", "secret")], "to a GUID"),
            (&[], &[("apim-keyless.dev/tenant-id", "secret")], "to a GUID"),
            (&[], &[("apim-keyless.dev/config-map", "a secret")], "to a name"),
            (&[], &[("apim-keyless.dev/minimum-version", "2.12")], "three numbers"),
            (&[], &[("apim-keyless.dev/minimum-version", "2.10.0")], "never lowered"),
        ] {
            let found = problems(labels, annotations);
            let (key, value) = labels.first().or(annotations.first()).unwrap();
            let [(at, message)] = found.as_slice() else { panic!("{key}: {found:?}") };
            assert!(message.contains(words) && at.ends_with(&key.replace('/', "~1")), "{found:?}");
            assert!(value.is_empty() || !message.contains(value), "{message}");
        }
    }

    #[test]
    fn ignored_annotations_have_no_problem_and_labels_have() {
        let keys = StringMap::from([("apim-keyless.dev/mode".to_owned(), "enforced".to_owned())]);
        let found = |labels, annotations| namespace_problems(labels, annotations, NamespaceAnnotations::Ignore).len();
        assert_eq!((found(&keys, &StringMap::new()), found(&StringMap::new(), &keys)), (1, 0));
    }

    #[test]
    fn the_number_of_problems_is_bounded() {
        let keys = (0..1000).map(|number| (format!("apim-keyless.dev/{number}"), String::new())).collect();
        assert_eq!(namespace_problems(&keys, &keys, NamespaceAnnotations::Honor).len(), PROBLEMS);
    }
}
