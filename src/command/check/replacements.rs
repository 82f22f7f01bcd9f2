//! The safe fixes of findings as replaced ranges of their files, for the formats that editors apply.

use crate::command::rewritten_file::folder_outside;
use apim_keyless_core::policy::{Edit, Level};
use apim_keyless_manifest::Place;
use apim_keyless_manifest::rewrite::{self, ObjectChange};
use apim_keyless_report::{Fix, Replacement, Report, Safety, Span};
use std::collections::HashMap;
use std::path::PathBuf;

/// Most fixes of one document, such as a list of a thousand objects: each reads the document again.
const MOST_OF_DOCUMENT: usize = 100;

/// Adds the replaced ranges to each safe fix that `fix` would write into a file of `paths`. `places` are those of the
/// findings' objects.
pub(super) fn add(report: &mut Report, places: &[Place], paths: &[PathBuf]) {
    let (mut last, mut before, mut count) = (None, None::<&Place>, 0);
    let mut outside: HashMap<&str, bool> = HashMap::new();
    for (finding, place) in report.findings.iter_mut().zip(places) {
        if finding.level != Level::Fixable || finding.suppressed.is_some() || !place.is_on_disk() {
            continue;
        }
        let is_outside = *outside.entry(place.file()).or_insert_with(|| folder_outside(place.file(), paths).is_some());
        count = if before.is_some_and(|before| before.is_in_same_document(place)) { count + 1 } else { 1 };
        before = Some(place);
        if is_outside || count > MOST_OF_DOCUMENT {
            continue;
        }
        for fix in finding.fixes.iter_mut().filter(|fix| fix.safety == Safety::Safe) {
            let Fix { edits, replacements, .. } = fix;
            let change = ObjectChange { place, change: Box::new(|object| _ = Edit::apply_all(edits.iter(), object)) };
            *replacements = rewrite::replacements(&change, &mut last).into_iter().map(replacement).collect();
        }
    }
}

fn replacement(replaced: rewrite::Replacement) -> Replacement {
    let ((line, column), (end_line, end_column)) = (replaced.start, replaced.end);
    Replacement { span: Span { line, column, end_line, end_column }, text: replaced.text }
}
