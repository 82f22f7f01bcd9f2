//! `check`: evaluates the objects of files and prints a report.

use super::{print_report, read_policy};
use crate::cli::CheckArguments;
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Evaluated, Finding, Level, Mode, Policy, dotted};
use apim_keyless_manifest::{InputError, ManifestObject, Manifests, Position};
use apim_keyless_report::{Diagnostic, Failure, Fix, GatewayRow, Location, Report, Safety, Skipped, Snippet, Span};
use std::collections::HashMap;
use std::io::stdin;
use std::process::ExitCode;

/// Evaluates the objects of files, folders and stdin, and prints the report.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let policy = read_policy(arguments.policy.as_deref())?;
    let report = evaluate(&policy, Manifests::read(&arguments.paths, stdin()), arguments);
    print_report(&report, arguments.output)?;
    let fail_on = if arguments.strict { Level::Fixable } else { Level::Error };
    Ok(ExitCode::from(report.exit_code(fail_on)))
}

fn evaluate(policy: &Policy, manifests: Manifests, arguments: &CheckArguments) -> Report {
    let mut report = Report {
        objects: manifests.objects.len(),
        skipped: manifests.skipped.into_iter().map(skipped).collect(),
        failures: manifests.errors.into_iter().map(failure).collect(),
        gateways: Some(Vec::new()),
        ..Report::default()
    };
    let (mut parsed_objects, mut objects) = (Vec::new(), Vec::new());
    for parsed in &manifests.objects {
        match KubernetesObject::recognize(parsed.value.to_string(), &arguments.namespace) {
            Ok(Some(object)) => {
                parsed_objects.push(parsed);
                objects.push(object);
            }
            Ok(None) => {}
            Err(shape_error) => report.failures.push(Failure {
                location: location(parsed, shape_error.at.as_str()),
                message: format!("{} {}", dotted(&shape_error.at), shape_error.message),
            }),
        }
    }
    let mode = arguments.mode.into();
    let evaluated = policy.evaluate_all(&objects, mode);
    for ((parsed, object), Evaluated { findings, gateway }) in parsed_objects.iter().zip(&objects).zip(evaluated) {
        report.gateways.get_or_insert_default().extend(gateway.map(|summary| GatewayRow {
            object: object.reference.clone(),
            level: findings.iter().map(Finding::enforced_level).max(),
            summary,
        }));
        report.findings.extend(findings.into_iter().map(|finding| diagnostic(parsed, object, finding, mode)));
    }
    sort(&mut report);
    report.number_fingerprints();
    report
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

fn diagnostic(parsed: &ManifestObject, object: &KubernetesObject<'_>, finding: Finding, mode: Mode) -> Diagnostic {
    let at = finding.problem.at.as_str();
    let (position, masked) = (parsed.position(at), parsed.masked_position(at));
    let level = finding.enforced_level();
    let title = finding.problem.fix_text();
    let fixes = Some(finding.problem.fix).filter(|edits| !edits.is_empty()).map(|edits| Fix {
        title,
        safety: Safety::Safe,
        edits,
    });
    Diagnostic {
        mode,
        object: Some(object.reference.clone()),
        location: location(parsed, finding.problem.at.as_str()),
        fixes: fixes.into_iter().collect(),
        snippet: Some(Snippet {
            line: parsed.masked_line(position.line),
            underline: masked.column - 1..masked.column - 1 + masked.length,
        }),
        ..Diagnostic::new(finding.rule.id, level, finding.problem.message)
    }
}

fn location(parsed: &ManifestObject, path: &str) -> Location {
    let Position { line, column, length } = parsed.position(path);
    Location {
        file: Some(parsed.file().to_owned()),
        span: Some(Span { line, column, end_line: line, end_column: column + length }),
        path: Some(path.to_owned()),
        api_path: None,
    }
}

fn failure(error: InputError) -> Failure {
    Failure { location: file_location(error.file, error.line, error.column), message: error.message }
}

fn skipped(document: InputError) -> Skipped {
    Skipped {
        location: file_location(document.file, document.line, document.column),
        object: None,
        reason: document.message,
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
