//! The nodes of a document with their ranges in its text, for edits. The reader of [`super::super::node`] resolves
//! aliases and merge keys; here each node is what is written.

use super::text::Text;
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use jsonptr::Pointer;
use std::collections::HashSet;
use std::ops::Range;

/// A node of a document.
#[derive(Debug)]
pub(super) struct Node {
    /// Bytes in the document, from the first to the last character of the content; empty for a value that is not
    /// written. A tag or an anchor before it does not belong to it.
    pub(super) range: Range<usize>,
    pub(super) content: Content,
    /// An alias elsewhere in the document repeats it.
    pub(super) is_repeated: bool,
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar(ScalarStyle),
    Alias,
    Sequence(StructureStyle, Vec<Node>),
    Mapping(StructureStyle, Vec<Member>),
}

/// A member of a mapping.
#[derive(Debug)]
pub(super) struct Member {
    /// The key; empty if it is not a scalar.
    pub(super) key: String,
    /// Bytes of the key, with its quotes.
    pub(super) key_range: Range<usize>,
    /// The byte after the colon; `None` for a key of a flow mapping without a value.
    pub(super) colon: Option<usize>,
    pub(super) value: Node,
}

impl Member {
    pub(super) fn end(&self) -> usize {
        self.value.range.end.max(self.key_range.end)
    }
}

impl Node {
    /// Adds the bytes of the values that an alias repeats.
    pub(super) fn add_repeated(&self, found: &mut Vec<Range<usize>>) {
        if self.is_repeated {
            found.push(self.range.clone());
            return;
        }
        match &self.content {
            Content::Scalar(_) | Content::Alias => {}
            Content::Sequence(_, items) => items.iter().for_each(|item| item.add_repeated(found)),
            Content::Mapping(_, members) => members.iter().for_each(|member| member.value.add_repeated(found)),
        }
    }

    /// The value at a JSON pointer, or the nearest one above it.
    pub(super) fn nearest(&self, pointer: &Pointer) -> &Self {
        let mut node = self;
        for token in pointer.tokens() {
            let key = token.decoded();
            let child = match &node.content {
                Content::Scalar(_) | Content::Alias => None,
                Content::Sequence(_, items) => key.parse().ok().and_then(|index: usize| items.get(index)),
                Content::Mapping(_, members) => {
                    members.iter().find(|member| member.key == key).map(|member| &member.value)
                }
            };
            let Some(child) = child else { break };
            node = child;
        }
        node
    }

    /// The node at the root of a document. `None` if it cannot be read, or nests deeper than an object can.
    pub(super) fn parse(document: &str) -> Option<Self> {
        let mut events = Vec::new();
        let mut aliases = HashSet::new();
        for event in Parser::new_from_str(document) {
            let (event, span) = event.ok()?;
            if let Event::Alias(anchor) = event {
                aliases.insert(anchor);
            }
            events.push((event, span));
        }
        let mut builder = Builder { document, aliases, events: events.into_iter() };
        let first = builder.next_node_event()?;
        builder.node(first, 0)
    }
}

struct Builder<'a> {
    document: &'a str,
    aliases: HashSet<usize>,
    events: std::vec::IntoIter<(Event<'a>, Span)>,
}

impl<'a> Builder<'a> {
    /// The next event that starts or ends a node.
    fn next_node_event(&mut self) -> Option<(Event<'a>, Span)> {
        self.events.by_ref().find(|(event, _)| {
            !matches!(event, Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..) | Event::Anchor(..))
        })
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Option<Node> {
        if depth > super::super::node::MAX_DEPTH {
            return None;
        }
        let start = span.start.byte_offset()?;
        let is_repeated = |anchor: usize| self.aliases.contains(&anchor);
        let (anchor, content, end) = match event {
            Event::Alias(_) => (false, Content::Alias, span.end.byte_offset()?),
            Event::Scalar(_, style, anchor, _) => {
                (is_repeated(anchor), Content::Scalar(style), self.content_end(start, span.end.byte_offset()?))
            }
            Event::SequenceStart(style, anchor, _) => {
                let repeated = is_repeated(anchor);
                let (items, end) = self.items(depth, start)?;
                (repeated, Content::Sequence(style, items), end)
            }
            Event::MappingStart(style, anchor, _) => {
                let repeated = is_repeated(anchor);
                let (members, end) = self.members(depth, start)?;
                (repeated, Content::Mapping(style, members), end)
            }
            _ => return None,
        };
        Some(Node { range: start..end.max(start), content, is_repeated: anchor })
    }

    /// The items of a sequence and the end of the sequence.
    fn items(&mut self, depth: usize, start: usize) -> Option<(Vec<Node>, usize)> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            match self.next_node_event()? {
                (Event::SequenceEnd, span) => {
                    let last = items.last().map_or(start, |item| item.range.end);
                    return Some((items, self.collection_end(last, &span)?));
                }
                event => {
                    let after = items.last().map_or(start, |item| item.range.end);
                    let mut item = self.node(event, depth + 1)?;
                    self.with_indicator(&mut item, after);
                    items.push(item);
                }
            }
        }
    }

    /// The members of a mapping and the end of the mapping.
    fn members(&mut self, depth: usize, start: usize) -> Option<(Vec<Member>, usize)> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            let key_event = match self.next_node_event()? {
                (Event::MappingEnd, span) => {
                    let last = members.last().map_or(start, |member| member.value.range.end.max(member.key_range.end));
                    return Some((members, self.collection_end(last, &span)?));
                }
                event => event,
            };
            let key = match &key_event.0 {
                Event::Scalar(text, ..) => text.clone().into_owned(),
                _ => String::new(),
            };
            let key_range = self.node(key_event, depth + 1)?.range;
            let value_event = self.next_node_event()?;
            let mut value = self.node(value_event, depth + 1)?;
            let colon = self.colon_after(key_range.end);
            // a value that is not written has no position of its own
            if value.range.is_empty() && matches!(value.content, Content::Scalar(_)) {
                let at = colon.unwrap_or(key_range.end);
                value.range = at..at;
            }
            self.with_indicator(&mut value, key_range.end);
            self.with_first_dash(&mut value, key_range.start);
            members.push(Member { key, key_range, colon, value });
        }
    }

    /// The parser lets a block scalar start with its text; its indicator (`|` or `>`) belongs to it.
    fn with_indicator(&self, node: &mut Node, after: usize) {
        if matches!(node.content, Content::Scalar(ScalarStyle::Literal | ScalarStyle::Folded))
            && let Some(at) = self.document.get(after..node.range.start).and_then(|gap| gap.find(['|', '>']))
        {
            node.range.start = after + at;
        }
    }

    /// The parser lets a sequence whose dashes are below its key start after its first dash.
    fn with_first_dash(&self, node: &mut Node, key: usize) {
        if !matches!(node.content, Content::Sequence(StructureStyle::Block, _)) {
            return;
        }
        let text = Text(self.document);
        let column = text.column(key);
        let mut line = text.line_start(node.range.start);
        while line > key {
            let dash = line + column;
            if dash < node.range.start && text.slice(&(dash..dash + 1)) == "-" && text.is_first(dash) {
                node.range.start = dash;
                return;
            }
            line = text.line_start(line - 1);
        }
    }

    /// The byte after the colon that follows a key.
    fn colon_after(&self, key_end: usize) -> Option<usize> {
        let rest = self.document.get(key_end..)?;
        let colon = rest.find(':').filter(|at| rest.get(..*at).is_some_and(|gap| gap.trim().is_empty()))?;
        Some(key_end + colon + 1)
    }

    /// A flow collection ends with its bracket, a block collection with its last item.
    fn collection_end(&self, last: usize, end: &Span) -> Option<usize> {
        let after = end.end.byte_offset()?;
        let is_bracket = after > end.start.byte_offset()? && self.document.get(..after)?.ends_with(['}', ']']);
        Some(if is_bracket { after } else { last })
    }

    /// The end of a scalar without the line breaks that follow a block scalar.
    fn content_end(&self, start: usize, end: usize) -> usize {
        self.document.get(start..end).map_or(end, |text| start + text.trim_end().len())
    }
}
