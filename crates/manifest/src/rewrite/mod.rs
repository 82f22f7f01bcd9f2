//! Changes the text of a document so that it has new values, and leaves every other character as it is.
//!
//! A change is the difference between the value of an object before and after: [`Rewrite`] walks both beside the text
//! and replaces, removes or inserts only what differs. Comments, order, quotes, indentation and line breaks stay.
//! The caller reads the new text again and compares it with the value that it wanted (`fix` does).

mod change;
mod file;
mod format;
mod placement;
mod replace;
mod text;
mod tree;

pub use file::{FileRewrite, ObjectChange, Replacement, Unchanged, masked, replacements};
use format::Style;
pub use format::scalar;
use granit_parser::StructureStyle;
use jsonptr::Pointer;
pub use placement::Placement;
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
    changes: Vec<TextChange>,
}

impl<'a> Rewrite<'a> {
    /// A document without changes. `None` if it is not YAML.
    pub fn new(document: &'a str) -> Option<Self> {
        let root = Node::parse(document)?;
        let text = Text(document);
        let style = style(text, &root);
        Some(Self { text, root, style, changes: Vec::new() })
    }

    /// Adds the changes that turn the value at a JSON pointer in the document from `old` into `new`.
    ///
    /// # Errors
    /// The change would need a value that is written elsewhere too, as by an alias. No change is added then.
    pub fn change(&mut self, at: &Pointer, old: &Value, new: &Value) -> Result<(), Declined> {
        let mut changes = change::Changes { text: self.text, style: self.style, found: Vec::new() };
        changes.at(&self.root, at, old, new)?;
        self.changes.append(&mut changes.found);
        Ok(())
    }

    /// Inserts a new item before the item of a list at this JSON pointer.
    ///
    /// # Errors
    /// The layout of the list has no place for it.
    pub fn insert_before(&mut self, at: &Pointer, new: &Value) -> Result<(), Declined> {
        let mut changes = change::Changes { text: self.text, style: self.style, found: Vec::new() };
        changes.insert_before(&self.root, at, new)?;
        self.changes.append(&mut changes.found);
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
    pub fn finish(mut self) -> Result<Vec<TextChange>, Declined> {
        self.changes.sort_by_key(|change| (change.range.start, change.range.end));
        let mut finished: Vec<TextChange> = Vec::new();
        for change in self.changes {
            match finished.last_mut().filter(|last| change.range.start < last.range.end) {
                None => finished.push(change),
                Some(last) => match continued(last, &change, self.style.line_break) {
                    Some(text) => last.text = text,
                    None => return Err(Declined { at: change.range.start, reason: change::TWICE }),
                },
            }
        }
        Ok(finished)
    }
}

/// The text that replaces removed lines, if `inserted` adds lines below the last of them; `None` if it is another change.
fn continued(removed: &TextChange, inserted: &TextChange, line_break: &str) -> Option<String> {
    let lines = inserted.text.strip_prefix(line_break).filter(|_| inserted.range.is_empty())?;
    let is_at_end = inserted.range.end + line_break.len() == removed.range.end;
    let are_lines = removed.text.is_empty() || removed.text.ends_with(line_break);
    (is_at_end && are_lines).then(|| format!("{}{lines}{line_break}", removed.text))
}

/// The text of a new YAML document, without a marker, with a line break at its end.
pub fn document(value: &Value) -> String {
    Style { step: 2, dash: 2, is_json: false, line_break: "\n" }.document(value)
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

/// How the document is written, by its first nested collections.
fn style(text: Text<'_>, root: &Node) -> Style {
    let is_json = match &root.content {
        Content::Mapping(StructureStyle::Flow, members) => {
            members.first().is_none_or(|member| text.slice(&member.key_range).starts_with('"'))
        }
        _ => false,
    };
    let mut found = Indentation::default();
    found.find(text, root);
    Style { step: found.step.unwrap_or(2), dash: found.dash.unwrap_or(2), is_json, line_break: text.line_break() }
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
