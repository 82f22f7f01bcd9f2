//! The comments of a document, which a change keeps.

use granit_parser::{Event, Parser};
use std::ops::Range;

/// Whether the new text has the comments of the old one, in their order, except those in the removed ranges.
pub(super) fn are_kept(old: &str, new: &str, removed: &[Range<usize>]) -> bool {
    if !old.contains('#') {
        return true;
    }
    let is_kept = |comment: &&Range<usize>| !removed.iter().any(|removed| removed.contains(&comment.start));
    let (old_comments, new_comments) = (comments(old), comments(new));
    let mut of_new = new_comments.iter().map(|range| text(new, range));
    old_comments.iter().filter(is_kept).all(|range| of_new.any(|comment| comment == text(old, range)))
}

fn text<'t>(document: &'t str, range: &Range<usize>) -> &'t str {
    document.get(range.clone()).unwrap_or_default().trim_end()
}

/// The bytes of each comment of a document that can be read.
fn comments(document: &str) -> Vec<Range<usize>> {
    let events = Parser::new_from_str(document).map_while(Result::ok);
    let comments = events.filter(|(event, _)| matches!(event, Event::Comment(..)));
    comments.filter_map(|(_, span)| Some(span.start.byte_offset()?..span.end.byte_offset()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_found_anywhere_but_in_a_text() {
        let document = "# a\n---\na: # b\n  # c\n  {} # d\nb: [ # e\n  'x # y', # f\n]\nc: |  # g\n  # text\n# h\n";
        let found: Vec<&str> = comments(document).iter().map(|range| text(document, range)).collect();
        assert_eq!(found, ["# a", "# b", "# c", "# d", "# e", "# f", "# g", "# h"]);
    }

    #[test]
    fn a_lost_comment_is_noticed_except_in_what_is_removed() {
        let old = "a: 1 # a\nb: 2 # b\n";
        assert!(are_kept(old, old, &[]));
        assert!(!are_kept(old, "a: 1 # a\n", &[]));
        assert!(!are_kept(old, "b: 2 # b\na: 1 # a\n", &[]));
        assert!(are_kept(old, "a: 1 # a\n", std::slice::from_ref(&(9..18))));
    }
}
