//! The circumstances that a subject is judged in.

use super::{Expectations, Finding, Mode, Problem, Rule};
use crate::gateway::{Change, RelatedObjects};
use jsonptr::Pointer;
use serde::Deserialize;

/// Everything beside the subject itself that a judgement depends on.
pub struct Context<'a> {
    /// The mode of the door or of the command; what counts for a rule is the milder of this and the rule's own.
    pub mode: Mode,
    /// What the subject's namespace expects.
    pub expectations: Expectations,
    /// What stands beside the subject in its namespace.
    pub related: &'a RelatedObjects,
    /// How much of the subject is judged, and how much only remarked on. Asked once, if there is a fault to ask for: to
    /// know it, what was there before must be read.
    pub change: &'a dyn Fn() -> Change,
    /// Who makes it.
    pub requester: Requester,
    /// Can a remedy still be carried out? Not on what Kubernetes keeps as it was made.
    pub is_fixable: bool,
}

/// Who makes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// Anybody: it is judged.
    Other,
    /// The workload controller of its owner, which was judged in its place, or a kubelet that shows a static Pod: it is only
    /// remarked on.
    Controller,
}

/// What is asked of objects that a workload controller makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlledPods {
    /// They are remarked on, so that turning enforcement on breaks no running gateway.
    #[default]
    Audit,
    /// They are judged like all others.
    Enforce,
}

impl Context<'_> {
    /// Puts a finding of `rule`, whose own mode is `of_rule`, under the mode that counts for it.
    pub(super) fn finding(
        &self,
        (rule, of_rule): (&'static Rule, Mode),
        mut problem: Problem,
        touches: impl Fn(&Pointer) -> bool,
    ) -> Finding {
        if !self.is_fixable {
            problem.fix.clear();
        }
        let is_judged = !problem.only_warned && self.requester == Requester::Other && touches(&problem.at);
        let mode_if_enforced = if is_judged { of_rule } else { of_rule.milder(Mode::Audit) };
        Finding { rule, mode: mode_if_enforced.milder(self.mode), mode_if_enforced, problem }
    }
}
