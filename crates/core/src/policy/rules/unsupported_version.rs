//! A gateway image that is older than the minimum version.

use crate::gateway::ImageVersion;
use crate::policy::{FIRST_VERSION, Mode, Problem, Rule, RuleInput};

/// The gateway's image is older than the minimum version.
pub(super) static RULE: Rule = Rule {
    id: "unsupported-version",
    page: include_str!("../../../../../docs/rules/unsupported-version.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    let what = if *minimum == FIRST_VERSION {
        "the first version that supports workload identity"
    } else {
        "the minimum version that is configured for the namespace"
    };
    input.image_problems(&ImageVersion::Older, |version, container| {
        // a single word is a tag
        let version = if version.contains(' ') { version.to_owned() } else { format!("the image named {version}") };
        format!(
            "Use gateway image version {minimum} or newer in container \"{container}\": \
             {version} is older than {what}"
        )
    })
}
