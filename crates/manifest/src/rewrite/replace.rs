//! The text of a value that is replaced as a whole.

use super::Declined;
use super::change::{Changes, LAYOUT, Outcome, Slot};
use super::format;
use super::tree::{Content, Node};
use granit_parser::{ScalarStyle, StructureStyle};
use serde_json::Value;

/// What is around a value that is replaced.
struct Site {
    /// The byte after its colon or dash, if it has one.
    after: Option<usize>,
    /// The column of its key, or of what follows its dash.
    column: usize,
    /// Whether it is in a block collection.
    is_in_block: bool,
}

impl Site {
    fn after(&self, node: &Node) -> Result<usize, Declined> {
        self.after.ok_or(Declined { at: node.range.start, reason: LAYOUT })
    }
}

impl Changes<'_> {
    /// Replaces a whole value.
    pub(super) fn replace(&mut self, node: &Node, slot: Slot<'_>, new: &Value) -> Outcome {
        let site = self.site(node, slot);
        let is_collection = match new {
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => false,
        };
        // a comment behind an opening bracket is not about a part
        self.removed.extend(first_part(&node.content).map(|start| start..node.range.end));
        let is_empty_flow = match (&node.content, new) {
            (Content::Sequence(StructureStyle::Flow, items), Value::Array(_)) => items.is_empty(),
            (Content::Mapping(StructureStyle::Flow, members), Value::Object(_)) => members.is_empty(),
            _ => false,
        };
        if is_collection && is_empty_flow && self.add_below_comments(node, new) {
            return Ok(());
        }
        match &node.content {
            Content::Sequence(StructureStyle::Block, _) | Content::Mapping(StructureStyle::Block, _)
                if is_collection =>
            {
                self.replace_lines(node, slot, &site, new);
                Ok(())
            }
            Content::Sequence(StructureStyle::Block, _) | Content::Mapping(StructureStyle::Block, _) => {
                self.replace_lines_by_scalar(node, &site, new)
            }
            content if is_collection && site.is_in_block && first_part(content).is_none() && !self.style.is_json => {
                self.replace_by_lines(node, slot, &site, new)
            }
            _ => self.replace_inline(node, &site, new, is_collection),
        }
    }

    fn site(&self, node: &Node, slot: Slot<'_>) -> Site {
        let is_block = |style| style == StructureStyle::Block;
        match slot {
            Slot::Root => Site { after: None, column: 0, is_in_block: true },
            Slot::Member(member, style) => {
                let column = self.text.column(member.key_range.start);
                Site { after: member.colon, column, is_in_block: is_block(style) }
            }
            Slot::Item(column, style) => {
                let after = self.dash(node, column).map(|dash| dash + 1);
                Site { after, column: column + 2, is_in_block: is_block(style) }
            }
        }
    }

    /// Replaces the lines of a block collection by those of another.
    fn replace_lines(&mut self, node: &Node, slot: Slot<'_>, site: &Site, new: &Value) {
        let column = self.text.column(node.range.start);
        // only the dashes of a sequence may be below their key
        let is_nested = matches!(slot, Slot::Member(..)) && new.is_object();
        let least = if is_nested { site.column + self.style.step } else { 0 };
        let lines = self.style.block(new, column.max(least));
        self.change(node.range.clone(), self.style.columns(least.saturating_sub(column)) + &lines);
    }

    /// Replaces the lines of a block collection by a value in the line of its key or dash.
    fn replace_lines_by_scalar(&mut self, node: &Node, site: &Site, new: &Value) -> Outcome {
        let after = site.after(node)?;
        let text = format!(" {}", self.style.inline(new));
        if self.text.line_start(node.range.start) <= after {
            self.change(after..node.range.end, text);
        } else {
            self.insert(after, text);
            self.change(self.text.lines(&node.range), String::new());
        }
        Ok(())
    }

    /// Replaces a scalar or an empty collection by the lines of a block collection. Comments, an anchor and a tag between
    /// the key and the value stay.
    fn replace_by_lines(&mut self, node: &Node, slot: Slot<'_>, site: &Site, new: &Value) -> Outcome {
        let after = site.after(node)?;
        let before = self.text.slice(&(after..node.range.start));
        let blank = before.len() - before.trim_end_matches([' ', '\t']).len();
        let old = node.range.start - blank..node.range.end;
        if self.text.line_start(node.range.start) > after {
            // behind an anchor there is no place for lines
            if !self.text.is_first(node.range.start) {
                return Err(Declined { at: node.range.start, reason: LAYOUT });
            }
            let column = self.text.column(node.range.start);
            self.change(node.range.clone(), self.style.block(new, column));
        } else if matches!(slot, Slot::Item(..)) && old.start == after {
            self.change(old, format!(" {}", self.style.block(new, site.column)));
        } else if let Slot::Item(..) = slot {
            self.change(old, String::new());
            let lines = format!("{}{}", self.new_line(site.column), self.style.block(new, site.column));
            self.insert(self.text.line_end(node.range.end), lines);
        } else {
            // a comment behind the value stays in the line of the key
            self.change(old, String::new());
            self.insert(self.text.line_end(node.range.end), self.style.member_value(new, site.column));
        }
        Ok(())
    }

    /// Replaces a value where it is.
    fn replace_inline(&mut self, node: &Node, site: &Site, new: &Value, is_collection: bool) -> Outcome {
        let text = match (&node.content, new) {
            (_, new) if is_collection && self.style.is_json && self.text.0.trim().contains('\n') => {
                self.style.json_lines(new, self.text.indentation(node.range.start))
            }
            (Content::Scalar(ScalarStyle::Literal), Value::String(text)) => {
                self.literal(node, text).unwrap_or_else(|| self.style.inline(new))
            }
            (Content::Scalar(style), Value::String(text)) => self.scalar(*style, text),
            _ => self.style.inline(new),
        };
        if node.range.is_empty() {
            self.insert(site.after(node)?, format!(" {text}"));
        } else {
            self.change(node.range.clone(), text);
        }
        Ok(())
    }

    /// A text as the block scalar that it replaces, with the same indentation. `None` if it needs another form.
    fn literal(&self, node: &Node, text: &str) -> Option<String> {
        let (header, lines) = self.text.slice(&node.range).split_once('\n')?;
        let first = lines.lines().find(|line| !line.trim().is_empty())?;
        let indentation = first.get(..first.len() - first.trim_start_matches(' ').len())?;
        let is_plain = |character: char| character == '\n' || (' '..='~').contains(&character);
        let (old, body) = match text.strip_suffix('\n') {
            Some(body) => ("|", body),
            None => ("|-", text),
        };
        let (indicator, comment) = header.trim_end().split_once(' ').unwrap_or((header.trim_end(), ""));
        if indicator != old || body.is_empty() || body.ends_with('\n') || body.starts_with([' ', '\n']) {
            return None;
        }
        let separator = if comment.is_empty() { "" } else { " " };
        let mut block = format!("{indicator}{separator}{comment}");
        for line in body.split('\n') {
            block += self.style.line_break;
            if !line.is_empty() {
                block += indentation;
                block += line;
            }
        }
        text.chars().all(is_plain).then_some(block)
    }

    /// A string in the quotes of the value that it replaces, or without quotes if that has none.
    pub(super) fn scalar(&self, style: ScalarStyle, text: &str) -> String {
        match style {
            ScalarStyle::Plain if !self.style.is_json && format::can_be_plain(text) => text.to_owned(),
            ScalarStyle::SingleQuoted => format::single_quoted(text).unwrap_or_else(|| format::quoted(text)),
            ScalarStyle::DoubleQuoted => format::quoted(text),
            _ => self.style.inline(&Value::from(text)),
        }
    }
}

/// The first byte of the parts of a collection; `None` if it has none.
fn first_part(content: &Content) -> Option<usize> {
    match content {
        Content::Sequence(_, items) => items.first().map(|item| item.range.start),
        Content::Mapping(_, members) => members.first().map(|member| member.key_range.start),
        Content::Scalar(_) | Content::Alias => None,
    }
}
