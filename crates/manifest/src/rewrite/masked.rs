//! Texts of files to be shown.

use crate::document::Document;
use crate::outline::Token;
use crate::source::SourceFile;
use crate::{deep_stack, document, enclosed, json, mask, node, outline, read};
use jsonptr::{Pointer, PointerBuf};
use serde_json::Value;
use std::sync::Arc;

/// The lines of a text of documents with `***` for every value that can bear a secret, to be shown. Each line of the text
/// has one; comments are left out.
pub fn masked(text: &str) -> String {
    let mask_all = || {
        let source = Arc::new(SourceFile::new("", text));
        let tokens = tokens(&source);
        source.lines().map(|line| mask::mask(line, &tokens) + "\n").collect()
    };
    deep_stack::with_deep_stack(mask_all).unwrap_or_default()
}

/// The keys and scalars of all documents, also of those that are texts in others.
fn tokens(source: &Arc<SourceFile>) -> Vec<Token> {
    let mut tokens: Vec<Token> = document::split(source).iter().flat_map(tokens_of_document).collect();
    tokens.sort_by_key(|token| token.range.start);
    let content = read::content_of_text(source, true, None);
    for object in content.objects.iter().chain(&content.mappings).filter(|object| object.is_enclosed) {
        if let Some(document) = object.place.document.document(source) {
            split(&mut tokens, &document);
        }
    }
    for application in content.objects.iter().filter(|object| is_application(&object.value)) {
        let mut texts = Vec::new();
        find_values(&mut texts, &application.value, Pointer::root());
        for at in texts {
            let text = application.value.pointer(at.as_str()).and_then(Value::as_str).unwrap_or_default();
            let line = application.position(at.as_str()).line;
            let documents = enclosed::documents(source, line, text);
            documents.iter().flatten().for_each(|document| split(&mut tokens, document));
        }
    }
    tokens
}

/// Whether an object installs a chart with values that are a text.
fn is_application(object: &Value) -> bool {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    text("apiVersion").starts_with("argoproj.io/") && ["Application", "ApplicationSet"].contains(&text("kind"))
}

/// Finds the values of charts that are texts: `helm.values`.
fn find_values(found: &mut Vec<PointerBuf>, value: &Value, at: &Pointer) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let at = at.with_trailing_token(key.as_str());
                if key == "helm" && member.get("values").is_some_and(Value::is_string) {
                    found.push(at.with_trailing_token("values"));
                }
                find_values(found, member, &at);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_values(found, item, &at.with_trailing_token(index));
            }
        }
        _ => {}
    }
}

/// Puts the tokens of a document that is a text in place of that text, which is one scalar.
fn split(tokens: &mut Vec<Token>, document: &Document<'_>) {
    // the token of a text may begin and end without the spaces around it
    let start = document.start + document.text.len() - document.text.trim_start().len();
    let end = document.start + document.text.trim_end().len();
    let at = tokens.partition_point(|token| token.range.end <= start);
    let Some(whole) = tokens.get(at).filter(|token| token.range.start <= start && end <= token.range.end) else {
        return;
    };
    let whole = whole.clone();
    let part = |range| Some(Token { range, shown: whole.shown }).filter(|token| !token.range.is_empty());
    let (before, after) = (part(whole.range.start..start), part(end..whole.range.end));
    let parts: Vec<Token> = before.into_iter().chain(tokens_of_document(document)).chain(after).collect();
    tokens.splice(at..=at, parts);
}

fn tokens_of_document(document: &Document<'_>) -> Vec<Token> {
    let tokens = |document: &Document<'_>| {
        let root = node::tree(document.text).ok()?;
        Some(outline::outline(document, root).tokens)
    };
    tokens(document).unwrap_or_else(|| json::split(document).values.iter().filter_map(tokens).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_values_of_an_application_are_masked_like_a_file_of_values() {
        let values = "gateway:\n  name: orders # hunter2\n  auth:\n    key: hunter2\nsecret:\n  createSecret: false\n  password: hunter2\nother: |\n  hunter2\n";
        let indent =
            |text: &str| -> String { text.split_inclusive('\n').map(|line| "        ".to_owned() + line).collect() };
        let indented = indent(values);
        let application = |kind: &str, indented: &str| {
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: a\nspec:\n  source:\n    helm:\n      values: |\n{indented}  project: b\n"
            )
        };
        let masked_values = indent(&masked(values));
        assert!(masked_values.contains("name: orders\n") && masked_values.contains("createSecret: false\n"));
        assert!(!masked_values.contains("hunter2"), "{masked_values}");
        for kind in ["Application", "ApplicationSet"] {
            assert_eq!(masked(&application(kind, &indented)), application(kind, &masked_values));
        }
        // other texts are masked as a whole, also those that are no YAML
        for (kind, text) in [("Other", indented.as_str()), ("Application", "        {{ hunter2 }}: [hunter2\n")] {
            let shown = masked(&application(kind, text));
            assert!(!shown.contains("hunter2") && !shown.contains("orders"), "{shown}");
        }
    }
}
