//! The commands, one per file. Only these modules combine input, evaluation and output.

mod audit;
mod baseline;
mod certs;
mod changed_words;
mod check;
mod cluster_checks;
mod completions;
mod doctor;
mod environment;
mod examples;
mod explain;
mod fix;
mod gateways;
mod generate;
mod ids;
mod ignore_comments;
mod migrate;
mod object_fixes;
mod output;
mod pager;
mod plan;
mod policies_in_files;
mod policy;
mod progress;
mod review;
mod rewritten_file;
mod schema;
mod selection;
mod serve;
mod verify;

use crate::cli::{Cli, Command, VERSION};
use crate::telemetry::hide_panic_texts;
use anyhow::anyhow;
use clap::ColorChoice;
use output::print_report;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Runs the command. Exit code: 0 without errors; 1 with at least one error or a denied review, with `--fail-on` also
/// with a milder finding; 2 if something could not be evaluated.
///
/// # Errors
/// The command cannot start or cannot continue. The exit code for that is 2.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    hide_panic_texts();
    // without a choice, the variables NO_COLOR, CLICOLOR_FORCE and TERM, and the terminal, decide
    match cli.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    match cli.command {
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Certs(arguments) => certs::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Fix(arguments) => fix::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Man(arguments) => completions::write_man_pages(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Version => print(&format!("apim-keyless {VERSION}\n")).map(|()| ExitCode::SUCCESS),
    }
}

/// The cause of an I/O error without the number of the operating system (`os error 2`), and a fix for common causes.
fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the file does not exist; check the path".to_owned(),
        ErrorKind::PermissionDenied => "permission denied; make the file readable for this user".to_owned(),
        ErrorKind::IsADirectory => "this is a folder; name a file".to_owned(),
        ErrorKind::InvalidData => "the file is not UTF-8; save it as UTF-8".to_owned(),
        kind => kind.to_string(),
    }
}

/// Writes to stdout; colors are removed if stdout is not a terminal. A reader that closes the pipe, as `head` does, is
/// not an error.
fn print(text: &str) -> anyhow::Result<()> {
    write_to(anstream::stdout().lock(), text.as_bytes())
}

/// Like [`print`], but writes the bytes as they are.
fn print_unchanged(bytes: &[u8]) -> anyhow::Result<()> {
    write_to(std::io::stdout().lock(), bytes)
}

fn write_to(mut stdout: impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// The result of a write to stdout: a reader that closes the pipe is not an error.
fn written(result: std::io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow!("cannot write to stdout: {}", error.kind())),
        _ => Ok(()),
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
