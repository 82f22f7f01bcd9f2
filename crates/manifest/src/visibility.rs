//! Decides which scalars are known to be harmless, so that a report may show them.

const HARMLESS_KEYS: [&str; 10] = [
    "apiVersion",
    "kind",
    "name",
    "namespace",
    "image",
    "key",
    "serviceAccountName",
    "serviceAccount",
    "prefix",
    "optional",
];
const HARMLESS_PREFIXES: [&str; 3] = ["azure.workload.identity/", "apim-keyless.dev/", "app.kubernetes.io/"];

/// Under these keys every value can be a secret, whatever its own key is.
const SECRET_KEYS: [&str; 6] = ["data", "stringData", "binaryData", "value", "args", "command"];

/// The keys above a scalar.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyContext<'a> {
    key: Option<&'a str>,
    is_secret: bool,
    is_annotation: bool,
}

impl<'a> KeyContext<'a> {
    /// The context of the member `key` of a mapping in this context.
    pub(super) fn member(self, key: &'a str) -> Self {
        Self {
            key: Some(key),
            is_secret: self.is_secret || self.key.is_some_and(|parent| SECRET_KEYS.contains(&parent)),
            is_annotation: self.is_annotation || self.key == Some("annotations"),
        }
    }

    /// The context of the elements of a sequence in this context.
    pub(super) fn element(self) -> Self {
        Self { key: None, ..self.member("") }
    }

    /// Whether a scalar in this context may be shown.
    pub(super) fn show_scalar(self) -> bool {
        // users sometimes paste a client secret as client id, so no annotation is harmless
        let Some(key) = self.key.filter(|_| !self.is_secret && !self.is_annotation) else { return false };
        HARMLESS_KEYS.contains(&key) || HARMLESS_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(keys: &[&str]) -> bool {
        keys.iter()
            .fold(
                KeyContext::default(),
                |context, key| if *key == "-" { context.element() } else { context.member(key) },
            )
            .show_scalar()
    }

    #[test]
    fn values_of_known_keys_are_shown() {
        assert!(shown(&["kind"]));
        assert!(shown(&["spec", "containers", "-", "env", "-", "name"]));
        assert!(shown(&["metadata", "labels", "azure.workload.identity/use"]));
    }

    #[test]
    fn values_of_other_keys_and_list_elements_are_masked() {
        assert!(!shown(&["spec", "containers", "-", "env", "-", "value"]));
        assert!(!shown(&["spec", "replicas"]));
        assert!(!shown(&["name", "-"]));
        assert!(!shown(&[]));
    }

    #[test]
    fn everything_under_data_is_masked() {
        for key in SECRET_KEYS {
            assert!(
                !shown(&[key, "name"]) && !shown(&["items", "-", key, "deep", "image"]) && !shown(&[key, "-", "name"]),
                "{key}"
            );
            assert!(!shown(&[key, "app.kubernetes.io/name"]), "{key}");
        }
    }

    #[test]
    fn all_annotations_are_masked() {
        assert!(!shown(&["metadata", "annotations", "azure.workload.identity/client-id"]));
        assert!(!shown(&["metadata", "annotations", "apim-keyless.dev/mode"]));
        assert!(!shown(&["metadata", "annotations", "name"]));
        assert!(!shown(&["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]));
    }
}
