//! The namespace after some writes, and what a search counts.

use super::properties::Exception;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// The code of a `ConfigMap` that does not exist.
pub(crate) const ABSENT: u16 = u16::MAX;

/// The namespace after some writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) is_enforced: bool,
    pub(crate) workload: WorkloadState,
    pub(crate) config_maps: [ConfigMapState; 2],
    /// The `ConfigMap` of the last write, and what it was before. A cache that is one write behind holds this.
    pub(crate) before: Option<(usize, u16)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WorkloadState {
    Absent,
    /// Written while the namespace was not enforced.
    Old,
    /// Admitted while it was enforced, as it was written.
    Admitted,
    /// Admitted while it was enforced, after the mutating webhook added the expected `ConfigMap`.
    Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConfigMapState {
    /// Its data, as digits; a digit for each key that matters.
    pub(crate) code: u16,
    /// Were its settings written while the namespace was not enforced?
    pub(crate) is_old: bool,
    pub(crate) seen: Seen,
}

/// What the cache showed of a `ConfigMap` when the workload was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Seen {
    /// What it holds.
    Current,
    /// Nothing, or what it held before.
    Missed,
    /// It was written later.
    Later,
}

/// A write, for the description of a failing sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    Begin,
    Label(bool),
    ConfigMap(usize, u16),
    Workload([&'static str; 2]),
}

/// What a search counted.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) containers: usize,
    pub(crate) worlds: usize,
    pub(crate) writes: usize,
    pub(crate) denied: usize,
    pub(crate) reviews: usize,
    pub(crate) exceptions: BTreeMap<Exception, usize>,
    /// The violated properties, with the container and the writes.
    pub(crate) violated: Vec<String>,
}

impl Counts {
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (exception, count) in other.exceptions {
            *self.exceptions.entry(exception).or_default() += count;
        }
        self.violated.extend(other.violated);
        Self {
            containers: self.containers + other.containers,
            worlds: self.worlds + other.worlds,
            writes: self.writes + other.writes,
            denied: self.denied + other.denied,
            reviews: self.reviews + other.reviews,
            ..self
        }
    }
}

impl Display for Counts {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { containers, worlds, writes, denied, reviews, exceptions, .. } = self;
        write!(
            formatter,
            "{containers} containers, {worlds} worlds, {writes} writes ({denied} denied), {reviews} reviews; \
             exceptions: {exceptions:?}"
        )
    }
}

impl Seen {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missed => "missed",
            Self::Later => "later",
        }
    }
}
