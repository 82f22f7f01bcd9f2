//! Turns problems of an installation, or of a gateway, into diagnostics of the report.

use super::{CodeEntry, DoctorCode};
use crate::cluster::InstallationNames;
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::policy::dotted;
use apim_keyless_report::{Diagnostic, Fix, Location, Safety};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What a problem is about: a field of an object, or a path of the API server.
pub(crate) struct Target {
    object: Option<ObjectReference>,
    /// JSON pointer to the field; for the API server, the path of the URL.
    at: PointerBuf,
}

impl Target {
    /// A field of the object with this `metadata`.
    pub(crate) fn of(kind: &str, metadata: &ObjectMeta, at: PointerBuf) -> Self {
        let [namespace, name] = [&metadata.namespace, &metadata.name].map(|text| text.clone().unwrap_or_default());
        Self { object: Some(reference(kind, namespace, name)), at }
    }

    /// An object, which need not exist.
    pub(crate) fn of_object(object: ObjectReference) -> Self {
        Self { object: Some(object), at: PointerBuf::new() }
    }

    /// An object in the namespace of apim-keyless. It need not exist.
    pub(super) fn in_namespace(kind: &str, name: &str, names: &InstallationNames) -> Self {
        Self { object: Some(reference(kind, names.namespace.clone(), name.to_owned())), at: PointerBuf::new() }
    }

    /// A cluster-scoped object. It need not exist.
    pub(crate) fn in_cluster(kind: &str, name: &str) -> Self {
        Self { object: Some(reference(kind, String::new(), name.to_owned())), at: PointerBuf::new() }
    }

    /// A path of the API server, given by its segments.
    pub(crate) fn of_server<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        Self { object: None, at: PointerBuf::from_tokens(path) }
    }

    /// The same object, at another field.
    pub(crate) fn at(self, at: PointerBuf) -> Self {
        Self { at, ..self }
    }
}

fn reference(kind: &str, namespace: String, name: String) -> ObjectReference {
    let api_version = match kind {
        "Deployment" => "apps/v1",
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => "admissionregistration.k8s.io/v1",
        "PodDisruptionBudget" => "policy/v1",
        _ => "v1",
    };
    ObjectReference { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace, name }
}

/// A diagnostic of a code, whose fix gets the names of this installation and of `target`.
pub(super) fn diagnostic(
    code: DoctorCode,
    names: &InstallationNames,
    target: Target,
    message: impl Into<String>,
) -> Diagnostic {
    of_entry(code.id(), code.entry(), &names.namespace, target, message)
}

/// A diagnostic with this id, whose fix gets `namespace` and the names of `target`.
pub(crate) fn of_entry(
    id: &'static str,
    entry: CodeEntry,
    namespace: &str,
    target: Target,
    message: impl Into<String>,
) -> Diagnostic {
    let Target { object, at } = target;
    let mut title = entry.fix.replace("NAMESPACE", namespace).replace("FIELD", &dotted(&at));
    if let Some(object) = &object {
        title = title.replace("KIND", &object.kind.to_lowercase()).replace("NAME", &object.name);
    }
    let location = match object {
        Some(_) => Location { path: Some(at.to_string()), ..Location::default() },
        None => Location { api_path: Some(at.to_string()), ..Location::default() },
    };
    Diagnostic {
        object,
        location,
        fixes: vec![Fix { title, safety: Safety::Unsafe, edits: Vec::new() }],
        ..Diagnostic::new(id, entry.level, message)
    }
}
