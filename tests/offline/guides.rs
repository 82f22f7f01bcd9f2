//! Checks the pages: links have a target, YAML examples parse, and commands print the shown output.

use crate::site::markdown::{anchors, is_external, links};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use test_support::project;

/// Every page with its text.
pub(crate) fn pages() -> Vec<(PathBuf, String)> {
    let folders = [
        ".",
        "docs",
        "docs/adr",
        "docs/rules",
        "fuzz",
        "crates/test-support/actionlint",
        "crates/test-support/control-plane",
        "crates/test-support/helm",
    ];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks of this language.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let begin = format!("```{kind}\n");
    let fences = page.match_indices(&begin).filter(|(at, _)| {
        // a fence in inline code is not at the start of its line
        page.split_at(*at).0.rsplit('\n').next().is_none_or(|before| before.trim().is_empty())
    });
    fences.filter_map(|(at, fence)| page.split_at(at + fence.len()).1.split("\n```").next()).collect()
}

#[test]
fn every_link_has_a_target() {
    let mut count = 0;
    for (path, page) in pages() {
        for link in links(&page).into_iter().filter(|link| !is_external(link)) {
            let (file, section) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap_or(Path::new("")).join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            let has_section = || anchors(&fs::read_to_string(&target).unwrap()).iter().any(|anchor| anchor == section);
            assert!(section.is_empty() || has_section(), "{}: {link}", path.display());
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_yaml_example_parses() {
    for (path, page) in pages() {
        for block in blocks(&page, "yaml") {
            let read = serde_saphyr::from_multiple::<serde_json::Value>(block);
            assert!(read.is_ok(), "{}: {read:?}\n{block}", path.display());
        }
    }
}

#[test]
fn every_command_prints_the_shown_output() {
    let mut count = 0;
    for (path, page) in pages() {
        for block in blocks(&page, "console") {
            let Some((command, shown)) = block.strip_prefix("$ apim-keyless ").and_then(|rest| rest.split_once('\n'))
            else {
                continue;
            };
            // tests with a cluster check the commands that need one
            if ["audit", "doctor", "verify"].iter().any(|name| command.starts_with(name)) {
                continue;
            }
            let words = command.split(' ');
            let output = Command::new(project::binary()).args(words).output().unwrap();
            let mut printed = String::from_utf8(output.stdout).unwrap();
            // … stands for any omitted output
            for part in shown.split("\n…\n") {
                let at = printed.find(part);
                assert!(at.is_some(), "{}: {command}\n{part}\nis not in\n{printed}", path.display());
                printed = printed.split_off(at.unwrap_or_default() + part.len());
            }
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}
