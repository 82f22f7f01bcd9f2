//! Baselines: the findings that are known, so that only new ones fail.
//!
//! A baseline is a JSON document with a version and one finding a line, so that a change of it is easy to read and to
//! merge. A JSON report of `check` has the same fields and more, so it is a baseline, too.

use super::cause;
use super::selection::Selection;
use anyhow::{Context, anyhow, ensure};
use apim_keyless_report::{Diagnostic, Report, SuppressedBy, Suppression};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The version of the form.
const VERSION: u64 = 1;

/// The known findings.
#[derive(Debug, Deserialize)]
pub(super) struct Baseline {
    version: u64,
    findings: Vec<Known>,
    /// What the report says of a finding that it knows.
    #[serde(skip)]
    reason: String,
}

/// A known finding.
#[derive(Debug, Deserialize)]
struct Known {
    rule: String,
    fingerprint: String,
}

impl Baseline {
    /// Reads a baseline.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            anyhow!("cannot read the baseline {name}: {}; --write-baseline FILE writes one", cause(&error))
        })?;
        let baseline: Self = serde_json::from_str(&text).map_err(|error| {
            // the text of the error can quote the file
            anyhow!(
                "{name}:{}:{}: not a baseline, which is JSON with version and findings; write it with --write-baseline FILE",
                error.line(),
                error.column().max(1)
            )
        })?;
        ensure!(
            baseline.version == VERSION,
            "the baseline {name} has version {}, and this program reads version {VERSION}; write it with \
             --write-baseline FILE",
            baseline.version
        );
        Ok(Self { reason: format!("known in {name}"), ..baseline })
    }

    /// Writes all findings of a report that nothing else suppresses as a baseline.
    pub(super) fn write(path: &Path, report: &Report) -> anyhow::Result<()> {
        let mut lines: Vec<String> =
            report.findings.iter().filter(|finding| finding.suppressed.is_none()).map(line).collect();
        lines.sort();
        let text = match lines.as_slice() {
            [] => format!("{{\"version\": {VERSION}, \"findings\": []}}\n"),
            lines => format!("{{\"version\": {VERSION}, \"findings\": [\n  {}\n]}}\n", lines.join(",\n  ")),
        };
        fs::write(path, text)
            .map_err(|error| anyhow!(cause(&error)))
            .with_context(|| format!("cannot write the baseline {}", path.display()))
    }

    /// Suppresses the findings of a report that are known, and counts those that are gone.
    pub(super) fn apply(&self, report: &mut Report, selection: &Selection) {
        let mut known: HashMap<&str, bool> = HashMap::new();
        for finding in self.findings.iter().filter(|known| selection.keeps(&known.rule)) {
            known.insert(&finding.fingerprint, false);
        }
        for finding in &mut report.findings {
            let Some(is_found) = known.get_mut(finding.fingerprint.as_str()) else { continue };
            *is_found = true;
            if finding.suppressed.is_none() {
                let by = SuppressedBy::Baseline;
                finding.suppressed = Some(Suppression { by, reason: self.reason.clone(), expires: None });
            }
        }
        report.gone_from_baseline = Some(known.values().filter(|is_found| !**is_found).count());
    }
}

/// A finding as a line of a baseline. File and object are for the reader.
fn line(finding: &Diagnostic) -> String {
    let object = finding.object.as_ref().map(ToString::to_string);
    json!({
        "file": finding.location.file,
        "object": object,
        "path": finding.location.path,
        "rule": finding.rule,
        "fingerprint": finding.fingerprint,
    })
    .to_string()
}
