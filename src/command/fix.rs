//! `fix`: writes the fixes of findings into the files, and changes nothing else in them.

use super::check::CheckedFiles;
use super::policy::{self, UsedPolicy};
use super::rewritten_file::{
    diff, folder_outside, has_other_names, other_names_message, outside_message, read_stdin, replace,
};
use super::{print, print_to_stderr, print_unchanged};
use crate::cli::FixArguments;
use apim_keyless_core::policy::{Edit, Level, Mode, printable, rules, utc_date};
use apim_keyless_manifest::rewrite::{FileRewrite, ObjectChange, Unchanged, masked};
use apim_keyless_manifest::{Place, STANDARD_INPUT};
use apim_keyless_report::{Diagnostic, Fix, Report, Safety, counted, file_name, text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    let mut fixes = fixes(&report, &places, arguments);
    if let Some(text) = &text {
        outcome.stdin(text, &fixes.remove(STANDARD_INPUT).unwrap_or_default(), arguments)?;
    }
    for (file, fixes) in fixes {
        outcome.file(file, &fixes, arguments)?;
    }
    Ok(outcome.finish(&report, arguments))
}

/// The fixes of one object. They are made together: a removed item moves those after it.
struct ObjectFix<'r> {
    place: &'r Place,
    fixes: Vec<(&'r Diagnostic, &'r Fix)>,
}

/// The fixes that are asked for, by file and in the order of the objects.
fn fixes<'r>(
    report: &'r Report,
    places: &'r [Place],
    arguments: &FixArguments,
) -> BTreeMap<&'r str, Vec<ObjectFix<'r>>> {
    let mut by_file: BTreeMap<&str, Vec<ObjectFix<'_>>> = BTreeMap::new();
    for (finding, place) in report.findings.iter().zip(places) {
        let is_selected = arguments.select.is_empty() || arguments.select.iter().any(|rule| *rule == finding.rule);
        let is_asked_for = |fix: &&Fix| match fix.safety {
            Safety::Safe => finding.level == Level::Fixable,
            Safety::Unsafe => arguments.is_unsafe,
        };
        let fix = finding.fixes.iter().find(is_asked_for);
        let Some(fix) = fix.filter(|_| is_selected && finding.suppressed.is_none()) else { continue };
        let of_file = by_file.entry(place.file()).or_default();
        match of_file.last_mut().filter(|last| last.place.is_same(place)) {
            Some(last) => last.fixes.push((finding, fix)),
            None => of_file.push(ObjectFix { place, fixes: vec![(finding, fix)] }),
        }
    }
    by_file
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
    fn count(&mut self, made: &[(&Diagnostic, &Fix)]) {
        self.fixed += made.len();
        self.fixed_errors += made.iter().filter(|(finding, _)| finding.level == Level::Error).count();
    }

    fn file(&mut self, file: &str, fixes: &[ObjectFix<'_>], arguments: &FixArguments) -> anyhow::Result<()> {
        let changes: Vec<ObjectChange<'_>> = fixes
            .iter()
            .map(|fix| ObjectChange {
                place: fix.place,
                change: Box::new(|object| {
                    _ = Edit::apply_all(fix.fixes.iter().flat_map(|(_, fix)| &fix.edits), object);
                }),
            })
            .collect();
        let Some(rewrite) = FileRewrite::of(&changes) else {
            self.failures += 1;
            print_to_stderr(&format!("error: {file}: changed while it was read; run the command again"));
            return Ok(());
        };
        if let Some(why) = why_not_written(file, &arguments.paths) {
            self.declined += fixes.iter().map(|fix| fix.fixes.len()).sum::<usize>();
            print_to_stderr(&why);
            return Ok(());
        }
        for unchanged in &rewrite.unchanged {
            for (finding, fix) in fixes.get(unchanged.index).into_iter().flat_map(|object| &object.fixes) {
                self.declined += 1;
                print_to_stderr(&declined(file, unchanged, finding, fix));
            }
        }
        let made: Vec<(&Diagnostic, &Fix)> = (0..fixes.len())
            .filter(|index| rewrite.unchanged.iter().all(|unchanged| unchanged.index != *index))
            .filter_map(|index| fixes.get(index))
            .flat_map(|object| object.fixes.iter().copied())
            .collect();
        if rewrite.changes.is_empty() {
            return Ok(());
        }
        self.changed += 1;
        self.count(&made);
        if arguments.diff {
            print(&diff(file, &rewrite, masked))?;
        }
        if arguments.shows_only() {
            return Ok(());
        }
        if file == STANDARD_INPUT {
            print_unchanged(rewrite.after.as_bytes())?;
        } else {
            replace(Path::new(file), &rewrite)?;
        }
        for (finding, fix) in made {
            print_to_stderr(&done(file, finding, fix));
        }
        Ok(())
    }

    /// Fixes stdin; without a fix, its bytes go to stdout as they are.
    fn stdin(&mut self, text: &[u8], fixes: &[ObjectFix<'_>], arguments: &FixArguments) -> anyhow::Result<()> {
        let changed = self.changed;
        if !fixes.is_empty() {
            self.file(STANDARD_INPUT, fixes, arguments)?;
        }
        if self.changed == changed && !arguments.shows_only() { print_unchanged(text) } else { Ok(()) }
    }

    fn finish(self, report: &Report, arguments: &FixArguments) -> ExitCode {
        let verb = if arguments.shows_only() { "would be fixed" } else { "fixed" };
        let mut summary = format!("{} {verb} in {}", counted(self.fixed, "finding"), counted(self.changed, "file"));
        if self.declined > 0 {
            summary += &format!("; {} to fix by hand", self.declined);
        }
        let errors = report.findings.iter().filter(|finding| finding.level == Level::Error).count();
        let errors = errors.saturating_sub(self.fixed_errors);
        if errors > 0 {
            summary += &format!("; {} without a safe fix: see `apim-keyless check`", counted(errors, "error"));
        }
        print_to_stderr(&summary);
        ExitCode::from(match () {
            () if self.failures > 0 => 2,
            () if self.declined > 0 || (arguments.check && self.changed > 0) => 1,
            () => 0,
        })
    }
}

/// Why a file is not fixed that a link leads to from a folder.
fn outside(file: &str, folder: &Path) -> String {
    printable(&format!("not fixed: {}", outside_message(file, folder))).into_owned()
}

/// `FILE:LINE: set PATH to VALUE (RULE)`
fn done(file: &str, finding: &Diagnostic, fix: &Fix) -> String {
    let line = finding.location.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
    printable(&format!("{}{line}: {} ({})", file_name(file), fix.title, finding.rule)).into_owned()
}

/// The place, the reason and the edits to make by hand.
fn declined(file: &str, unchanged: &Unchanged, finding: &Diagnostic, fix: &Fix) -> String {
    let (line, column) = (unchanged.position.line, unchanged.position.column);
    let message = format!(
        "not fixed: {}:{line}:{column}: {}: {}; by hand: {}",
        file_name(file),
        finding.rule,
        unchanged.reason,
        fix.title
    );
    printable(&message).into_owned()
}

/// Why a file is left as it is.
fn why_not_written(file: &str, paths: &[PathBuf]) -> Option<String> {
    let has_others = || has_other_names(Path::new(file)).then(|| printable(&other_names_message(file)).into_owned());
    folder_outside(file, paths).map(|folder| outside(file, folder)).or_else(has_others)
}
