//! An image that is too old for workload identity.

use crate::gateway::ImageVersion;
use crate::policy::{FIRST_VERSION, Mode, Problem, Rule, RuleInput};

/// An image that is older than the first version allowed.
pub(super) static RULE: Rule = Rule {
    id: "unsupported-version",
    page: include_str!("../../../docs/rules/unsupported-version.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    let what = if *minimum == FIRST_VERSION {
        "the first version that can use workload identity"
    } else {
        "the oldest version that this namespace allows"
    };
    input.image_problems(&ImageVersion::Older, |version| format!("{version} is older than {minimum}, {what}"))
}
