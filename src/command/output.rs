//! Prints a report in the format of the arguments.

use super::{print, print_to_stderr, written};
use crate::cli::{Output, ReportArguments};
use anyhow::ensure;
use apim_keyless_report::{Diagnostic, Level, Report, github, html, inventory, json, junit, sarif, text};
use std::io::{self, BufWriter, Write};

/// The rules whose findings `migrate` corrects.
const MIGRATED: [&str; 3] = ["auth-key-reference", "auth-key-literal", "entra-app-auth-method"];

/// The title of the HTML page.
fn title(report: &Report) -> &'static str {
    match (&report.checks, &report.gateways) {
        (Some(_), None) => "The installation of apim-keyless",
        (Some(_), Some(_)) => "Verified gateways",
        (None, _) => "Gateways and their authentication",
    }
}

/// Checks that the arguments about the report fit each other.
pub(super) fn check(arguments: &ReportArguments) -> anyhow::Result<()> {
    ensure!(
        !arguments.quiet || arguments.output == Output::Text,
        "--quiet prints the last line of a text report; leave out --quiet or --output"
    );
    Ok(())
}

/// Prints a report of `audit`: as text, the table of the gateways, with the findings before it if `details` is set.
pub(super) fn print_inventory(
    report: &Report,
    arguments: &ReportArguments,
    fail_on: Level,
    details: bool,
) -> anyhow::Result<()> {
    if arguments.output != Output::Text || arguments.quiet {
        return print_report(report, arguments, fail_on);
    }
    for line in text::failures(report) {
        print_to_stderr(&line);
    }
    if details {
        print_while_made(|stdout| text::write_findings(report, stdout))?;
    }
    print(&inventory::render(report))
}

/// Prints a report to stdout and, for people, its failures to stderr. Findings of level `fail_on` and worse fail.
pub(super) fn print_report(report: &Report, arguments: &ReportArguments, fail_on: Level) -> anyhow::Result<()> {
    match arguments.output {
        Output::Github => print(&github::render(report)),
        Output::Html => print(&html::render(report, title(report))),
        Output::Json => print_while_made(|stdout| json::write(report, stdout)),
        Output::Junit => print(&junit::render(report, fail_on)),
        Output::Sarif => print(&sarif::render(report, env!("CARGO_PKG_VERSION"))),
        Output::Text => {
            for line in text::failures(report) {
                print_to_stderr(&line);
            }
            if arguments.quiet {
                return print(&text::summary(report));
            }
            print_while_made(|stdout| text::write(report, stdout))?;
            hint_at_migrate(report);
            Ok(())
        }
    }
}

/// Says on stderr which command changes what is found, if a gateway has a key or an Entra app.
pub(super) fn hint_at_migrate(report: &Report) {
    let is_about_method = |finding: &Diagnostic| finding.suppressed.is_none() && MIGRATED.contains(&finding.rule);
    if report.findings.iter().any(is_about_method) {
        print_to_stderr(
            "`apim-keyless migrate` changes the files of these gateways from an auth key, or an Entra app, to workload identity",
        );
    }
}

/// Writes a report to stdout while its text is made: that of thousands of findings takes much memory.
fn print_while_made(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = BufWriter::new(anstream::stdout().lock());
    written(write(&mut stdout).and_then(|()| stdout.flush()))
}
