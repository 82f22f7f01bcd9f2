//! One verb a file; the only rooms where the edges meet the core.

mod certs;
mod check;
mod doctor;
mod examples;
mod explain;
mod review;
mod serve;

use crate::cli::{Cli, Command};
use crate::policy::Policy;
use anyhow::Context;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// Does what was typed. The exit code is 0 if nothing is refused, 1 if something is, 2 if something could not be
/// looked at.
///
/// # Errors
/// It could not even begin, or not go on; the exit code for that is 2.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Certs(arguments) => certs::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
    }
}

/// Reads the policy document, or gives the built-in policy where there is none.
fn read_policy(path: Option<&Path>) -> anyhow::Result<Policy> {
    Ok(read_policy_text(path)?.0)
}

/// The same, with the text of the document.
fn read_policy_text(path: Option<&Path>) -> anyhow::Result<(Policy, Option<String>)> {
    let Some(path) = path else { return Ok((Policy::default(), None)) };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the policy document {}", path.display()))?;
    let policy =
        Policy::parse(&text).with_context(|| format!("the policy document {} cannot be used", path.display()))?;
    Ok((policy, Some(text)))
}

/// Writes to stdout; colours are stripped where it is no terminal. A reader that went away, as `head` does, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

/// Writes a line to stderr. If that is impossible there is nowhere left to say so.
fn complain(text: &str) {
    _ = writeln!(anstream::stderr().lock(), "{text}");
}
