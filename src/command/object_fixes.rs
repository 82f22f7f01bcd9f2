//! The fixes of findings that `fix` writes and SARIF offers: those of one object are made together, because a removed item
//! moves those after it.

use apim_keyless_core::policy::{Edit, Level};
use apim_keyless_manifest::Place;
use apim_keyless_manifest::rewrite::ObjectChange;
use apim_keyless_report::{Diagnostic, Fix, Report, Safety};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The fixes that are asked for.
pub(super) struct AskedFor<'a> {
    /// Whether the findings of a rule are fixed.
    pub(super) is_selected: &'a dyn Fn(&str) -> bool,
    /// Whether fixes that change what a person wrote are made, too.
    pub(super) is_unsafe: bool,
}

/// The fixes of one object.
pub(super) struct ObjectFix<'r> {
    pub(super) place: &'r Place,
    pub(super) fixes: Vec<FindingFix<'r>>,
}

/// The fix of one finding.
pub(super) struct FindingFix<'r> {
    pub(super) finding: &'r Diagnostic,
    /// The index of the finding in the report.
    pub(super) index: usize,
    /// What is done, as an imperative.
    pub(super) title: String,
    safety: Safety,
    edits: Vec<&'r Edit>,
}

impl AskedFor<'_> {
    /// The fixes that are asked for, by file and in the order of the objects. `places` are those of the findings' objects.
    pub(super) fn fixes<'r>(&self, report: &'r Report, places: &'r [Place]) -> BTreeMap<&'r str, Vec<ObjectFix<'r>>> {
        let mut by_file: BTreeMap<&str, Vec<ObjectFix<'_>>> = BTreeMap::new();
        for (index, (finding, place)) in report.findings.iter().zip(places).enumerate() {
            let Some(fix) = self.fix(finding) else { continue };
            let edits = fix.edits.iter().collect();
            let fix = FindingFix { finding, index, title: fix.title.clone(), safety: fix.safety, edits };
            let of_file = by_file.entry(place.file()).or_default();
            match of_file.last_mut().filter(|last| last.place.is_same(place)) {
                Some(last) => last.fixes.push(fix),
                None => of_file.push(ObjectFix { place, fixes: vec![fix] }),
            }
        }
        by_file.values_mut().flatten().for_each(ObjectFix::remove_conflicts);
        by_file
    }

    fn fix<'r>(&self, finding: &'r Diagnostic) -> Option<&'r Fix> {
        let is_asked_for = |fix: &&Fix| match fix.safety {
            Safety::Safe => finding.level == Level::Fixable,
            Safety::Unsafe => self.is_unsafe,
        };
        finding
            .fixes
            .iter()
            .find(is_asked_for)
            .filter(|_| finding.suppressed.is_none() && (self.is_selected)(finding.rule))
    }
}

impl ObjectFix<'_> {
    /// The change of the object; each fix is a part of it.
    pub(super) fn change(&self) -> ObjectChange<'_> {
        let change = |object: &mut Value, is_asked_for: &dyn Fn(usize) -> bool| {
            let fixes = self.fixes.iter().enumerate().filter(|(part, _)| is_asked_for(*part));
            _ = Edit::apply_all(fixes.flat_map(|(_, fix)| fix.edits.iter().copied()), object);
        };
        ObjectChange { place: self.place, parts: self.fixes.len(), change: Box::new(change) }
    }

    /// Of fixes that set one value differently, the safe one sets it: it knows what the policy expects.
    fn remove_conflicts(&mut self) {
        let mut set: HashMap<&str, &Value> = HashMap::new();
        for safety in [Safety::Safe, Safety::Unsafe] {
            for fix in self.fixes.iter_mut().filter(|fix| fix.safety == safety) {
                fix.edits.retain(|edit| match edit {
                    Edit::Set { at, value } => *set.entry(at.as_str()).or_insert(value) == value,
                    Edit::Append { .. } | Edit::Remove { .. } => true,
                });
                fix.title = fix.edits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            }
        }
        self.fixes.retain(|fix| !fix.edits.is_empty());
    }
}
