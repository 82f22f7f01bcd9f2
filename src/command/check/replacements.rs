//! The safe fixes of findings as replaced ranges of their files, for the formats that editors apply.

use crate::command::object_fixes::{AskedFor, ObjectFix};
use crate::command::rewritten_file::why_not_written;
use crate::command::selection::Selection;
use apim_keyless_manifest::Place;
use apim_keyless_manifest::rewrite::{self, FileRewrite, ObjectChange};
use apim_keyless_report::{Replacement, Report, Span, TextFix};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Adds what `fix` would write into files of `paths`: of each object one fix, to the first of its selected findings with a
/// safe one. Two fixes of one object could insert at the same place, in an order that an editor does not know. `places`
/// are those of the findings' objects.
pub(super) fn add(report: &mut Report, places: &[Place], paths: &[PathBuf], selection: &Selection) {
    let asked_for = AskedFor { is_selected: &|rule| selection.keeps(rule), is_unsafe: false };
    let mut found: Vec<(usize, TextFix)> = Vec::new();
    for (file, fixes) in asked_for.fixes(report, places) {
        let is_on_disk = fixes.first().is_some_and(|fix| fix.place.is_on_disk());
        if is_on_disk && why_not_written(file, paths).is_none() {
            found.append(&mut text_fixes(&fixes));
        }
    }
    for (index, fix) in found {
        if let Some(finding) = report.findings.get_mut(index) {
            finding.text_fix = Some(fix);
        }
    }
}

/// The fixes of the objects of one file, each with the index of the finding that it is added to.
fn text_fixes(fixes: &[ObjectFix<'_>]) -> Vec<(usize, TextFix)> {
    let changes: Vec<ObjectChange<'_>> = fixes.iter().map(ObjectFix::change).collect();
    let Some(rewrite) = FileRewrite::of(&changes) else { return Vec::new() };
    let mut replacements: BTreeMap<usize, Vec<Replacement>> = BTreeMap::new();
    for replaced in rewrite.replacements() {
        replacements.entry(replaced.index).or_default().push(replacement(replaced));
    }
    let made = rewrite.made(&changes);
    let text_fix = |(index, replacements)| {
        let of_object = made.iter().filter(|(object, _)| *object == index);
        let of_object = of_object.filter_map(|(object, part)| fixes.get(*object)?.fixes.get(*part));
        let titles: Vec<&str> = of_object.clone().map(|fix| fix.title.as_str()).collect();
        let first = of_object.map(|fix| fix.index).next()?;
        Some((first, TextFix { title: titles.join(", "), replacements }))
    };
    replacements.into_iter().filter_map(text_fix).collect()
}

fn replacement(replaced: rewrite::Replacement) -> Replacement {
    let ((line, column), (end_line, end_column)) = (replaced.start, replaced.end);
    Replacement { span: Span { line, column, end_line, end_column }, text: replaced.text }
}
