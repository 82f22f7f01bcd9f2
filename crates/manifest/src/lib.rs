//! Reads YAML and JSON from files, folders and standard input as Kubernetes objects with positions.
//!
//! [`Manifests`] is the result: each [`ManifestObject`] is an object with the positions of its fields, each
//! [`InputError`] a file or document that was not read. The `gateway` module decides whether an object belongs to a
//! gateway.
//!
//! ```
//! use apim_keyless_manifest::Manifests;
//!
//! let mut manifests = Manifests::default();
//! manifests.parse("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: orders}\n");
//! let name = manifests.objects[0].position("/metadata/name");
//! assert_eq!((name.line, name.column, name.length), (3, 12, 4));
//! ```

mod deep_stack;
mod document;
mod list_kind;
mod mask;
mod node;
mod outline;
mod position;
mod read;
mod source;
mod template;
mod visibility;
mod yaml_error;

pub use position::Position;

use document::Document;
use outline::{Outline, Token};
use position::Layout;
use serde_json::Value;
use source::SourceFile;
use std::sync::Arc;

/// A Kubernetes object in a file.
#[derive(Clone, Debug)]
pub struct ManifestObject {
    /// The object.
    pub value: Value,
    source: Arc<SourceFile>,
    layout: Arc<Layout>,
    tokens: Arc<[Token]>,
}

impl ManifestObject {
    /// Path of its file as given; `-` for standard input.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// The text of its file.
    pub fn source(&self) -> &str {
        &self.source.text
    }

    /// The position in the file of a JSON pointer into this object. A missing field has the position of its nearest
    /// ancestor.
    pub fn position(&self, pointer: &str) -> Position {
        self.layout.find(pointer)
    }

    /// A line of the file (from 1), with `***` for every value that is not known to be harmless.
    pub fn masked_line(&self, line: usize) -> String {
        self.source.line(line).map(|line| mask::mask(line, &self.tokens)).unwrap_or_default()
    }

    /// The position of a JSON pointer in its masked line: masking changes the columns.
    pub fn masked_position(&self, pointer: &str) -> Position {
        let position = self.position(pointer);
        self.source.line(position.line).map_or(position, |line| mask::masked_position(line, &self.tokens, position))
    }
}

/// Why a file or document was not read: an error, or the reason why a document is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// Path of the file as given; `-` for standard input.
    pub file: String,
    /// Line, from 1; `None` if the error is about the whole file.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// Cause and fix. It contains no value of the file.
    pub message: String,
}

/// The content of files.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The objects, in the order of the paths, the files and their documents.
    pub objects: Vec<ManifestObject>,
    /// Mappings that are not Kubernetes objects, such as the values of a chart: where they are, and why they are skipped.
    pub skipped: Vec<InputError>,
    /// Files and documents that could not be read.
    pub errors: Vec<InputError>,
}

impl Manifests {
    /// Adds the objects of a file with this text.
    pub fn parse(&mut self, file: &str, text: &str) {
        let count = |manifests: &Self| manifests.objects.len() + manifests.skipped.len() + manifests.errors.len();
        let before = count(self);
        let source = Arc::new(SourceFile::new(file, text));
        let documents = document::split(&source);
        let read = || documents.iter().map(|document| read_document(&source, document)).collect();
        let outcomes: Vec<_> =
            deep_stack::with_deep_stack(read).unwrap_or_else(|| vec![Err(yaml_error::unknown(&source))]);
        for (outcome, document) in outcomes.into_iter().zip(&documents) {
            match outcome {
                Ok(outline) => self.add(&source, document, outline),
                Err(input_error) => self.errors.push(input_error),
            }
        }
        if count(self) == before {
            let message = "no YAML document, nothing to evaluate; add one or leave the file out".to_owned();
            self.errors.push(InputError { file: file.to_owned(), line: None, column: None, message });
        }
    }

    fn add(&mut self, source: &Arc<SourceFile>, document: &Document<'_>, outline: Outline) {
        let tokens: Arc<[Token]> = outline.tokens.into();
        let mut is_template = false;
        for (value, layout) in list_kind::expand(outline.value, &Arc::new(outline.layout)) {
            match ValueKind::of(&value) {
                ValueKind::Nothing => {}
                ValueKind::Other => self.skipped.push(skipped(source, layout.position)),
                ValueKind::NotAMapping(what) => {
                    self.errors.push(not_an_object(source, layout.position, what));
                }
                ValueKind::Template => is_template = true,
                ValueKind::Object => {
                    self.objects.push(ManifestObject {
                        value,
                        source: Arc::clone(source),
                        layout,
                        tokens: Arc::clone(&tokens),
                    });
                }
            }
        }
        if is_template {
            self.errors.extend(template::input_error(source, document));
        }
    }
}

fn read_document(source: &SourceFile, document: &Document<'_>) -> Result<Outline, InputError> {
    match node::parse(document.text) {
        Ok(root) => Ok(outline::outline(document, root)),
        Err(error) => Err(yaml_error::input_error(source, document, &error)),
    }
}

/// What the root of a document, or an item of a list, is.
enum ValueKind {
    Nothing,
    Object,
    Template,
    /// A mapping that is not an object: values of a chart, a Compose file.
    Other,
    NotAMapping(&'static str),
}

impl ValueKind {
    fn of(value: &Value) -> Self {
        let is_text = |key: &str| value.get(key).is_some_and(Value::is_string);
        match value {
            Value::Null => Self::Nothing,
            Value::Array(_) => Self::NotAMapping("sequence"),
            Value::Object(_) if !is_text("kind") || !is_text("apiVersion") => Self::Other,
            Value::Object(_) if template::is_template(value) => Self::Template,
            Value::Object(_) => Self::Object,
            _ => Self::NotAMapping("scalar"),
        }
    }
}

fn skipped(source: &SourceFile, position: Position) -> InputError {
    InputError {
        file: source.name.clone(),
        line: Some(position.line),
        column: Some(position.column),
        message: "without apiVersion or kind".to_owned(),
    }
}

fn not_an_object(source: &SourceFile, position: Position, what: &str) -> InputError {
    InputError {
        file: source.name.clone(),
        line: Some(position.line),
        column: Some(position.column),
        message: format!(
            "a Kubernetes object is a mapping, but this document is a {what}; start it with `apiVersion` and `kind`, or leave it out"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Manifests {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        manifests
    }

    #[test]
    fn each_document_is_read_alone() {
        let manifests = read(
            "---\napiVersion: v1\nkind: Pod\n---\na: [\n---\nimage: {tag: 1}\n---\n---\n# none\n---\nkind: 1\napiVersion: v1\n---\napiVersion: v1\nkind: Service\n",
        );
        let kinds: Vec<_> = manifests.objects.iter().map(|object| &object.value["kind"]).collect();
        assert_eq!(kinds, ["Pod", "Service"]);
        assert_eq!((manifests.skipped.len(), manifests.errors.len()), (2, 1));
        assert_eq!(manifests.objects[1].position("/kind"), Position { line: 16, column: 1, length: 4 });
    }

    #[test]
    fn a_document_that_is_not_a_mapping_is_an_error() {
        for (text, column, what) in [
            ("a: 1\n---\n  - a\n", 5, "sequence"),
            ("a: 1\n---\n[]", 1, "sequence"),
            ("a: 1\n---\nhunter2", 1, "scalar"),
        ] {
            let input_error = &read(text).errors[0];
            assert_eq!((input_error.line, input_error.column), (Some(3), Some(column)));
            assert!(input_error.message.contains(what) && !input_error.message.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_file_without_documents_is_an_error() {
        for text in ["", "\u{feff}", "\n\n", "# a\n  # b\n"] {
            assert_eq!(
                read(text).errors[0].message,
                "no YAML document, nothing to evaluate; add one or leave the file out"
            );
        }
        assert_eq!((read("---\n").errors.len(), read("null\n").errors.len()), (1, 1));
    }

    #[test]
    fn a_byte_order_mark_and_carriage_returns_are_accepted() {
        let manifests = read("\u{feff}apiVersion: v1\r\nkind: Pod\r\n---\r\nkind: Pod\r\napiVersion: v1\r\n");
        assert_eq!(manifests.objects.len(), 2);
        assert_eq!(manifests.objects[0].value, serde_json::json!({"apiVersion": "v1", "kind": "Pod"}));
        assert_eq!(manifests.objects[1].position("").line, 4);
        assert_eq!(manifests.objects[0].masked_line(2), "kind: Pod");
    }

    const MANIFEST: &str = "apiVersion: v1\nkind: List\nitems:\n- &a\n  apiVersion: v1\n  kind: Pod\n  spec: {a: [1, 'b'], c: \"d\"}\n- <<: *a\n  data:\n    e: |\n      f\n    g: >-\n      h\n---\n{\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\"}\n";

    /// Reads a text and calls every method of every object.
    fn exercise(text: &str) {
        let manifests = read(text);
        for object in &manifests.objects {
            for pointer in ["", "/spec/a/1", "/data/e", "/items/0", "/~2/x"] {
                let position = object.position(pointer);
                assert!(position.line > 0 && position.column > 0 && position.length > 0);
                assert!(object.masked_position(pointer).column > 0);
                assert!(position.line <= object.source.lines().count());
            }
            for line in 0..=text.lines().count() + 1 {
                object.masked_line(line);
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), yaml in "([-?:,\\[\\]{}#&*!|>'\"%@`~ \t\r\n<.a1é\u{85}\u{2028}]|apiVersion: v1\n|kind: Pod\n|---\n|<<: ){0,40}") {
            exercise(&text);
            exercise(&yaml);
        }

        #[test]
        fn no_edit_of_a_manifest_panics(edits in prop::collection::vec((0..MANIFEST.len(), "[-?:,\\[\\]{}#&*!|>'\"%@~ \t\r\na{]{0,3}", 0..4_usize), 1..4)) {
            let mut text = MANIFEST.to_owned();
            for (at, with, length) in edits {
                let at = at.min(text.len());
                text.replace_range(at..(at + length).min(text.len()), &with);
            }
            exercise(&text);
        }
    }
}
