//! Texts of files to be shown.

use crate::document::Document;
use crate::outline::Token;
use crate::source::SourceFile;
use crate::{deep_stack, document, json, mask, node, outline, read};
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
        let Some(document) = object.place.document.document(source) else { continue };
        // the token of a text may begin and end without the spaces around it
        let start = document.start + document.text.len() - document.text.trim_start().len();
        let end = document.start + document.text.trim_end().len();
        let at = tokens.partition_point(|token| token.range.end <= start);
        // a text in an object is one scalar
        let Some(whole) = tokens.get(at).filter(|token| token.range.start <= start && end <= token.range.end) else {
            continue;
        };
        let whole = whole.clone();
        let part = |range| Some(Token { range, shown: whole.shown }).filter(|token| !token.range.is_empty());
        let (before, after) = (part(whole.range.start..start), part(end..whole.range.end));
        let parts: Vec<Token> = before.into_iter().chain(tokens_of_document(&document)).chain(after).collect();
        tokens.splice(at..=at, parts);
    }
    tokens
}

fn tokens_of_document(document: &Document<'_>) -> Vec<Token> {
    let tokens = |document: &Document<'_>| {
        let root = node::tree(document.text).ok()?;
        Some(outline::outline(document, root).tokens)
    };
    tokens(document).unwrap_or_else(|| json::split(document).values.iter().filter_map(tokens).flatten().collect())
}
