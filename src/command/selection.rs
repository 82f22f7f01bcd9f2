//! `--select` and `--ignore`: which findings a report has.

use crate::cli::ReportArguments;
use anyhow::bail;
use apim_keyless_core::gateway::similarity::{did_you_mean, meant};
use apim_keyless_core::policy::printable;
use apim_keyless_report::{Report, RuleDescription};
use std::collections::HashSet;

/// The ids that a report keeps.
pub(super) struct Selection {
    kept: HashSet<&'static str>,
    is_everything: bool,
}

impl Selection {
    /// The selection of the arguments among the ids that the findings of a command can have. An id that is not one of
    /// them is an error: a report without its findings would look like a clean one.
    pub(super) fn of(arguments: &ReportArguments, known: &[RuleDescription]) -> anyhow::Result<Self> {
        for (flag, ids) in [("--select", &arguments.select), ("--ignore", &arguments.ignore)] {
            let is_known = |id: &&str| known.iter().any(|rule| rule.id == *id);
            if let Some(id) = ids.iter().map(|id| id.trim()).find(|id| !is_known(id)) {
                bail!("{flag}: {}", unknown(id, known));
            }
        }
        let is_in = |ids: &[String], id: &str| ids.iter().any(|other| other.trim() == id);
        let is_kept =
            |id: &&str| (arguments.select.is_empty() || is_in(&arguments.select, id)) && !is_in(&arguments.ignore, id);
        let kept: HashSet<&str> = known.iter().map(|rule| rule.id).filter(is_kept).collect();
        let is_everything = arguments.select.is_empty() && arguments.ignore.is_empty();
        if kept.is_empty() {
            bail!(
                "--ignore: every rule that --select names is left out, so nothing can be found; remove one of the two"
            );
        }
        Ok(Self { kept, is_everything })
    }

    /// Returns true if findings with this id are kept.
    pub(super) fn keeps(&self, id: &str) -> bool {
        self.kept.contains(id)
    }

    /// Removes the other findings. The level of a gateway is then the worst of those that are left.
    pub(super) fn apply(&self, report: &mut Report) {
        if self.is_everything {
            return;
        }
        report.findings.retain(|finding| self.keeps(finding.rule));
        report.rate_gateways();
    }
}

/// The error for an id that is not one of `known`.
fn unknown(id: &str, known: &[RuleDescription]) -> String {
    let fix = did_you_mean(&meant(id, known.iter().map(|rule| rule.id)))
        .unwrap_or_else(|| "run `apim-keyless explain` to list all rules and codes".to_owned());
    format!("this command has no rule or code \"{}\"; {fix}", printable(id))
}
