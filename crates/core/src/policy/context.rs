//! What an evaluation depends on besides the object itself.

use super::{Date, Expectations, Finding, Mode, Problem, Rule};
use crate::gateway::{Change, RelatedObjects};
use jsonptr::Pointer;
use serde::Deserialize;

/// Everything besides the object itself that an evaluation depends on.
pub struct Context<'a> {
    /// The mode of the endpoint or the command. The mode of a finding is the milder of this one and the rule's.
    pub mode: Mode,
    /// What the object's namespace expects.
    pub expectations: Expectations,
    /// The other objects of its namespace.
    pub related: &'a RelatedObjects,
    /// Which part of the object the request changes; a finding elsewhere is only a warning. Called at most once, and
    /// only if a rule finds a problem, because it has to read the old object.
    pub change: &'a dyn Fn() -> Change,
    /// Who sends the object.
    pub requester: Requester,
    /// Whether a fix can be applied. It cannot on an existing object whose fields are immutable, and not on an object
    /// with a controlling owner: the owner's controller would undo it, or make another object, again and again.
    pub is_fixable: bool,
    /// Whether the API server will not store the object. Problems of related objects are then only warnings: a
    /// tool such as Flux dry-runs all objects before it applies the first of them.
    pub is_dry_run: bool,
    /// The day of the evaluation, in UTC: exceptions expire.
    pub today: Date,
}

/// Who sends an object, and whether its findings can be enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// A requester whose findings are only warnings: the workload controller of the object's owner, which was evaluated
    /// itself, the kubelet that creates the mirror Pod of a static Pod, or whoever updates a workload that is being
    /// deleted.
    Exempt,
    /// Any other requester: findings are errors, fixable or warnings, as their mode says.
    User,
}

/// How objects that a workload controller creates are evaluated: Pods, and also ReplicaSets and Jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlledPods {
    /// Findings are only warnings, so that turning enforcement on breaks no running gateway.
    #[default]
    Audit,
    /// They are evaluated like all other objects.
    Enforce,
}

impl Context<'_> {
    /// Turns a problem that `rule`, of mode `mode`, found into a finding with its effective mode.
    ///
    /// `touches` returns whether the request changes the part of the object at a JSON pointer.
    pub(super) fn finding(
        &self,
        rule: &'static Rule,
        mode: Mode,
        mut problem: Problem,
        touches: impl Fn(&Pointer) -> bool,
    ) -> Finding {
        if !self.is_fixable {
            problem.fix.clear();
            problem.unsafe_fix.clear();
        }
        let is_found_in_dry_run = self.is_dry_run && problem.found_in.is_some();
        let is_enforceable = !problem.only_warned && !is_found_in_dry_run && self.requester == Requester::User;
        let is_unchanged = is_enforceable && mode == Mode::Enforce && !touches(&problem.at);
        let mode_if_enforced = if is_enforceable && !is_unchanged { mode } else { mode.milder(Mode::Audit) };
        Finding { rule, mode: mode_if_enforced.milder(self.mode), mode_if_enforced, is_unchanged, problem }
    }
}
