//! The changes of a text that turn one value into another.

use super::format::Style;
use super::text::Text;
use super::tree::{Content, Member, Node};
use super::{Declined, TextChange};
use granit_parser::StructureStyle;
use jsonptr::Pointer;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::Range;

const ALIAS: &str = "it is written by an alias or a merge key; write it out here";
pub(super) const ANCHOR: &str =
    "an alias repeats it, and would change too; write the values out, or change both by hand";
pub(super) const LAYOUT: &str = "its layout cannot be changed without rewriting other lines; change it by hand";
pub(super) const TWICE: &str = "two changes are in the same place; run the command again after the first";

/// The changes of one value.
pub(super) struct Changes<'a> {
    pub(super) text: Text<'a>,
    pub(super) style: Style,
    pub(super) found: Vec<TextChange>,
    /// Bytes of the values that are removed: their comments go with them.
    pub(super) removed: Vec<Range<usize>>,
}

/// Where a value is written.
#[derive(Clone, Copy)]
pub(super) enum Slot<'n> {
    /// It is the whole document.
    Root,
    /// It is the value of a member of a mapping.
    Member(&'n Member, StructureStyle),
    /// It is an item of a sequence; in block style its dash is in this column.
    Item(usize, StructureStyle),
}

pub(super) type Outcome = Result<(), Declined>;

impl Changes<'_> {
    /// Changes the node at this JSON pointer in `node`.
    pub(super) fn at(&mut self, node: &Node, pointer: &Pointer, old: &Value, new: &Value) -> Outcome {
        let (node, slot) = self.find(node, pointer)?;
        self.value(node, slot, old, new)
    }

    /// Inserts an item before the item at this JSON pointer in `node`.
    pub(super) fn insert_before(&mut self, node: &Node, pointer: &Pointer, new: &Value) -> Outcome {
        let declined = Declined { at: node.range.start, reason: LAYOUT };
        let Some((list, token)) = pointer.split_back() else { return Err(declined) };
        let (list, _) = self.find(node, list)?;
        reject_shared(list)?;
        let index: Option<usize> = token.decoded().parse().ok();
        let (Content::Sequence(style, items), Some(index)) = (&list.content, index) else { return Err(declined) };
        let column = self.text.column(list.range.start);
        let ranges = self.item_ranges(*style, items, column)?;
        let range = ranges.get(index).ok_or(declined)?;
        self.insert_first_item(*style, Some(range), column, (new, None));
        Ok(())
    }

    /// The node at this JSON pointer in `node`.
    fn find<'n>(&self, node: &'n Node, pointer: &Pointer) -> Result<(&'n Node, Slot<'n>), Declined> {
        let (mut node, mut slot) = (node, Slot::Root);
        for token in pointer.tokens() {
            reject_shared(node)?;
            let key = token.decoded();
            let found = match &node.content {
                Content::Mapping(style, members) => members
                    .iter()
                    .find(|member| member.key == key)
                    .map(|member| (&member.value, Slot::Member(member, *style))),
                Content::Sequence(style, items) => key
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get(index))
                    .map(|item| (item, Slot::Item(self.text.column(node.range.start), *style))),
                Content::Scalar(_) | Content::Alias => None,
            };
            (node, slot) = found.ok_or(Declined { at: node.range.start, reason: LAYOUT })?;
        }
        Ok((node, slot))
    }

    pub(super) fn value(&mut self, node: &Node, slot: Slot<'_>, old: &Value, new: &Value) -> Outcome {
        if old == new {
            return Ok(());
        }
        reject_shared(node)?;
        match (&node.content, old, new) {
            (Content::Mapping(style, members), Value::Object(old), Value::Object(new)) => {
                self.mapping(node, slot, (*style, members), old, new)
            }
            (Content::Sequence(style, items), Value::Array(old), Value::Array(new)) if items.len() == old.len() => {
                self.sequence(node, slot, (*style, items), old, new)
            }
            _ => self.replace(node, slot, new),
        }
    }

    fn mapping(
        &mut self,
        node: &Node,
        slot: Slot<'_>,
        (style, members): (StructureStyle, &[Member]),
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Outcome {
        let is_removed = |key: &String| old.contains_key(key) && !new.contains_key(key);
        let kept: Vec<bool> = members.iter().map(|member| !is_removed(&member.key)).collect();
        let removed = old.keys().filter(|key| is_removed(key)).count();
        if kept.iter().filter(|kept| !**kept).count() != removed {
            return Err(Declined { at: node.range.start, reason: ALIAS });
        }
        let Some(last) = members.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(member, _)| member).next_back()
        else {
            return self.replace(node, slot, &Value::Object(new.clone()));
        };
        for member in members {
            if let (Some(old), Some(new)) = (old.get(&member.key), new.get(&member.key)) {
                self.value(&member.value, Slot::Member(member, style), old, new)?;
            }
        }
        let written: HashSet<&str> = members.iter().map(|member| member.key.as_str()).collect();
        let is_added = |key: &str, value: &Value| !written.contains(key) && old.get(key) != Some(value);
        let added = new.iter().filter(|(key, value)| is_added(key, value));
        let added: Map<String, Value> = added.map(|(key, value)| (key.clone(), value.clone())).collect();
        // a merge key supplies it: a collection that is written out here no longer follows the anchor
        let is_copied =
            |(key, value): (&String, &Value)| old.contains_key(key) && (value.is_object() || value.is_array());
        if added.iter().any(is_copied) {
            return Err(Declined { at: node.range.start, reason: ALIAS });
        }
        let ranges: Vec<_> = members.iter().map(|member| member.key_range.start..member.end()).collect();
        self.remove(style, &ranges, &kept)?;
        if added.is_empty() {
            return Ok(());
        }
        match style {
            StructureStyle::Block => self.add_lines(members, last, &added),
            StructureStyle::Flow => self.add_to_flow(node, members, last, &added),
        }
        Ok(())
    }

    /// Adds members to a block mapping, below its member `last`.
    fn add_lines(&mut self, members: &[Member], last: &Member, added: &Map<String, Value>) {
        // an anchor or a tag can be before the key of a member
        let first = members.iter().find(|member| self.text.is_first(member.key_range.start)).unwrap_or(last);
        let column = self.text.column(first.key_range.start);
        let lines = self.style.block(&Value::Object(added.clone()), column);
        self.insert(self.text.line_end(last.end()), format!("{}{lines}", self.new_line(column)));
    }

    /// The bytes of each item, in block style with its dash.
    pub(super) fn item_ranges(
        &self,
        style: StructureStyle,
        items: &[Node],
        column: usize,
    ) -> Result<Vec<Range<usize>>, Declined> {
        let range = |item: &Node| {
            let start = match style {
                StructureStyle::Block => self.dash(item, column),
                StructureStyle::Flow => Some(item.range.start),
            };
            let start = start.ok_or(Declined { at: item.range.start, reason: LAYOUT })?;
            Ok(start..item.range.end.max(start))
        };
        items.iter().map(range).collect()
    }

    /// Removes the members or items that are not kept; at least one is.
    pub(super) fn remove(&mut self, style: StructureStyle, ranges: &[Range<usize>], kept: &[bool]) -> Outcome {
        let mut index = 0;
        while let Some(range) = ranges.get(index) {
            let run = kept.iter().skip(index).take_while(|kept| !**kept).count();
            if run == 0 {
                index += 1;
                continue;
            }
            let last = ranges.get(index + run - 1).unwrap_or(range);
            let parts = range.start..last.end;
            let (before, next) = (index.checked_sub(1).and_then(|index| ranges.get(index)), ranges.get(index + run));
            let lines = match style {
                StructureStyle::Block => self.text.is_first(parts.start).then(|| self.text.lines(&parts)),
                StructureStyle::Flow => {
                    self.lines_of_parts(&parts, before.filter(|_| next.is_none()).map(|before| before.end))
                }
            };
            let removed = match (style, &lines, before, next) {
                (_, Some(lines), ..) => lines.clone(),
                (_, None, _, Some(next)) => parts.start..next.start,
                (StructureStyle::Flow, None, Some(before), None) => before.end..parts.end,
                _ => return Err(Declined { at: range.start, reason: LAYOUT }),
            };
            let line_end = self.text.line_end(parts.end);
            self.removed.push(match style {
                StructureStyle::Block => parts.start..line_end,
                StructureStyle::Flow => lines.unwrap_or(parts),
            });
            self.change(removed, String::new());
            index += run;
        }
        Ok(())
    }

    /// The dash of an item of a block sequence in this column.
    pub(super) fn dash(&self, item: &Node, column: usize) -> Option<usize> {
        let mut at = item.range.start;
        loop {
            let start = self.text.line_start(at);
            if self.text.slice(&(start + column..start + column + 1)) == "-" && start + column <= item.range.start {
                return Some(start + column);
            }
            at = start.checked_sub(1)?;
        }
    }

    pub(super) fn new_line(&self, column: usize) -> String {
        format!("{}{}", self.style.line_break, self.style.columns(column))
    }

    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.change(at..at, text);
    }

    pub(super) fn change(&mut self, range: Range<usize>, text: String) {
        // a file can have several line breaks: a new line has that of its neighbor
        let text = match self.text.near_line_break(range.start) {
            Some(near) if near != self.style.line_break => text.replace(self.style.line_break, near),
            _ => text,
        };
        // an insertion after another one at the same byte continues it
        match self.found.iter_mut().rev().find(|change| change.range == range && range.is_empty()) {
            Some(change) => change.text.push_str(&text),
            None if range.is_empty() && text.is_empty() => {}
            None => self.found.push(TextChange { range, text }),
        }
    }
}

/// A value that is written in one place and read in several cannot change in one of them.
fn reject_shared(node: &Node) -> Outcome {
    let reason = match &node.content {
        Content::Alias => ALIAS,
        _ if node.is_repeated => ANCHOR,
        _ => return Ok(()),
    };
    Err(Declined { at: node.range.start, reason })
}
