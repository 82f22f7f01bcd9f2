//! The circumstances that a subject is judged in.

use super::{Expectations, Finding, Mode, Rule, Ruling};
use crate::gateway::{Change, Surroundings};
use jsonptr::Pointer;
use serde::Deserialize;

/// Everything beside the subject itself that a judgement depends on.
pub struct Context<'a> {
    /// The mode of the door or of the command; what counts for a rule is the milder of this and the rule's own.
    pub mode: Mode,
    /// What the subject's namespace expects.
    pub expectations: Expectations,
    /// What stands beside the subject in its namespace.
    pub surroundings: &'a Surroundings,
    /// How much of the subject is judged, and how much only remarked on. Asked once, if there is a fault to ask for: to
    /// know it, what was there before must be read.
    pub change: &'a dyn Fn() -> Change,
    /// Who makes it.
    pub maker: Maker,
    /// Can a remedy still be carried out? Not on what Kubernetes keeps as it was made.
    pub can_be_mended: bool,
}

/// Who makes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Anybody: it is judged.
    Anybody,
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
    pub(super) fn rule_on(
        &self,
        (rule, of_rule): (&'static Rule, Mode),
        mut finding: Finding,
        touches: impl Fn(&Pointer) -> bool,
    ) -> Ruling {
        if !self.can_be_mended {
            finding.remedy.clear();
        }
        let is_judged = !finding.only_remarked && self.maker == Maker::Anybody && touches(&finding.at);
        let if_enforced = if is_judged { of_rule } else { of_rule.milder(Mode::Audit) };
        Ruling { rule, mode: if_enforced.milder(self.mode), if_enforced, finding }
    }
}
