//! An image of a version that is not released.

use crate::gateway::ImageVersion;
use crate::policy::{Case, Finding, Mode, Rule};

/// A pre-release.
pub(super) static RULE: Rule = Rule {
    id: "preview-version",
    page: include_str!("../../../docs/rules/preview-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let minimum = &case.expectations.minimum_version;
    case.findings_on_images(&ImageVersion::Preview, |version| {
        format!("{version} is a pre-release, which support leaves out; name a released version, {minimum} or newer")
    })
}
