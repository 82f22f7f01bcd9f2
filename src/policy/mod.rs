//! What a gateway *should be*: rules, their modes, and what each namespace expects. Pure, like `gateway`.
//!
//! [`Policy::examine`] judges a subject in its [`Context`] and gives a [`Ruling`] for every fault; [`Policy::patch`]
//! carries out the remedies of rulings; [`Policy::judge`] does both.

mod case;
mod context;
mod document;
mod document_value;
mod edit;
mod expectations;
mod finding;
mod mode;
mod namespace_keys;
mod placed_key;
mod rule;
pub mod rules;
mod setting_value;
mod together;

pub use case::Case;
pub use context::{Context, ControlledPods, Maker};
pub use document::DocumentError;
pub use edit::Edit;
pub use expectations::{Expectations, FIRST_VERSION};
pub use finding::{Finding, Outcome, Ruling, dotted, printable};
pub use mode::Mode;
pub use namespace_keys::{KeyFault, NamespaceFault, faults_of_namespace};
pub use placed_key::{Holder, PlacedKey};
pub use rule::Rule;
pub use setting_value::SettingValue;

use crate::gateway::{Images, Subject};
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
    /// Judges `subject`: a ruling for every fault, in the order of the register. No ruling means that nothing is
    /// wrong, or that the subject is not a gateway's.
    pub fn examine(&self, subject: &Subject<'_>, context: &Context<'_>) -> Vec<Ruling> {
        self.judge(subject, context, |_| false).0
    }

    /// Judges `subject` as [`examine`](Self::examine) does, with the [`patch`](Self::patch) of what `is_mended`: both look
    /// at the object as it was sent, and to go over it once is cheaper.
    pub fn judge(
        &self,
        subject: &Subject<'_>,
        context: &Context<'_>,
        is_mended: impl Fn(&Ruling) -> bool,
    ) -> (Vec<Ruling>, Option<Patch>) {
        let mut rulings = self.rulings(subject, context);
        if rulings.is_empty() {
            return (rulings, None);
        }
        let edits = edits(rulings.iter().filter(|ruling| is_mended(ruling)));
        let places = rulings.iter().map(|ruling| ruling.finding.at.as_ref()).chain(edits.iter().map(|edit| edit.at()));
        let sketch = subject.sketch(places);
        let patch = sketch.as_ref().and_then(|sketch| carried_out(sketch, &edits));
        for ruling in &mut rulings {
            ruling.finding.settle(sketch.as_ref());
        }
        (rulings, patch)
    }

    fn rulings(&self, subject: &Subject<'_>, context: &Context<'_>) -> Vec<Ruling> {
        let Some(case) = Case::of(subject, context, &self.images) else { return Vec::new() };
        let change = LazyCell::new(context.change);
        let mut rulings = Vec::new();
        for rule in RULES {
            let mode = self.mode(rule);
            if context.mode.milder(mode) != Mode::Off {
                let findings = (rule.check)(&case).into_iter();
                rulings
                    .extend(findings.map(|finding| context.rule_on((*rule, mode), finding, |at| change.touches(at))));
            }
        }
        rulings
    }

    /// The patch (RFC 6902) that carries out the remedies of `rulings`; `None` if it would change nothing.
    ///
    /// Which rulings are given decides what is mended: the enforced ones at the mutate door, all of them to show what
    /// would be.
    pub fn patch<'r>(subject: &Subject<'_>, rulings: impl IntoIterator<Item = &'r Ruling>) -> Option<Patch> {
        let edits = edits(rulings);
        carried_out(&subject.sketch(edits.iter().map(|edit| edit.at()))?, &edits)
    }

    /// The subject with the remedies of `rulings` carried out; `None` if that changes nothing.
    pub fn mend<'r>(subject: &Subject<'_>, rulings: impl IntoIterator<Item = &'r Ruling>) -> Option<Value> {
        let patch = Self::patch(subject, rulings)?;
        let mut value = subject.value()?;
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

fn edits<'r>(rulings: impl IntoIterator<Item = &'r Ruling>) -> Vec<&'r Edit> {
    rulings.into_iter().flat_map(|ruling| &ruling.finding.remedy).collect()
}

/// What the edits change in a sketch that leads to their places.
fn carried_out(sketch: &Value, edits: &[&Edit]) -> Option<Patch> {
    if edits.is_empty() {
        return None;
    }
    let mut after = sketch.clone();
    for edit in edits {
        edit.apply(&mut after);
    }
    Some(json_patch::diff(sketch, &after)).filter(|patch| !patch.is_empty())
}
