//! `check`: files in, a report out.

use super::{complain, print, read_policy};
use crate::cli::{Check, Output};
use crate::gateway::{Subject, Unreadable};
use crate::manifest::{Manifests, Object, Problem};
use crate::policy::{Policy, Ruling, dotted};
use crate::report::{Entry, Report, Unread, json, text};
use std::io::stdin;
use std::process::ExitCode;

/// Judges what stands in files and folders, or comes in on stdin.
pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let policy = read_policy(arguments.policy.as_deref())?;
    let report = judge(&policy, Manifests::read(&arguments.paths, stdin()), arguments);
    match arguments.output {
        Output::Json => print(&json::render(&report))?,
        Output::Text => {
            report.errors.iter().for_each(|unread| complain(&sentence(unread)));
            print(&text::render(&report))?;
        }
    }
    Ok(ExitCode::from(report.exit_code(arguments.strict)))
}

fn judge(policy: &Policy, manifests: Manifests, arguments: &Check) -> Report {
    let mut report = Report { objects: manifests.objects.len(), skipped: manifests.skipped, ..Report::default() };
    report.errors = manifests.problems.into_iter().map(unread).collect();
    let (mut objects, mut subjects) = (Vec::new(), Vec::new());
    for object in &manifests.objects {
        match Subject::recognise(object.value.to_string(), &arguments.namespace) {
            Ok(Some(subject)) => {
                objects.push(object);
                subjects.push(subject);
            }
            Ok(None) => {}
            Err(unreadable) => report.errors.push(unreadable_at(object, &unreadable)),
        }
    }
    let rulings = policy.examine_together(&subjects, arguments.mode.into());
    for ((object, subject), rulings) in objects.iter().zip(&subjects).zip(rulings) {
        report.findings.extend(rulings.into_iter().map(|ruling| entry(object, subject, ruling)));
    }
    report
}

fn unread(Problem { file, line, column, problem }: Problem) -> Unread {
    Unread { file, line, column, problem }
}

fn unreadable_at(object: &Object, unreadable: &Unreadable) -> Unread {
    let place = object.place(unreadable.at.as_str());
    let problem = format!("{} {}", dotted(&unreadable.at), unreadable.problem);
    Unread { file: object.file().to_owned(), line: Some(place.line), column: Some(place.column), problem }
}

fn entry(object: &Object, subject: &Subject<'_>, ruling: Ruling) -> Entry {
    let (place, masked) = (object.place(ruling.finding.at.as_str()), object.masked_place(ruling.finding.at.as_str()));
    Entry {
        file: object.file().to_owned(),
        line: place.line,
        column: place.column,
        underline: masked.column - 1..masked.column - 1 + masked.length,
        source_line: object.masked_line(place.line),
        identity: subject.identity.clone(),
        ruling,
    }
}

fn sentence(unread: &Unread) -> String {
    let numbers = [unread.line, unread.column].into_iter().flatten();
    let place = numbers.fold(unread.file.clone(), |place, number| format!("{place}:{number}"));
    format!("error: {place}: {}", unread.problem)
}
