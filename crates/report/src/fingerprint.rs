//! Fingerprints: the same finding has the same one in the next run, wherever its lines have moved.

use super::{Diagnostic, Report};
use fnv::FnvHasher;
use std::collections::HashMap;
use std::hash::Hasher;

impl Report {
    /// Fills in the fingerprint of each finding. Call it once, when all findings are there.
    ///
    /// It is the FNV-1a hash of rule, cluster, object and path, or of the file where there is no object; equal findings
    /// are numbered in their order. It does not depend on lines, messages or levels.
    pub fn number_fingerprints(&mut self) {
        let mut seen: HashMap<u64, u64> = HashMap::new();
        for finding in &mut self.findings {
            let key = hash(finding, 0);
            let number = seen.entry(key).or_default();
            finding.fingerprint = format!("{:016x}", if *number == 0 { key } else { hash(finding, *number) });
            *number += 1;
        }
    }
}

fn hash(finding: &Diagnostic, number: u64) -> u64 {
    let mut hasher = FnvHasher::default();
    let mut text = |text: &str| {
        hasher.write(text.as_bytes());
        // No text contains it, so no two lists of texts hash the same bytes.
        hasher.write_u8(0xff);
    };
    text(finding.rule);
    text(finding.cluster.as_deref().unwrap_or_default());
    match &finding.object {
        Some(object) => [&object.api_version, &object.kind, &object.namespace, &object.name]
            .map(|part| text(part))
            .iter()
            .for_each(drop),
        None => text(finding.location.file.as_deref().unwrap_or_default()),
    }
    text(finding.location.path.as_deref().unwrap_or_default());
    text(finding.location.api_path.as_deref().unwrap_or_default());
    hasher.write(&number.to_le_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, Location};

    fn report(paths: &[&str]) -> Vec<String> {
        let finding = |path: &&str| Diagnostic {
            location: Location { path: Some((*path).to_owned()), ..Location::default() },
            ..Diagnostic::new("a-rule", Level::Error, "")
        };
        let mut report = Report { findings: paths.iter().map(finding).collect(), ..Report::default() };
        report.number_fingerprints();
        report.findings.into_iter().map(|finding| finding.fingerprint).collect()
    }

    #[test]
    fn equal_findings_have_different_fingerprints_that_do_not_depend_on_others() {
        let all = report(&["/a", "/a", "/b"]);
        assert!(all[0] != all[1] && all[1] != all[2] && all[0].len() == 16, "{all:?}");
        assert_eq!(report(&["/b", "/a"]), [all[2].clone(), all[0].clone()]);
    }

    #[test]
    fn the_form_of_a_fingerprint_never_changes() {
        // SARIF viewers and baselines compare fingerprints of different versions.
        assert_eq!(report(&["/a"]), ["620bc26982995e8e"]);
    }
}
