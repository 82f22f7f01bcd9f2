//! The positions of an object's fields and list elements in its file.

use jsonptr::Pointer;

/// A range of characters in one line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters, at least 1.
    pub length: usize,
}

/// The position of a value, and those of its children.
#[derive(Debug)]
pub(super) struct Layout {
    /// The key of a mapping's member, the first token of a sequence's element.
    pub(super) position: Position,
    pub(super) children: Children,
}

/// The children of a value.
#[derive(Debug)]
pub(super) enum Children {
    None,
    Elements(Vec<Layout>),
    Members(Vec<(String, Layout)>),
}

impl Layout {
    /// The position of a JSON pointer. A missing member has the position of its nearest ancestor.
    pub(super) fn find(&self, pointer: &str) -> Position {
        let mut layout = self;
        for token in Pointer::parse(pointer).into_iter().flat_map(Pointer::tokens) {
            match layout.child(&token.decoded()) {
                Some(child) => layout = child,
                None => break,
            }
        }
        if std::ptr::eq(layout, self) { self.root() } else { layout.position }
    }

    /// The member of a mapping with this key, or the element of a sequence with this index.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        match &self.children {
            Children::None => None,
            Children::Elements(elements) => elements.get(name.parse::<usize>().ok()?),
            Children::Members(members) => members.iter().find(|(key, _)| key == name).map(|(_, layout)| layout),
        }
    }

    /// The position of a whole object is its first key, which says more than a brace.
    fn root(&self) -> Position {
        match &self.children {
            Children::Members(members) => members.first().map_or(self.position, |(_, layout)| layout.position),
            _ => self.position,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Manifests;

    fn position(text: &str, pointer: &str) -> (usize, usize, usize) {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        let position = manifests.objects[0].position(pointer);
        (position.line, position.column, position.length)
    }

    const DEPLOYMENT: &str = "# one\n\napiVersion: apps/v1\nkind: Deployment\nspec:\n  containers:\n    - name: é\n      image: b\n    - {name: c, 'a/b': &x d}\n    - *x\n  empty:\n";

    #[test]
    fn a_member_is_at_its_key() {
        assert_eq!(position(DEPLOYMENT, "/spec"), (5, 1, 4));
        assert_eq!(position(DEPLOYMENT, "/spec/containers/0/image"), (8, 7, 5));
        assert_eq!(position(DEPLOYMENT, "/spec/containers/1/a~1b"), (9, 17, 5));
        assert_eq!(position(DEPLOYMENT, "/spec/empty"), (11, 3, 5));
    }

    #[test]
    fn an_element_is_at_its_first_token() {
        assert_eq!(position(DEPLOYMENT, "/spec/containers/0"), (7, 7, 4));
        assert_eq!(position(DEPLOYMENT, "/spec/containers/1"), (9, 7, 1));
        assert_eq!(position(DEPLOYMENT, "/spec/containers/2"), (10, 7, 2));
    }

    #[test]
    fn the_root_is_at_its_first_key() {
        assert_eq!(position(DEPLOYMENT, ""), (3, 1, 10));
        assert_eq!(position("{\n  \"kind\": \"Pod\", \"apiVersion\": \"v1\"}", ""), (2, 3, 6));
    }

    #[test]
    fn a_missing_field_is_at_its_nearest_ancestor() {
        assert_eq!(position(DEPLOYMENT, "/spec/containers/0/env/3/name"), (7, 7, 4));
        assert_eq!(position(DEPLOYMENT, "/metadata/labels"), (3, 1, 10));
        assert_eq!(position(DEPLOYMENT, "no pointer"), (3, 1, 10));
    }

    #[test]
    fn carriage_returns_do_not_change_positions() {
        assert_eq!(position("apiVersion: v1\r\nkind: \"Pod\"\r\nspec:\r\n  é: ü\r\n", "/spec/é"), (4, 3, 1));
    }
}
