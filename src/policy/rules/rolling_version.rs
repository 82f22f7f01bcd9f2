//! An image whose tag moves from version to version.

use crate::gateway::ImageVersion;
use crate::policy::{Case, Finding, Mode, Rule};

/// An image by a tag that moves.
pub(super) static RULE: Rule = Rule {
    id: "rolling-version",
    page: include_str!("../../../docs/rules/rolling-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let minimum = &case.expectations.minimum_version;
    case.findings_on_images(&ImageVersion::Rolling, |version| {
        format!("{version} moves from version to version; name a static one, {minimum} or newer")
    })
}
