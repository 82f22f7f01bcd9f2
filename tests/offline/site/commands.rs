//! docs/commands.md holds the help of every command.

use apim_keyless::cli::Cli;
use clap::{Command, CommandFactory};
use std::env;
use std::fmt::Write as _;
use std::fs;
use test_support::run::in_project;

const PAGE: &str = "docs/commands.md";

const BEGIN: &str = "# Commands

What `apim-keyless COMMAND --help` prints. `INSTA_UPDATE=always cargo test --test offline -- site::commands` writes this
page.
";

/// Adds a section for a command and for each of its own commands.
fn add(page: &mut String, command: &Command, path: &[&str]) {
    let arguments: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
    let ran = in_project(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let help: String = ran.stdout.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    let name = ["apim-keyless"].iter().chain(path).copied().collect::<Vec<_>>().join(" ");
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
        let inner_path: Vec<&str> = path.iter().copied().chain([inner.get_name()]).collect();
        add(page, inner, &inner_path);
    }
}

#[test]
fn the_page_about_commands_is_the_help_of_the_binary() {
    let mut expected = BEGIN.to_owned();
    add(&mut expected, &Cli::command(), &[]);
    if env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(PAGE, &expected).unwrap();
    }
    let page = fs::read_to_string(PAGE).unwrap_or_default();
    let different = page.lines().zip(expected.lines()).find(|(page, expected)| page != expected);
    assert!(page == expected, "{PAGE} is not what the binary prints: {different:?}; write it with INSTA_UPDATE=always");
}
