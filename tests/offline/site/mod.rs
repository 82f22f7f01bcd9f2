//! The site holds every page, and everything that users look up: commands, rules, metrics, codes and schemas.

mod commands;
pub(crate) mod markdown;

use crate::guides::pages;
use apim_keyless::cli::Cli;
use apim_keyless_core::policy::rules::RULES;
use clap::CommandFactory;
use markdown::{anchor, anchors, is_external, links};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use test_support::run::Folder;

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::ParentDir => _ = normal.pop(),
            Component::CurDir => {}
            other => normal.push(other),
        }
        normal
    })
}

/// The pages that SUMMARY.md names.
fn chapters() -> Vec<PathBuf> {
    let summary = fs::read_to_string("docs/SUMMARY.md").unwrap();
    links(&summary).into_iter().map(|link| Path::new("docs").join(link)).collect()
}

/// The pages below docs/.
fn documents() -> impl Iterator<Item = (PathBuf, String)> {
    let inside = pages().into_iter().map(|(path, text)| (normal(&path), text));
    inside.filter(|(path, _)| path.starts_with("docs") && !path.ends_with("SUMMARY.md"))
}

#[test]
fn the_summary_names_every_page_once() {
    let chapters = chapters();
    let expected: BTreeSet<PathBuf> = documents().map(|(path, _)| path).collect();
    assert_eq!(chapters.iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(chapters.len(), expected.len(), "a page is named twice");
    let summary = fs::read_to_string("docs/SUMMARY.md").unwrap();
    for line in summary.lines().filter(|line| line.contains("](")) {
        let (title, file) = line.split_once("](").unwrap();
        let text = fs::read_to_string(Path::new("docs").join(file.trim_end_matches(')'))).unwrap();
        let heading = text.lines().next().unwrap().trim_start_matches("# ");
        let heading = heading.split_once(". ").filter(|_| file.starts_with("adr/")).map_or(heading, |(_, rest)| rest);
        if !file.starts_with("introduction.md") {
            assert_eq!(title.trim_start_matches([' ', '-', '[']), heading, "{file}");
        }
    }
}

#[test]
fn every_rule_has_a_page_of_the_site() {
    let chapters = chapters();
    for rule in RULES {
        let page = format!("docs/rules/{}.md", rule.id);
        assert!(chapters.contains(&PathBuf::from(&page)), "{page}");
    }
}

#[test]
fn every_address_in_a_denial_is_a_page_of_the_site() {
    const URL: &str = "https://docs.example/rules/{rule}.html";
    let chapters = chapters();
    let mut named = BTreeSet::new();
    for entry in fs::read_dir("tests/reviews").unwrap() {
        let review = fs::read_to_string(entry.unwrap().path()).unwrap();
        let arguments = ["review", "--mode", "enforce", "--webhook", "validating", "--docs-url", URL];
        let answer = Folder::with(&[]).feed(&arguments, &review).json();
        let message = answer["response"]["status"]["message"].as_str().unwrap_or_default().to_owned();
        named.extend(message.split("https://docs.example/").skip(1).map(|rest| {
            let page = rest.split(|letter: char| letter.is_whitespace() || letter == ',').next().unwrap();
            PathBuf::from("docs").join(page).with_extension("md")
        }));
    }
    assert!(named.len() >= 5, "{named:?}");
    for page in named {
        assert!(chapters.contains(&page), "{}", page.display());
    }
}

#[test]
fn no_link_leads_to_something_that_the_site_does_not_have() {
    let chapters: BTreeSet<PathBuf> = chapters().into_iter().collect();
    for (path, text) in documents() {
        for link in links(&text).into_iter().filter(|link| !is_external(link) && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap();
            let target = normal(&path.parent().unwrap().join(file));
            // `make site` makes links to the source code of those that leave docs/
            if target.starts_with("docs") {
                let is_copied = target.is_file() && target.extension().is_some_and(|end| end != "md");
                assert!(is_copied || chapters.contains(&target), "{}: {link} is not in the site", path.display());
            }
        }
    }
}

#[test]
fn every_page_that_code_or_files_mention_exists_with_its_section() {
    let mut count = 0;
    for path in mentioning_files() {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("docs/") {
            let (before, rest) = text.split_at(at);
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
            let name = rest.split(|letter| !is_part(letter)).next().unwrap().trim_end_matches('.');
            let is_page = Path::new(name).extension().is_some_and(|end| end == "md");
            // docs/book belongs to azure-workload-identity
            if !is_page || before.ends_with('/') || name.starts_with("docs/book/") {
                continue;
            }
            let page = fs::read_to_string(name).unwrap_or_else(|_| panic!("{}: there is no {name}", path.display()));
            let section = rest.split_at(name.len()).1.strip_prefix(", \"").and_then(|rest| rest.split('"').next());
            let has_section = |section: &str| anchors(&page).contains(&anchor(section));
            assert!(section.is_none_or(has_section), "{}: {name} has no section {section:?}", path.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

/// The files outside of docs/ that can mention a page: code, the chart, workflows and settings.
fn mentioning_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = [".github", "benches", "crates", "deploy", "src"].map(PathBuf::from).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end != "sum") {
                found.push(path);
            }
        }
    }
    found
        .extend(["Cargo.toml", "Containerfile", "Makefile", "action.yml", ".pre-commit-hooks.yaml"].map(PathBuf::from));
    found
}

#[test]
fn the_page_about_schemas_names_every_schema() {
    let page = fs::read_to_string("docs/schemas.md").unwrap();
    let command = Cli::command();
    let schema = command.find_subcommand("schema").unwrap();
    let names = schema.get_arguments().find(|argument| argument.get_id() == "name").unwrap().get_possible_values();
    let files: BTreeSet<_> = fs::read_dir("docs/schemas").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((names.len(), files.len()), (3, 3));
    for name in names {
        assert!(page.contains(&format!("| [`{}`](schemas/", name.get_name())), "{}", name.get_name());
    }
    for file in files {
        assert!(page.contains(&format!("](schemas/{})", file.to_str().unwrap())), "{}", file.display());
    }
}
