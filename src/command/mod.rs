//! The commands, one per file. Only these modules combine input, evaluation and output.

mod certs;
mod check;
mod doctor;
mod examples;
mod explain;
mod review;
mod serve;

use crate::cli::{Cli, Command, Output};
use crate::telemetry::hide_panic_texts;
use anyhow::{Context, anyhow};
use apim_keyless_core::policy::Policy;
use apim_keyless_report::{Report, json, text};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// Runs the command. Exit code: 0 without errors; 1 with at least one error or a denied review, with `--strict` also
/// with a fixable finding (`check`) or a warning (`doctor`); 2 if something could not be evaluated.
///
/// # Errors
/// The command cannot start or cannot continue. The exit code for that is 2.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    hide_panic_texts();
    match cli.command {
        Command::Certs(arguments) => certs::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
    }
}

/// Reads the policy document. Without a path it returns the built-in policy.
fn read_policy(path: Option<&Path>) -> anyhow::Result<Policy> {
    Ok(read_policy_text(path)?.0)
}

/// Like [`read_policy`], with the text of the document.
fn read_policy_text(path: Option<&Path>) -> anyhow::Result<(Policy, Option<String>)> {
    let Some(path) = path else { return Ok((Policy::default(), None)) };
    let (policy, text) = parse_policy(path, std::fs::read_to_string(path))?;
    Ok((policy, Some(text)))
}

/// Parses the text that was read from `path`; the error names the file, the place and the fix.
fn parse_policy(path: &Path, text: std::io::Result<String>) -> anyhow::Result<(Policy, String)> {
    let text =
        text.map_err(|error| anyhow!("cannot read the policy document {}: {}", path.display(), cause(&error)))?;
    let policy = Policy::parse(&text).with_context(|| format!("the policy document {} is invalid", path.display()))?;
    Ok((policy, text))
}

/// The cause of an I/O error without the number of the operating system (`os error 2`), and a fix for common causes.
fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the file does not exist; check the path".to_owned(),
        ErrorKind::PermissionDenied => "permission denied; make the file readable for this user".to_owned(),
        ErrorKind::InvalidData => "the file is not UTF-8; save it as UTF-8".to_owned(),
        kind => kind.to_string(),
    }
}

/// Writes to stdout; colors are removed if stdout is not a terminal. A reader that closes the pipe, as `head` does, is
/// not an error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow!("cannot write to stdout: {}", error.kind())),
        _ => Ok(()),
    }
}

/// Prints a report: the report itself to stdout and, as text, its failures to stderr.
fn print_report(report: &Report, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => print(&json::render(report)),
        Output::Text => {
            for line in text::failures(report) {
                print_to_stderr(&line);
            }
            print(&text::render(report))
        }
    }
}

/// Writes a line to stderr. A failure is ignored: there is no other place to report it.
fn print_to_stderr(text: &str) {
    _ = writeln!(anstream::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::cli::Cli;
    use clap::Parser;
    use std::process::Command;

    /// Set in the child process of the test.
    const CHILD: &str = "APIM_KEYLESS_PANIC_TEST";

    #[test]
    fn a_panic_in_any_command_shows_its_place_but_not_its_text() {
        if std::env::var_os(CHILD).is_some() {
            run(Cli::parse_from(["apim-keyless", "explain", "missing-endpoint"])).unwrap();
            panic!("GatewayKey canary");
        }
        let test = "command::tests::a_panic_in_any_command_shows_its_place_but_not_its_text";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success() && !shown.contains("canary"), "{shown}");
        assert!(shown.contains("panic at src/command/mod.rs:"), "{shown}");
    }
}
