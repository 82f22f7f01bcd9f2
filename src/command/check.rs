//! `check`: evaluates the objects of files and prints a report.

mod deferral;
mod evaluation;
mod kustomize;
pub(super) mod not_final;
pub(super) mod plain_key;
mod reading;
mod replacements;
mod unevaluated;
mod unread_text;

use super::baseline::Baseline;
use super::policy::UsedPolicy;
use super::progress::Progress;
use super::selection::Selection;
use super::{ids, output, policy, print_report, print_to_stderr};
use crate::cli::{CheckArguments, Output};
use crate::doctor::DoctorCode;
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Date, Exception, ExceptionState, Finding, Level, Mode, Policy, utc_date};
use apim_keyless_manifest::{Excerpt, Inputs, LocatedObject, Place, Position, on_deep_stack};
use apim_keyless_report::{Diagnostic, Failure, Location, Report, Snippet, Span};
use evaluation::Evaluation;
use reading::{ReadFile, Reading};
use std::collections::HashMap;
use std::io::stdin;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// The rule that also holds for an object with unknown values.
const KEY_IN_PLAIN_TEXT: &str = "auth-key-literal";
/// The rule that also holds for a part of an object.
const KEY_REFERENCE: &str = "auth-key-reference";

/// Evaluates the objects of files, folders and stdin, and prints the report.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    output::check(&arguments.report)?;
    let known = ids::of_check();
    let selection = Selection::of(&arguments.report, &known)?;
    let mut baseline = arguments.baseline.as_deref().map(Baseline::read).transpose()?;
    let paths = arguments.inputs();
    policy::check_stdin(arguments.policy.as_deref(), &paths)?;
    let UsedPolicy { policy, file } = policy::find(arguments.policy.as_deref())?;
    let today = utc_date(SystemTime::now());
    let input = CheckedFiles {
        paths: &paths,
        kustomize: arguments.kustomize,
        namespace: &arguments.namespace,
        mode: arguments.mode.map(Mode::from),
        is_complete: arguments.complete,
        stdin: None,
    };
    let (mut report, places) = input.evaluate(&policy, file.as_deref(), today);
    if arguments.report.output == Output::Sarif {
        replacements::add(&mut report, &places, &paths, &selection);
    }
    sort(&mut report);
    report.findings.extend(file.iter().flat_map(|path| exceptions(&policy, path, today)));
    report.number_fingerprints();
    selection.apply(&mut report);
    match &arguments.write_baseline {
        Some(path) if report.failures.is_empty() => {
            Baseline::write(path, &report)?;
            baseline = Some(Baseline::read(path)?);
        }
        Some(path) => {
            let path = path.display();
            print_to_stderr(&format!("the baseline {path} was not written: not everything could be evaluated"));
        }
        None => {}
    }
    if let Some(baseline) = baseline {
        baseline.apply(&mut report, &selection);
    }
    report.rules = known;
    let fail_on: Level = arguments.fail_on().into();
    print_report(&report, &arguments.report, fail_on)?;
    Ok(ExitCode::from(report.exit_code(fail_on)))
}

/// What is evaluated.
pub(super) struct CheckedFiles<'a> {
    /// Files, folders and `-` for stdin.
    pub(super) paths: &'a [PathBuf],
    /// Whether folders are built by Kustomize first.
    pub(super) kustomize: bool,
    /// Namespace of objects without `metadata.namespace`.
    pub(super) namespace: &'a str,
    /// The mode of every namespace, if it is given.
    pub(super) mode: Option<Mode>,
    /// Whether the objects are the whole content of their namespaces.
    pub(super) is_complete: bool,
    /// The bytes of stdin, if they were read before.
    pub(super) stdin: Option<&'a [u8]>,
}

impl CheckedFiles<'_> {
    /// Reads and evaluates everything. `policy_file` is the file of the policy. Also returns the place of the object of
    /// each finding.
    pub(super) fn evaluate(&self, policy: &Policy, policy_file: Option<&Path>, today: Date) -> (Report, Vec<Place>) {
        let evaluation = Evaluation { policy, mode: self.mode, is_complete: self.is_complete, today };
        let reading = Reading { namespace: self.namespace, images: &policy.images, policy_file };
        let files = self.read(&reading);
        // where a finding is, a document is read again
        on_deep_stack(|| evaluation.report(files, self.paths)).unwrap_or_else(|| {
            let location = file_location(
                self.paths.first().map_or_else(String::new, |path| path.display().to_string()),
                None,
                None,
            );
            let message = "the evaluation stopped because of a mistake in apim-keyless; please report it".to_owned();
            (Report { failures: vec![Failure { location, message }], ..Report::default() }, Vec::new())
        })
    }

    /// Reads the files, in their order.
    fn read(&self, reading: &Reading<'_>) -> Vec<ReadFile> {
        let mut inputs = Inputs::default();
        for path in self.paths {
            if self.kustomize && path.is_dir() {
                kustomize::add(&mut inputs, path);
            } else {
                match self.stdin {
                    Some(bytes) => inputs.add(path, bytes),
                    None => inputs.add(path, stdin()),
                }
            }
        }
        let (count, files) = (Arc::new(AtomicUsize::new(0)), inputs.len());
        let read = Arc::clone(&count);
        let _progress = Progress::start(move || format!("read {} of {files} files", read.load(Ordering::Relaxed)));
        inputs.read(|content| {
            let file = ReadFile::of(content, reading);
            count.fetch_add(1, Ordering::Relaxed);
            file
        })
    }
}

/// The exceptions of the policy document that have expired or expire soon, under the codes of `doctor`.
fn exceptions(policy: &Policy, path: &Path, today: Date) -> Vec<Diagnostic> {
    let diagnostic = |exception: &Exception| {
        let code = match exception.state(today) {
            ExceptionState::Expired => DoctorCode::ExceptionExpired,
            ExceptionState::Active | ExceptionState::Expiring => DoctorCode::ExceptionExpiring,
        };
        let number = |number: u64| usize::try_from(number).ok();
        Some(Diagnostic {
            location: file_location(path.display().to_string(), number(exception.line), number(exception.column)),
            ..Diagnostic::new(code.id(), code.entry().level, exception.problem(today)?)
        })
    };
    policy.exceptions.iter().filter_map(diagnostic).collect()
}

/// Sorts the findings by file, in the order of the input, and by line.
fn sort(report: &mut Report) {
    let mut order: HashMap<String, usize> = HashMap::new();
    for finding in &report.findings {
        let next = order.len();
        order.entry(finding.location.file.clone().unwrap_or_default()).or_insert(next);
    }
    report.findings.sort_by_key(|finding| {
        let file = order.get(finding.location.file.as_deref().unwrap_or_default()).copied();
        (file, finding.location.span.map(|span| (span.line, span.column)))
    });
}

/// The diagnostic of a finding.
fn diagnostic(
    located: &LocatedObject,
    place: &Place,
    object: &KubernetesObject<'_>,
    finding: Finding,
    mode: Mode,
) -> Diagnostic {
    let at = finding.problem.at.as_str();
    let Excerpt { text, field } = located.excerpt(at);
    Diagnostic {
        location: location(located, place.file(), at),
        snippet: Some(Snippet { line: text, underline: field }).filter(|snippet| !snippet.line.is_empty()),
        ..Diagnostic::of_finding(&object.reference, finding, mode)
    }
}

/// The location of a JSON pointer into an object.
fn location(located: &LocatedObject, file: &str, path: &str) -> Location {
    let Position { line, column, length } = located.position(path);
    Location {
        file: Some(file.to_owned()),
        span: Some(Span { line, column, end_line: line, end_column: column + length }),
        path: Some(path.to_owned()),
        api_path: None,
    }
}

/// A line of a file, or the file if there is no line.
fn file_location(file: String, line: Option<usize>, column: Option<usize>) -> Location {
    let span = line.map(|line| {
        let column = column.unwrap_or(1);
        Span { line, column, end_line: line, end_column: column + 1 }
    });
    Location { file: Some(file), span, ..Location::default() }
}
