//! The doors at which reviews arrive. The API server chooses the mode, and the path carries it.

use crate::policy::Mode;

/// What a review asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// Remedies are carried out; nothing is refused.
    Mutate,
    /// What is still wrong is refused or remarked on; nothing is changed.
    Validate,
}

/// A door in a mode. There is none that changes anything in audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What is asked for.
    pub door: Door,
    /// How much may be done.
    pub mode: Mode,
}

impl Door {
    /// Its name, as paths and metrics write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

impl Entry {
    /// Every entry that there is.
    pub const ALL: [Self; 3] = [
        Self { door: Door::Mutate, mode: Mode::Enforce },
        Self { door: Door::Validate, mode: Mode::Enforce },
        Self { door: Door::Validate, mode: Mode::Audit },
    ];

    /// The entry for a door and a mode, if there is one.
    pub fn of(door: Door, mode: Mode) -> Option<Self> {
        Self::ALL.into_iter().find(|entry| entry.door == door && entry.mode == mode)
    }

    /// Its path: `/enforce/mutate`, `/enforce/validate` or `/audit/validate`.
    pub fn path(self) -> String {
        format!("/{}/{}", self.mode, self.door.name())
    }

    /// Is an object refused here when it can't be judged? Only where refusing is what was asked for.
    pub fn fails_closed(self) -> bool {
        self.door == Door::Validate && self.mode == Mode::Enforce
    }
}
