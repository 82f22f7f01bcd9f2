//! Detects Helm templates: they must be rendered before they can be evaluated.

use super::{InputError, document::Document, source::SourceFile};
use serde_json::Value;

const OPENING: &str = "{{";

/// Under these keys, braces are ordinary text.
const TEXT_KEYS: [&str; 4] = ["data", "stringData", "binaryData", "annotations"];

/// The message of the error.
pub(super) const MESSAGE: &str = "a Helm template, not a manifest; render it with `helm template` and check the output";

/// The error for a document that is a template; `None` if it has no `{{`.
pub(super) fn input_error(source: &SourceFile, document: &Document<'_>) -> Option<InputError> {
    let at = document.start + document.text.find(OPENING)?;
    let (line, column) = source.line_and_column(at)?;
    Some(InputError { file: source.name.clone(), line: Some(line), column: Some(column), message: MESSAGE.to_owned() })
}

/// Whether the object has braces in a field where only a template has them.
pub(super) fn is_template(object: &Value) -> bool {
    let names = ["/kind", "/metadata/name", "/metadata/namespace"];
    names.iter().filter_map(|pointer| object.pointer(pointer)).any(is_templated) || has_templated_image(object)
}

fn has_templated_image(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(has_templated_image),
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !TEXT_KEYS.contains(&key.as_str()))
            .any(|(key, member)| (key == "image" && is_templated(member)) || has_templated_image(member)),
        _ => false,
    }
}

fn is_templated(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(OPENING))
}

#[cfg(test)]
mod tests {
    use crate::Manifests;

    fn errors(text: &str) -> Vec<(Option<usize>, Option<usize>, bool)> {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        manifests
            .errors
            .iter()
            .map(|input_error| {
                (input_error.line, input_error.column, input_error.message.starts_with("a Helm template"))
            })
            .collect()
    }

    #[test]
    fn a_document_with_unquoted_braces_is_a_template() {
        assert_eq!(errors("a: 1\n---\n{{- if .Values.a }}\nkind: Pod\n{{- end }}\n"), [(Some(3), Some(1), true)]);
        assert_eq!(errors("kind: Pod\nmetadata:\n  namé: {{ .Release.Name }}\n"), [(Some(3), Some(9), true)]);
    }

    #[test]
    fn a_document_with_quoted_braces_in_a_name_is_a_template() {
        for field in
            ["metadata: {name: 'a-{{ b }}'}", "metadata: {namespace: '{{ b }}'}", "spec: [{image: 'a:{{ b }}'}]"]
        {
            let text = format!("apiVersion: v1\nkind: Pod\n{field}\n");
            assert!(matches!(errors(&text).as_slice(), [(Some(3), Some(_), true)]), "{field}");
        }
        assert_eq!(errors("apiVersion: v1\nkind: '{{ a }}'\n"), [(Some(2), Some(8), true)]);
    }

    #[test]
    fn braces_in_data_are_not_a_template() {
        assert!(errors("apiVersion: v1\nkind: ConfigMap\ndata:\n  image: '{{ a }}'\n  b: |\n    {{ c }}\n").is_empty());
    }

    #[test]
    fn a_duplicate_key_is_not_a_template() {
        assert_eq!(errors("a: '{{ b }}'\na: 1\n"), [(Some(2), Some(1), false)]);
    }

    #[test]
    fn braces_of_the_next_document_do_not_count() {
        assert_eq!(errors("a: [\n---\nb: '{{ c }}'\n"), [(Some(1), Some(4), false)]);
    }
}
