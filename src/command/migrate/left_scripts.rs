//! Scripts and pipelines of which only the version of the chart would change, for a release whose values are left as they are.

use super::other_sources::{OtherPlan, OtherPlans};
use super::reading::{SourceType, Sources};
use apim_keyless_report::file_name;
use std::collections::BTreeSet;

impl OtherPlans {
    /// Leaves the scripts that name only files of values that lack a fact.
    pub(super) fn leave_scripts(&mut self, sources: &Sources) {
        let of_values = || self.plans.iter().filter(|plan| plan.source_type == SourceType::HelmValues);
        let name = |plan: &OtherPlan| file_name(&plan.file).rsplit('/').next().unwrap_or_default().to_owned();
        let left: BTreeSet<String> = of_values().filter(|plan| plan.lacks_fact()).map(name).collect();
        let others: BTreeSet<String> = of_values().filter(|plan| !plan.lacks_fact()).map(name).collect();
        if left.is_empty() {
            return;
        }
        let names = |text: &str, files: &BTreeSet<String>| files.iter().any(|file| text.contains(file.as_str()));
        let scripts = sources.texts.iter().filter(|source| source.source_type == SourceType::Script);
        let scripts = scripts.filter(|source| names(&source.text, &left) && !names(&source.text, &others));
        let scripts: BTreeSet<&str> = scripts.map(|source| source.file.as_str()).collect();
        let is_left = |plan: &OtherPlan| {
            plan.source_type == SourceType::Script
                && scripts.contains(plan.file.as_str())
                && plan.report.gateways.is_empty()
        };
        for plan in self.plans.iter_mut().filter(|plan| is_left(plan)) {
            plan.is_changed = false;
            let file = &plan.file;
            self.texts.retain(|change| change.file != *file);
        }
    }
}
