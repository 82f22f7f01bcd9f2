//! Splits the tree of a document into values (to evaluate), positions, and tokens (which of them a report may show).

use super::document::Document;
use super::node::Node;
use super::position::{Children, Layout, Position};
use super::visibility::KeyContext;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use std::ops::Range;
use std::sync::Arc;

/// The text of a key or of a scalar value.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Byte range in the file.
    pub(super) range: Range<usize>,
    pub(super) shown: bool,
}

/// The parts of a document.
pub(super) struct Outline {
    pub(super) value: Value,
    pub(super) layout: Layout,
    /// In file order.
    pub(super) tokens: Vec<Token>,
}

/// Splits the tree of `document` into its parts.
pub(super) fn outline(document: &Document<'_>, root: Spanned<Node>) -> Outline {
    let mut outliner = Outliner { document, tokens: Vec::new() };
    let (value, layout) = outliner.node(root, KeyContext::default());
    let mut tokens = outliner.tokens;
    tokens.sort_by_key(|token| token.range.start);
    Outline { value, layout, tokens }
}

struct Outliner<'a> {
    document: &'a Document<'a>,
    tokens: Vec<Token>,
}

impl Outliner<'_> {
    fn node(&mut self, node: Spanned<Node>, context: KeyContext<'_>) -> (Value, Layout) {
        let is_original = node.referenced == node.defined;
        match node.value {
            Node::Scalar(value) => {
                if is_original {
                    self.token(&node.referenced, context.show_scalar());
                }
                (value, Layout { position: self.position(&node.referenced), children: Children::None })
            }
            Node::Sequence(elements) => self.sequence(elements, &node.referenced, context),
            Node::Mapping(members) => self.mapping(members, &node.referenced, context),
        }
    }

    fn sequence(&mut self, elements: Vec<Spanned<Node>>, at: &Location, context: KeyContext<'_>) -> (Value, Layout) {
        let element_context = context.element();
        let (values, layouts): (Vec<_>, Vec<_>) = elements
            .into_iter()
            .map(|element| {
                let (value, layout) = self.node(element, element_context);
                (value, Arc::new(layout))
            })
            .unzip();
        let position = self.start(at, layouts.first());
        (Value::Array(values), Layout { position, children: Children::Elements(layouts) })
    }

    fn mapping(
        &mut self,
        members: Vec<(Spanned<String>, Spanned<Node>)>,
        at: &Location,
        context: KeyContext<'_>,
    ) -> (Value, Layout) {
        let mut layouts = Vec::new();
        let mut values = serde_json::Map::new();
        for (key, member) in members {
            if key.referenced == key.defined {
                self.token(&key.referenced, true);
            }
            let (value, layout) = self.node(member, context.member(&key.value));
            let layout = Layout { position: self.position(&key.referenced), ..layout };
            layouts.push((key.value.clone(), Arc::new(layout)));
            values.insert(key.value, value);
        }
        let position = self.start(at, layouts.first().map(|(_, layout)| layout));
        (Value::Object(values), Layout { position, children: Children::Members(layouts) })
    }

    /// A block collection has no token of its own, so it starts at its first child.
    fn start(&self, at: &Location, first: Option<&Arc<Layout>>) -> Position {
        match first {
            Some(first) if self.text(at).is_empty() => first.position,
            _ => self.position(at),
        }
    }

    fn position(&self, at: &Location) -> Position {
        let length = self.text(at).split(['\n', '\r']).next().map_or(0, |line| line.chars().count());
        Position {
            line: number(at.line()) + self.document.lines_before,
            column: number(at.column()),
            length: length.max(1),
        }
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
        let outline = outline(document, node::parse(document.text).unwrap());
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
            shown("a: &x b\nname: 'c'\nlist: [d]\n"),
            expected(&[("a", true), ("b", false), ("name", true), ("'c'", true), ("list", true), ("d", false)])
        );
    }

    #[test]
    fn an_alias_adds_no_token() {
        assert_eq!(shown("a: &x b\nname: *x\n"), expected(&[("a", true), ("b", false), ("name", true)]));
    }

    #[test]
    fn a_scalar_of_several_lines_is_never_shown() {
        assert_eq!(shown("name: |\n  a\n  b\n"), expected(&[("name", true), ("a\n  b\n", false)]));
    }
}
