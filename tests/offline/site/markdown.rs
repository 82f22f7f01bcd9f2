//! What a page links to, and where links can lead in it.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::HashMap;

fn events(page: &str) -> Parser<'_> {
    Parser::new_ext(page, Options::ENABLE_TABLES)
}

/// The destinations of the links and images of a page.
pub(crate) fn links(page: &str) -> Vec<String> {
    let links = events(page).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    links.collect()
}

/// Does a link lead to another site?
pub(crate) fn is_external(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("mailto:")
}

/// The anchors of the headings of a page, as GitHub and mdBook make them.
pub(crate) fn anchors(page: &str) -> Vec<String> {
    let (mut anchors, mut heading) = (Vec::new(), None::<String>);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for event in events(page) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => heading.iter_mut().for_each(|heading| heading.push_str(&text)),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let count = seen.entry(anchor.clone()).or_default();
                anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
                *count += 1;
            }
            _ => {}
        }
    }
    anchors
}

/// The anchor of a heading.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_and_anchors_are_those_of_the_parser() {
    let page = "# A `b_c`, d\n## Twice\n## Twice\n[a](x.md#y) `[no](link.md)` [b]\n\n```\n# no heading\n[no](link)\n```\n\n[b]: z.md\n| [c](t.md) |\n|---|\n";
    assert_eq!(links(page), ["x.md#y", "z.md", "t.md"]);
    assert_eq!(anchors(page), ["a-b_c-d", "twice", "twice-1"]);
}
