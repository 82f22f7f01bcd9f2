//! The changes of one document, verified: the new text reads as the changed objects and has every comment.

use super::change::LAYOUT;
use super::file::ObjectChange;
use super::placement::{self, Placement};
use super::{Declined, Rewrite, TextChange, apply, comment, is_json};
use crate::node;
use jsonptr::{PointerBuf, Token};
use serde_json::Value;
use std::cell::Cell;
use std::path::Path;

const COMMENT: &str =
    "the change would remove a comment; move the comment to a line of its own above, or change it by hand";
const UNREADABLE: &str = "the document cannot be read again; change it by hand";
const NOT_JSON: &str =
    "it is not valid JSON, as with comments or keys without quotes; correct it, or change it by hand";
/// Most bytes that are read again to find the changes of a document that can be made: each attempt reads all of it.
const MOST_BYTES: usize = 64 << 20;

/// A part of the change of an object: the indices of both.
pub(super) type Part = (usize, usize);

/// A part that was not made: the byte of the document where the obstacle is, and what it is.
pub(super) type Unmade = (Part, Declined);

/// What was made of the changes of a document.
#[derive(Default)]
pub(super) struct Made {
    /// The replaced ranges in order, each with the index of its object.
    pub(super) changes: Vec<(usize, TextChange)>,
    pub(super) unmade: Vec<Unmade>,
}

impl Made {
    /// The outcome if nothing in a document can be changed.
    pub(super) fn none(changes: &[&ObjectChange<'_>], reason: &'static str) -> Self {
        let unmade = all_parts(changes).into_iter().map(|part| (part, Declined { at: 0, reason }));
        Self { unmade: unmade.collect(), ..Self::default() }
    }
}

fn all_parts(changes: &[&ObjectChange<'_>]) -> Vec<Part> {
    let parts = |(index, change): (usize, &&ObjectChange<'_>)| (0..change.parts).map(move |part| (index, part));
    changes.iter().enumerate().flat_map(parts).collect()
}

/// The changes of the objects of a document.
pub(super) struct DocumentChanges<'d, 'c> {
    text: &'d str,
    value: Value,
    is_json: bool,
    changes: &'d [&'d ObjectChange<'c>],
    placements: &'d [Placement<'c>],
    attempts: Cell<usize>,
}

impl<'d, 'c> DocumentChanges<'d, 'c> {
    /// The changes of a document of this file.
    ///
    /// # Errors
    /// Why the document cannot be changed.
    pub(super) fn new(
        (file, text): (&str, &'d str),
        changes: &'d [&'d ObjectChange<'c>],
        placements: &'d [Placement<'c>],
    ) -> Result<Self, &'static str> {
        let is_json = is_json(text);
        if !is_json && seems_json(file, text) {
            return Err(NOT_JSON);
        }
        let value = value(text, is_json).ok_or(UNREADABLE)?;
        Ok(Self { text, value, is_json, changes, placements, attempts: Cell::new(0) })
    }

    /// Makes the changes that can be made. With placements, all are made or none.
    pub(super) fn make(&self) -> Made {
        let parts = all_parts(self.changes);
        match self.attempt(&parts) {
            Ok(made) => made,
            Err(reason) if !self.placements.is_empty() || parts.len() == 1 => self.none(&parts, reason),
            Err(_) => {
                let mut unmade = Vec::new();
                let possible = self.possible(&parts, &mut unmade);
                let mut made = self.attempt(&possible).unwrap_or_else(|reason| self.none(&possible, reason));
                made.unmade.append(&mut unmade);
                made
            }
        }
    }

    /// The parts that can be made. A part that spoils the text must not keep the others from being made.
    fn possible(&self, parts: &[Part], unmade: &mut Vec<Unmade>) -> Vec<Part> {
        let Err(reason) = self.attempt(parts) else { return parts.to_vec() };
        if parts.len() <= 1 || self.attempts.get() * self.text.len() > MOST_BYTES {
            unmade.append(&mut self.none(parts, reason).unmade);
            return Vec::new();
        }
        let (first, second) = parts.split_at(parts.len() / 2);
        let mut possible = self.possible(first, unmade);
        possible.append(&mut self.possible(second, unmade));
        possible
    }

    /// The outcome without a change.
    fn none(&self, parts: &[Part], reason: &'static str) -> Made {
        let rewrite = Rewrite::new(self.text);
        let at = |part: &Part| Some(rewrite.as_ref()?.root.nearest(&self.changed_at(*part)?).range.start);
        let unmade = |part: &Part| (*part, Declined { at: at(part).unwrap_or_default(), reason });
        Made { unmade: parts.iter().map(unmade).collect(), ..Made::default() }
    }

    /// JSON pointer in the document to what a part changes.
    fn changed_at(&self, (index, part): Part) -> Option<PointerBuf> {
        let change = self.changes.get(index)?;
        let old = self.value.pointer(change.place.at.as_str())?;
        let mut new = old.clone();
        (change.change)(&mut new, &|other| other == part);
        let mut at = change.place.at.clone();
        let (mut old, mut new) = (old, &new);
        while let Some((key, old_member, new_member)) = single_difference(old, new) {
            at.push_back(key);
            (old, new) = (old_member, new_member);
        }
        Some(at)
    }

    /// Makes these parts, except those that are declined.
    ///
    /// # Errors
    /// Why the new text is not faithful.
    fn attempt(&self, parts: &[Part]) -> Result<Made, &'static str> {
        self.attempts.update(|count| count + 1);
        let mut rewrite = Rewrite::new(self.text).ok_or(UNREADABLE)?;
        let (mut expected, mut unmade) = (self.value.clone(), Vec::new());
        for parts in parts.chunk_by(|one, other| one.0 == other.0) {
            self.change_object(&mut rewrite, &mut expected, parts, &mut unmade);
        }
        placement::insert_items((&mut rewrite, &mut expected), self.changes, self.placements);
        let removed = std::mem::take(&mut rewrite.removed);
        let changes = rewrite.finish_owned().map_err(|declined| declined.reason)?;
        let texts: Vec<TextChange> = changes.iter().map(|(_, change)| change.clone()).collect();
        let new = apply(self.text, &texts);
        if value(&new, self.is_json) != Some(expected) {
            return Err(LAYOUT);
        }
        if !comment::are_kept(self.text, &new, &removed) {
            return Err(COMMENT);
        }
        Ok(Made { changes, unmade })
    }

    /// Makes parts of the change of one object, in the text and in the value of the document.
    fn change_object(&self, rewrite: &mut Rewrite<'_>, expected: &mut Value, parts: &[Part], unmade: &mut Vec<Unmade>) {
        let Some(&(index, _)) = parts.first() else { return };
        let Some(change) = self.changes.get(index) else { return };
        let at = &change.place.at;
        let Some(slot) = expected.pointer_mut(at.as_str()) else { return };
        let old = slot.clone();
        let changed = |parts: &[Part]| {
            let mut value = old.clone();
            (change.change)(&mut value, &|part| parts.contains(&(index, part)));
            value
        };
        let check = |made: &[Part]| rewrite.check(at, &old, &changed(made));
        let made = if check(parts).is_ok() { parts.to_vec() } else { one_by_one(parts, unmade, check) };
        let new = changed(&made);
        rewrite.owner = index;
        if rewrite.change(at, &old, &new).is_ok() {
            *slot = new;
        }
    }
}

/// The parts that can be made together, tried one after the other.
fn one_by_one(parts: &[Part], unmade: &mut Vec<Unmade>, check: impl Fn(&[Part]) -> Result<(), Declined>) -> Vec<Part> {
    let mut made = Vec::new();
    for part in parts {
        made.push(*part);
        if let Err(declined) = check(&made) {
            made.pop();
            unmade.push((*part, declined));
        }
    }
    made
}

/// The only member or item in which two values differ, if both have it.
fn single_difference<'v>(old: &'v Value, new: &'v Value) -> Option<(Token<'static>, &'v Value, &'v Value)> {
    let mut differences: Vec<(Token<'static>, &Value, Option<&Value>)> = match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            if new.keys().any(|key| !old.contains_key(key)) {
                return None;
            }
            old.iter().map(|(key, member)| (Token::new(key.clone()), member, new.get(key))).collect()
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let items = old.iter().zip(new).enumerate();
            items.map(|(index, (old, new))| (Token::from(index), old, Some(new))).collect()
        }
        _ => return None,
    };
    differences.retain(|(_, old, new)| Some(*old) != *new);
    match differences.as_slice() {
        [(key, old, Some(new))] => Some((key.clone(), old, new)),
        _ => None,
    }
}

/// The value of a document. JSON has to stay JSON.
fn value(document: &str, is_json: bool) -> Option<Value> {
    if is_json { node::json_value(document) } else { node::value(document).ok() }
}

/// Whether a document that is not JSON is meant as JSON.
fn seems_json(file: &str, document: &str) -> bool {
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    let is_json_file = Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    document.trim_start().starts_with(['{', '[']) && (is_json_file || document.lines().any(is_comment))
}
