//! A rule: a fault by its name, its page, and the check that finds it.

use super::{Problem, RuleInput};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One kind of fault. A rule is static data: it keeps no state and reads nothing but its [`RuleInput`].
pub struct Rule {
    /// Names the fault and reads after "allow …"; also the name of its page, its file and its metric label.
    pub id: &'static str,
    /// `docs/rules/<id>.md`, whole.
    pub page: &'static str,
    /// Its mode where the policy document says nothing.
    pub mode: Mode,
    /// Finds the fault, every occurrence of it.
    pub check: fn(&RuleInput<'_>) -> Vec<Problem>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id)
    }
}

/// From mild to strict; the order counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Says nothing.
    Off,
    /// Says what is wrong and what would be changed; changes and refuses nothing.
    Audit,
    /// Mends and refuses.
    #[default]
    Enforce,
}

impl Mode {
    /// The milder of two modes, which is the one that counts.
    #[must_use]
    pub fn milder(self, other: Self) -> Self {
        self.min(other)
    }

    /// Its name, as paths, documents and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Enforce => "enforce",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
