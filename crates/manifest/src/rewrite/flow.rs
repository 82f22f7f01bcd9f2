//! New and removed parts of flow collections: members in braces, items in brackets.

use super::change::Changes;
use super::format::Style;
use super::tree::{Member, Node};
use serde_json::{Map, Value};
use std::ops::Range;

impl Changes<'_> {
    /// Adds members to the flow mapping `node`, behind its member `last`.
    pub(super) fn add_to_flow(&mut self, node: &Node, members: &[Member], last: &Member, added: &Map<String, Value>) {
        let style = self.flow_style(members);
        let space = if self.has_space(last) { " " } else { "" };
        let start = last.key_range.start;
        let parts: Vec<String> = added
            .iter()
            .map(|(key, value)| format!("{}:{space}{}", style.key(key), self.flow_value(node, start, style, value)))
            .collect();
        self.add_parts(node, &(start..last.end()), style, &parts);
    }

    /// Adds parts to the flow collection `node`, behind its part in the range `before`.
    pub(super) fn add_parts(&mut self, node: &Node, before: &Range<usize>, style: Style, parts: &[String]) {
        let separator = self.separator(node, before.start, style);
        let rest = self.rest_of_part(before.end).filter(|_| self.is_in_lines(node, before.start));
        let Some(has_comma) = rest else {
            return self.insert(before.end, format!("{separator}{}", parts.join(&separator)));
        };
        // a comment behind the part stays in its line
        if !has_comma {
            self.insert(before.end, ",".to_owned());
        }
        let line = self.new_line(self.text.column(before.start));
        let comma = if has_comma { "," } else { "" };
        self.insert(self.text.line_end(before.end), format!("{line}{}{comma}", parts.join(&separator)));
    }

    /// Adds the parts of `new` to the flow collection `node`, in which there are only comments, above its closing bracket;
    /// returns whether that has a line of its own.
    pub(super) fn add_below_comments(&mut self, node: &Node, new: &Value) -> bool {
        let bracket = node.range.end.saturating_sub(1);
        if !self.text.slice(&node.range).contains('#') || !self.text.is_first(bracket) {
            return false;
        }
        let parts: Vec<String> = match new {
            Value::Object(members) => {
                let member =
                    |(key, value): (&String, &Value)| format!("{}: {}", self.style.key(key), self.style.inline(value));
                members.iter().map(member).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.style.inline(item)).collect(),
            _ => return false,
        };
        let column = self.text.column(bracket) + self.style.step;
        let parts = parts.join(&format!(",{}", self.new_line(column)));
        let line = format!("{}{parts}{}", self.style.columns(column), self.style.line_break);
        self.insert(self.text.line_start(bracket), line);
        true
    }

    /// The text of a new value in the flow collection `node`, beside the part at this byte.
    pub(super) fn flow_value(&self, node: &Node, part: usize, style: Style, value: &Value) -> String {
        if style.is_json && self.is_in_lines(node, part) {
            style.json_lines(value, self.text.column(part))
        } else {
            style.inline(value)
        }
    }

    /// The lines of these parts of a flow collection, if nothing else is in them; `before` is the end of the part before
    /// them if they are the last ones. Its comma is removed, too, if theirs is missing.
    pub(super) fn lines_of_parts(&mut self, parts: &Range<usize>, before: Option<usize>) -> Option<Range<usize>> {
        let has_comma =
            self.rest_of_part(parts.end).filter(|_| self.text.is_first(parts.start) && !self.style.is_json)?;
        if let Some(before) = before.filter(|_| !has_comma)
            && self.text.slice(&(before..parts.start)).starts_with(',')
        {
            self.change(before..before + 1, String::new());
        }
        Some(self.text.lines(parts))
    }

    /// Whether a comma follows a part that ends at this byte, if nothing else than a comment follows in its line.
    fn rest_of_part(&self, end: usize) -> Option<bool> {
        let rest = self.text.slice(&(end..self.text.line_end(end)));
        let after = rest.trim_start().strip_prefix(',');
        let comment = after.unwrap_or(rest);
        let is_comment = comment.trim_start().starts_with('#') && comment.starts_with([' ', '\t']);
        (comment.trim().is_empty() || is_comment).then_some(after.is_some())
    }

    /// Returns true if the part of a flow collection at this byte begins a line of its own.
    fn is_in_lines(&self, node: &Node, part: usize) -> bool {
        self.text.line_start(part) > node.range.start && self.text.is_first(part)
    }

    /// What separates a new part of a flow collection from the part before it.
    fn separator(&self, node: &Node, part: usize, style: Style) -> String {
        if self.is_in_lines(node, part) {
            format!(",{}", self.new_line(self.text.column(part)))
        } else if style.is_json && !self.text.0.contains(", ") {
            ",".to_owned()
        } else {
            ", ".to_owned()
        }
    }

    /// Returns true if a space follows the colon of a member.
    fn has_space(&self, member: &Member) -> bool {
        let rest = member.colon.and_then(|colon| self.text.0.get(colon..));
        rest.is_none_or(|rest| rest.starts_with([' ', '\n', '\r']))
    }

    /// A flow mapping with quoted keys is written like JSON.
    pub(super) fn flow_style(&self, members: &[Member]) -> Style {
        let is_quoted = members.first().is_some_and(|member| self.text.slice(&member.key_range).starts_with('"'));
        Style { is_json: is_quoted, ..self.style }
    }
}
