//! The content of one file: its objects, and what else is in it.

use super::document::{self, Document};
use super::enclosed;
use super::file::FileSource;
use super::ignore_comment::{self, IgnoreComment, Ignored};
use super::json::ItemType;
use super::list_kind::{self, Item};
use super::loose_key::{self, LooseKey};
use super::outline::{self, Token};
use super::place::{DocumentSource, Locator, Place};
use super::source::SourceFile;
use super::value_kind::ValueKind;
use super::{InputError, ManifestObject, json, kustomization, node, template, yaml_error};
use jsonptr::Pointer;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a kustomization is skipped.
pub const KUSTOMIZATION: &str =
    "with a kustomization; give the output of `kustomize build`, or use `check --kustomize`";
/// Why a patch is skipped.
pub const PATCH: &str = "with a patch of Kustomize; give the output of `kustomize build`, or use `check --kustomize`";
/// Why an encrypted document is skipped.
pub const ENCRYPTED: &str = "encrypted by SOPS; check the output of `sops decrypt`";
/// Why a template in a folder is skipped.
pub const TEMPLATE: &str = "a template; check the output of `helm template`";
/// Why a document of a folder that is not a mapping is skipped.
const NOT_A_MAPPING: &str = "not a mapping, as a Kubernetes object is";
/// Why a malformed file of a folder is skipped that does not mention `apiVersion`.
pub const MALFORMED: &str = "malformed, and without apiVersion";
/// Why a file of a folder without documents is skipped.
const EMPTY: &str = "without content";

/// Texts of a file that is about a gateway. What cannot be evaluated in such a file is an error, also in a folder.
const GATEWAY_TEXTS: [&str; 4] = ["azure-api-management", "config.service.", "config__service", "CONFIG__SERVICE"];
/// Beginnings of what kubectl prints instead of objects, and what a pipe with `2>&1` passes on.
const KUBECTL_ERRORS: [&str; 5] = [
    "Error from server",
    "error: ",
    "Unable to connect to the server",
    "The connection to the server",
    "No resources found",
];
/// What to do about it.
const KUBECTL_ERROR: &str = "a message of kubectl, not a manifest; run the command alone and correct what it reports";

/// Text of every manifest.
const API_VERSION: &str = "apiVersion";

/// The content of one file.
#[derive(Clone, Debug, Default)]
pub struct FileContent {
    /// Path of the file as given; `-` for standard input.
    pub name: String,
    /// Whether the file was given by name. What is not a manifest is then an error; in a folder it is skipped.
    pub is_named: bool,
    /// Whether the text mentions what only a gateway has. What cannot be evaluated is then an error, also in a folder.
    pub is_about_gateway: bool,
    /// The Kubernetes objects, in their order.
    pub objects: Vec<ManifestObject>,
    /// Mappings without `apiVersion` or `kind`: values of a chart, a Compose file, an object that lost one of them.
    pub mappings: Vec<ManifestObject>,
    /// Kustomizations.
    pub kustomizations: Vec<ManifestObject>,
    /// The files that a kustomization of this file names as patches.
    pub patch_files: Vec<PathBuf>,
    /// Documents that are skipped: where they are, and why.
    pub skipped: Vec<InputError>,
    /// Documents that could not be read, or the file itself.
    pub errors: Vec<InputError>,
    /// Number of lists without items.
    pub empty_lists: usize,
    /// Auth keys in comments and in documents that could not be read.
    pub loose_keys: Vec<LooseKey>,
    /// The comments that ignore rules.
    pub ignore_comments: Vec<Arc<IgnoreComment>>,
    /// Its text, so that it is not read again while the content is in use.
    text: Option<Arc<SourceFile>>,
}

impl FileContent {
    /// A file that could not be read.
    pub(super) fn unreadable(name: String, is_named: bool, message: String) -> Self {
        let error = InputError { file: name.clone(), line: None, column: None, message };
        Self { name, is_named, errors: vec![error], ..Self::default() }
    }

    /// A file of a folder that is not read.
    pub(super) fn skipped(name: String, message: String) -> Self {
        let skipped = InputError { file: name.clone(), line: None, column: None, message };
        Self { name, skipped: vec![skipped], ..Self::default() }
    }

    /// Reads all documents of a file.
    pub(super) fn parse(file: &Arc<FileSource>, source: &Arc<SourceFile>) -> Self {
        let is_about_gateway = is_about_gateway(&source.text);
        let name = source.name.clone();
        let content =
            Self { name, is_named: file.is_named, is_about_gateway, text: Some(Arc::clone(source)), ..Self::default() };
        let mut reader = Reader { file, source, content, locator: Locator::default(), is_item: false, outer: None };
        for document in document::split(source) {
            if let Some(document) = reader.after_kubectl_errors(document) {
                reader.read(&document);
            }
        }
        reader.finish()
    }

    /// Its text; empty if it could not be read.
    pub fn text(&self) -> &str {
        self.text.as_ref().map_or("", |source| &source.text)
    }

    fn is_empty(&self) -> bool {
        let counts = [self.objects.len(), self.mappings.len(), self.kustomizations.len(), self.empty_lists];
        counts.iter().sum::<usize>() == 0 && self.skipped.is_empty() && self.errors.is_empty()
    }
}

struct Reader<'r> {
    file: &'r Arc<FileSource>,
    source: &'r SourceFile,
    content: FileContent,
    locator: Locator,
    /// Whether the document is an item of a list in JSON.
    is_item: bool,
    /// The document in which the document is a text.
    outer: Option<Arc<DocumentSource>>,
}

impl<'r> Reader<'r> {
    /// The document without messages of kubectl at its beginning, which are an error; `None` if nothing is left.
    fn after_kubectl_errors<'a>(&mut self, document: Document<'a>) -> Option<Document<'a>> {
        let is_message = |line: &&str| KUBECTL_ERRORS.iter().any(|beginning| line.starts_with(beginning));
        let length = document.text.split_inclusive('\n').take_while(is_message).map(str::len).sum();
        if length == 0 || !self.file.is_named {
            return Some(document);
        }
        let (line, column) = document.place(1, 1);
        let (file, message) = (self.source.name.clone(), KUBECTL_ERROR.to_owned());
        self.content.errors.push(InputError { file, line: Some(line), column: Some(column), message });
        let (_, rest) = document.split_at_line(length);
        (!rest.text.trim().is_empty()).then_some(rest)
    }

    fn read(&mut self, document: &Document<'_>) {
        if !document.text.starts_with(['{', '[']) {
            return self.read_yaml(document);
        }
        let mut stream = json::split(document);
        while !stream.values.is_empty() || stream.rest.is_some() {
            for value in &stream.values {
                self.read_json(value, &ItemType::Own);
            }
            let Some(rest) = stream.rest else { break };
            // in a stream, a line that begins with a brace ends what is malformed before it
            let next = rest.text.find("\n{").filter(|_| node::value(rest.text).is_err());
            let (malformed, after) = rest.split_at_line(next.map_or(rest.text.len(), |line_break| line_break + 1));
            self.read_yaml(&malformed);
            stream = json::split(&after);
        }
    }

    fn finish(mut self) -> FileContent {
        self.find_loose_keys();
        if self.content.is_empty() {
            if self.file.is_named {
                let message = "no YAML document, nothing to evaluate; add one or leave the file out".to_owned();
                self.content.errors.push(self.at_file(message));
            } else {
                self.content.skipped.push(self.at_file(EMPTY.to_owned()));
            }
        }
        self.content
    }

    /// A comment counts for a loose key if it counts for the object in or above which the key is.
    fn find_loose_keys(&mut self) {
        for (line, at) in loose_key::find(self.source) {
            let content = &self.content;
            let objects = content.objects.iter().chain(&content.mappings).chain(&content.kustomizations);
            let starts = objects.map(|object| (self.locator.locate(&object.place).position("").line, object));
            let above = |(start, object): (usize, _)| (start <= line.number).then_some((start, object));
            let starts: Vec<(usize, &ManifestObject)> = starts.collect();
            let object = starts.iter().copied().filter_map(above).max_by_key(|(start, _)| *start);
            let object = object.or_else(|| starts.iter().copied().min_by_key(|(start, _)| *start));
            let ignored = object.and_then(|(_, object)| object.ignored.clone());
            let column = line.text.get(..at).map_or(1, |before| before.chars().count() + 1);
            let file = self.source.name.clone();
            self.content.loose_keys.push(LooseKey { file, line: line.number, column, ignored });
        }
    }

    fn read_yaml(&mut self, document: &Document<'_>) {
        match node::value(document.text) {
            Ok(value) => self.add_document(document, value, &ItemType::Own),
            Err(error) => {
                self.malformed(yaml_error::input_error(self.source, document, &error));
            }
        }
    }

    /// Adds a JSON value, or the items of a list with what the list says of their type.
    fn read_json(&mut self, document: &Document<'_>, item_type: &ItemType) {
        let is_mapping = document.text.starts_with('{');
        if let Some(list) = json::list(document)
            && (is_mapping || is_sequence_of_objects(&list.items))
        {
            self.content.empty_lists += usize::from(list.items.is_empty());
            let is_item = std::mem::replace(&mut self.is_item, true);
            list.items.iter().for_each(|item| self.read_json(item, &list.item_type));
            self.is_item = is_item;
            return;
        }
        match node::json_value(document.text) {
            Some(value) => self.add_document(document, value, item_type),
            None => self.read_yaml(document),
        }
    }

    fn add_document(&mut self, document: &Document<'_>, value: Value, item_type: &ItemType) {
        let source = Arc::new(DocumentSource::new(self.file, document, self.outer.clone()));
        let items = list_kind::expand(value);
        self.content.empty_lists += usize::from(items.is_empty());
        let mut items = enclosed::expand(&self.source.name, items);
        let mut ignored = self.ignored(document, &source, &mut items);
        let mut is_template = false;
        for (index, Item { mut value, at, is_enclosed }) in items.into_iter().enumerate() {
            list_kind::complete(&mut value, item_type);
            let place = Place::new(&source, &at);
            let texts = self.take_texts(&mut value, &place);
            let is_enclosed = is_enclosed || self.outer.is_some();
            let object = ManifestObject { value, place, ignored: ignored.take(index), is_enclosed };
            is_template |= self.add(document, object);
            let outer = self.outer.replace(Arc::clone(&source));
            for (document, value) in texts {
                self.add_document(&document, value, &ItemType::Own);
            }
            self.outer = outer;
        }
        if is_template && let Some(error) = template::input_error(self.source, document) {
            self.malformed(error);
        }
    }

    /// Takes the texts of an object that are manifests, each as documents with their values; `null` stands for them in the
    /// object. A text that is not written as a block of lines, or cannot be read, stays.
    fn take_texts(&mut self, object: &mut Value, place: &Place) -> Vec<(Document<'r>, Value)> {
        let mut taken = Vec::new();
        if !self.content.is_about_gateway || !enclosed::can_enclose(&self.source.name, object) {
            return taken;
        }
        for at in enclosed::texts(object) {
            let Some(slot) = object.pointer_mut(at.as_str()) else { continue };
            let line = self.locator.locate(place).position(at.as_str()).line;
            let documents = slot.as_str().and_then(|text| enclosed::documents(self.source, line, text));
            let read = |document: Document<'r>| Some((document, node::value(document.text).ok()?));
            let values: Option<Vec<_>> = documents.and_then(|documents| documents.into_iter().map(read).collect());
            if let Some(mut values) =
                values.filter(|values| values.iter().any(|(_, value)| list_kind::is_list_or_object(value)))
            {
                *slot = Value::Null;
                taken.append(&mut values);
            }
        }
        taken
    }

    /// What the comments of a document ignore, by the index of its objects, which are sorted by their lines for it.
    fn ignored(&mut self, document: &Document<'_>, source: &Arc<DocumentSource>, items: &mut Vec<Item>) -> Ignored {
        let tokens = || -> Arc<[Token]> {
            node::tree(document.text).map(|root| outline::outline(document, root).tokens.into()).unwrap_or_default()
        };
        let (comments, errors) = ignore_comment::find(self.source, document, tokens);
        self.content.errors.extend(errors);
        if comments.is_empty() {
            return Ignored::default();
        }
        let mut line = |at: &Pointer| self.locator.locate(&Place::new(source, at)).position("").line;
        let mut by_line: Vec<(usize, Item)> = items.drain(..).map(|item| (line(&item.at), item)).collect();
        by_line.sort_by_key(|(line, _)| *line);
        let (starts, sorted): (Vec<usize>, Vec<Item>) = by_line.into_iter().unzip();
        *items = sorted;
        let ignored = Ignored::of(&comments, &starts, line(Pointer::root()));
        self.content.ignore_comments.extend(comments);
        ignored
    }

    /// Adds an object; returns whether it is a template.
    fn add(&mut self, document: &Document<'_>, object: ManifestObject) -> bool {
        let content = &mut self.content;
        match ValueKind::of(&self.source.name, &object.value) {
            ValueKind::Nothing => {}
            ValueKind::Object => content.objects.push(object),
            ValueKind::Mapping => content.mappings.push(object),
            ValueKind::Kustomization => {
                content.patch_files.extend(kustomization::patch_files(&self.source.name, &object.value));
                content.kustomizations.push(object);
            }
            ValueKind::Encrypted => self.skip_once(document, ENCRYPTED),
            ValueKind::JsonPatch => self.skip_once(document, PATCH),
            ValueKind::NotAMapping(_)
                if !self.file.is_named && !self.is_item && !document.text.contains(API_VERSION) =>
            {
                self.skip_once(document, NOT_A_MAPPING);
            }
            ValueKind::NotAMapping(what) => {
                let position = self.locator.locate(&object.place).position("");
                let message = format!(
                    "a Kubernetes object is a mapping, but this is a {what}; write an object with `apiVersion` and `kind` \
                     here, or leave it out"
                );
                let (line, column) = (Some(position.line), Some(position.column));
                content.errors.push(InputError { file: self.source.name.clone(), line, column, message });
            }
            ValueKind::Template => return true,
        }
        false
    }

    /// An error, or a skipped document if the file is in a folder and is not about Kubernetes, or is a template of
    /// something else than a gateway.
    fn malformed(&mut self, error: InputError) {
        let is_template = error.message == template::MESSAGE;
        let is_error = self.file.is_named
            || self.content.is_about_gateway
            || !is_template && self.source.text.contains(API_VERSION);
        // said once a file
        let is_new = |known: &[InputError]| !is_template || known.iter().all(|other| other.message != error.message);
        if is_error {
            if is_new(&self.content.errors) {
                self.content.errors.push(error);
            }
        } else {
            let message = if is_template { TEMPLATE } else { MALFORMED }.to_owned();
            if self.content.skipped.iter().all(|other| other.message != message) {
                self.content.skipped.push(InputError { message, ..error });
            }
        }
    }

    fn skip_once(&mut self, document: &Document<'_>, why: &str) {
        if self.content.skipped.iter().all(|skipped| skipped.message != why) {
            let (line, column) = document.first_place();
            let file = self.source.name.clone();
            self.content.skipped.push(InputError {
                file,
                line: Some(line),
                column: Some(column),
                message: why.to_owned(),
            });
        }
    }

    fn at_file(&self, message: String) -> InputError {
        InputError { file: self.source.name.clone(), line: None, column: None, message }
    }
}

/// Returns true if these items of a JSON array are Kubernetes objects.
fn is_sequence_of_objects(items: &[Document<'_>]) -> bool {
    let is_object = |item: &Document<'_>| {
        let value = item.text.starts_with('{').then(|| node::json_value(item.text)).flatten();
        value.is_some_and(|value| list_kind::are_objects(&[value]))
    };
    items.iter().any(is_object)
}

/// Whether a text mentions what only a gateway has.
pub fn is_about_gateway(text: &str) -> bool {
    GATEWAY_TEXTS.iter().any(|needle| text.contains(needle))
}
