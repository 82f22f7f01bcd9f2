//! Reads each file for `check`, on every core, and keeps of it only what the evaluation and the report need.

use super::not_final::NotFinal;
use super::unevaluated::{self, Unevaluated};
use super::{deferral, file_location, location, plain_key, unread_text};
use crate::command::{ignore_comments, policies_in_files};
use apim_keyless_core::gateway::{Images, KubernetesObject, ObjectReference, Relevance, remove_unread};
use apim_keyless_core::policy::dotted;
use apim_keyless_manifest::{
    ENCRYPTED, FileContent, IgnoredRules, InputError, KUSTOMIZATION, Locator, LooseKey, ManifestObject, Place,
    Position, is_encrypted,
};
use apim_keyless_report::{Failure, Skipped};
use jsonptr::PointerBuf;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an object is skipped whose kind no rule knows.
const UNKNOWN_KIND: &str =
    "of a kind that is not evaluated, with the gateway's image; check what its controller creates";

/// What reading a file needs to know.
pub(super) struct Reading<'a> {
    /// Namespace of objects that name none.
    pub(super) namespace: &'a str,
    /// Which images are the gateway's.
    pub(super) images: &'a Images,
    /// The file of the policy in use, which was validated when it was read.
    pub(super) policy_file: Option<&'a Path>,
}

/// What is kept of a file.
#[derive(Default)]
pub(super) struct ReadFile {
    /// Its path.
    pub(super) name: String,
    /// Whether it was given by name.
    pub(super) is_named: bool,
    /// Whether it mentions what only a gateway has.
    pub(super) is_about_gateway: bool,
    /// The objects that rules evaluate.
    pub(super) objects: Vec<ReadObject>,
    /// The workloads of other applications, of which nothing else is kept.
    pub(super) others: Vec<Place>,
    /// Number of objects of any kind.
    pub(super) count: usize,
    /// Number of lists without items.
    pub(super) empty_lists: usize,
    /// Auth keys in plain text outside the objects that rules evaluate.
    pub(super) keys: Vec<PlainKey>,
    /// Auth keys in comments and in documents that could not be read.
    pub(super) loose_keys: Vec<LooseKey>,
    /// The files that a kustomization of this file names as patches.
    pub(super) patch_files: Vec<PathBuf>,
    /// What is left out.
    pub(super) skipped: Vec<Skipped>,
    /// What could not be read or evaluated.
    pub(super) failures: Vec<Failure>,
}

/// An object that rules evaluate.
pub(super) struct ReadObject {
    pub(super) place: Place,
    pub(super) object: KubernetesObject<'static>,
    /// Why it is not the object that reaches a cluster.
    pub(super) not_final: Option<NotFinal>,
    /// JSON pointers to auth keys in plain text, whether or not a rule reads them.
    pub(super) keys: Vec<PointerBuf>,
    /// The error of a variable that the API server rejects.
    pub(super) invalid: Option<Box<Failure>>,
    /// The rules that comments ignore for it.
    pub(super) ignored: Option<Arc<IgnoredRules>>,
    /// Why only its name is kept, if it is.
    pub(super) deferred: Option<Relevance>,
}

/// An auth key in plain text in something that rules do not evaluate.
pub(super) struct PlainKey {
    pub(super) place: Place,
    /// The object; `None` if it is not one.
    pub(super) object: Option<ObjectReference>,
    pub(super) at: PointerBuf,
    /// The rules that comments ignore for it.
    pub(super) ignored: Option<Arc<IgnoredRules>>,
}

impl ReadFile {
    /// What is kept of a file's content.
    pub(super) fn of(content: FileContent, reading: &Reading<'_>) -> Self {
        let Reading { namespace, images, policy_file } = *reading;
        let (policies, unused_policies) = policies_in_files::validate(&content.name, content.text(), policy_file);
        let is_strict = content.is_named || content.is_about_gateway;
        let mut file = Self {
            name: content.name,
            is_named: content.is_named,
            is_about_gateway: content.is_about_gateway,
            loose_keys: content.loose_keys,
            count: content.objects.len(),
            empty_lists: content.empty_lists,
            patch_files: content.patch_files,
            skipped: content.skipped.into_iter().map(skipped).chain(unused_policies).collect(),
            failures: content
                .errors
                .into_iter()
                .chain(ignore_comments::errors(&content.ignore_comments))
                .map(failure)
                .chain(policies)
                .collect(),
            ..Self::default()
        };
        let mut locator = Locator::default();
        for object in content.objects {
            file.add_object(object, namespace, images, &mut locator);
        }
        for mapping in content.mappings {
            let unevaluated = unevaluated::of_mapping(&mapping.value, is_strict);
            file.add_unevaluated(&mapping, unevaluated, &mut locator);
        }
        for kustomization in content.kustomizations {
            let unevaluated = match unevaluated::of_kustomization(&kustomization.value) {
                Some((at, message)) => Unevaluated::Error(at, message),
                None => Unevaluated::Skipped(KUSTOMIZATION),
            };
            file.add_unevaluated(&kustomization, unevaluated, &mut locator);
        }
        file.require_something();
        // most files hold one or two objects, and there can be many files
        file.objects.shrink_to_fit();
        file.others.shrink_to_fit();
        file
    }

    /// Whether something in it was evaluated, or is reported.
    pub(super) fn is_looked_at(&self) -> bool {
        let has_keys = !self.keys.is_empty() || !self.loose_keys.is_empty();
        self.count > 0 || self.empty_lists > 0 || !self.failures.is_empty() || has_keys
    }

    /// Turns what is skipped into errors, if the file was given by name and holds nothing else.
    pub(super) fn require_something(&mut self) {
        if !self.is_named || self.is_looked_at() {
            return;
        }
        let message = |reason: &str| format!("nothing was evaluated: {reason}");
        let skipped = std::mem::take(&mut self.skipped).into_iter();
        let errors = skipped.map(|skipped| Failure { location: skipped.location, message: message(&skipped.reason) });
        self.failures.extend(errors);
        if self.failures.is_empty() {
            let location = file_location(self.name.clone(), None, None);
            self.failures.push(Failure { location, message: message("no Kubernetes object is in it") });
        }
    }

    fn add_object(&mut self, object: ManifestObject, namespace: &str, images: &Images, locator: &mut Locator) {
        let ManifestObject { mut value, place, ignored, is_enclosed } = object;
        let is_encrypted = is_encrypted(&value);
        // in another object there can be a template that its controller completes
        let is_strict = !is_enclosed || self.is_about_gateway;
        let unevaluated = unevaluated::of_object(&value).filter(|_| is_strict);
        remove_unread(&mut value);
        let unread = if is_encrypted { Vec::new() } else { unread_text::find(&value) };
        let unread = unread.into_iter().map(|at| (at, unread_text::MESSAGE.to_owned()));
        for (at, message) in unevaluated.into_iter().chain(unread) {
            let location = location(locator.locate(&place), place.file(), at.as_str());
            self.failures.push(Failure { location, message });
        }
        let keys = plain_key::find(&value);
        // a copy: the text itself has space for more, which would be kept with it
        let json = value.to_string().as_str().to_owned();
        let is_patch = json.contains("\"$patch\":");
        match KubernetesObject::recognize(json, namespace) {
            Ok(Some(object)) => {
                let not_final = NotFinal::of(&object, is_encrypted, is_patch);
                let invalid =
                    if not_final.is_none() { invalid_variable(&place, &object, locator).map(Box::new) } else { None };
                let is_kept = not_final.is_some() || !keys.is_empty() || place.is_part();
                if !is_kept && deferral::is_of_other_application(&object, images) {
                    self.failures.extend(invalid.map(|invalid| *invalid));
                    self.others.push(place);
                    return;
                }
                let deferred = if is_kept { None } else { deferral::stub(&object, images) };
                let (object, deferred) = deferred.map_or((object, None), |(stub, why)| (stub, Some(why)));
                self.objects.push(ReadObject { place, object, not_final, keys, invalid, ignored, deferred });
                return;
            }
            Ok(None) if is_encrypted => {
                self.count -= 1;
                self.add_unevaluated_object(&place, Unevaluated::Skipped(ENCRYPTED), locator);
            }
            Ok(None) if self.is_about_gateway && names_gateway_image(&value, images) => {
                self.add_unevaluated_object(&place, Unevaluated::Skipped(UNKNOWN_KIND), locator);
            }
            Ok(None) => {}
            // a part of an object, and an encrypted value, can have another type
            Err(_) if is_encrypted || is_patch || !is_strict => {}
            Err(shape_error) => {
                let location = location(locator.locate(&place), place.file(), shape_error.at.as_str());
                let message = format!("{} {}", dotted(&shape_error.at), shape_error.message);
                self.failures.push(Failure { location, message });
            }
        }
        self.add_keys(&place, Some(&reference(&value, namespace)), ignored.as_ref(), keys);
    }

    fn add_unevaluated(&mut self, mapping: &ManifestObject, unevaluated: Unevaluated, locator: &mut Locator) {
        self.add_unevaluated_object(&mapping.place, unevaluated, locator);
        self.add_keys(&mapping.place, None, mapping.ignored.as_ref(), plain_key::find(&mapping.value));
    }

    fn add_unevaluated_object(&mut self, place: &Place, unevaluated: Unevaluated, locator: &mut Locator) {
        match unevaluated {
            Unevaluated::Error(at, message) => {
                let location = location(locator.locate(place), place.file(), at.as_str());
                self.failures.push(Failure { location, message });
            }
            // said once a file
            Unevaluated::Skipped(reason) if self.skipped.iter().any(|skipped| skipped.reason == reason) => {}
            Unevaluated::Skipped(reason) => {
                let Position { line, column, .. } = locator.locate(place).position("");
                let location = file_location(place.file().to_owned(), Some(line), Some(column));
                self.skipped.push(Skipped { location, object: None, reason: reason.to_owned() });
            }
        }
    }

    fn add_keys(
        &mut self,
        place: &Place,
        object: Option<&ObjectReference>,
        ignored: Option<&Arc<IgnoredRules>>,
        keys: Vec<PointerBuf>,
    ) {
        let key = |at| PlainKey { place: place.clone(), object: object.cloned(), at, ignored: ignored.cloned() };
        self.keys.extend(keys.into_iter().map(key));
    }
}

/// Whether an object has a field `image` with the gateway's.
fn names_gateway_image(value: &Value, images: &Images) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(key, member)| {
            let image = member.as_str().filter(|_| key == "image");
            image.is_some_and(|image| images.is_gateway(image)) || names_gateway_image(member, images)
        }),
        Value::Array(elements) => elements.iter().any(|element| names_gateway_image(element, images)),
        _ => false,
    }
}

/// The reference to an object of a kind that rules do not evaluate.
fn reference(object: &Value, namespace: &str) -> ObjectReference {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let own = text("/metadata/namespace");
    ObjectReference {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        namespace: if own.is_empty() { namespace.to_owned() } else { own },
        name: text("/metadata/name"),
    }
}

/// The error for a variable with two sources.
fn invalid_variable(place: &Place, object: &KubernetesObject<'_>, locator: &mut Locator) -> Option<Failure> {
    let at = object.workload()?.value_beside_value_from()?;
    let message = format!("{} is next to value, which the API server rejects; remove one of the two", dotted(&at));
    Some(Failure { location: location(locator.locate(place), place.file(), at.as_str()), message })
}

fn failure(error: InputError) -> Failure {
    Failure { location: file_location(error.file, error.line, error.column), message: error.message }
}

fn skipped(document: InputError) -> Skipped {
    Skipped {
        location: file_location(document.file, document.line, document.column),
        object: None,
        reason: document.message,
    }
}
