//! What patches, replacements and post-renderers still say about how a gateway authenticates.
//!
//! They are applied to the objects when these are built, so they win over the migrated manifests. A patch that sets or
//! removes `config.service.auth` afterwards leaves the gateway without a way to authenticate.

use super::built_gateway::{BuiltGateway, Evaluation};
use super::helm_values::is_variable;
use super::patch::Patch;
use super::patch_finder::{Leftover, find, of_text, of_version};
use super::patch_target::{BuiltNames, selects};
use super::plugin;
use super::{Note, NoteKind, SourceContext, SourceReport};
use apim_keyless_core::migration::BuiltProblem;
use jsonptr::{Pointer, PointerBuf};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Fields with changes that a tool makes to built objects, of Kustomize and of what calls it, in the order in which Kustomize
/// applies them.
pub(super) const FIELDS: [&str; 9] = [
    "patchesStrategicMerge",
    "patches",
    "commonAnnotations",
    "commonLabels",
    "labels",
    "patchesJson6902",
    "replacements",
    TRANSFORMERS,
    "templatePatch",
];
/// Fields with objects that make or change others.
const GENERATORS: &str = "generators";
const TRANSFORMERS: &str = "transformers";

/// What an object says about built objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<'o> {
    /// The place in the object.
    pub(super) at: PointerBuf,
    /// The other file in which it is, if it is in one.
    file: Option<&'o str>,
    /// The objects that are patched, as Kustomize selects them.
    pub(super) target: Option<&'o Value>,
    pub(super) leftover: Leftover,
}

impl Found<'_> {
    fn note(&self, leftover: &Leftover) -> Note<PointerBuf> {
        let message = leftover.message();
        let message = self.file.map_or_else(|| message.clone(), |file| format!("In {file}: {message}"));
        let kind = if matches!(leftover, Leftover::Check(_)) { NoteKind::Guess } else { NoteKind::ByHand };
        Note { at: self.at.clone(), kind, message }
    }

    /// Applies a patch to an object, if it selects it. Returns whether it changed it.
    pub(super) fn patch(&self, object: &mut Cow<'_, Value>, names: BuiltNames<'_>) -> bool {
        let Leftover::Patch { patch, .. } = &self.leftover else { return false };
        if !self.selects(object, names) {
            return false;
        }
        let mut new = patch.applied_to(object);
        // Kustomize keeps the name of an object that a target selects
        if let (Some(new), Some(name)) = (new.pointer_mut("/metadata/name"), object.pointer("/metadata/name")) {
            *new = name.clone();
        }
        let is_changed = new != **object;
        if is_changed {
            *object = Cow::Owned(new);
        }
        is_changed
    }

    /// Whether it is a patch that selects an object: by the target of the entry, or by its own.
    pub(super) fn selects(&self, object: &Value, names: BuiltNames<'_>) -> bool {
        let Leftover::Patch { object: own, .. } = &self.leftover else { return false };
        selects(self.target.or(own.as_ref()), object, names)
    }

    /// Whether it is a patch that something else is a part of.
    fn is_around(&self, other: &Self) -> bool {
        let is_patch = matches!(self.leftover, Leftover::Patch { .. });
        is_patch && self.file == other.file && other.at.starts_with(&self.at)
    }

    /// Whether something else in the same entry names this problem already.
    pub(super) fn is_named_by(&self, other: &Self, problem: &BuiltProblem) -> bool {
        self.file == other.file && other.at.starts_with(&self.at) && other.leftover.rules().contains(&problem.rule)
    }
}

/// Adds notes about what an object still says about how a gateway authenticates. `read` returns the text of a file beside it.
pub(super) fn report<'o>(
    object: &'o Value,
    context: SourceContext<'_>,
    read: &dyn Fn(&str) -> Option<String>,
    report: &mut SourceReport<PointerBuf>,
) {
    let found = of_object(object, context, &BTreeSet::new(), read);
    let certain = found.iter().filter(|found| !found.leftover.depends_on_gateways());
    report.notes.extend(certain.map(|found| found.note(&found.leftover)));
    report.notes.dedup();
}

/// What an object is after the patches of a source; `None` if they do not change it.
pub fn patched_by(
    source: &Value,
    object: &Value,
    (context, names): (SourceContext<'_>, BuiltNames<'_>),
    read: &dyn Fn(&str) -> Option<String>,
) -> Option<Value> {
    let mut patched = Cow::Borrowed(object);
    for found in of_object(source, context, &BTreeSet::new(), read) {
        found.patch(&mut patched, names);
    }
    match patched {
        Cow::Borrowed(_) => None,
        Cow::Owned(patched) => Some(patched),
    }
}

/// The place of the first patch of a source after which this holds for an object, and the other file in which it is.
pub fn first_patch(
    source: &Value,
    object: &Value,
    (context, names): (SourceContext<'_>, BuiltNames<'_>),
    read: &dyn Fn(&str) -> Option<String>,
    is_it: impl Fn(&Value) -> bool,
) -> Option<(PointerBuf, Option<String>)> {
    let mut patched = Cow::Borrowed(object);
    let found = of_object(source, context, &BTreeSet::new(), read);
    let first = found.iter().find(|found| found.patch(&mut patched, names) && is_it(&patched))?;
    Some((first.at.clone(), first.file.map(str::to_owned)))
}

/// What a source does to gateways when it builds them.
#[derive(Debug, Default)]
pub struct BuiltReport {
    /// What a person has to change.
    pub notes: Vec<Note<PointerBuf>>,
    /// Notes of the source alone that are none: its patches select no object of a gateway or of a release.
    pub unneeded: Vec<Note<PointerBuf>>,
    /// The client ids that it gives to `ServiceAccount`s, with the indices of their gateways.
    pub client_ids: Vec<(usize, String)>,
}

/// What a source still says about these Secrets of keys and about the objects of these gateways when it builds them: what
/// its patches do to them, and files of patches that could not be read. `releases` are those that it reaches.
pub fn report_about_built(
    object: &Value,
    context: SourceContext<'_>,
    (secrets, gateways): (&BTreeSet<String>, &[BuiltGateway<'_>]),
    (releases, names): (&[&Value], BuiltNames<'_>),
    evaluation: Evaluation<'_>,
    read: &dyn Fn(&str) -> Option<String>,
) -> BuiltReport {
    let found = of_object(object, context, secrets, read);
    let reaches_any = !gateways.is_empty() || !releases.is_empty();
    let mut notes: Vec<(usize, Leftover)> = Vec::new();
    for (index, one) in found.iter().enumerate() {
        let is_one = match &one.leftover {
            // a patch of another application takes it
            Leftover::Secret(_) => {
                let mut patches = found.iter().filter(|other| other.is_around(one)).peekable();
                patches.peek().is_none()
                    || patches.any(|other| gateways.iter().any(|gateway| gateway.is_selected_by(other)))
            }
            Leftover::Check(_) => !gateways.is_empty(),
            Leftover::Unread => reaches_any,
            _ => false,
        };
        notes.extend(is_one.then(|| (index, one.leftover.clone())));
        notes.extend(gateways.iter().find_map(|gateway| gateway.replaced(one)).map(|leftover| (index, leftover)));
    }
    let mut client_ids = Vec::new();
    for (index, gateway) in gateways.iter().enumerate() {
        let patched = gateway.after(&found, evaluation);
        notes.extend(patched.problems);
        client_ids.extend(patched.client_id.map(|client_id| (index, client_id)));
    }
    notes.sort_by_key(|(index, _)| *index);
    let notes = notes.iter().filter_map(|(index, leftover)| Some(found.get(*index)?.note(leftover)));
    let mut notes: Vec<Note<PointerBuf>> = notes.collect();
    notes.dedup();
    let is_effective = |found: &Found<'_>| {
        gateways.iter().any(|gateway| gateway.is_selected_by(found))
            || releases.iter().any(|release| found.selects(release, names))
    };
    let is_unneeded = |other: &&Found<'_>| {
        let mut patches = found.iter().filter(|patch| patch.is_around(other)).peekable();
        patches.peek().is_some() && !patches.any(is_effective)
    };
    let certain = found.iter().filter(|found| !found.leftover.depends_on_gateways() && reaches_any);
    let unneeded = certain.filter(is_unneeded).map(|found| found.note(&found.leftover)).collect();
    BuiltReport { notes, unneeded, client_ids }
}

/// The parts of an object with changes that a tool makes to built objects.
fn holders(object: &Value) -> Vec<PointerBuf> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let indexed = |list: &str, end: &str| {
        let count = object.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
        (0..count).map(move |index| format!("{list}/{index}{end}")).collect::<Vec<_>>()
    };
    let mut places = Vec::new();
    match (text("apiVersion").split('/').next().unwrap_or_default(), text("kind")) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => places.extend(indexed("/spec/postRenderers", "/kustomize")),
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => places.push("/spec".to_owned()),
        ("argoproj.io", "Application" | "ApplicationSet") => {
            for spec in ["/spec", "/spec/template/spec"] {
                places.push(format!("{spec}/source/kustomize"));
                places.extend(indexed(&format!("{spec}/sources"), "/kustomize"));
            }
            places.push("/spec".to_owned());
        }
        _ => places.push(String::new()),
    }
    let is_there = |place: &PointerBuf| place.resolve(object).is_ok();
    places.into_iter().filter_map(|place| PointerBuf::parse(place).ok()).filter(is_there).collect()
}

/// Whether a source changes objects when they are built.
pub fn has_changes(object: &Value) -> bool {
    holders(object).iter().filter_map(|place| place.resolve(object).ok()).any(|holder| {
        FIELDS
            .iter()
            .chain(&["components", "images"])
            .any(|field| holder.get(*field).is_some_and(|entries| !entries.is_null()))
    })
}

/// What an object still says. `secrets` are names of Secrets of keys.
pub(super) fn of_object<'o>(
    object: &'o Value,
    context: SourceContext<'_>,
    secrets: &BTreeSet<String>,
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Found<'o>> {
    let mut found = Vec::new();
    for place in holders(object) {
        let Ok(holder) = place.resolve(object) else { continue };
        // an ApplicationSet has generators of another kind
        let generators = place.is_root().then_some(GENERATORS);
        for field in generators.into_iter().chain(FIELDS) {
            let Some(member) = holder.get(field) else { continue };
            let at = place.with_trailing_token(field);
            let entries = member.as_array().map_or(std::slice::from_ref(member), Vec::as_slice);
            if field == "commonAnnotations" {
                found.extend(of_annotations(member, &at));
            }
            let place = |index: usize| if member.is_array() { at.with_trailing_token(index) } else { at.clone() };
            let entries = entries.iter().enumerate();
            let of_entry = |(index, entry)| match field {
                GENERATORS | TRANSFORMERS => of_plugin(entry, &place(index), field, (context, secrets), read),
                _ => of_entry(entry, &place(index), context, secrets, read),
            };
            found.extend(entries.flat_map(of_entry));
        }
        // the images of a kustomization are changed there
        let images = holder.get("images").and_then(Value::as_array).filter(|_| !place.is_root());
        for (index, image) in images.into_iter().flatten().enumerate() {
            let at = place.with_trailing_token("images").with_trailing_token(index);
            let leftover = of_image_entry(image, context);
            found.extend(leftover.map(|leftover| Found { at, file: None, target: None, leftover }));
        }
    }
    found
}

/// Annotations of all objects, and of the Pods of workloads, as patches.
fn of_annotations<'o>(annotations: &'o Value, at: &Pointer) -> [Found<'o>; 2] {
    let metadata = json!({"metadata": {"annotations": annotations}});
    let template = json!({"spec": {"template": metadata}});
    let found = |object: Value, patch: Value| {
        let leftover = Leftover::Patch { object: Some(object), patch: Patch::Merge(patch) };
        Found { at: at.to_owned(), file: None, target: None, leftover }
    };
    [found(json!({}), metadata), found(json!({"kind": "Deployment|StatefulSet|DaemonSet"}), template)]
}

/// What is wrong with an entry of `images`, a text or a mapping, that selects an image of a gateway.
fn of_image_entry(image: &Value, context: SourceContext<'_>) -> Option<Leftover> {
    let text = |key: &str| image.get(key).and_then(Value::as_str);
    if let Some(whole) = image.as_str() {
        let renamed = whole.split_once('=').filter(|(name, _)| !is_variable(name));
        let name = renamed.map_or(whole, |(_, new)| new);
        // an entry without a version keeps that of the manifest
        let path = name.rfind('/').map_or(0, |slash| slash + 1);
        let version = name.get(path..)?.find([':', '@']).and_then(|at| name.get(path + at..))?;
        return of_version(version, context).filter(|_| context.images.is_gateway(name));
    }
    let is_of_gateway =
        [text("newName"), text("name")].into_iter().flatten().any(|name| context.images.is_gateway(name));
    let version = text("digest").map(|digest| format!("@{digest}")).or(text("newTag").map(|tag| format!(":{tag}")));
    of_version(&version.filter(|_| is_of_gateway)?, context)
}

/// What an entry of a list of generators or transformers still says.
fn of_plugin<'o>(
    entry: &'o Value,
    at: &Pointer,
    field: &str,
    context: (SourceContext<'_>, &BTreeSet<String>),
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Found<'o>> {
    let Some(text) = entry.as_str() else { return Vec::new() };
    let file = Some(text).filter(|text| !text.contains('\n'));
    let of_text = |text: &str| plugin::of_text(text, field == TRANSFORMERS, context, read);
    let found = match file {
        Some(file) => read(file).map_or_else(|| vec![Leftover::Unread], |text| of_text(&text)),
        None => of_text(text),
    };
    found.into_iter().map(|leftover| Found { at: at.to_owned(), file, target: None, leftover }).collect()
}

/// What an entry of a list of patches or replacements still says.
fn of_entry<'o>(
    entry: &'o Value,
    at: &Pointer,
    context: SourceContext<'_>,
    secrets: &BTreeSet<String>,
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Found<'o>> {
    let target = entry.get("target");
    let path = entry.get("path").and_then(Value::as_str).or(entry.as_str().filter(|text| !text.contains('\n')));
    if let Some(file) = path {
        let mut found = read(file).map_or_else(|| vec![Leftover::Unread], |text| of_text(&text, context, secrets));
        found.dedup();
        let found = found.into_iter();
        return found.map(|leftover| Found { at: at.to_owned(), file: Some(file), target, leftover }).collect();
    }
    let of_value = find(entry, context, secrets).into_iter().map(|(place, leftover)| {
        let mut whole = at.to_owned();
        whole.append(&place);
        Found { at: whole, file: None, target, leftover }
    });
    of_value.collect()
}
