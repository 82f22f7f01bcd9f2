//! Changes the text of a document so that it has new values, and leaves every other character as it is.
//!
//! A change is the difference between the value of an object before and after: [`Rewrite`] walks both beside the text
//! and replaces, removes or inserts only what differs. Comments, order, quotes, indentation and line breaks stay.
//! The caller reads the new text again and compares it with the value that it wanted (`fix` does).

mod change;
mod comment;
mod document;
mod file;
mod flow;
mod format;
mod generated;
mod list;
mod masked;
mod pairs;
mod placement;
mod replace;
mod replacement;
mod text;
mod tree;

pub use file::{FileRewrite, ObjectChange, Unchanged};
use format::Style;
pub use format::scalar;
use granit_parser::StructureStyle;
use jsonptr::Pointer;
pub use masked::masked;
pub use placement::Placement;
pub use replacement::Replacement;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::ops::Range;
use text::Text;
use tree::{Content, Member, Node};

/// One replaced range of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// The replaced bytes; empty for an insertion.
    pub range: Range<usize>,
    /// The new text.
    pub text: String,
}

/// Why the text of a value cannot be changed faithfully.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// The byte of the document where the obstacle is.
    pub at: usize,
    /// What the obstacle is, and what to do.
    pub reason: &'static str,
}

/// The changes of one document.
#[derive(Debug)]
pub struct Rewrite<'a> {
    text: Text<'a>,
    root: Node,
    style: Style,
    /// Each with the index of the object whose change it is.
    changes: Vec<(usize, TextChange)>,
    /// The index of the object whose changes are added.
    owner: usize,
    /// Bytes of the values that are removed.
    removed: Vec<Range<usize>>,
}

impl<'a> Rewrite<'a> {
    /// A document without changes. `None` if it is not YAML.
    pub fn new(document: &'a str) -> Option<Self> {
        let root = Node::parse(document)?;
        let text = Text(document);
        let style = style(text, &root);
        Some(Self { text, root, style, changes: Vec::new(), owner: 0, removed: Vec::new() })
    }

    /// Adds the changes that turn the value at a JSON pointer in the document from `old` into `new`.
    ///
    /// # Errors
    /// The change would need a value that is written elsewhere too, as by an alias. No change is added then.
    pub fn change(&mut self, at: &Pointer, old: &Value, new: &Value) -> Result<(), Declined> {
        let mut changes = self.changes_of_value();
        changes.at(&self.root, at, old, new)?;
        self.add(changes);
        Ok(())
    }

    /// Whether [`change`](Self::change) can make this change.
    fn check(&self, at: &Pointer, old: &Value, new: &Value) -> Result<(), Declined> {
        self.changes_of_value().at(&self.root, at, old, new)
    }

    fn changes_of_value(&self) -> change::Changes<'a> {
        change::Changes { text: self.text, style: self.style, found: Vec::new(), removed: Vec::new() }
    }

    fn add(&mut self, mut changes: change::Changes<'a>) {
        self.changes.extend(changes.found.drain(..).map(|change| (self.owner, change)));
        self.removed.append(&mut changes.removed);
    }

    /// Inserts a new item before the item of a list at this JSON pointer.
    ///
    /// # Errors
    /// The layout of the list has no place for it.
    pub fn insert_before(&mut self, at: &Pointer, new: &Value) -> Result<(), Declined> {
        let mut changes = self.changes_of_value();
        changes.insert_before(&self.root, at, new)?;
        self.add(changes);
        Ok(())
    }

    /// The text of a new document in the style of this one, without a marker, with a line break at its end.
    fn new_document(&self, value: &Value) -> String {
        self.style.document(value)
    }

    /// The changes in the order of the text.
    ///
    /// # Errors
    /// Two changes replace the same bytes.
    pub fn finish(self) -> Result<Vec<TextChange>, Declined> {
        Ok(self.finish_owned()?.into_iter().map(|(_, change)| change).collect())
    }

    /// Like [`finish`](Self::finish), each with the index of its object.
    fn finish_owned(mut self) -> Result<Vec<(usize, TextChange)>, Declined> {
        self.changes.sort_by_key(|(_, change)| (change.range.start, change.range.end));
        let mut finished: Vec<(usize, TextChange)> = Vec::new();
        for (owner, change) in self.changes {
            match finished.last_mut().map(|(_, last)| last).filter(|last| change.range.start < last.range.end) {
                None => finished.push((owner, change)),
                Some(last) => match continued(last, &change, self.text) {
                    Some(text) => last.text = text,
                    None => return Err(Declined { at: change.range.start, reason: change::TWICE }),
                },
            }
        }
        Ok(finished)
    }
}

/// The text that replaces removed lines, if `inserted` adds lines below the last of them; `None` if it is another change.
fn continued(removed: &TextChange, inserted: &TextChange, text: Text<'_>) -> Option<String> {
    let line_break = text.near_line_break(inserted.range.end)?;
    let lines = inserted.text.strip_prefix(line_break).filter(|_| inserted.range.is_empty())?;
    let is_at_end = inserted.range.end + line_break.len() == removed.range.end;
    let are_lines = removed.text.is_empty() || removed.text.ends_with(line_break);
    (is_at_end && are_lines).then(|| format!("{}{lines}{line_break}", removed.text))
}

/// The text of a new YAML document, without a marker, with a line break at its end.
pub fn document(value: &Value) -> String {
    Style { indent: ' ', step: 2, dash: 2, is_json: false, line_break: "\n" }.document(value)
}

/// The text with these changes, which are in order and do not overlap.
pub fn apply(text: &str, changes: &[TextChange]) -> String {
    let (mut result, mut end) = (String::with_capacity(text.len()), 0);
    for change in changes {
        result.push_str(text.get(end..change.range.start).unwrap_or_default());
        result.push_str(&change.text);
        end = change.range.end;
    }
    result.push_str(text.get(end..).unwrap_or_default());
    result
}

/// The bytes of a document with the values that an alias repeats.
pub(crate) fn repeated(document: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if let Some(root) = Node::parse(document) {
        root.add_repeated(&mut found);
    }
    found
}

/// How the document is written, by its first nested collections.
fn style(text: Text<'_>, root: &Node) -> Style {
    let is_json = is_json(text.0)
        || match &root.content {
            Content::Mapping(StructureStyle::Flow, members) => {
                members.first().is_none_or(|member| text.slice(&member.key_range).starts_with('"'))
            }
            _ => false,
        };
    let is_tab = |line: &str| line.starts_with('\t');
    let is_in_tabs = is_json && text.0.lines().find(|line| line.starts_with([' ', '\t'])).is_some_and(is_tab);
    let mut found = Indentation::default();
    found.find(text, root);
    let (indent, step) = if is_in_tabs { ('\t', 1) } else { (' ', found.step.unwrap_or(2)) };
    Style { indent, step, dash: found.dash.unwrap_or(2), is_json, line_break: text.line_break() }
}

/// Whether a document is JSON, and has to stay JSON.
fn is_json(document: &str) -> bool {
    document.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(document).is_ok()
}

/// Most columns by which one line is indented more than the one above it, in the style of a document.
const MOST_COLUMNS: usize = 8;

/// The indentation of the first nested mapping and of the first sequence.
#[derive(Default)]
struct Indentation {
    step: Option<usize>,
    dash: Option<usize>,
}

impl Indentation {
    fn find(&mut self, text: Text<'_>, node: &Node) {
        if self.step.is_some() && self.dash.is_some() {
            return;
        }
        match &node.content {
            Content::Scalar(_) | Content::Alias => {}
            Content::Sequence(_, items) => items.iter().for_each(|item| self.find(text, item)),
            Content::Mapping(style, members) => members.iter().for_each(|member| self.member(text, *style, member)),
        }
    }

    fn member(&mut self, text: Text<'_>, style: StructureStyle, member: &Member) {
        let is_in_flow = style == StructureStyle::Flow;
        let nested = match &member.value.content {
            Content::Mapping(StructureStyle::Flow, inner) if is_in_flow => {
                inner.first().map(|inner| (&mut self.step, inner.key_range.start))
            }
            Content::Mapping(StructureStyle::Block, _) => Some((&mut self.step, member.value.range.start)),
            Content::Sequence(StructureStyle::Block, _) => Some((&mut self.dash, member.value.range.start)),
            _ => None,
        };
        if let Some((indentation, start)) = nested
            && text.is_first(start)
            && indentation.is_none()
        {
            let columns = text.column(start).checked_sub(text.column(member.key_range.start));
            *indentation = columns.filter(|columns| *columns <= MOST_COLUMNS);
        }
        self.find(text, &member.value);
    }
}

#[cfg(test)]
mod tests;
