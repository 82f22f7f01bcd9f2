//! Changed lists: items that stay are not written again, and new ones are written like those beside them.

use super::change::{Changes, Outcome, Slot};
use super::pairs::pairs;
use super::tree::{Content, Node};
use granit_parser::StructureStyle;
use serde_json::Value;
use std::ops::Range;

impl Changes<'_> {
    pub(super) fn sequence(
        &mut self,
        node: &Node,
        slot: Slot<'_>,
        (style, items): (StructureStyle, &[Node]),
        old: &[Value],
        new: &[Value],
    ) -> Outcome {
        let pairs = pairs(old, new);
        let kept: Vec<bool> = pairs.iter().map(Option::is_some).collect();
        if !kept.contains(&true) {
            return self.replace_items(node, slot, (style, items), new);
        }
        let column = self.text.column(node.range.start);
        for ((item, old), pair) in items.iter().zip(old).zip(&pairs) {
            if let Some(new) = pair.and_then(|index| new.get(index)) {
                self.value(item, Slot::Item(column, style), old, new)?;
            }
        }
        let ranges = self.item_ranges(style, items, column)?;
        self.remove(style, &ranges, &kept)?;
        let places = pairs.iter().zip(items.iter().zip(&ranges));
        let mut places = places.filter_map(|(pair, item)| Some(((*pair)?, item))).peekable();
        let first = places.peek().map(|(_, (item, _))| *item);
        let mut before: Option<(&Node, &Range<usize>)> = None;
        for (index, value) in new.iter().enumerate() {
            match (places.next_if(|(pair, _)| *pair == index), before) {
                (Some((_, item)), _) => before = Some(item),
                (None, Some(before)) => self.insert_item(node, style, before, value),
                (None, None) => self.insert_first_item(style, ranges.first(), column, (value, first)),
            }
        }
        Ok(())
    }

    /// Replaces a list of which no item stays.
    fn replace_items(
        &mut self,
        node: &Node,
        slot: Slot<'_>,
        (style, items): (StructureStyle, &[Node]),
        new: &[Value],
    ) -> Outcome {
        if style == StructureStyle::Flow || new.is_empty() || items.is_empty() {
            return self.replace(node, slot, &Value::Array(new.to_vec()));
        }
        let column = self.text.column(node.range.start);
        let lines: Vec<String> = new.iter().map(|item| self.item(item, column, items.first())).collect();
        // the comment behind the last item is about that item
        let range = node.range.start..self.text.line_end(node.range.end);
        self.removed.push(range.clone());
        self.change(range, lines.join(&self.new_line(column)));
        Ok(())
    }

    /// An item of a block sequence whose dashes are in this column, written like the item `model`.
    fn item(&self, value: &Value, column: usize, model: Option<&Node>) -> String {
        let text = match (model.map(|model| &model.content), value) {
            (Some(Content::Mapping(StructureStyle::Flow, members)), Value::Object(_)) if !members.is_empty() => {
                self.flow_style(members).inline(value)
            }
            (Some(Content::Scalar(style)), Value::String(text)) => self.scalar(*style, text),
            _ => self.style.block(value, column + 2),
        };
        format!("- {text}")
    }

    /// Inserts an item after another one.
    fn insert_item(
        &mut self,
        node: &Node,
        style: StructureStyle,
        (model, before): (&Node, &Range<usize>),
        value: &Value,
    ) {
        match style {
            StructureStyle::Block => {
                let column = self.text.column(before.start);
                let item = format!("{}{}", self.new_line(column), self.item(value, column, Some(model)));
                self.insert(self.text.line_end(before.end), item);
            }
            StructureStyle::Flow => {
                let value = match (&model.content, value) {
                    (Content::Scalar(style), Value::String(text)) if !self.style.is_json => self.scalar(*style, text),
                    _ => self.flow_value(node, before.start, self.style, value),
                };
                self.add_parts(node, before, self.style, &[value]);
            }
        }
    }

    /// Inserts an item before the item in the range `first`, written like the item `model`.
    pub(super) fn insert_first_item(
        &mut self,
        style: StructureStyle,
        first: Option<&Range<usize>>,
        column: usize,
        (value, model): (&Value, Option<&Node>),
    ) {
        let first = first.map_or(0, |first| first.start);
        match style {
            StructureStyle::Block if self.text.is_first(first) => {
                let item = self.item(value, column, model);
                let line = format!("{}{item}{}", self.style.columns(column), self.style.line_break);
                self.insert(self.text.line_start(first), line);
            }
            StructureStyle::Block => {
                let item = format!("{}{}", self.item(value, column, model), self.new_line(column));
                self.insert(first, item);
            }
            StructureStyle::Flow => self.insert(first, format!("{}, ", self.style.inline(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::tests::changes;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn a_comment_goes_with_its_item_and_not_to_another() {
        let new = |items: Value| move |object: &mut Value| object["a"] = items;
        let list = "a:\n- {name: b, value: c}   # b\n- name: d\n  value: e\n";
        changes(
            list,
            new(json!([{"name": "d", "value": "e"}, {"name": "f", "value": "g"}])),
            "a:\n- name: d\n  value: e\n- name: f\n  value: g\n",
        );
        changes(
            list,
            new(json!([{"name": "f", "value": "g"}, {"name": "d", "value": "e"}])),
            "a:\n- name: f\n  value: g\n- name: d\n  value: e\n",
        );
        changes(
            list,
            new(json!([{"name": "f", "value": "g"}, {"name": "b", "value": "h"}])),
            "a:\n- {name: f, value: g}\n- {name: b, value: h}   # b\n",
        );
        changes(list, new(json!([{"name": "f"}])), "a:\n- {name: f}\n");
        changes("a:\n- b # b\n", new(json!([{"name": "f"}])), "a:\n- name: f\n");
        changes("a:\n- b=c # b\n", new(json!(["d=e"])), "a:\n- d=e\n");
        changes("a: ['b', 'c']\n", new(json!(["c", "d"])), "a: ['c', 'd']\n");
        changes("a:\n- 'b'\n- \"c\"\n", new(json!(["c", "d"])), "a:\n- \"c\"\n- \"d\"\n");
    }

    /// A variable in one of the two styles.
    fn variable(name: &str, is_flow: bool, comment: &str) -> String {
        if is_flow {
            format!("- {{name: {name}, value: v}}{comment}\n")
        } else {
            format!("- name: {name}{comment}\n  value: v\n")
        }
    }

    proptest! {
        /// Each item of the old list: its style, whether it has a comment, whether it stays, how many are inserted before it.
        #[test]
        fn items_that_stay_are_not_written_again(
            items in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>(), 0..3_usize), 1..8),
        ) {
            let (mut before, mut after, mut value) = (String::new(), String::new(), Vec::new());
            let mut model = items.iter().find(|item| item.2).or(items.first()).is_some_and(|item| item.0);
            for (index, (is_flow, has_comment, stays, inserted)) in items.into_iter().enumerate() {
                for number in 0..inserted {
                    let name = format!("new{index}.{number}");
                    after += &variable(&name, model, "");
                    value.push(json!({"name": name, "value": "v"}));
                }
                let name = format!("old{index}");
                let text = variable(&name, is_flow, if has_comment { " # c" } else { "" });
                before += &text;
                if stays {
                    after += &text;
                    value.push(json!({"name": name, "value": "v"}));
                    model = is_flow;
                }
            }
            let after = if value.is_empty() { "a: []\n".to_owned() } else { format!("a:\n{after}") };
            let is_empty = value.is_empty();
            let new = |object: &mut Value| object["a"] = value.into();
            // a comment in the last line of a list that becomes empty stays in its line
            if !is_empty {
                changes(&format!("a:\n{before}"), new, &after);
            }
        }
    }
}
