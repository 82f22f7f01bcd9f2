//! What a gateway *should be*: rules, their modes, and what each namespace expects. Pure, like `gateway`.
//!
//! [`Policy::evaluate`] runs the rules over an object in its [`Context`] and returns a [`Finding`] for every problem;
//! [`Policy::patch`] turns the fixes of findings into a JSON patch; [`Policy::evaluate_with_patch`] does both.

mod context;
mod controllers;
mod document;
mod document_value;
mod edit;
mod evaluate_all;
mod exception;
mod expectations;
mod finding;
mod identity_key_at;
mod lacking;
mod namespace_keys;
mod namespace_modes;
mod namespace_setting;
mod rule;
mod rule_input;
pub mod rules;
mod schema;
mod setting_value;
mod shell_word;
mod source;

pub use context::{Context, ControlledPods, Requester};
pub use document::DocumentError;
pub use edit::Edit;
pub use evaluate_all::{Evaluated, Together};
pub use exception::{EXPIRING_DAYS, Exception, ExceptionState, utc_date};
pub use expectations::{Candidates, Expectations, NamespaceAnnotations};
pub use finding::{Finding, FoundIn, Level, Problem, dotted, printable};
pub use identity_key_at::{IdentityKeyAt, KeyLocation};
pub use jiff::civil::Date;
pub use namespace_keys::{NamespaceKeyProblem, namespace_mode, namespace_problems};
pub use namespace_modes::NamespaceModes;
pub use namespace_setting::{FIRST_VERSION, NamespaceSetting, ValueForm};
pub use rule::{Mode, Rule};
pub use rule_input::RuleInput;
pub use schema::schema;
pub use setting_value::SettingValue;
pub use shell_word::{shell_quoted, shell_word};
pub use source::{FoundPolicy, PolicyOrigin};

use crate::gateway::{Images, KubernetesObject, ObjectReference, Owner};
use controllers::Controllers;
use expectations::{Layer, layer_of_annotations};
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
    /// The rules that are in audit for some objects, in the order of the document.
    pub exceptions: Vec<Exception>,
    /// Whether annotations of Namespaces set expectations.
    pub namespace_annotations: NamespaceAnnotations,
    controllers: Controllers,
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
            if context.mode.milder(mode) == Mode::Off {
                continue;
            }
            findings.extend((rule.check)(&input).into_iter().map(|problem| {
                let mode = self.mode_for(rule, &object.reference, problem.found_in.as_ref(), context.today);
                context.finding(rule, mode, self.weighed(&input, rule, problem), |at| change.touches(at))
            }));
        }
        findings
    }

    /// The problem, only warned about and without its fix where the gateway itself gives a reason for that: it is only
    /// possibly one, or it is an Entra app that the policy allows.
    fn weighed(&self, input: &RuleInput<'_>, rule: &Rule, mut problem: Problem) -> Problem {
        if input.is_possible(&problem.at) {
            problem.fix.clear();
            problem.unsafe_fix.clear();
            problem.only_warned |= !rules::counts_for_possible_gateways(rule);
        }
        let is_allowed = |decisive: &Rule| self.mode(decisive) != Mode::Enforce && input.is_entra_app();
        problem.only_warned |= rules::decides_for_entra_app(rule).is_some_and(is_allowed);
        problem
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

    /// Returns true if the user name `user` is a workload controller that creates objects for `owner`:
    /// kube-controller-manager's, or one that the document names for the owner's API group.
    pub fn is_controller(&self, owner: Owner<'_>, user: &str) -> bool {
        self.controllers.creates_for(owner, user)
    }

    /// The namespaces for which the document has an entry.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    /// The users that the document names as controllers of other kinds.
    pub fn controller_users(&self) -> impl Iterator<Item = &str> {
        self.controllers.users()
    }

    /// The mode of a rule: the document's, else the rule's default.
    pub fn mode(&self, rule: &Rule) -> Mode {
        self.modes.get(rule.id).copied().unwrap_or(rule.mode)
    }

    /// The mode of a rule for one object on the day `today`: at most audit if an exception covers the object, or the
    /// related object in which the problem was found.
    fn mode_for(&self, rule: &Rule, object: &ObjectReference, found_in: Option<&FoundIn>, today: Date) -> Mode {
        let covers = |exception: &Exception, name: &str| exception.covers(rule, &object.namespace, name, today);
        let is_excepted = self.exceptions.iter().any(|exception| {
            covers(exception, &object.name) || found_in.is_some_and(|found| covers(exception, &found.name))
        });
        let mode = self.mode(rule);
        if is_excepted { mode.milder(Mode::Audit) } else { mode }
    }

    /// What a namespace expects: its entry in the document precedes its `annotations`, which precede the document's
    /// defaults.
    pub fn expectations(&self, namespace: &str, annotations: &BTreeMap<String, String>) -> Expectations {
        let annotated = match self.namespace_annotations {
            NamespaceAnnotations::Honor => layer_of_annotations(annotations),
            NamespaceAnnotations::Ignore => Layer::new(),
        };
        let layers = [self.namespaces.get(namespace), Some(&annotated), Some(&self.defaults)];
        Expectations::of(&layers.into_iter().flatten().collect::<Vec<_>>(), self.namespace_annotations)
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
    Edit::apply_all(edits.iter().copied(), &mut after);
    Some(json_patch::diff(projection, &after)).filter(|patch| !patch.is_empty())
}
