//! `fix`: writes the fixes of findings into the files, and changes nothing else in them.

use super::check::CheckedFiles;
use super::object_fixes::{AskedFor, FindingFix, ObjectFix};
use super::output::hint_at_migrate;
use super::policy::{self, UsedPolicy};
use super::rewritten_file::{diff, read_stdin, replace, why_not_written};
use super::{print, print_to_stderr, print_unchanged};
use crate::cli::FixArguments;
use apim_keyless_core::policy::{Level, Mode, printable, rules, utc_date};
use apim_keyless_manifest::STANDARD_INPUT;
use apim_keyless_manifest::rewrite::{FileRewrite, ObjectChange, Unchanged};
use apim_keyless_report::{Report, counted, file_name, text};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

/// Fixes the objects of files, folders and stdin.
pub(super) fn run(arguments: &FixArguments) -> anyhow::Result<ExitCode> {
    policy::check_stdin(arguments.policy.as_deref(), &arguments.paths)?;
    let UsedPolicy { policy, file } = policy::find(arguments.policy.as_deref())?;
    for rule in &arguments.select {
        rules::find(rule)?;
    }
    let text = read_stdin(&arguments.paths)?;
    let input = CheckedFiles {
        paths: &arguments.paths,
        kustomize: false,
        namespace: &arguments.namespace,
        mode: arguments.mode.map(Mode::from),
        is_complete: arguments.complete,
        stdin: text.as_deref(),
    };
    let (report, places) = input.evaluate(&policy, file.as_deref(), utc_date(SystemTime::now()));
    let mut outcome = Outcome { failures: report.failures.len(), ..Outcome::default() };
    for line in text::failures(&report) {
        print_to_stderr(&line);
    }
    let is_selected = |rule: &str| arguments.select.is_empty() || arguments.select.iter().any(|other| other == rule);
    let asked_for = AskedFor { is_selected: &is_selected, is_unsafe: arguments.is_unsafe };
    let mut fixes = asked_for.fixes(&report, &places);
    if let Some(text) = &text {
        outcome.stdin(text, &fixes.remove(STANDARD_INPUT).unwrap_or_default(), arguments)?;
    }
    for (file, fixes) in fixes {
        outcome.file(file, &fixes, arguments, |rewrite| replace(Path::new(file), rewrite))?;
    }
    Ok(outcome.finish(&report, arguments))
}

#[derive(Default)]
struct Outcome {
    /// Number of files that were changed, or would be.
    changed: usize,
    /// Number of fixes that were written, or would be.
    fixed: usize,
    /// Number of errors among them: fixes that `--unsafe` asks for.
    fixed_errors: usize,
    /// Number of fixes that could not be written.
    declined: usize,
    failures: usize,
}

impl Outcome {
    fn count(&mut self, made: &[&FindingFix<'_>]) {
        self.changed += 1;
        self.fixed += made.len();
        self.fixed_errors += made.iter().filter(|fix| fix.finding.level == Level::Error).count();
    }

    /// Shows or writes the fixes of one file. A file that cannot be written does not keep the others from being fixed.
    fn file(
        &mut self,
        file: &str,
        fixes: &[ObjectFix<'_>],
        arguments: &FixArguments,
        write: impl FnOnce(&FileRewrite) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let changes: Vec<ObjectChange<'_>> = fixes.iter().map(ObjectFix::change).collect();
        let Some(rewrite) = FileRewrite::of(&changes) else {
            self.failures += 1;
            print_to_stderr(&format!("error: {file}: changed while it was read; run the command again"));
            return Ok(());
        };
        if let Some(why) = why_not_written(file, &arguments.paths) {
            print_to_stderr(&printable(&format!("not fixed: {why}")));
            for fix in fixes.iter().flat_map(|object| &object.fixes) {
                self.declined += 1;
                print_to_stderr(&printable(&format!("  by hand: {}", done(file, fix))));
            }
            return Ok(());
        }
        for unchanged in &rewrite.unchanged {
            let fix = fixes.get(unchanged.index).and_then(|object| object.fixes.get(unchanged.part));
            if let Some(fix) = fix {
                self.declined += 1;
                print_to_stderr(&declined(file, unchanged, fix));
            }
        }
        if rewrite.changes.is_empty() {
            return Ok(());
        }
        let made = rewrite.made(&changes);
        let fix = |(index, part): &(usize, usize)| fixes.get(*index)?.fixes.get(*part);
        let made: Vec<&FindingFix<'_>> = made.iter().filter_map(fix).collect();
        if arguments.diff {
            print(&diff(file, &rewrite))?;
        }
        if !arguments.shows_only() {
            if let Err(error) = write(&rewrite) {
                self.failures += 1;
                print_to_stderr(&printable(&format!("error: {error:#}")));
                return Ok(());
            }
            for fix in &made {
                print_to_stderr(&done(file, fix));
            }
        }
        self.count(&made);
        Ok(())
    }

    /// Fixes stdin; without a fix, its bytes go to stdout as they are.
    fn stdin(&mut self, read: &[u8], fixes: &[ObjectFix<'_>], arguments: &FixArguments) -> anyhow::Result<()> {
        let changed = self.changed;
        if !fixes.is_empty() {
            self.file(STANDARD_INPUT, fixes, arguments, |rewrite| {
                print_unchanged(rewrite.encoded(read).as_deref().unwrap_or(read))
            })?;
        }
        if self.changed == changed && !arguments.shows_only() { print_unchanged(read) } else { Ok(()) }
    }

    fn finish(self, report: &Report, arguments: &FixArguments) -> ExitCode {
        let verb = if arguments.shows_only() { "would be fixed" } else { "fixed" };
        let mut summary = format!("{} {verb} in {}", counted(self.fixed, "finding"), counted(self.changed, "file"));
        if self.declined > 0 {
            summary += &format!("; {} to fix by hand", self.declined);
        }
        let errors = report.count(Level::Error).saturating_sub(self.fixed_errors);
        if errors > 0 {
            summary += &format!("; {} without a safe fix: see `apim-keyless check`", counted(errors, "error"));
        }
        print_to_stderr(&summary);
        hint_at_migrate(report);
        ExitCode::from(match () {
            () if self.failures > 0 => 2,
            () if self.declined > 0 || (arguments.check && self.changed > 0) => 1,
            () => 0,
        })
    }
}

/// `FILE:LINE: set PATH to VALUE (RULE)`
fn done(file: &str, fix: &FindingFix<'_>) -> String {
    let line = fix.finding.location.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
    printable(&format!("{}{line}: {} ({})", file_name(file), fix.title, fix.finding.rule)).into_owned()
}

/// The place, the reason and the edits to make by hand.
fn declined(file: &str, unchanged: &Unchanged, fix: &FindingFix<'_>) -> String {
    let (line, column) = (unchanged.position.line, unchanged.position.column);
    let message = format!(
        "not fixed: {}:{line}:{column}: {}: {}; by hand: {}",
        file_name(file),
        fix.finding.rule,
        unchanged.reason,
        fix.title
    );
    printable(&message).into_owned()
}
