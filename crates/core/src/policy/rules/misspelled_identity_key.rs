//! A label or annotation whose key is a misspelled key of azure-workload-identity.

use crate::gateway::{IdentityKey, KeyMatch, OddCharacter, is_guid};
use crate::policy::identity_key_at::valid_locations;
use crate::policy::{Edit, IdentityKeyAt, KeyLocation, Mode, Problem, Rule, RuleInput};

/// A key is similar to one of azure-workload-identity, or has its prefix and is unknown.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-identity-key",
    page: include_str!("../../../../../docs/rules/misspelled-identity-key.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let keys = input.identity_keys();
    let known = known_keys(&keys);
    // the webhook applies no unsafe fix, and an object can have thousands of such keys
    let is_among_files = input.related.coverage.is_given();
    keys.into_iter().filter_map(|identity_key| problem(identity_key, &known, is_among_files)).collect()
}

/// The keys that are spelled correctly, each with its location: few, whatever the object has.
fn known_keys(keys: &[IdentityKeyAt<'_>]) -> Vec<(KeyLocation, IdentityKey)> {
    let mut known = Vec::new();
    for identity_key in keys {
        if let KeyMatch::Known(key) = identity_key.key_match
            && !known.contains(&(identity_key.location, key))
        {
            known.push((identity_key.location, key));
        }
    }
    known
}

fn problem(identity_key: IdentityKeyAt<'_>, known: &[(KeyLocation, IdentityKey)], with_fix: bool) -> Option<Problem> {
    let KeyMatch::Misspelled(meant) = identity_key.key_match else { return None };
    let action = meant.map_or(Action::Remove(None), |meant| Action::of(meant, identity_key.location, known));
    let message = message(&identity_key, &action);
    let fix = if with_fix { fix(&identity_key, &action) } else { Vec::new() };
    Some(Problem::new(identity_key.at, message).with_unsafe_fix(fix))
}

/// What to do about a misspelled key.
enum Action {
    /// Remove it: no key is meant, or the one that is meant is already there.
    Remove(Option<IdentityKey>),
    /// Move it to where the key that is meant is read, with its correct name.
    Move(IdentityKey),
    /// Give it its correct name.
    Rename(IdentityKey),
}

impl Action {
    fn of(meant: IdentityKey, location: KeyLocation, known: &[(KeyLocation, IdentityKey)]) -> Self {
        let (valid_locations, _) = valid_locations(meant);
        let is_valid = valid_locations.contains(&location);
        let is_at = |at: &KeyLocation| known.contains(&(*at, meant));
        match () {
            // what the correct key says is what counts today
            () if is_at(&location) || !is_valid && valid_locations.iter().any(is_at) => Self::Remove(Some(meant)),
            () if is_valid => Self::Rename(meant),
            () => Self::Move(meant),
        }
    }
}

fn message(identity_key: &IdentityKeyAt<'_>, action: &Action) -> String {
    let (key, location) = (identity_key.key, identity_key.location.described());
    let odd = OddCharacter::reason(key);
    match action {
        Action::Remove(None) => {
            format!("Remove {key} from {location}: azure-workload-identity does not know this key and ignores it")
        }
        Action::Remove(Some(meant)) => format!(
            "Remove {key} from {location}: azure-workload-identity ignores a misspelled key, and {} is already set{odd}",
            meant.key()
        ),
        Action::Move(meant) => format!(
            "Move {key} from {location} to {} as {}: azure-workload-identity reads it only there, and only with this \
             name{odd}",
            valid_locations(*meant).1,
            meant.key()
        ),
        Action::Rename(meant) => format!(
            "Rename {key} in {location} to {}: azure-workload-identity ignores a misspelled key{odd}",
            meant.key()
        ),
    }
}

/// The edits that rename or remove the key.
fn fix(identity_key: &IdentityKeyAt<'_>, action: &Action) -> Vec<Edit> {
    let removal = Edit::Remove { at: identity_key.at.clone() };
    match action {
        Action::Remove(_) => vec![removal],
        Action::Rename(meant) if is_harmless(identity_key.value) => {
            let mut renamed = identity_key.at.clone();
            renamed.pop_back();
            vec![Edit::set(renamed.with_trailing_token(meant.key()), identity_key.value), removal]
        }
        // the other place can be in another object
        Action::Move(_) | Action::Rename(_) => Vec::new(),
    }
}

/// Returns true if a fix may show the value: people paste secrets into annotations.
fn is_harmless(value: &str) -> bool {
    value == "true" || is_guid(value)
}
