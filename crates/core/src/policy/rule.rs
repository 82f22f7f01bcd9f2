//! A rule: the id of a problem, its rule page, its default mode and the check that finds it.

use super::{Problem, RuleInput};
use serde::{Deserialize, Serialize};
use std::fmt;
use strum::IntoStaticStr;

/// One kind of problem. A rule is static data: it keeps no state and reads nothing but its [`RuleInput`].
pub struct Rule {
    /// Names the problem, and reads naturally after "allow …". Its rule page, source file and metric label have the
    /// same name.
    pub id: &'static str,
    /// Its rule page: the text of `docs/rules/<id>.md`.
    pub page: &'static str,
    /// The mode if the policy document sets none.
    pub mode: Mode,
    /// Finds every occurrence of the problem.
    pub check: fn(&RuleInput<'_>) -> Vec<Problem>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id)
    }
}

/// How strictly a rule or a namespace is treated. The order of the variants is from mild to strict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// No findings.
    Off,
    /// Findings are warnings that say what is wrong and what would be set. Nothing is set or denied.
    Audit,
    /// The mutating webhook applies fixes; objects with other findings are denied.
    #[default]
    Enforce,
}

impl Mode {
    /// The milder of two modes, which is the effective one.
    #[must_use]
    pub fn milder(self, other: Self) -> Self {
        self.min(other)
    }

    /// The name of the mode in URL paths, policy documents and reports.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
