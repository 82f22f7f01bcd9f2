//! Where an object is, and the positions of its fields.

use super::document::Document;
use super::file::FileSource;
use super::mask;
use super::outline::{self, Outline};
use super::position::{Layout, Position};
use super::source::{Line, SourceFile};
use super::{deep_stack, node, rewrite};
use jsonptr::{Pointer, PointerBuf};
use serde_json::Value;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Longest part of a line, in bytes, that is shown before and after a field: JSON can be a single line.
const CONTEXT_BYTES: usize = 100;

/// A document of a file.
#[derive(Debug)]
pub(super) struct DocumentSource {
    file: Arc<FileSource>,
    range: Range<usize>,
    lines_before: usize,
    columns_before: usize,
    /// The document in which it is a text.
    outer: Option<Arc<DocumentSource>>,
    /// Bytes of the file with the values that an alias repeats; found for the documents in it.
    repeated: OnceLock<Vec<Range<usize>>>,
    opened: Mutex<Weak<OpenDocument>>,
}

/// A document with the positions of its fields.
#[derive(Debug)]
struct OpenDocument {
    source: Arc<SourceFile>,
    range: Range<usize>,
    outline: Outline,
}

impl DocumentSource {
    /// A document; `outer` is the one in which it is a text.
    pub(super) fn new(file: &Arc<FileSource>, document: &Document<'_>, outer: Option<Arc<DocumentSource>>) -> Self {
        Self {
            file: Arc::clone(file),
            range: document.start..document.start + document.text.len(),
            lines_before: document.lines_before,
            columns_before: document.columns_before,
            outer,
            repeated: OnceLock::new(),
            opened: Mutex::default(),
        }
    }

    /// The text of the file, and where the document is in it; `None` if the file was changed or removed.
    pub(super) fn text(&self) -> Option<(Arc<SourceFile>, Range<usize>)> {
        Some((self.file.open()?, self.range.clone()))
    }

    /// The document in the text of its file.
    pub(super) fn document<'s>(&self, source: &'s SourceFile) -> Option<Document<'s>> {
        Some(Document {
            lines_before: self.lines_before,
            columns_before: self.columns_before,
            start: self.range.start,
            text: source.text.get(self.range.clone())?,
        })
    }

    /// Whether it is in a text that an alias repeats: a change of it would change the others, too.
    pub(super) fn is_repeated(&self, source: &SourceFile) -> bool {
        self.outer.as_deref().is_some_and(|outer| {
            let repeated = outer.repeated.get_or_init(|| outer.find_repeated(source));
            repeated.iter().any(|range| range.contains(&self.range.start)) || outer.is_repeated(source)
        })
    }

    fn find_repeated(&self, source: &SourceFile) -> Vec<Range<usize>> {
        let text = source.text.get(self.range.clone()).unwrap_or_default();
        let ranges = if text.contains('*') { rewrite::repeated(text) } else { Vec::new() };
        ranges.into_iter().map(|range| range.start + self.range.start..range.end + self.range.start).collect()
    }

    fn open(&self) -> Option<Arc<OpenDocument>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = opened.upgrade() {
            return Some(document);
        }
        let source = self.file.open()?;
        let document = self.document(&source)?;
        let parse = || Some(outline::outline(&document, node::tree(document.text).ok()?));
        let outline = deep_stack::with_deep_stack(parse)??;
        let document = Arc::new(OpenDocument { source, range: self.range.clone(), outline });
        *opened = Arc::downgrade(&document);
        Some(document)
    }
}

/// Where an object is: its file and document, and where in the document.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) document: Arc<DocumentSource>,
    /// JSON pointer to it in the document: not empty for an item of a list and for an object in another one.
    pub(super) at: PointerBuf,
}

impl Place {
    pub(super) fn new(document: &Arc<DocumentSource>, at: &Pointer) -> Self {
        Self { document: Arc::clone(document), at: at.to_owned() }
    }

    /// Path of its file as given; `-` for standard input.
    pub fn file(&self) -> &str {
        &self.document.file.name
    }

    /// Whether both are the same object of the same file.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.document, &other.document) && self.at == other.at
    }

    /// Whether its file is a regular one, which can be read again: not standard input, a pipe or another program's output.
    pub fn is_on_disk(&self) -> bool {
        self.document.file.is_on_disk()
    }

    /// Whether both are in the same document of the same file.
    pub fn is_in_same_document(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.document, &other.document)
    }

    /// Whether it is only a part of its YAML document, such as an item of a list: reading it again costs the whole
    /// document.
    pub fn is_part(&self) -> bool {
        !self.at.is_root()
    }

    /// Reads its document again for its value; `None` if the file was changed after it was read, or if it is only a
    /// part of its document. `last` keeps the file open for the next object of it.
    pub fn value(&self, last: &mut Option<OpenFile>) -> Option<Value> {
        if self.is_part() {
            return None;
        }
        let source = self.document.file.open()?;
        let text = source.text.get(self.document.range.clone())?;
        let json = text.starts_with(['{', '[']).then(|| node::json_value(text)).flatten();
        let value = json.or_else(|| deep_stack::with_deep_stack(|| node::value(text).ok())?);
        *last = Some(OpenFile::new(source));
        value
    }

    /// Keeps its file open, so that its objects are located without reading it again; `None` if the file was changed or
    /// removed.
    pub fn open(&self) -> Option<OpenFile> {
        self.document.file.open().map(OpenFile::new)
    }

    /// Reads the document again for the positions of its fields; see [`Locator`] for many objects.
    pub fn locate(&self) -> LocatedObject {
        LocatedObject {
            document: self.document.open(),
            at: self.at.clone(),
            fallback: Position {
                line: self.document.lines_before + 1,
                column: self.document.columns_before + 1,
                length: 1,
            },
        }
    }
}

/// A file that is not read again as long as this is kept.
#[derive(Debug)]
pub struct OpenFile {
    _source: Arc<SourceFile>,
}

impl OpenFile {
    pub(super) fn new(source: Arc<SourceFile>) -> Self {
        Self { _source: source }
    }
}

/// Locates objects one after the other. It keeps the last document, so that the objects of one document cost a single
/// parse.
#[derive(Debug, Default)]
pub struct Locator {
    last: Option<LocatedObject>,
}

impl Locator {
    /// Reads the document of an object for the positions of its fields, if it is not the last one.
    pub fn locate(&mut self, place: &Place) -> &LocatedObject {
        let located = place.locate();
        self.last.insert(located)
    }
}

/// An object with the positions of its fields. If its file was changed after it was read, every field has the position
/// where the document began.
#[derive(Debug)]
pub struct LocatedObject {
    document: Option<Arc<OpenDocument>>,
    at: PointerBuf,
    fallback: Position,
}

/// A part of a line with masked values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The text.
    pub text: String,
    /// The characters of the field in it, from 0.
    pub field: Range<usize>,
}

impl LocatedObject {
    /// The position in the file of a JSON pointer into this object. A missing field has the position of its nearest
    /// ancestor.
    pub fn position(&self, pointer: &str) -> Position {
        self.layout().map_or(self.fallback, |layout| layout.find(pointer))
    }

    /// The line of a JSON pointer, with `***` for every value that is not known to be harmless. Of a long line, the part
    /// around the field.
    pub fn excerpt(&self, pointer: &str) -> Excerpt {
        let position = self.position(pointer);
        let excerpt = self.document.as_deref().and_then(|document| {
            let OpenDocument { source, range, outline } = document;
            let line = source.line(position.line)?;
            // other documents can be in the same line
            let start = line.start.max(range.start);
            let columns_before = if line.start < range.start { self.fallback.column - 1 } else { 0 };
            let end = (line.start + line.text.len()).min(range.end);
            let part = Line { start, text: line.text.get(start - line.start..end.checked_sub(line.start)?)?, ..line };
            let column = position.column.saturating_sub(columns_before);
            let is_cut = (start > line.start, end < line.start + line.text.len());
            Some(excerpt(part, is_cut, &outline.tokens, Position { column, ..position }))
        });
        excerpt.unwrap_or_default()
    }

    /// The text of the file; empty if the file was changed after it was read.
    pub fn source(&self) -> &str {
        self.document.as_deref().map_or("", |document| &document.source.text)
    }

    /// A line of the file (from 1), with `***` for every value that is not known to be harmless.
    pub fn masked_line(&self, line: usize) -> String {
        let line = self.document.as_deref().and_then(|document| {
            let line = document.source.line(line)?;
            Some(mask::mask(line, &document.outline.tokens))
        });
        line.unwrap_or_default()
    }

    fn layout(&self) -> Option<&Layout> {
        let root = &self.document.as_deref()?.outline.layout;
        self.at.tokens().try_fold(root, |layout, token| layout.child(&token.decoded()))
    }
}

/// The masked part of `line` around `position`. `is_cut`: whether the whole line has more before and after it.
fn excerpt(line: Line<'_>, is_cut: (bool, bool), tokens: &[outline::Token], position: Position) -> Excerpt {
    let at = line.text.char_indices().nth(position.column.saturating_sub(1)).map_or(line.text.len(), |(at, _)| at);
    let from = if at > 2 * CONTEXT_BYTES { line.text.ceil_char_boundary(at - CONTEXT_BYTES) } else { 0 };
    let until = line.text.ceil_char_boundary((at + 2 * CONTEXT_BYTES).min(line.text.len()));
    let text = line.text.get(from..until).unwrap_or_default();
    let column = line.text.get(from..at).unwrap_or_default().chars().count() + 1;
    let part = Line { start: line.start + from, text, ..line };
    let masked = mask::masked_position(part, tokens, Position { column, ..position });
    let ellipsis = |is_cut| if is_cut { "..." } else { "" };
    let (before, after) = (ellipsis(is_cut.0 || from > 0), ellipsis(is_cut.1 || until < line.text.len()));
    let start = masked.column - 1 + before.len();
    Excerpt { text: format!("{before}{}{after}", mask::mask(part, tokens)), field: start..start + masked.length }
}
