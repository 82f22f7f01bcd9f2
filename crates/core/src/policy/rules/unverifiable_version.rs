//! A gateway image whose name shows no version that can be verified.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The version of the gateway's image is unknown.
pub(super) static RULE: Rule = Rule {
    id: "unverifiable-version",
    page: include_str!("../../../../../docs/rules/unverifiable-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    let unverifiable = input.image_problems(&ImageVersion::Unverifiable, |version, container| {
        format!(
            "Use a static tag, {minimum} or newer, in container \"{container}\", or add its digest to digests of the policy \
             document: the version of {version} cannot be verified"
        )
    });
    let unknown = input.unknown_image_problems(|container| {
        format!(
            "Add the repository of the image in container \"{container}\" to images of the policy document if the image is \
             the gateway's: its tag is not known to be a version of the gateway"
        )
    });
    let pinned = input.image_problems(&ImageVersion::PinnedToUnknownDigest, |version, container| {
        format!(
            "Add the digest of the image in container \"{container}\" to digests of the policy document with its \
             version: the digest decides which version runs, and {version} does not prove it"
        )
    });
    // pinning a tag by digest is good practice, so nobody is warned at each write
    let quiet = pinned.into_iter().map(|problem| Problem { only_reported: true, ..problem });
    unverifiable.into_iter().chain(unknown).chain(quiet).collect()
}
