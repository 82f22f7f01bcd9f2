//! The endpoints that receive reviews. The API server chooses the mode, and the path carries it.

use apim_keyless_core::policy::Mode;
use strum::IntoStaticStr;

/// One of the two kinds of admission webhooks.
///
/// See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Webhook {
    /// Applies fixes and denies nothing.
    Mutating,
    /// Denies, or warns about, what is still wrong and changes nothing.
    Validating,
}

/// A webhook in a mode. No endpoint changes anything in audit mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The webhook that it serves.
    pub webhook: Webhook,
    /// The mode of the namespaces whose reviews it receives.
    pub mode: Mode,
}

impl Webhook {
    /// Its name as metrics, logs and flags write it: `mutating` or `validating`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The last segment of its paths.
    fn path_segment(self) -> &'static str {
        match self {
            Self::Mutating => "mutate",
            Self::Validating => "validate",
        }
    }
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 3] = [
        Self { webhook: Webhook::Mutating, mode: Mode::Enforce },
        Self { webhook: Webhook::Validating, mode: Mode::Enforce },
        Self { webhook: Webhook::Validating, mode: Mode::Audit },
    ];

    /// The endpoint of a webhook in a mode; `None` for a combination that does not exist.
    pub fn of(webhook: Webhook, mode: Mode) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.webhook == webhook && endpoint.mode == mode)
    }

    /// Its path: `/enforce/mutate`, `/enforce/validate` or `/audit/validate`.
    pub fn path(self) -> String {
        format!("/{}/{}", self.mode, self.webhook.path_segment())
    }

    /// Whether an object that cannot be evaluated is denied: only the validating webhook in mode enforce denies it.
    pub fn fails_closed(self) -> bool {
        self.webhook == Webhook::Validating && self.mode == Mode::Enforce
    }
}
