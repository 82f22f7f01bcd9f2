//! The doors at which reviews arrive. The API server chooses the mode, and the path carries it.

use crate::policy::Mode;

/// What a review asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Webhook {
    /// Remedies are carried out; nothing is refused.
    Mutating,
    /// What is still wrong is refused or remarked on; nothing is changed.
    Validating,
}

/// A door in a mode. There is none that changes anything in audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is asked for.
    pub webhook: Webhook,
    /// How much may be done.
    pub mode: Mode,
}

impl Webhook {
    /// Its name, as paths and metrics write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutating => "mutate",
            Self::Validating => "validate",
        }
    }
}

impl Endpoint {
    /// Every entry that there is.
    pub const ALL: [Self; 3] = [
        Self { webhook: Webhook::Mutating, mode: Mode::Enforce },
        Self { webhook: Webhook::Validating, mode: Mode::Enforce },
        Self { webhook: Webhook::Validating, mode: Mode::Audit },
    ];

    /// The entry for a door and a mode, if there is one.
    pub fn of(webhook: Webhook, mode: Mode) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.webhook == webhook && endpoint.mode == mode)
    }

    /// Its path: `/enforce/mutate`, `/enforce/validate` or `/audit/validate`.
    pub fn path(self) -> String {
        format!("/{}/{}", self.mode, self.webhook.name())
    }

    /// Is an object refused here when it can't be judged? Only where refusing is what was asked for.
    pub fn fails_closed(self) -> bool {
        self.webhook == Webhook::Validating && self.mode == Mode::Enforce
    }
}
