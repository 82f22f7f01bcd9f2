//! Objects of which only the name is kept while all files are read, because they alone show no gateway. Once the others
//! are known, those that matter are read again.

use super::file_location;
use super::reading::{ReadFile, ReadObject};
use apim_keyless_core::gateway::{
    Images, Kind, KubernetesObject, ObjectReference, ObjectView, Relevance, remove_unread,
};
use apim_keyless_core::policy::Policy;
use apim_keyless_report::{Failure, Report};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// Namespace and name of a `ConfigMap`.
type Name = (String, String);

/// Whether the object is a workload of another application, whatever the other objects are.
pub(super) fn is_of_other_application(object: &KubernetesObject<'_>, images: &Images) -> bool {
    object.workload().is_some()
        && matches!(object.relevance(images), Relevance::ByConfigMaps(names) if names.is_empty())
}

/// The object with nothing but its name, and why that is enough for now; `None` if the object is kept.
pub(super) fn stub(object: &KubernetesObject<'_>, images: &Images) -> Option<(KubernetesObject<'static>, Relevance)> {
    let relevance = object.relevance(images);
    if relevance == Relevance::Evaluated {
        return None;
    }
    let ObjectReference { api_version, kind, namespace, .. } = &object.reference;
    let mut stub = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": object.metadata().name, "namespace": object.metadata().namespace},
    });
    if let Kind::Other(_) = object.kind {
        // its pod template makes it a workload
        insert_containers(&mut stub, object.kind.template()?);
    }
    let stub = KubernetesObject::recognize(stub.to_string(), namespace).ok()??;
    Some((stub, relevance))
}

/// Adds a pod template without containers, at its JSON pointer.
fn insert_containers(object: &mut Value, template: &str) {
    let with_template = |inner: Value, key: &str| json!({key: inner});
    let added = template.split('/').skip(1).collect::<Vec<_>>().into_iter().rev();
    let added = added.fold(json!({"spec": {"containers": []}}), with_template);
    if let (Value::Object(members), Value::Object(added)) = (object, added) {
        members.extend(added);
    }
}

/// Reads again the deferred objects that can matter: workloads that take a `ConfigMap` with settings, then `ConfigMap`s
/// that a gateway refers to or that the policy expects.
pub(super) fn restore(report: &mut Report, files: &mut [ReadFile], policy: &Policy) {
    let objects = || files.iter().flat_map(|file| &file.objects);
    let is_kept = |read: &&ReadObject| read.deferred.is_none();
    let config_maps = objects().filter(is_kept).filter(|read| read.object.kind == Kind::ConfigMap);
    let with_settings: HashSet<Name> = config_maps.map(|read| name_in(read, &read.object.reference.name)).collect();
    restore_if(report, files, |read| match &read.deferred {
        Some(Relevance::ByConfigMaps(names)) => names.iter().any(|name| with_settings.contains(&name_in(read, name))),
        _ => false,
    });
    let objects = || files.iter().flat_map(|file| &file.objects);
    let mut referenced = expected(objects(), policy);
    for read in objects().filter(is_kept) {
        referenced.extend(read.object.referenced_config_maps().iter().map(|name| name_in(read, name)));
    }
    restore_if(report, files, |read| {
        let is_config_map = read.deferred == Some(Relevance::IfReferenced);
        is_config_map && referenced.contains(&name_in(read, &read.object.reference.name))
    });
}

/// The name of an object in the namespace of `read`.
fn name_in(read: &ReadObject, name: &str) -> Name {
    (read.object.reference.namespace.clone(), name.to_owned())
}

/// The `ConfigMap`s that the policy or a Namespace expects.
fn expected<'o>(objects: impl Iterator<Item = &'o ReadObject>, policy: &Policy) -> HashSet<Name> {
    let none = BTreeMap::new();
    let mut annotations: BTreeMap<&str, &BTreeMap<String, String>> = BTreeMap::new();
    for read in objects {
        let namespace = read.object.reference.namespace.as_str();
        match &read.object.view {
            ObjectView::Namespace(object) => _ = annotations.insert(namespace, &object.metadata.annotations),
            _ => _ = annotations.entry(namespace).or_insert(&none),
        }
    }
    let of_namespace = |(namespace, annotations): (&str, &BTreeMap<String, String>)| {
        let config_maps = policy.expectations(namespace, annotations).config_maps;
        let namespace = namespace.to_owned();
        config_maps.into_iter().map(move |name| (namespace.clone(), name))
    };
    annotations.into_iter().flat_map(of_namespace).collect()
}

fn restore_if(report: &mut Report, files: &mut [ReadFile], matters: impl Fn(&ReadObject) -> bool) {
    let mut last = None;
    for read in files.iter_mut().flat_map(|file| &mut file.objects) {
        if read.deferred.is_none() || !matters(read) {
            continue;
        }
        let restored = read.place.value(&mut last).and_then(|value| whole(value, &read.object.reference));
        match restored {
            Some(object) => (read.object, read.deferred) = (object, None),
            None => report.failures.push(Failure {
                location: file_location(read.place.file().to_owned(), None, None),
                message: "changed while it was read; run the command again".to_owned(),
            }),
        }
    }
}

/// The whole object. The item of a raw list does not say itself what it is.
fn whole(mut value: Value, reference: &ObjectReference) -> Option<KubernetesObject<'static>> {
    let members = value.as_object_mut()?;
    members.insert("apiVersion".to_owned(), reference.api_version.as_str().into());
    members.insert("kind".to_owned(), reference.kind.as_str().into());
    remove_unread(&mut value);
    KubernetesObject::recognize(value.to_string(), &reference.namespace).ok()?
}
