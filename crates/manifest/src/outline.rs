//! Splits the tree of a document into positions and tokens, each of which a report may show or not.

use super::document::Document;
use super::loose_key;
use super::node::Node;
use super::position::{Children, Layout, Position};
use super::visibility::{KeyContext, MappingFacts};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use std::collections::HashSet;
use std::ops::Range;

/// The text of a key or of a scalar value.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Byte range in the file.
    pub(super) range: Range<usize>,
    pub(super) shown: bool,
}

/// The parts of a document.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) layout: Layout,
    /// In file order.
    pub(super) tokens: Vec<Token>,
}

/// Splits the tree of `document` into its parts.
pub(super) fn outline(document: &Document<'_>, root: Spanned<Node>) -> Outline {
    let mut outliner = Outliner { document, tokens: Vec::new(), masked: HashSet::new() };
    let layout = outliner.node(root, KeyContext::default());
    let Outliner { mut tokens, masked, .. } = outliner;
    for token in tokens.iter_mut().filter(|token| masked.contains(&token.range.start)) {
        token.shown = false;
    }
    tokens.sort_by_key(|token| token.range.start);
    Outline { layout, tokens }
}

struct Outliner<'a> {
    document: &'a Document<'a>,
    tokens: Vec<Token>,
    /// The bytes in the file at which scalars begin that an alias uses where they are masked.
    masked: HashSet<usize>,
}

impl Outliner<'_> {
    fn node(&mut self, node: Spanned<Node>, context: KeyContext<'_>) -> Layout {
        let is_original = node.referenced == node.defined;
        match node.value {
            Node::Scalar(value) => {
                let is_shown = context.shows(&value);
                if is_original {
                    self.token(&node.referenced, is_shown);
                } else if !is_shown {
                    self.masked.extend(range(&node.defined).map(|range| range.start + self.document.start));
                }
                Layout { position: self.position(&node.referenced), children: Children::None }
            }
            Node::Sequence(elements) => {
                let context = context.element();
                let layouts: Vec<_> = elements.into_iter().map(|element| self.node(element, context)).collect();
                let position = self.start(&node.referenced, layouts.first());
                Layout { position, children: Children::Elements(layouts) }
            }
            Node::Mapping(members) => self.mapping(members, &node.referenced, context),
        }
    }

    fn mapping(
        &mut self,
        members: Vec<(Spanned<String>, Spanned<Node>)>,
        at: &Location,
        context: KeyContext<'_>,
    ) -> Layout {
        let mut layouts = Vec::new();
        let facts = facts(&members);
        for (key, member) in members {
            if key.referenced == key.defined {
                // an auth key can be in the wrong place
                self.token(&key.referenced, !loose_key::is_key_name(&key.value));
            }
            let layout = self.node(member, context.member(&facts, &key.value));
            let layout = Layout { position: self.position(&key.referenced), ..layout };
            layouts.push((key.value, layout));
        }
        let position = self.start(at, layouts.first().map(|(_, layout)| layout));
        Layout { position, children: Children::Members(layouts) }
    }

    /// A block collection has no token of its own, so it starts at its first child.
    fn start(&self, at: &Location, first: Option<&Layout>) -> Position {
        match first {
            Some(first) if self.text(at).is_empty() => first.position,
            _ => self.position(at),
        }
    }

    fn position(&self, at: &Location) -> Position {
        let length = self.text(at).split(['\n', '\r']).next().map_or(0, |line| line.chars().count());
        let (line, column) = self.document.place(number(at.line()), number(at.column()));
        Position { line, column, length: length.max(1) }
    }

    fn token(&mut self, at: &Location, shown: bool) {
        if let Some(range) = range(at).filter(|range| !range.is_empty()) {
            let shown = shown && !self.text(at).contains(['\n', '\r']);
            self.tokens
                .push(Token { range: range.start + self.document.start..range.end + self.document.start, shown });
        }
    }

    fn text(&self, at: &Location) -> &str {
        range(at).and_then(|range| self.document.text.get(range)).unwrap_or_default()
    }
}

/// What decides which members of a mapping are shown.
fn facts(members: &[(Spanned<String>, Spanned<Node>)]) -> MappingFacts {
    let text = |name: &str| {
        let (_, member) = members.iter().find(|(key, _)| key.value == name)?;
        match &member.value {
            Node::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    };
    let has_value = members.iter().any(|(key, _)| key.value == "value");
    MappingFacts {
        is_config_map: text("kind").is_some_and(|kind| kind == "ConfigMap"),
        name: has_value.then(|| text("name").cloned()).flatten(),
    }
}

fn range(at: &Location) -> Option<Range<usize>> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let length = usize::try_from(at.span().byte_len()?).ok()?;
    Some(start..start.checked_add(length)?)
}

fn number(from: u64) -> usize {
    usize::try_from(from).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{document, node, source::SourceFile};
    use super::*;

    fn shown(text: &str) -> Vec<(String, bool)> {
        let source = SourceFile::new("a", text);
        let document = &document::split(&source)[0];
        let outline = outline(document, node::tree(document.text).unwrap());
        outline
            .tokens
            .into_iter()
            .map(|token| (source.text.get(token.range).unwrap().to_owned(), token.shown))
            .collect()
    }

    fn expected(pairs: &[(&str, bool)]) -> Vec<(String, bool)> {
        pairs.iter().map(|(text, shown)| ((*text).to_owned(), *shown)).collect()
    }

    #[test]
    fn keys_and_harmless_scalars_are_shown() {
        assert_eq!(
            shown("a: &x b\nname: 'c'\nargs: [d]\n"),
            expected(&[("a", true), ("b", true), ("name", true), ("'c'", true), ("args", true), ("d", false)])
        );
    }

    #[test]
    fn an_alias_adds_no_token() {
        assert_eq!(shown("a: &x b\nname: *x\n"), expected(&[("a", true), ("b", true), ("name", true)]));
    }

    #[test]
    fn a_scalar_that_an_alias_uses_as_a_secret_is_masked() {
        let tokens = shown("a: &x b\nc: &y\n  d: e\npassword: *x\nstringData: *y\n");
        let values: Vec<_> = tokens.iter().filter(|(text, _)| ["b", "e"].contains(&text.as_str())).collect();
        assert_eq!(values, [&("b".to_owned(), false), &("e".to_owned(), false)]);
    }

    #[test]
    fn a_scalar_of_several_lines_is_never_shown() {
        assert_eq!(shown("name: |\n  a\n  b\n"), expected(&[("name", true), ("a\n  b\n", false)]));
    }
}
