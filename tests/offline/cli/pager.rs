//! `explain` on a terminal uses a pager.

use std::io::Read;
use std::process::{Command, Stdio};
use test_support::project;

/// Runs `explain` on a pseudoterminal with this pager, and returns what the terminal shows.
fn on_terminal(pager: &str) -> String {
    let pty = nix::pty::openpty(None, None).unwrap();
    let mut child = Command::new(project::binary())
        .args(["explain", "missing-endpoint"])
        .env("PAGER", pager)
        .env_remove("LESS")
        .stdin(Stdio::null())
        .stdout(pty.slave)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    let mut terminal = std::fs::File::from(pty.master);
    let mut buffer = [0; 4096];
    // reading a terminal fails when its last writer has ended
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

#[test]
fn the_pager_of_the_variable_shows_the_page() {
    let shown = on_terminal("sed 's/^# /paged: /'");
    assert!(shown.starts_with("paged: missing-endpoint\n"), "{shown}");
}

#[test]
fn without_a_usable_pager_the_page_is_printed() {
    for pager in ["", "no-such-pager-program 2>/dev/null"] {
        let shown = on_terminal(pager);
        assert!(shown.starts_with("# missing-endpoint\n"), "{pager:?}: {shown}");
    }
}

#[test]
fn a_pager_that_ends_early_is_not_an_error() {
    assert_eq!(on_terminal("head -1"), "# missing-endpoint\n");
}

#[test]
fn without_a_terminal_there_is_no_pager() {
    let output = Command::new(project::binary())
        .args(["explain", "missing-endpoint"])
        .env("PAGER", "sed 's/^# /paged: /'")
        .output()
        .unwrap();
    assert!(output.stdout.starts_with(b"# missing-endpoint\n"));
}
