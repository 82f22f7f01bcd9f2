//! Why a cluster cannot be used at all.

/// There is no client for a cluster, because its configuration cannot be used. It never contains a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {cause}; {fix}")]
pub struct ConnectionError {
    place: String,
    cause: String,
    fix: String,
}

impl ConnectionError {
    /// An error with the file or setting that causes it. Control characters of names are replaced.
    pub(super) fn new(place: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { place: shown(&place.into()), cause: shown(&cause.into()), fix: shown(&fix.into()) }
    }
}

/// A text of a kubeconfig or of a response as messages show it: on one line, without control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// A list of names for a message, at most ten of them.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 10;
    let mut all: Vec<&str> = names.collect();
    all.sort_unstable();
    let further = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    let listed = all.join(", ");
    match (further, listed.is_empty()) {
        (0, true) => "none".to_owned(),
        (0, false) => listed,
        (further, _) => format!("{listed} and {further} more"),
    }
}
