//! New objects in a file, and objects that are moved in it, so that they are applied before another one.

use super::change::LAYOUT;
use super::file::{FileRewrite, ObjectChange, Unchanged, position};
use super::{Rewrite, TextChange, apply};
use crate::place::Place;
use crate::source::SourceFile;
use crate::{ManifestObject, read};
use jsonptr::{Pointer, PointerBuf};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// The line that starts a YAML document.
const MARKER: &str = "---";

/// Objects that are placed before an object of a file.
pub struct Placement<'c> {
    /// The object.
    pub before: &'c Place,
    /// New objects.
    pub added: Vec<Value>,
    /// Objects of the same file, each a whole YAML document. Their text is moved with its comments.
    pub moved: Vec<&'c Place>,
}

impl Place {
    /// Whether its text is a whole YAML document, and so can be moved in the file.
    pub fn is_yaml_document(&self) -> bool {
        let text = self.document.text().and_then(|(source, range)| Some(source.text.get(range)?.to_owned()));
        !self.is_part() && text.is_some_and(|text| !is_in_braces(&text))
    }

    fn range(&self) -> Option<Range<usize>> {
        Some(self.document.text()?.1)
    }
}

/// Whether a document is JSON, or written like it.
fn is_in_braces(document: &str) -> bool {
    document.starts_with(['{', '['])
}

/// Inserts the new objects of placements before items of lists in one document, into its text and into the value that it
/// has to have.
pub(super) fn insert_items(
    (rewrite, expected): (&mut Rewrite<'_>, &mut Value),
    changes: &[&ObjectChange<'_>],
    placements: &[Placement<'_>],
) {
    let is_here = |placement: &&Placement<'_>| {
        let document = &placement.before.document;
        placement.before.is_part() && changes.iter().any(|change| Arc::ptr_eq(&change.place.document, document))
    };
    let mut here: Vec<&Placement<'_>> = placements.iter().filter(is_here).collect();
    // from the end, so that the indices of the others stay
    here.sort_by_key(|placement| Reverse(order(&placement.before.at)));
    for placement in here {
        let Some((parent, token)) = placement.before.at.split_back() else { continue };
        let Ok(index) = token.decoded().parse::<usize>() else { continue };
        for (offset, value) in placement.added.iter().enumerate() {
            let is_inserted = rewrite.insert_before(&placement.before.at, value).is_ok();
            let list = expected.pointer_mut(parent.as_str()).and_then(Value::as_array_mut);
            if let Some(items) = list.filter(|_| is_inserted) {
                items.insert((index + offset).min(items.len()), value.clone());
            }
        }
    }
}

/// The tokens of a pointer, in an order in which 9 is before 10.
fn order(pointer: &Pointer) -> Vec<(Option<usize>, String)> {
    let key = |text: String| (text.parse().ok(), text);
    pointer.tokens().map(|token| key(token.decoded().into_owned())).collect()
}

/// Adds the placements to a rewrite, and verifies the whole file.
pub(super) fn make(
    mut rewrite: FileRewrite,
    changes: &[ObjectChange<'_>],
    placements: &[Placement<'_>],
) -> FileRewrite {
    let before = rewrite.changes.clone();
    rewrite.owners.clear();
    let is_made =
        rewrite.unchanged.is_empty() && placements.iter().all(|placement| place(&mut rewrite, placement).is_some());
    rewrite.changes.sort_by_key(|change| change.range.start);
    rewrite.after = apply(&rewrite.before, &rewrite.changes);
    if is_made && is_faithful(&rewrite, changes, placements) {
        return rewrite;
    }
    rewrite.changes = before;
    if rewrite.unchanged.is_empty() {
        let source = SourceFile::new("", rewrite.before.clone());
        let start = |change: &ObjectChange<'_>| change.place.range().map_or(0, |range| range.start);
        let unchanged = changes.iter().enumerate();
        let unchanged = unchanged.map(|(index, change)| (index, position(&source, start(change))));
        let all = unchanged.map(|(index, position)| Unchanged { index, part: 0, position, reason: LAYOUT });
        rewrite.unchanged = all.collect();
        rewrite.changes.clear();
    }
    rewrite.after = apply(&rewrite.before, &rewrite.changes);
    rewrite
}

/// Places whole documents; `None` if there is no place.
fn place(rewrite: &mut FileRewrite, placement: &Placement<'_>) -> Option<()> {
    if placement.before.is_part() {
        // the new objects are items of the same list
        return placement.moved.is_empty().then_some(());
    }
    let range = placement.before.range()?;
    let document = rewrite.before.get(range.clone())?.to_owned();
    let style = Rewrite::new(&document)?;
    let added: Vec<String> = placement.added.iter().map(|value| style.new_document(value)).collect();
    let line_break = style.style.line_break;
    if is_in_braces(&document) {
        let text = json_text(&rewrite.before, range.start, &added);
        rewrite.changes.push(TextChange { range: range.start..range.start, text });
        return placement.moved.is_empty().then_some(());
    }
    let marker = marker(&document);
    let at = range.start + marker.unwrap_or_default();
    let mut blocks = added;
    for moved in &placement.moved {
        blocks.push(take_document(rewrite, moved.range()?, line_break)?);
    }
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        // the first document of a file needs no marker
        if !block.starts_with(MARKER) && (marker.is_some() || index > 0) {
            text = text + MARKER + line_break;
        }
        text += block;
    }
    if marker.is_none() {
        text = text + MARKER + line_break;
    }
    rewrite.changes.push(TextChange { range: at..at, text });
    Some(())
}

/// Removes a document from the file, and returns its changed text without a bare marker, with a line break at its end.
fn take_document(rewrite: &mut FileRewrite, range: Range<usize>, line_break: &str) -> Option<String> {
    let is_inside = |change: &TextChange| range.start <= change.range.start && change.range.end <= range.end;
    let (inside, outside): (Vec<_>, Vec<_>) = std::mem::take(&mut rewrite.changes).into_iter().partition(is_inside);
    rewrite.changes = outside;
    let moved = |change: TextChange| TextChange {
        range: change.range.start - range.start..change.range.end - range.start,
        ..change
    };
    let inside: Vec<TextChange> = inside.into_iter().map(moved).collect();
    let mut text = apply(rewrite.before.get(range.clone())?, &inside);
    rewrite.changes.push(TextChange { range, text: String::new() });
    if !text.ends_with(['\n', '\r']) {
        text += line_break;
    }
    let (first, rest) = text.split_once(line_break)?;
    Some(if first.trim_end() == MARKER { rest.to_owned() } else { text })
}

/// The byte of the marker that starts a document, after comments and directives.
fn marker(document: &str) -> Option<usize> {
    let mut at = 0;
    for line in document.split_inclusive('\n') {
        let is_marker =
            line.strip_prefix(MARKER).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if is_marker {
            return Some(at);
        }
        let text = line.trim();
        if !(text.is_empty() || text.starts_with('#') || line.starts_with('%')) {
            return None;
        }
        at += line.len();
    }
    None
}

/// The text of new JSON values before the value at a byte: items of the same list, or values of the same stream.
fn json_text(file: &str, at: usize, added: &[String]) -> String {
    let before = file.get(..at).unwrap_or_default();
    let gap_start = before.trim_end().len();
    let gap = before.get(gap_start..).unwrap_or_default();
    let is_item = before.trim_end().ends_with(['[', ',']);
    if !is_item {
        return added.concat();
    }
    let indentation = gap.rsplit_once('\n').map_or("", |(_, indentation)| indentation);
    let gap = if gap.is_empty() { " " } else { gap };
    // no text of JSON has a line break
    let indented = added.iter().map(|text| text.trim_end().replace('\n', &format!("\n{indentation}")));
    indented.flat_map(|text| [text, ",".to_owned(), gap.to_owned()]).collect()
}

/// Where an object is in the text that was read: the start of its document, and its JSON pointer in it.
type Key = (usize, PointerBuf);

fn key(place: &Place) -> Option<Key> {
    Some((place.range()?.start, place.at.clone()))
}

/// Groups items by the place of an object.
fn by_place<T>(items: &[T], place: impl Fn(&T) -> &Place) -> HashMap<Option<Key>, Vec<&T>> {
    let mut groups: HashMap<Option<Key>, Vec<&T>> = HashMap::new();
    for item in items {
        groups.entry(key(place(item))).or_default().push(item);
    }
    groups
}

/// Whether the new text holds the objects of the old one, with their changes and in the new order.
fn is_faithful(rewrite: &FileRewrite, changes: &[ObjectChange<'_>], placements: &[Placement<'_>]) -> bool {
    let objects = |text: &str| {
        let source = Arc::new(SourceFile::new("", text));
        read::content_of_text(&source, true, None)
    };
    let (old, new) = (objects(&rewrite.before), objects(&rewrite.after));
    let objects: Vec<(Option<Key>, &ManifestObject)> =
        old.objects.iter().map(|object| (key(&object.place), object)).collect();
    let by_key: HashMap<&Option<Key>, &ManifestObject> = objects.iter().map(|(key, object)| (key, *object)).collect();
    let changes = by_place(changes, |change| change.place);
    let moved: HashSet<Option<Key>> =
        placements.iter().flat_map(|placement| &placement.moved).map(|place| key(place)).collect();
    let placements = by_place(placements, |placement| placement.before);
    let new_value = |key: &Option<Key>, object: &ManifestObject| {
        let mut value = object.value.clone();
        for change in changes.get(key).into_iter().flatten() {
            (change.change)(&mut value, &|_| true);
        }
        value
    };
    let mut expected = Vec::new();
    for (own, object) in &objects {
        for placement in placements.get(own).into_iter().flatten() {
            expected.extend(placement.added.iter().cloned());
            let moved = placement.moved.iter().map(|place| key(place));
            expected.extend(moved.filter_map(|key| Some(new_value(&key, by_key.get(&key)?))));
        }
        if !moved.contains(own) {
            expected.push(new_value(own, object));
        }
    }
    let is_same_rest = old.mappings.len() == new.mappings.len()
        && old.skipped.len() == new.skipped.len()
        && old.errors.len() == new.errors.len();
    is_same_rest && new.objects.iter().map(|object| &object.value).eq(expected.iter())
}
