//! Reads YAML and JSON from files, folders and standard input as Kubernetes objects with positions.
//!
//! [`Inputs`] reads the files one by one, on every core; [`Manifests`] keeps the content of all of them. Each
//! [`ManifestObject`] is an object, each [`InputError`] a file or document that was not read. The positions of an object's
//! fields are read from its file again where they are needed. The `gateway` module decides whether an object belongs to a
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

mod content;
mod decode;
mod deep_stack;
mod document;
mod enclosed;
mod file;
mod ignore_comment;
mod json;
mod kustomization;
mod list_kind;
mod loose_key;
mod mask;
mod node;
mod outline;
mod place;
mod position;
mod read;
pub mod rewrite;
mod source;
mod template;
mod value_kind;
mod visibility;
mod yaml_error;

pub use content::{ENCRYPTED, FileContent, KUSTOMIZATION, MALFORMED, PATCH, TEMPLATE, is_about_gateway};
pub use deep_stack::on_deep_stack;
pub use enclosed::{is_applied, is_manifest};
pub use ignore_comment::{IgnoreComment, IgnoredRules};
pub use kustomization::{PatchFiles, normalized};
pub use loose_key::LooseKey;
pub use place::{Excerpt, LocatedObject, Locator, OpenFile, Place};
pub use position::Position;
pub use read::{Inputs, MAX_FILE_BYTES, STANDARD_INPUT, read_limited};
pub use value_kind::is_encrypted;

use serde_json::Value;
use source::SourceFile;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// The value of a YAML text without its positions; `None` if it cannot be read.
pub fn value(text: &str) -> Option<Value> {
    node::value(text).ok()
}

/// A mapping in a file: a Kubernetes object, or the values of a chart.
#[derive(Clone, Debug)]
pub struct ManifestObject {
    /// Its value.
    pub value: Value,
    /// Where it is. It is small, unlike the value, so it can be kept for each object of thousands of files.
    pub place: Place,
    /// The rules that comments ignore for it; `None` if there are none.
    pub ignored: Option<Arc<IgnoredRules>>,
    /// Whether another object contains it, as a value or as a text.
    pub is_enclosed: bool,
}

impl ManifestObject {
    /// The comment that ignores this rule for this object.
    pub fn ignored_by(&self, rule: &str) -> Option<&IgnoreComment> {
        self.ignored.as_ref()?.get(rule).map(AsRef::as_ref)
    }

    /// Path of its file as given; `-` for standard input.
    pub fn file(&self) -> &str {
        self.place.file()
    }

    /// The position in the file of a JSON pointer into this object. Each call may read the file again; see
    /// [`Place::locate`].
    pub fn position(&self, pointer: &str) -> Position {
        self.place.locate().position(pointer)
    }

    /// A line of the file (from 1), with `***` for every value that can bear a secret. Each call may read the
    /// file again; see [`Place::locate`].
    pub fn masked_line(&self, line: usize) -> String {
        self.place.locate().masked_line(line)
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

/// The content of files, all in memory.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The objects, in the order of the paths, the files and their documents.
    pub objects: Vec<ManifestObject>,
    /// Documents that are not Kubernetes objects, such as the values of a chart: where they are, and why they are skipped.
    pub skipped: Vec<InputError>,
    /// The kustomizations: they are skipped, too.
    pub kustomizations: Vec<ManifestObject>,
    /// Files and documents that could not be read.
    pub errors: Vec<InputError>,
    /// The comments that ignore rules, in the order of the files.
    pub ignore_comments: Vec<Arc<IgnoreComment>>,
}

impl Manifests {
    /// Reads files, folders and `-`, which is `stdin`; see [`Inputs::list`]. What cannot be read becomes an
    /// [`InputError`].
    pub fn read(paths: &[PathBuf], stdin: impl Read) -> Self {
        let mut manifests = Self::default();
        for content in Inputs::list(paths, stdin).read(|content| content) {
            manifests.add(content);
        }
        manifests
    }

    /// Adds the objects of a file with this text.
    pub fn parse(&mut self, file: &str, text: &str) {
        let source = Arc::new(SourceFile::new(file, text));
        let content = deep_stack::with_deep_stack(|| read::content_of_text(&source, true, None));
        match content {
            Some(content) => self.add(content),
            None => self.errors.push(yaml_error::unknown(&source)),
        }
    }

    fn add(&mut self, content: FileContent) {
        let skipped = |object: &ManifestObject, why: &str| {
            let position = object.position("");
            let (line, column) = (Some(position.line), Some(position.column));
            InputError { file: object.file().to_owned(), line, column, message: why.to_owned() }
        };
        self.skipped.extend(content.mappings.iter().map(|object| skipped(object, "without apiVersion or kind")));
        let kustomizations = content.kustomizations.iter();
        self.skipped.extend(kustomizations.map(|object| skipped(object, KUSTOMIZATION)));
        self.kustomizations.extend(content.kustomizations);
        self.skipped.extend(content.skipped);
        self.objects.extend(content.objects);
        self.ignore_comments.extend(content.ignore_comments);
        self.errors.extend(content.errors);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The objects of one file with this text.
    pub(crate) fn read(text: &str) -> Manifests {
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
                let located = object.place.locate();
                let (position, excerpt) = (located.position(pointer), located.excerpt(pointer));
                assert!(position.line > 0 && position.column > 0 && position.length > 0);
                assert!(excerpt.field.start < excerpt.field.end || excerpt.text.is_empty());
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
