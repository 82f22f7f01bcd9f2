//! The changes of one file, verified before anything is written.

use super::change::{ANCHOR, TWICE};
use super::document::{DocumentChanges, Made};
use super::generated::{GENERATED, is_generated};
use super::placement::{self, Placement};
use super::{TextChange, apply};
use crate::place::{DocumentSource, Place};
use crate::position::Position;
use crate::source::SourceFile;
use crate::{decode, deep_stack};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Changes the parts of a value for which the function returns true.
type ChangeParts<'c> = dyn Fn(&mut Value, &dyn Fn(usize) -> bool) + Sync + 'c;

/// A change of an object.
pub struct ObjectChange<'c> {
    /// The object.
    pub place: &'c Place,
    /// Number of its parts: one that cannot be made does not keep the others from being made.
    pub parts: usize,
    /// Changes its value.
    pub change: Box<ChangeParts<'c>>,
}

impl<'c> ObjectChange<'c> {
    /// A change that is made as a whole or not at all.
    pub fn new(place: &'c Place, change: impl Fn(&mut Value) + Sync + 'c) -> Self {
        let change = move |value: &mut Value, is_asked_for: &dyn Fn(usize) -> bool| {
            if is_asked_for(0) {
                change(value);
            }
        };
        Self { place, parts: 1, change: Box::new(change) }
    }
}

/// A part of a change that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchanged {
    /// The index of the change.
    pub index: usize,
    /// The index of its part.
    pub part: usize,
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
    /// For each of them the index of the object's change that it belongs to; empty with placements.
    pub owners: Vec<usize>,
    /// The parts of changes that were not made.
    pub unchanged: Vec<Unchanged>,
}

impl FileRewrite {
    /// Changes objects of one file. Every change that is made was verified: the new text reads as the changed objects and
    /// as the same other ones, and it has the same comments except those of removed values.
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

    /// The bytes of the file after its changes, in its encoding; `None` if these are not the bytes that were read.
    pub fn encoded(&self, read: &[u8]) -> Option<Vec<u8>> {
        decode::reencode(read, &self.before, &self.after)
    }

    fn with_changes(changes: &[ObjectChange<'_>], placements: &[Placement<'_>]) -> Option<Self> {
        let (source, _) = changes.first()?.place.document.text()?;
        // the objects of one document need not follow each other: texts in them can be between
        let mut documents: Vec<Vec<usize>> = Vec::new();
        let mut known: HashMap<*const DocumentSource, usize> = HashMap::new();
        for (index, change) in changes.iter().enumerate() {
            let document = *known.entry(Arc::as_ptr(&change.place.document)).or_insert(documents.len());
            match documents.get_mut(document) {
                Some(indices) => indices.push(index),
                None => documents.push(vec![index]),
            }
        }
        let mut file = FileChanges { source: &source, made: Vec::new(), unchanged: Vec::new() };
        for indices in &documents {
            let of_document: Vec<&ObjectChange<'_>> = indices.iter().filter_map(|index| changes.get(*index)).collect();
            let (_, range) = of_document.first()?.place.document.text()?;
            file.document(range, indices, &of_document, placements);
        }
        Some(file.finish(&documents, changes))
    }

    /// The parts of these changes that were made: the indices of the change and of its part.
    pub fn made(&self, changes: &[ObjectChange<'_>]) -> Vec<(usize, usize)> {
        let unchanged: HashSet<_> = self.unchanged.iter().map(|unchanged| (unchanged.index, unchanged.part)).collect();
        let all = changes.iter().enumerate();
        let all = all.flat_map(|(index, change)| (0..change.parts).map(move |part| (index, part)));
        all.filter(|part| !unchanged.contains(part)).collect()
    }
}

/// The changes of the documents of a file.
struct FileChanges<'s> {
    source: &'s SourceFile,
    /// The replaced ranges of the file, each with the index of its object.
    made: Vec<(usize, TextChange)>,
    unchanged: Vec<Unchanged>,
}

impl FileChanges<'_> {
    /// Changes the objects of one document, which have these indices.
    fn document(
        &mut self,
        range: Range<usize>,
        indices: &[usize],
        changes: &[&ObjectChange<'_>],
        placements: &[Placement<'_>],
    ) {
        let text = self.source.text.get(range.clone()).unwrap_or_default();
        let in_file = |index: usize| indices.get(index).copied().unwrap_or(index);
        let is_repeated = changes.first().is_some_and(|change| change.place.document.is_repeated(self.source));
        let document = match () {
            () if is_generated(self.source, text) => Err(GENERATED),
            () if is_repeated => Err(ANCHOR),
            () => DocumentChanges::new((&self.source.name, text), changes, placements),
        };
        let made = match document {
            Ok(document) => document.make(),
            Err(reason) => Made::none(changes, reason),
        };
        self.unchanged.extend(made.unmade.into_iter().map(|((index, part), declined)| Unchanged {
            index: in_file(index),
            part,
            position: position(self.source, range.start + declined.at),
            reason: declined.reason,
        }));
        self.made.extend(made.changes.into_iter().map(|(index, change)| {
            let range = change.range.start + range.start..change.range.end + range.start;
            (in_file(index), TextChange { range, ..change })
        }));
    }

    /// The changed file.
    fn finish(mut self, documents: &[Vec<usize>], changes: &[ObjectChange<'_>]) -> FileRewrite {
        self.made.sort_by_key(|(_, change)| (change.range.start, change.range.end));
        self.leave_out_second(documents, changes);
        let before = self.source.text.clone();
        let (owners, changes): (Vec<usize>, Vec<TextChange>) = self.made.into_iter().unzip();
        let after = apply(&before, &changes);
        FileRewrite { before, after, changes, owners, unchanged: self.unchanged }
    }

    /// Where changes of two documents are in the same place, as of a text and of the object that holds it, leaves out
    /// those of the second document: each was verified without the other.
    fn leave_out_second(&mut self, documents: &[Vec<usize>], changes: &[ObjectChange<'_>]) {
        let documents = documents.iter().enumerate();
        let of_index: HashMap<usize, usize> =
            documents.flat_map(|(number, all)| all.iter().map(move |index| (*index, number))).collect();
        let mut left_out: HashMap<usize, usize> = HashMap::new();
        for pair in self.made.windows(2) {
            let [(first, before), (second, after)] = pair else { continue };
            let is_same_place = after.range.start < before.range.end || before.range == after.range;
            let (first, second) = (of_index.get(first), of_index.get(second));
            if is_same_place && first != second {
                left_out.extend(first.max(second).map(|document| (*document, after.range.start)));
            }
        }
        if left_out.is_empty() {
            return;
        }
        let is_left_out = |index: &usize| of_index.get(index).and_then(|document| left_out.get(document)).copied();
        self.made.retain(|(index, _)| is_left_out(index).is_none());
        let known: HashSet<_> = self.unchanged.iter().map(|unchanged| (unchanged.index, unchanged.part)).collect();
        for (index, change) in changes.iter().enumerate() {
            let Some(at) = is_left_out(&index) else { continue };
            let position = position(self.source, at);
            let parts = (0..change.parts).filter(|part| !known.contains(&(index, *part)));
            self.unchanged.extend(parts.map(|part| Unchanged { index, part, position, reason: TWICE }));
        }
    }
}

pub(super) fn position(source: &SourceFile, byte: usize) -> Position {
    let (line, column) = source.line_and_column(byte).unwrap_or((1, 1));
    Position { line, column, length: 1 }
}
