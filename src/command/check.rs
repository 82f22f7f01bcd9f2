//! `check`: evaluates the objects of files and prints a report.

use super::{print, print_error, read_policy};
use crate::cli::{Check, Output};
use crate::gateway::{KubernetesObject, ShapeError};
use crate::manifest::{ManifestObject, Manifests, ReadError};
use crate::policy::{Finding, Policy, dotted};
use crate::report::{InputError, Report, ReportEntry, json, text};
use std::io::stdin;
use std::process::ExitCode;

/// Evaluates the objects of files, folders and stdin, and prints the report.
pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let policy = read_policy(arguments.policy.as_deref())?;
    let report = evaluate(&policy, Manifests::read(&arguments.paths, stdin()), arguments);
    match arguments.output {
        Output::Json => print(&json::render(&report))?,
        Output::Text => {
            report.failures.iter().for_each(|error| print_error(&error_line(error)));
            print(&text::render(&report))?;
        }
    }
    Ok(ExitCode::from(report.exit_code(arguments.strict)))
}

fn evaluate(policy: &Policy, manifests: Manifests, arguments: &Check) -> Report {
    let mut report = Report { objects: manifests.objects.len(), skipped: manifests.skipped, ..Report::default() };
    report.failures = manifests.errors.into_iter().map(input_error).collect();
    let (mut parsed_objects, mut objects) = (Vec::new(), Vec::new());
    for parsed in &manifests.objects {
        match KubernetesObject::recognize(parsed.value.to_string(), &arguments.namespace) {
            Ok(Some(object)) => {
                parsed_objects.push(parsed);
                objects.push(object);
            }
            Ok(None) => {}
            Err(shape_error) => report.failures.push(shape_error_at(parsed, &shape_error)),
        }
    }
    let findings = policy.evaluate_all(&objects, arguments.mode.into());
    for ((parsed, object), findings) in parsed_objects.iter().zip(&objects).zip(findings) {
        report.findings.extend(findings.into_iter().map(|finding| entry(parsed, object, finding)));
    }
    report
}

fn input_error(ReadError { file, line, column, message }: ReadError) -> InputError {
    InputError { file, line, column, message }
}

fn shape_error_at(parsed: &ManifestObject, shape_error: &ShapeError) -> InputError {
    let position = parsed.position(shape_error.at.as_str());
    let message = format!("{} {}", dotted(&shape_error.at), shape_error.message);
    InputError { file: parsed.file().to_owned(), line: Some(position.line), column: Some(position.column), message }
}

fn entry(parsed: &ManifestObject, object: &KubernetesObject<'_>, finding: Finding) -> ReportEntry {
    let (position, masked) =
        (parsed.position(finding.problem.at.as_str()), parsed.masked_position(finding.problem.at.as_str()));
    ReportEntry {
        file: parsed.file().to_owned(),
        line: position.line,
        column: position.column,
        underline: masked.column - 1..masked.column - 1 + masked.length,
        source_line: parsed.masked_line(position.line),
        identity: object.identity.clone(),
        finding,
    }
}

/// `error: FILE:LINE:COLUMN: MESSAGE`
fn error_line(error: &InputError) -> String {
    let numbers = [error.line, error.column].into_iter().flatten();
    let position = numbers.fold(error.file.clone(), |position, number| format!("{position}:{number}"));
    format!("error: {position}: {}", error.message)
}
