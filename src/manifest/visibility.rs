//! Which scalars are known to be harmless, so that a report may show them.

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

/// Under these anything may be a secret, whatever its key is called.
const SECRETIVE_KEYS: [&str; 6] = ["data", "stringData", "binaryData", "value", "args", "command"];

/// What stands around a scalar.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyContext<'a> {
    key: Option<&'a str>,
    secretive: bool,
    annotated: bool,
}

impl<'a> KeyContext<'a> {
    /// Around the member `key` of a mapping that stands in these.
    pub(super) fn member(self, key: &'a str) -> Self {
        Self {
            key: Some(key),
            secretive: self.secretive || self.key.is_some_and(|around| SECRETIVE_KEYS.contains(&around)),
            annotated: self.annotated || self.key == Some("annotations"),
        }
    }

    /// Around the elements of a sequence that stands in these.
    pub(super) fn element(self) -> Self {
        Self { key: None, ..self.member("") }
    }

    /// May a scalar that stands here be shown?
    pub(super) fn show_scalar(self) -> bool {
        // a client secret is pasted where a client id belongs, so no annotation is harmless
        let Some(key) = self.key.filter(|_| !self.secretive && !self.annotated) else { return false };
        HARMLESS_KEYS.contains(&key) || HARMLESS_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(keys: &[&str]) -> bool {
        keys.iter()
            .fold(KeyContext::default(), |around, key| if *key == "-" { around.element() } else { around.member(key) })
            .show_scalar()
    }

    #[test]
    fn known_keys_are_harmless() {
        assert!(shown(&["kind"]));
        assert!(shown(&["spec", "containers", "-", "env", "-", "name"]));
        assert!(shown(&["metadata", "labels", "azure.workload.identity/use"]));
    }

    #[test]
    fn other_keys_and_bare_elements_are_not() {
        assert!(!shown(&["spec", "containers", "-", "env", "-", "value"]));
        assert!(!shown(&["spec", "replicas"]));
        assert!(!shown(&["name", "-"]));
        assert!(!shown(&[]));
    }

    #[test]
    fn under_data_no_key_is_harmless() {
        for key in SECRETIVE_KEYS {
            assert!(
                !shown(&[key, "name"]) && !shown(&["items", "-", key, "deep", "image"]) && !shown(&[key, "-", "name"]),
                "{key}"
            );
            assert!(!shown(&[key, "app.kubernetes.io/name"]), "{key}");
        }
    }

    #[test]
    fn among_annotations_no_key_is_harmless() {
        assert!(!shown(&["metadata", "annotations", "azure.workload.identity/client-id"]));
        assert!(!shown(&["metadata", "annotations", "apim-keyless.dev/mode"]));
        assert!(!shown(&["metadata", "annotations", "name"]));
        assert!(!shown(&["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]));
    }
}
