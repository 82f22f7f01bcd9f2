//! What a gateway *should be*: rules, their modes, and what each namespace expects. Pure, like `gateway`.
//!
//! [`Policy::evaluate`] judges a subject in its [`Context`] and gives a [`Finding`] for every fault; [`Policy::patch`]
//! carries out the remedies of rulings; [`Policy::evaluate_with_patch`] does both.

mod context;
mod document;
mod document_value;
mod edit;
mod evaluate_all;
mod expectations;
mod finding;
mod identity_key_at;
mod namespace_keys;
mod rule;
mod rule_input;
pub mod rules;
mod setting_value;

pub use context::{Context, ControlledPods, Requester};
pub use document::DocumentError;
pub use edit::Edit;
pub use expectations::{Expectations, FIRST_VERSION};
pub use finding::{Finding, Level, Problem, dotted, printable};
pub use identity_key_at::{IdentityKeyAt, KeyLocation};
pub use namespace_keys::{NamespaceKeyProblem, NamespaceProblem, namespace_problems};
pub use rule::{Mode, Rule};
pub use rule_input::RuleInput;
pub use setting_value::SettingValue;

use crate::gateway::{Images, KubernetesObject};
use expectations::Layer;
use json_patch::Patch;
use rules::RULES;
use serde_json::Value;
use std::cell::LazyCell;
use std::collections::BTreeMap;

/// Rules × modes × expectations: everything by which a subject is judged.
#[derive(Default)]
pub struct Policy {
    /// Its name, as the document's metadata tell it; empty for the built-in one.
    pub name: String,
    /// Which images are the gateway's.
    pub images: Images,
    /// What is asked of objects that a workload controller makes.
    pub controlled_pods: ControlledPods,
    defaults: Layer,
    namespaces: BTreeMap<String, Layer>,
    modes: BTreeMap<&'static str, Mode>,
}

impl Policy {
    /// Judges `object`: a ruling for every fault, in the order of the register. No ruling means that nothing is
    /// wrong, or that the subject is not a gateway's.
    pub fn evaluate(&self, object: &KubernetesObject<'_>, context: &Context<'_>) -> Vec<Finding> {
        self.evaluate_with_patch(object, context, |_| false).0
    }

    /// Judges `object` as [`evaluate`](Self::evaluate) does, with the [`patch`](Self::patch) of what `is_applied`: both look
    /// at the object as it was sent, and to go over it once is cheaper.
    pub fn evaluate_with_patch(
        &self,
        object: &KubernetesObject<'_>,
        context: &Context<'_>,
        is_applied: impl Fn(&Finding) -> bool,
    ) -> (Vec<Finding>, Option<Patch>) {
        let mut findings = self.findings(object, context);
        if findings.is_empty() {
            return (findings, None);
        }
        let edits = edits(findings.iter().filter(|finding| is_applied(finding)));
        let places =
            findings.iter().map(|finding| finding.problem.at.as_ref()).chain(edits.iter().map(|edit| edit.at()));
        let project = object.project(places);
        let patch = project.as_ref().and_then(|project| carried_out(project, &edits));
        for finding in &mut findings {
            finding.problem.settle(project.as_ref());
        }
        (findings, patch)
    }

    fn findings(&self, object: &KubernetesObject<'_>, context: &Context<'_>) -> Vec<Finding> {
        let Some(input) = RuleInput::of(object, context, &self.images) else { return Vec::new() };
        let change = LazyCell::new(context.change);
        let mut findings = Vec::new();
        for rule in RULES {
            let mode = self.mode(rule);
            if context.mode.milder(mode) != Mode::Off {
                let problems = (rule.check)(&input).into_iter();
                findings
                    .extend(problems.map(|problem| context.finding((*rule, mode), problem, |at| change.touches(at))));
            }
        }
        findings
    }

    /// The patch (RFC 6902) that carries out the remedies of `findings`; `None` if it would change nothing.
    ///
    /// Which rulings are given decides what is mended: the enforced ones at the mutate door, all of them to show what
    /// would be.
    pub fn patch<'r>(object: &KubernetesObject<'_>, findings: impl IntoIterator<Item = &'r Finding>) -> Option<Patch> {
        let edits = edits(findings);
        carried_out(&object.project(edits.iter().map(|edit| edit.at()))?, &edits)
    }

    /// The subject with the remedies of `findings` carried out; `None` if that changes nothing.
    pub fn fixed<'r>(object: &KubernetesObject<'_>, findings: impl IntoIterator<Item = &'r Finding>) -> Option<Value> {
        let patch = Self::patch(object, findings)?;
        let mut value = object.value()?;
        json_patch::patch(&mut value, &patch).ok()?;
        Some(value)
    }

    /// The mode of a rule: the document's, else its own.
    pub fn mode(&self, rule: &Rule) -> Mode {
        self.modes.get(rule.id).copied().unwrap_or(rule.mode)
    }

    /// What a namespace expects: its annotations, above its entry in the document, above the document's defaults.
    pub fn expectations(&self, namespace: &str, annotations: &BTreeMap<String, String>) -> Expectations {
        let annotated = Layer::of_annotations(annotations);
        let layers = [Some(&annotated), self.namespaces.get(namespace), Some(&self.defaults)];
        Expectations::of(&layers.into_iter().flatten().collect::<Vec<_>>())
    }
}

fn edits<'r>(findings: impl IntoIterator<Item = &'r Finding>) -> Vec<&'r Edit> {
    findings.into_iter().flat_map(|finding| &finding.problem.fix).collect()
}

/// What the edits change in a sketch that leads to their places.
fn carried_out(project: &Value, edits: &[&Edit]) -> Option<Patch> {
    if edits.is_empty() {
        return None;
    }
    let mut after = project.clone();
    for edit in edits {
        edit.apply(&mut after);
    }
    Some(json_patch::diff(project, &after)).filter(|patch| !patch.is_empty())
}
