//! A gateway image that is a pre-release.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The gateway's image is a pre-release.
pub(super) static RULE: Rule = Rule {
    id: "preview-version",
    page: include_str!("../../../../../docs/rules/preview-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    input.image_problems(&ImageVersion::Preview, |version, container| {
        // a single word is a tag
        let version = if version.contains(' ') { version.to_owned() } else { format!("the image named {version}") };
        format!(
            "Use a released version, {minimum} or newer, in container \"{container}\": \
             {version} is a pre-release, which Microsoft does not support"
        )
    })
}
