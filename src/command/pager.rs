//! Shows a long text on a terminal with a pager, as `git` does.

use super::print;
use std::env;
use std::io::{IsTerminal, Write, stdout};
use std::process::{Command, Stdio};

/// The pager if the variable `PAGER` names none.
const DEFAULT: &str = "less";

/// Options of `less` if the variable `LESS` is not set: quit if the text fits on the screen, show colors, keep the
/// screen.
const LESS: &str = "FRX";

/// Prints the text: with the pager `$PAGER` on a terminal, else directly. An empty `PAGER` means none.
pub(super) fn show(text: &str) -> anyhow::Result<()> {
    let pager = env::var("PAGER").unwrap_or_else(|_| DEFAULT.to_owned());
    let is_paged = stdout().is_terminal() && !pager.trim().is_empty() && page(&pager, text).is_some();
    if is_paged { Ok(()) } else { print(text) }
}

/// Shows the text with a pager; `None` if it cannot be started.
fn page(pager: &str, text: &str) -> Option<()> {
    let mut command = Command::new("sh");
    // the shell splits arguments in the variable; 127 is its exit code for a command that does not exist
    command.args(["-c", pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let mut child = command.spawn().ok()?;
    if let Some(mut stdin) = child.stdin.take() {
        // a user who quits the pager early closes the pipe
        _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait().ok()?;
    (status.code() != Some(127)).then_some(())
}
