//! How much a rule, or a whole namespace, may do.

use serde::{Deserialize, Serialize};
use std::fmt;

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
