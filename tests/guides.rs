//! What the pages show is so: links lead somewhere, examples can be read, and commands say what stands behind them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every page, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let folders = [".", "docs", "docs/adr", "docs/rules", "fuzz", "tests/control-plane", "tests/helm"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks of this kind.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let begin = format!("```{kind}\n");
    page.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// What a heading is linked by.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-'].contains(letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    for (path, page) in pages() {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("https://")) {
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap_or(Path::new("")).join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            let has_section = || {
                let text = fs::read_to_string(&target).unwrap();
                text.lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line.trim_matches(['#', ' '])) == section)
            };
            assert!(section.is_empty() || has_section(), "{}: {link}", path.display());
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_example_in_yaml_can_be_read() {
    for (path, page) in pages() {
        for block in blocks(&page, "yaml") {
            let read = serde_saphyr::from_multiple::<serde_json::Value>(block);
            assert!(read.is_ok(), "{}: {read:?}\n{block}", path.display());
        }
    }
}

#[test]
fn what_is_shown_of_a_command_is_what_it_says() {
    let mut count = 0;
    for (path, page) in pages() {
        for block in blocks(&page, "console") {
            let Some((command, shown)) = block.strip_prefix("$ apim-keyless ").and_then(|rest| rest.split_once('\n'))
            else {
                continue;
            };
            // what needs a cluster is shown by the tests that have one
            if command.contains("--kubeconfig") {
                continue;
            }
            let words = command.split(' ');
            let output = Command::new(env!("CARGO_BIN_EXE_apim-keyless")).args(words).output().unwrap();
            let mut said = String::from_utf8(output.stdout).unwrap();
            // what is left out between two parts may be anything
            for part in shown.split("\n…\n") {
                let at = said.find(part);
                assert!(at.is_some(), "{}: {command}\n{part}\nis not in\n{said}", path.display());
                said = said.split_off(at.unwrap_or_default() + part.len());
            }
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}
