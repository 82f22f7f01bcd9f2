//! What patches, replacements and post-renderers still say about how a gateway authenticates.
//!
//! They are applied to the objects when these are built, so they win over the migrated manifests. A patch that sets or
//! removes `config.service.auth` afterwards leaves the gateway without a way to authenticate.

use super::chart_version::is_chart;
use super::kept_parts::{keeps, lost, without_identity};
use super::merge_patch::patched;
use super::patch_finder::{Leftover, POSITIONAL, find, is_old_image, is_positional, of_text};
use super::{Note, NoteKind, SourceContext, SourceReport, value_path};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, USE};
use jsonptr::{Pointer, PointerBuf};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Fields with changes that a tool makes to built objects, of Kustomize and of what calls it.
pub(super) const FIELDS: [&str; 8] = [
    "commonLabels",
    "labels",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "templatePatch",
    "transformers",
];

/// The most places of one patch that are named.
const MAX_LOST: usize = 3;
/// The `ServiceAccount` of a workload.
const ACCOUNT: &str = "/spec/template/spec/serviceAccountName";

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
        Note { at: self.at.clone(), kind: NoteKind::ByHand, message }
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
    let is_release = is_release_of_chart(object);
    let certain = |found: &Found<'o>| match &found.leftover {
        // the chart has one workload
        Leftover::Whole { path, value } => {
            (is_release && drops_identity(path, value.as_ref())).then(|| found.leftover.clone())
        }
        Leftover::Account { .. } | Leftover::Data { .. } if is_release => Some(found.leftover.clone()),
        Leftover::Merge { patch, reported, .. } if is_release => {
            let new = of_chart();
            first_lost(&patched(&new, patch), reported, (&json!({}), &new))
        }
        leftover => (!leftover.depends_on_gateways()).then(|| leftover.clone()),
    };
    report.notes.extend(found.iter().filter_map(|found| Some(found.note(&certain(found)?))));
    report.notes.dedup();
}

/// Whether an object is a release of Flux with Microsoft's chart, or with a chart that it does not name.
fn is_release_of_chart(object: &Value) -> bool {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str);
    text("/kind") == Some("HelmRelease") && text("/spec/chart/spec/chart").is_none_or(is_chart)
}

/// What the `ServiceAccount` of a gateway needs. A patch may give it the client id of another environment.
fn account(client_id: Option<&Value>) -> Value {
    let client_id = client_id.and_then(Value::as_str).filter(|id| !id.is_empty()).unwrap_or("CLIENT_ID");
    json!({"apiVersion": "v1", "metadata": {"labels": {USE: "true"}, "annotations": {CLIENT_ID: client_id}}})
}

/// Whether an operation of a JSON patch removes what a `ServiceAccount` needs.
fn is_undone_account(path: &str, value: Option<&Value>) -> bool {
    let ends_with_id = path.ends_with(&format!("/{}", CLIENT_ID.replace('/', "~1")));
    let client_id = if ends_with_id { value } else { value.and_then(|value| value.get(CLIENT_ID)) };
    let new = account(client_id);
    path.starts_with("/metadata") && new.pointer(path).is_some_and(|new| !keeps(value, None, new))
}

/// What Microsoft's chart gives to its workload if `gateway.auth.type` is `WorkloadIdentity`.
fn of_chart() -> Value {
    let container = json!({"name": "azure-api-management-gateway", "envFrom": [{"configMapRef": {}}]});
    json!({
        "apiVersion": "apps/v1",
        "spec": {"template": {"metadata": {"labels": {USE: "true"}}, "spec": {"containers": [container]}}},
    })
}

/// The first places that the patched object lacks, of what the new object has beyond the old one.
fn first_lost(patched: &Value, reported: &[&str], (old, new): (&Value, &Value)) -> Option<Leftover> {
    // a patch that removes the whole workload leaves no gateway
    if patched.is_null() {
        return None;
    }
    let lost = lost(Some(patched), Some(old), new);
    let is_reported = |place: &PointerBuf| place.tokens().any(|token| reported.contains(&token.decoded().as_ref()));
    let named: Vec<PointerBuf> = lost.into_iter().filter(|place| !is_reported(place)).take(MAX_LOST).collect();
    (!named.is_empty()).then_some(Leftover::Lost(named))
}

/// Whether an operation of a JSON patch discards the label for workload identity, or the settings, of the chart's workload.
fn drops_identity(path: &str, value: Option<&Value>) -> bool {
    let Some((_, below)) = path.split_once("/template") else { return false };
    let label = match below {
        "" => vec!["metadata", "labels", USE],
        "/metadata" => vec!["labels", USE],
        "/metadata/labels" => vec![USE],
        "/spec" | "/spec/containers" | "/spec/containers/0" | "/spec/containers/0/envFrom" => return true,
        _ => return false,
    };
    value.and_then(|value| value_path::get(value, &label)).is_none_or(|label| label != "true")
}

/// A workload before and after its migration.
#[derive(Clone, Copy, Debug)]
pub struct MigratedWorkload<'w> {
    /// Its old value.
    pub old: &'w Value,
    /// Its new value.
    pub new: &'w Value,
    /// The `ConfigMap`s that hold its settings now.
    pub config_maps: &'w [String],
    /// Whether a kustomization adds a prefix or a suffix to names.
    pub is_affixed: bool,
}

/// What a source still says about these Secrets of keys and about these workloads: variables and volumes that it changes
/// by their positions, another `ServiceAccount`, and files of patches that could not be read.
pub fn notes_about_built(
    object: &Value,
    context: SourceContext<'_>,
    (secrets, workloads): (&BTreeSet<String>, &[MigratedWorkload<'_>]),
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Note<PointerBuf>> {
    let still = |found: &Found<'_>| {
        let any =
            |is_it: &dyn Fn(&MigratedWorkload<'_>) -> bool| workloads.iter().any(is_it).then(|| found.leftover.clone());
        match &found.leftover {
            Leftover::Secret(_) => Some(found.leftover.clone()),
            Leftover::Unread => any(&|_| true),
            Leftover::Position(path) => any(&|workload| workload.is_moved(path, found.target)),
            Leftover::Whole { path, value } => any(&|workload| {
                let is_named = is_positional(path) && workload.is_moved(path, found.target);
                !is_named && workload.is_undone(path, value.as_ref(), found.target, context)
            }),
            Leftover::Merge { object, patch, reported } => {
                let target = found.target.or(object.as_ref());
                workloads.iter().find_map(|workload| workload.lost_by(patch, reported, target, context))
            }
            Leftover::Data { object } => {
                let target = found.target.or(object.as_ref());
                any(&|workload| workload.takes(target))
            }
            Leftover::Account { account, object } => {
                let target = found.target.or(object.as_ref());
                any(&|workload| workload.gets_other_account(account.as_deref(), target))
            }
            // `report` names these
            Leftover::Lost(_)
            | Leftover::Setting
            | Leftover::ChartValues
            | Leftover::Label
            | Leftover::Image
            | Leftover::Removed(_)
            | Leftover::Endpoint(_) => None,
        }
    };
    let found = of_object(object, context, secrets, read);
    let mut notes: Vec<_> = found.iter().filter_map(|found| Some(found.note(&still(found)?))).collect();
    notes.dedup();
    notes
}

impl MigratedWorkload<'_> {
    /// Whether another element, or none, is at a path of a JSON patch for this target now.
    fn is_moved(self, path: &str, target: Option<&Value>) -> bool {
        // up to the position in the list
        let tokens: Vec<&str> = path.split('/').collect();
        let list = tokens.iter().rposition(|token| POSITIONAL.contains(token));
        if tokens.last() == Some(&"-") {
            // an operation cannot append to a list that the migration removed
            let list = tokens.get(..tokens.len() - 1).unwrap_or_default().join("/");
            return self.is_target(target) && self.new.pointer(&list).is_none() && self.old.pointer(&list).is_some();
        }
        let end = list.map_or(0, |at| at + 2).min(tokens.len());
        let element = tokens.get(..end).unwrap_or_default().join("/");
        self.is_target(target)
            && (self.new.pointer(&element).is_none() || self.new.pointer(&element) != self.old.pointer(&element))
    }
}

impl MigratedWorkload<'_> {
    /// Whether a patch for this target changes it. Kustomize reads the kind and the name as regular expressions, and accepts
    /// a name that already has its prefix and its suffix.
    fn is_target(self, target: Option<&Value>) -> bool {
        let own = |at: &str| self.old.pointer(at).and_then(Value::as_str).unwrap_or_default();
        self.selects(target, own("/kind"), own("/metadata/name"))
    }

    /// Whether a patch for this target changes a `ConfigMap` with its settings.
    fn takes(self, target: Option<&Value>) -> bool {
        self.config_maps.iter().any(|name| self.selects(target, "ConfigMap", name))
    }

    /// Whether a patch for this target changes its `ServiceAccount`.
    fn runs_under(self, target: Option<&Value>) -> bool {
        let account = self.new.pointer(ACCOUNT).and_then(Value::as_str);
        account.is_some_and(|account| self.selects(target, "ServiceAccount", account))
    }

    fn selects(self, target: Option<&Value>, kind: &str, name: &str) -> bool {
        selects(target, "kind", kind, self.is_affixed) && selects(target, "name", name, self.is_affixed)
    }

    /// Whether an operation of a JSON patch for this target discards what the migration wrote, or what selects workload
    /// identity already.
    fn is_undone(self, path: &str, value: Option<&Value>, target: Option<&Value>, context: SourceContext<'_>) -> bool {
        if self.runs_under(target) && is_undone_account(path, value) {
            return true;
        }
        // these have messages of their own
        let is_known = ["/image", "/serviceAccountName"].iter().any(|end| path.ends_with(end));
        let new = self.new.pointer(path).filter(|_| !is_known && self.is_target(target));
        let Some(new) = new else { return false };
        let old = without_identity(self.old, context.images);
        !keeps(value, old.pointer(path), new)
    }

    /// The first places that this workload, or its `ServiceAccount`, loses by a strategic merge patch for this target.
    fn lost_by(
        self,
        patch: &Value,
        reported: &[&str],
        target: Option<&Value>,
        context: SourceContext<'_>,
    ) -> Option<Leftover> {
        if self.is_target(target) {
            let old = without_identity(self.old, context.images);
            let patched = patched(self.new, patch);
            let secret = || self.added_secret(&patched, context).map(Leftover::Secret);
            return first_lost(&patched, reported, (&old, self.new)).or_else(secret);
        }
        if !self.runs_under(target) {
            return None;
        }
        let client_id = ["metadata", "annotations", CLIENT_ID];
        let new = account(value_path::get(patch, &client_id));
        let patched = patched(&new, patch);
        // without a ServiceAccount no Pod is created
        let whole = || Leftover::Lost(vec![PointerBuf::from_tokens(["metadata", "name"])]);
        if patched.is_null() { Some(whole()) } else { first_lost(&patched, reported, (&json!({}), &new)) }
    }

    /// A Secret that a gateway's container takes as a whole after a patch, and not before.
    fn added_secret(self, patched: &Value, context: SourceContext<'_>) -> Option<String> {
        let own = taken_as_a_whole(self.new, context);
        taken_as_a_whole(patched, context).difference(&own).next().map(|name| (*name).to_owned())
    }

    /// Whether a patch for this target gives it another `ServiceAccount` than the migration.
    fn gets_other_account(self, account: Option<&str>, target: Option<&Value>) -> bool {
        let own = self.new.pointer(ACCOUNT).and_then(Value::as_str);
        self.is_target(target) && own != account
    }
}

/// The Secrets that the containers of a gateway take as a whole.
fn taken_as_a_whole<'v>(workload: &'v Value, context: SourceContext<'_>) -> BTreeSet<&'v str> {
    let containers = workload.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let of_gateway = containers.into_iter().flatten().filter(|container| {
        container.get("image").and_then(Value::as_str).is_some_and(|image| context.images.is_gateway(image))
    });
    let sources = of_gateway.filter_map(|container| container.get("envFrom")?.as_array()).flatten();
    sources.filter_map(|source| source.pointer("/secretRef/name")?.as_str()).collect()
}

/// Whether a target selects this kind or name. With `is_affixed`, the name can have a prefix and a suffix already.
fn selects(target: Option<&Value>, key: &str, own: &str, is_affixed: bool) -> bool {
    let wanted = target.and_then(|target| target.get(key)).and_then(Value::as_str);
    wanted.is_none_or(|wanted| {
        let is_expression = wanted.contains(['*', '+', '?', '[', '(', '{', '|', '^', '$']);
        wanted == own || is_expression || (is_affixed && key == "name" && wanted.contains(own))
    })
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
pub(super) fn has_changes(object: &Value) -> bool {
    holders(object).iter().filter_map(|place| place.resolve(object).ok()).any(|holder| {
        FIELDS.iter().chain(&["images"]).any(|field| holder.get(*field).is_some_and(|entries| !entries.is_null()))
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
        for field in FIELDS {
            let Some(member) = holder.get(field) else { continue };
            let at = place.with_trailing_token(field);
            let entries = member.as_array().map_or(std::slice::from_ref(member), Vec::as_slice);
            let place = |index: usize| if member.is_array() { at.with_trailing_token(index) } else { at.clone() };
            let entries = entries.iter().enumerate();
            found.extend(entries.flat_map(|(index, entry)| of_entry(entry, &place(index), context, secrets, read)));
        }
        // the images of a kustomization are changed there
        let images = holder.get("images").and_then(Value::as_array).filter(|_| !place.is_root());
        for (index, image) in images.into_iter().flatten().enumerate() {
            let at = place.with_trailing_token("images").with_trailing_token(index);
            if is_old_image_entry(image, context) {
                found.push(Found { at, file: None, target: None, leftover: Leftover::Image });
            }
        }
    }
    found
}

/// Whether an entry of `images`, a text or a mapping, selects an image that is too old.
fn is_old_image_entry(image: &Value, context: SourceContext<'_>) -> bool {
    let text = |key: &str| image.get(key).and_then(Value::as_str);
    let version = text("digest").map(|digest| format!("@{digest}")).or(text("newTag").map(|tag| format!(":{tag}")));
    match (image.as_str(), text("newName").or(text("name")), version) {
        (Some(text), ..) => is_old_image(text.rsplit('=').next().unwrap_or_default(), context),
        (None, Some(name), Some(version)) => is_old_image(&format!("{name}{version}"), context),
        _ => false,
    }
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
