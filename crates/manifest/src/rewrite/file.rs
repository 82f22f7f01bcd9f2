//! The changes of one file, verified before anything is written.

use super::change::LAYOUT;
use super::placement::{self, Placement};
use super::{Declined, Rewrite, TextChange, apply};
use crate::document::{self, Document};
use crate::place::{OpenFile, Place};
use crate::position::Position;
use crate::source::SourceFile;
use crate::{deep_stack, mask, node, outline};
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;

/// Texts near the beginning of a file that another program writes again.
const GENERATED: [&str; 3] = ["DO NOT EDIT", "do not edit", "# Source: "];
/// Number of lines in which they are searched.
const HEAD_LINES: usize = 8;

/// A change of an object.
pub struct ObjectChange<'c> {
    /// The object.
    pub place: &'c Place,
    /// Changes its value.
    pub change: Box<dyn Fn(&mut Value) + Sync + 'c>,
}

/// A change that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchanged {
    /// The index of the change.
    pub index: usize,
    /// The line and column in the file where the obstacle is.
    pub position: Position,
    /// What the obstacle is, and what to do.
    pub reason: &'static str,
}

/// The text of a file before and after its changes.
#[derive(Clone, Debug, Default)]
pub struct FileRewrite {
    /// The text that was read, without a byte order mark.
    pub before: String,
    /// The text with all changes that could be made.
    pub after: String,
    /// The replaced ranges of `before`, in order.
    pub changes: Vec<TextChange>,
    /// The changes that were not made.
    pub unchanged: Vec<Unchanged>,
}

impl FileRewrite {
    /// Changes objects of one file. Every change that is made was verified: the new text reads as the changed objects and
    /// as the same other ones.
    ///
    /// `None` if the file was changed or removed since its objects were read.
    pub fn of(changes: &[ObjectChange<'_>]) -> Option<Self> {
        Self::with_placements(changes, &[])
    }

    /// Changes objects of one file, and places others before them. What a placement is before is one of the changed
    /// objects; that change can be none. If a placement cannot be made, nothing is changed.
    ///
    /// `None` if the file was changed or removed since its objects were read.
    pub fn with_placements(changes: &[ObjectChange<'_>], placements: &[Placement<'_>]) -> Option<Self> {
        deep_stack::with_deep_stack(|| {
            // the file stays open: each place reads it again otherwise
            let _open = changes.first()?.place.open()?;
            let rewrite = Self::with_changes(changes, placements)?;
            Some(if placements.is_empty() { rewrite } else { placement::make(rewrite, changes, placements) })
        })?
    }

    fn with_changes(changes: &[ObjectChange<'_>], placements: &[Placement<'_>]) -> Option<Self> {
        let (source, _) = changes.first()?.place.document.text()?;
        let mut rewrite = Self { before: source.text.clone(), ..Self::default() };
        let mut next = 0;
        while let Some(first) = changes.get(next) {
            let of_document =
                changes.iter().skip(next).take_while(|other| Arc::ptr_eq(&other.place.document, &first.place.document));
            let of_document: Vec<&ObjectChange<'_>> = of_document.collect();
            let (_, range) = first.place.document.text()?;
            rewrite.document(&source, (range, next), &of_document, placements);
            next += of_document.len();
        }
        rewrite.changes.sort_by_key(|change| change.range.start);
        rewrite.after = apply(&rewrite.before, &rewrite.changes);
        Some(rewrite)
    }

    /// Changes the objects of one document; the first has the index `first`.
    fn document(
        &mut self,
        source: &Arc<SourceFile>,
        (range, first): (Range<usize>, usize),
        changes: &[&ObjectChange<'_>],
        placements: &[Placement<'_>],
    ) {
        let text = source.text.get(range.clone()).unwrap_or_default();
        let all_unchanged = |reason| {
            let position = position(source, range.start);
            (first..first + changes.len()).map(|index| Unchanged { index, position, reason }).collect::<Vec<_>>()
        };
        if is_generated(source, text) {
            self.unchanged.extend(all_unchanged("the file is generated; change what it is generated from"));
            return;
        }
        let (Some(mut rewrite), Ok(mut expected)) = (Rewrite::new(text), node::value(text)) else {
            self.unchanged.extend(all_unchanged("the document cannot be read again; change it by hand"));
            return;
        };
        let mut unchanged = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let Some(slot) = expected.pointer_mut(change.place.at.as_str()) else { continue };
            let old = slot.clone();
            (change.change)(slot);
            if let Err(Declined { at, reason }) = rewrite.change(&change.place.at, &old, slot) {
                *slot = old;
                let position = position(source, range.start + at);
                unchanged.push(Unchanged { index: first + index, position, reason });
            }
        }
        placement::insert_items((&mut rewrite, &mut expected), changes, placements);
        let made = rewrite.finish();
        let is_faithful = |made: &Vec<TextChange>| node::value(&apply(text, made)).is_ok_and(|value| value == expected);
        match made {
            Ok(made) if is_faithful(&made) => {
                self.unchanged.append(&mut unchanged);
                self.changes.extend(made.into_iter().map(|change| TextChange {
                    range: change.range.start + range.start..change.range.end + range.start,
                    ..change
                }));
            }
            _ => self.unchanged.extend(all_unchanged(LAYOUT)),
        }
    }
}

/// A replaced range of a file. Lines and columns are from 1, columns in code points; the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// First line and column.
    pub start: (usize, usize),
    /// Line and column after the last character; of an insertion, the start.
    pub end: (usize, usize),
    /// The new text.
    pub text: String,
}

/// The replaced ranges that make one change of an object, verified as by [`FileRewrite::of`]; empty if it cannot be made.
/// It reads the object's document twice. `last` keeps the file open for the next object of it.
pub fn replacements(change: &ObjectChange<'_>, last: &mut Option<OpenFile>) -> Vec<Replacement> {
    let made = deep_stack::with_deep_stack(|| {
        let (source, range) = change.place.document.text()?;
        let mut rewrite = FileRewrite::default();
        rewrite.document(&source, (range, 0), &[change], &[]);
        let replaced = |change: &TextChange| {
            let (start, end) = (source.boundary(change.range.start)?, source.boundary(change.range.end)?);
            Some(Replacement { start, end, text: change.text.clone() })
        };
        let replacements: Option<Vec<Replacement>> = rewrite.changes.iter().map(replaced).collect();
        *last = Some(OpenFile::new(source));
        replacements
    });
    made.flatten().unwrap_or_default()
}

/// A text of documents with `***` for every value that can bear a secret, to be shown. A document that cannot be read is
/// left out.
pub fn masked(text: &str) -> String {
    let mask_all = || {
        let source = SourceFile::new("", text);
        let documents = document::split(&source);
        documents.iter().map(|document| masked_document(&source, document)).collect()
    };
    deep_stack::with_deep_stack(mask_all).unwrap_or_default()
}

fn masked_document(source: &SourceFile, document: &Document<'_>) -> String {
    let Ok(root) = node::tree(document.text) else { return String::new() };
    let tokens = outline::outline(document, root).tokens;
    let end = document.start + document.text.len();
    let lines = source.lines().filter(|line| (document.start..end).contains(&line.start));
    lines.map(|line| mask::mask(line, &tokens) + "\n").collect()
}

/// Whether the file or the document says that another program writes it.
fn is_generated(source: &SourceFile, document: &str) -> bool {
    let mut heads = source.text.lines().take(HEAD_LINES).chain(document.lines().take(HEAD_LINES));
    heads.any(|line| GENERATED.iter().any(|mark| line.contains(mark)))
}

pub(super) fn position(source: &SourceFile, byte: usize) -> Position {
    let (line, column) = source.line_and_column(byte).unwrap_or((1, 1));
    Position { line, column, length: 1 }
}
