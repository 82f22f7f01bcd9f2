//! The paths that the code of a file uses: in `use` items, in types, expressions and patterns, and in macro calls.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{Attribute, ExprAsync, ExprAwait, File, ItemMod, ItemUse, Macro, Meta, Signature, UseTree};

/// The paths that a file uses outside its inline tests, such as `crate::policy::Mode`, `std::fs` or `println!`. `async`
/// and `.await` are in it if the file has asynchronous code.
///
/// A path that starts with `self` or `super` is not resolved: it does not leave its module, except in inline tests.
pub(super) fn paths(file: &Path) -> BTreeSet<String> {
    let code = fs::read_to_string(file).unwrap();
    let file: File = syn::parse_file(&code).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    paths_of(&file)
}

fn paths_of(file: &File) -> BTreeSet<String> {
    let mut collector = Collector::default();
    collector.visit_file(file);
    collector.0
}

#[derive(Default)]
struct Collector(BTreeSet<String>);

impl Visit<'_> for Collector {
    fn visit_item_mod(&mut self, item: &ItemMod) {
        if !item.attrs.iter().any(is_test) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        self.add_tree("", &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.insert(segments.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        let name = call.path.segments.last().map(|segment| format!("{}!", segment.ident));
        self.0.extend(name);
        self.add_tokens(TokenBuffer::new2(call.tokens.clone()).begin());
        visit::visit_macro(self, call);
    }

    fn visit_signature(&mut self, signature: &Signature) {
        if signature.asyncness.is_some() {
            self.0.insert("async".to_owned());
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expression: &ExprAsync) {
        self.0.insert("async".to_owned());
        visit::visit_expr_async(self, expression);
    }

    fn visit_expr_await(&mut self, expression: &ExprAwait) {
        self.0.insert(".await".to_owned());
        visit::visit_expr_await(self, expression);
    }
}

impl Collector {
    /// Adds every path of a `use` item, which may have nested groups.
    fn add_tree(&mut self, before: &str, tree: &UseTree) {
        let path = |name: &dyn Display| if before.is_empty() { name.to_string() } else { format!("{before}::{name}") };
        match tree {
            UseTree::Path(inner) => self.add_tree(&path(&inner.ident), &inner.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
            UseTree::Name(name) => _ = self.0.insert(path(&name.ident)),
            UseTree::Rename(rename) => _ = self.0.insert(path(&rename.ident)),
            UseTree::Glob(_) => _ = self.0.insert(path(&"*")),
        }
    }

    /// Adds every path in the tokens of a macro call, which need not be Rust.
    fn add_tokens(&mut self, mut at: Cursor<'_>) {
        while !at.eof() {
            at = if let Some((ident, next)) = at.ident() {
                self.add_path_in_tokens(ident.to_string(), next)
            } else if let Some((inside, _, _, next)) = at.any_group() {
                self.add_tokens(inside);
                next
            } else {
                at.token_tree().expect("this is not the end").1
            };
        }
    }

    /// Adds the path that starts with this identifier, and returns where it ends.
    fn add_path_in_tokens<'a>(&mut self, first: String, mut at: Cursor<'a>) -> Cursor<'a> {
        let mut path = first;
        while let Some((segment, next)) = next_segment(at) {
            path = format!("{path}::{segment}");
            at = next;
        }
        let is_macro = at.punct().is_some_and(|(punct, _)| punct.as_char() == '!');
        self.0.insert(if is_macro { format!("{path}!") } else { path });
        at
    }
}

/// The `::` and the identifier that follow.
fn next_segment(at: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let (first, next) = at.punct()?;
    let (second, next) = next.punct()?;
    let (segment, next) = next.ident()?;
    (first.as_char() == ':' && second.as_char() == ':').then(|| (segment.to_string(), next))
}

fn is_test(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

#[test]
fn all_paths_of_a_file_are_found() {
    let code = r#"
        use crate::{policy::{Mode, rules::*}, tls as certificates};
        use std::fs;
        fn text(of: &crate::gateway::Image) -> String {
            let text = crate::report::text::render(&of);
            match of { crate::cluster::Scope::OptIn => println!("{}", format!("{}", crate::server::limits())), _ => {} }
            "crate::doctor is only a text, and // crate::command a comment".to_owned()
        }
        async fn wait() { std::future::pending().await }
        #[cfg(test)]
        mod tests { use crate::telemetry; }
    "#;
    let paths = paths_of(&syn::parse_file(code).unwrap());
    for path in [
        "crate::policy::Mode",
        "crate::policy::rules::*",
        "crate::tls",
        "std::fs",
        "crate::gateway::Image",
        "crate::report::text::render",
        "crate::cluster::Scope::OptIn",
        "println!",
        "format!",
        "crate::server::limits",
        "async",
        ".await",
    ] {
        assert!(paths.contains(path), "{path} is missing: {paths:?}");
    }
    for path in ["crate::doctor", "crate::command", "crate::telemetry"] {
        assert!(!paths.contains(path), "{path} is not used: {paths:?}");
    }
}
