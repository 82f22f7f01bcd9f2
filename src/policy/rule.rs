//! A rule: a fault by its name, its page, and the check that finds it.

use super::{Case, Finding, Mode};
use std::fmt;

/// One kind of fault. A rule is static data: it keeps no state and reads nothing but its [`Case`].
pub struct Rule {
    /// Names the fault and reads after "allow …"; also the name of its page, its file and its metric label.
    pub id: &'static str,
    /// `docs/rules/<id>.md`, whole.
    pub page: &'static str,
    /// Its mode where the policy document says nothing.
    pub mode: Mode,
    /// Finds the fault, every occurrence of it.
    pub check: fn(&Case<'_>) -> Vec<Finding>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id)
    }
}
