//! A label or annotation whose key is a misspelled key of azure-workload-identity.

use crate::gateway::{KeyMatch, OddCharacter, is_guid};
use crate::policy::{Edit, IdentityKeyAt, Mode, Problem, Rule, RuleInput};

/// A key is similar to one of azure-workload-identity, or has its prefix and is unknown.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-identity-key",
    page: include_str!("../../../../../docs/rules/misspelled-identity-key.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    // the webhook applies no unsafe fix, and an object can have thousands of such keys
    let with_fix = |identity_key: IdentityKeyAt<'_>| {
        let fix = if input.related.coverage.is_given() { rename(&identity_key) } else { Vec::new() };
        Some(problem(identity_key)?.with_unsafe_fix(fix))
    };
    input.identity_keys().into_iter().filter_map(with_fix).collect()
}

/// The edits that rename or remove the key.
fn rename(identity_key: &IdentityKeyAt<'_>) -> Vec<Edit> {
    let KeyMatch::Misspelled(meant) = identity_key.key_match else { return Vec::new() };
    let mut renamed = identity_key.at.clone();
    renamed.pop_back();
    // a fix shows its value, and people paste secrets into annotations
    let is_harmless = identity_key.value == "true" || is_guid(identity_key.value);
    let value = meant.map(|meant| Edit::set(renamed.with_trailing_token(meant.key()), identity_key.value));
    let fix = value.into_iter().chain([Edit::Remove { at: identity_key.at.clone() }]);
    fix.filter(|_| meant.is_none() || is_harmless).collect()
}

fn problem(identity_key: IdentityKeyAt<'_>) -> Option<Problem> {
    let KeyMatch::Misspelled(meant) = identity_key.key_match else { return None };
    let (key, location) = (identity_key.key, identity_key.location.described());
    let message = meant.map_or_else(
        || format!("Remove {key} from {location}: azure-workload-identity does not know this key and ignores it"),
        |meant| {
            let odd = OddCharacter::reason(key);
            format!(
                "Rename {key} in {location} to {}: azure-workload-identity ignores a misspelled key{odd}",
                meant.key()
            )
        },
    );
    Some(Problem::new(identity_key.at, message))
}
