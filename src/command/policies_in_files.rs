//! Validates the policy documents among the files of `check`. They are evaluated by nothing unless `--policy` names them.

use apim_keyless_core::policy::{Policy, PolicyOrigin};
use apim_keyless_report::{Failure, Location, Skipped, Span};
use std::path::Path;

/// Occurs in every text with a policy document.
const MARK: &str = "GatewayPolicy";

/// Why a policy document that is not in use is skipped.
const NOT_USED: &str = "with a policy that is not in use; use it with --policy FILE";

/// A failure for every invalid policy document in the text of a file, and one skipped document for every valid one. The
/// file that is in use is left out: it was validated when it was read.
pub(super) fn validate(file: &str, text: &str, used: Option<&Path>) -> (Vec<Failure>, Vec<Skipped>) {
    let (mut failures, mut skipped) = (Vec::new(), Vec::new());
    if !text.contains(MARK) || is_same_file(file, used) {
        return (failures, skipped);
    }
    for found in Policy::find_all(text) {
        match found.policy {
            Err(error) => {
                let location = location(file, error.line, error.column);
                failures.push(Failure { location, message: error.message });
            }
            // a ConfigMap is an object of its own
            Ok(_) if found.origin != PolicyOrigin::Document => {}
            Ok(_) => {
                let location = location(file, found.line, 1);
                skipped.push(Skipped { location, object: None, reason: NOT_USED.to_owned() });
            }
        }
    }
    (failures, skipped)
}

/// Whether the file of an object is the file of the policy in use, which was validated when it was read.
fn is_same_file(file: &str, used: Option<&Path>) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    used.is_some_and(|used| {
        used == Path::new(file) || canonical(used).is_some_and(|it| canonical(Path::new(file)) == Some(it))
    })
}

fn location(file: &str, line: u64, column: u64) -> Location {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let (line, column) = (number(line), number(column));
    let span = Span { line, column, end_line: line, end_column: column.saturating_add(1) };
    Location { file: Some(file.to_owned()), span: Some(span), ..Location::default() }
}
