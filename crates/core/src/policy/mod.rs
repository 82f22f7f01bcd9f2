//! What a gateway *should be*: rules, their modes, and what each namespace expects. Pure, like `gateway`.
//!
//! [`Policy::evaluate`] runs the rules over an object in its [`Context`] and returns a [`Finding`] for every problem;
//! [`Policy::patch`] turns the fixes of findings into a JSON patch; [`Policy::evaluate_with_patch`] does both.

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
pub use evaluate_all::Evaluated;
pub use expectations::{Expectations, FIRST_VERSION};
pub use finding::{Finding, Level, Problem, dotted, printable};
pub use identity_key_at::{IdentityKeyAt, KeyLocation};
pub use namespace_keys::{NamespaceKeyProblem, NamespaceKeyProblemKind, namespace_problems};
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

/// The modes of the rules, the expectations of the namespaces and the images: the content of a policy document.
#[derive(Default)]
pub struct Policy {
    /// `metadata.name` of the document, empty if it has none; `None` for the built-in policy.
    pub name: Option<String>,
    /// Which images are the gateway's, and which version a digest has.
    pub images: Images,
    /// How objects that a workload controller creates are evaluated.
    pub controlled_pods: ControlledPods,
    defaults: Layer,
    namespaces: BTreeMap<String, Layer>,
    modes: BTreeMap<&'static str, Mode>,
}

impl Policy {
    /// The name that logs and audit annotations show: `built-in` without a document, `unnamed` for a document without
    /// `metadata.name`.
    pub fn display_name(&self) -> &str {
        match self.name.as_deref() {
            None => "built-in",
            Some("") => "unnamed",
            Some(name) => name,
        }
    }

    /// Evaluates `object`: a finding for every problem, in the order of [`RULES`]. There is none if the object is
    /// correct or not a gateway's.
    pub fn evaluate(&self, object: &KubernetesObject<'_>, context: &Context<'_>) -> Vec<Finding> {
        self.evaluate_with_patch(object, context, |_| false).0
    }

    /// Evaluates `object` as [`evaluate`](Self::evaluate) does, and also returns the [`patch`](Self::patch) of the
    /// findings that `is_applied` selects. Both need values of the object, and reading its JSON once is cheaper.
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
        let pointers =
            findings.iter().map(|finding| finding.problem.at.as_ref()).chain(edits.iter().map(|edit| edit.at()));
        let projection = object.project(pointers);
        let patch = projection.as_ref().and_then(|projection| patch_of(projection, &edits));
        for finding in &mut findings {
            finding.problem.shorten_to_existing(projection.as_ref());
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
                findings.extend(problems.map(|problem| context.finding(rule, mode, problem, |at| change.touches(at))));
            }
        }
        findings
    }

    /// The JSON patch (RFC 6902) that applies the fixes of `findings`; `None` if it would change nothing.
    ///
    /// The caller chooses the findings: the fixable ones at the mutating webhook, or all to show what would be set.
    pub fn patch<'r>(object: &KubernetesObject<'_>, findings: impl IntoIterator<Item = &'r Finding>) -> Option<Patch> {
        let edits = edits(findings);
        patch_of(&object.project(edits.iter().map(|edit| edit.at()))?, &edits)
    }

    /// The object after the fixes of `findings`; `None` if they change nothing.
    pub fn fixed<'r>(object: &KubernetesObject<'_>, findings: impl IntoIterator<Item = &'r Finding>) -> Option<Value> {
        let patch = Self::patch(object, findings)?;
        let mut value = object.value()?;
        json_patch::patch(&mut value, &patch).ok()?;
        Some(value)
    }

    /// The mode of a rule: the document's, else the rule's default.
    pub fn mode(&self, rule: &Rule) -> Mode {
        self.modes.get(rule.id).copied().unwrap_or(rule.mode)
    }

    /// What a namespace expects. Its `annotations` win over its entry in the document, which wins over the document's
    /// defaults.
    pub fn expectations(&self, namespace: &str, annotations: &BTreeMap<String, String>) -> Expectations {
        let annotated = Layer::of_annotations(annotations);
        let layers = [Some(&annotated), self.namespaces.get(namespace), Some(&self.defaults)];
        Expectations::of(&layers.into_iter().flatten().collect::<Vec<_>>())
    }
}

fn edits<'r>(findings: impl IntoIterator<Item = &'r Finding>) -> Vec<&'r Edit> {
    findings.into_iter().flat_map(|finding| &finding.problem.fix).collect()
}

/// The patch that the edits make in a projection of the object, which contains the paths to the pointers of the edits.
fn patch_of(projection: &Value, edits: &[&Edit]) -> Option<Patch> {
    if edits.is_empty() {
        return None;
    }
    let mut after = projection.clone();
    for edit in edits {
        edit.apply(&mut after);
    }
    Some(json_patch::diff(projection, &after)).filter(|patch| !patch.is_empty())
}
