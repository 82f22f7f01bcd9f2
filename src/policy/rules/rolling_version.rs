//! An image whose tag moves from version to version.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// An image by a tag that moves.
pub(super) static RULE: Rule = Rule {
    id: "rolling-version",
    page: include_str!("../../../docs/rules/rolling-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    input.image_problems(&ImageVersion::Rolling, |version| {
        format!("{version} moves from version to version; name a static one, {minimum} or newer")
    })
}
