//! Kubernetes objects that rules evaluate: the typed view of each, its JSON, and its full value on demand.

mod config_map;
mod container;
mod kind;
mod metadata;
mod plain;
pub(super) mod pod_spec;
mod workload;

pub use config_map::ConfigMap;
pub use container::{Container, ContainerList};
pub use kind::{Kind, TemplateAt};
pub(super) use metadata::identity;
pub use metadata::{Metadata, ObjectIdentity, Owner};
pub use plain::{Namespace, Service, ServiceAccount};
pub use pod_spec::{Volume, VolumeMount};
pub use workload::Workload;

use super::ObjectJson;
use super::json::go_json::string_map;
use super::json::shape_error::{ShapeError, find_shape_error};
use super::json::type_meta::{RootObject, TypeMeta};
use super::unresolved::is_unrendered_outside_env;
use super::well_known::{self, StringMap};
use jsonptr::{Pointer, PointerBuf};
use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// An object of a kind that rules evaluate.
pub struct KubernetesObject<'a> {
    /// Identifies it in messages and reports.
    pub reference: ObjectReference,
    /// Its kind.
    pub kind: Kind,
    /// Its typed view: the fields that rules read.
    pub view: ObjectView,
    /// Its JSON, for the fields that the view leaves out.
    pub json: ObjectJson<'a>,
}

/// Identifies an object in messages and reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectReference {
    /// `apiVersion` as written.
    pub api_version: String,
    /// `kind` as written.
    pub kind: String,
    /// Its namespace, or the namespace it is to be created in. For a Namespace, its own name.
    pub namespace: String,
    /// `metadata.name`, else `metadata.generateName`, else empty.
    pub name: String,
}

/// `KIND NAMESPACE/NAME`, or `KIND NAME` for a cluster-scoped object.
impl fmt::Display for ObjectReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.namespace.is_empty() { "" } else { "/" };
        write!(formatter, "{} {}{separator}{}", self.kind, self.namespace, self.name)
    }
}

/// The typed view of an object, by kind.
pub enum ObjectView {
    /// A `ConfigMap`.
    ConfigMap(ConfigMap),
    /// A Namespace: a related object, never evaluated itself.
    Namespace(Namespace),
    /// A Service.
    Service(Service),
    /// A `ServiceAccount`.
    ServiceAccount(ServiceAccount),
    /// Any object with a pod template.
    Workload(Box<Workload>),
}

impl<'a> KubernetesObject<'a> {
    /// Reads one object from its JSON; `None` if no rule evaluates its kind.
    ///
    /// `namespace` is its namespace if `metadata.namespace` is absent or empty.
    ///
    /// # Errors
    /// The JSON is malformed or not an object, or the object does not have the shape of its kind.
    pub fn recognize(json: impl Into<Cow<'a, str>>, namespace: &str) -> Result<Option<Self>, ShapeError> {
        let json = json.into();
        let meta = TypeMeta::of(&json)?;
        let Some(kind) = meta.evaluated_kind().or_else(|| meta.kind_by_shape(&json)) else { return Ok(None) };
        let view = read(&json, kind)?;
        let owned = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        let reference = view.reference(owned(meta.api_version), owned(meta.kind), namespace);
        Ok(Some(Self { reference, kind, view, json: ObjectJson::from_text(json) }))
    }

    /// The whole object as it was sent, with all unknown fields. Each call parses it again.
    ///
    /// `None` if a field outside the typed view is nested deeper than 128 levels, which no API server sends.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_str(self.json.text_at(Pointer::root())?).ok()
    }

    /// The object reduced to the paths to these JSON pointers. It shows whether each value exists, the value of a
    /// string, number or boolean, and the length of a list. The cost is that of one pass over the JSON.
    pub fn project<'p>(&self, pointers: impl IntoIterator<Item = &'p Pointer>) -> Option<Value> {
        self.json.project(pointers)
    }

    /// The JSON text of its pod template, if it has one.
    pub(in crate::gateway) fn template_json(&self) -> Option<&str> {
        self.json.text_at(Pointer::parse(self.kind.template()?).ok()?)
    }

    /// All of the `data` of a `ConfigMap`; empty for another kind.
    pub(in crate::gateway) fn data(&self) -> StringMap {
        let text = self.json.text_at(Pointer::from_static("/data")).filter(|_| self.kind == Kind::ConfigMap);
        let data = text.map(|text| string_map(&mut serde_json::Deserializer::from_str(text)));
        data.and_then(Result::ok).unwrap_or_default()
    }

    /// JSON pointer to the first name or setting with a placeholder, such as `${NAME}`, that Flux, Kustomize or another
    /// tool replaces before the object reaches a cluster. Other values can contain such text themselves: a shell script, for example.
    pub fn placeholder(&self) -> Option<PointerBuf> {
        let metadata = self.metadata();
        let of_metadata = |key: &str, text: &Option<String>| {
            text.as_deref().is_some_and(is_unrendered_outside_env).then(|| PointerBuf::from_tokens(["metadata", key]))
        };
        of_metadata("name", &metadata.name).or_else(|| of_metadata("namespace", &metadata.namespace)).or_else(|| {
            match &self.view {
                ObjectView::ConfigMap(config_map) => config_map
                    .settings()
                    .find(|(.., text)| is_unrendered_outside_env(text))
                    .map(|(_, key, _)| PointerBuf::from_tokens(["data", key])),
                ObjectView::ServiceAccount(account) => {
                    let entries = well_known::evaluated_entries(&account.metadata.annotations);
                    let mut with_placeholder = entries.filter(|(_, text)| is_unrendered_outside_env(text));
                    with_placeholder.next().map(|(key, _)| PointerBuf::from_tokens(["metadata", "annotations", key]))
                }
                ObjectView::Workload(workload) => workload.placeholder(),
                ObjectView::Namespace(_) | ObjectView::Service(_) => None,
            }
        })
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Metadata {
        self.view.metadata()
    }

    /// `metadata.uid`, which only an object of a cluster has. No rule reads it.
    pub fn uid(&self) -> Option<String> {
        serde_json::from_str(self.json.text_at(Pointer::from_static("/metadata/uid"))?).ok()
    }

    /// Its identity in its namespace.
    pub fn identity(&self) -> ObjectIdentity {
        identity(&self.reference.api_version, &self.reference.kind, &self.reference.name)
    }

    /// Returns true if it names a controlling owner. Whoever manages it from there may undo or repeat every change.
    pub fn has_controlling_owner(&self) -> bool {
        self.metadata().controlling_owner().is_some()
    }

    /// Returns true for a Job with a CronJob as controlling owner.
    pub fn is_job_of_cron_job(&self) -> bool {
        self.kind == Kind::Job && self.owner().is_some_and(Owner::is_cron_job)
    }

    /// The controlling owner that it names, if it is a workload and such an owner can create it.
    pub fn owner(&self) -> Option<Owner<'_>> {
        self.workload().and_then(|workload| Owner::of(&workload.metadata, workload.kind))
    }

    /// Returns true if it is a workload that is being deleted and whose controller creates nothing for it any more. A
    /// Pod and a `PodTemplate` have no such controller, and what the controllers of other kinds do is not known.
    pub fn is_workload_being_deleted(&self) -> bool {
        self.metadata().deletion_timestamp.is_some() && self.kind.controller_name().is_some()
    }

    /// Its workload, if it is one.
    pub fn workload(&self) -> Option<&Workload> {
        match &self.view {
            ObjectView::Workload(workload) => Some(workload),
            ObjectView::ConfigMap(_)
            | ObjectView::Namespace(_)
            | ObjectView::Service(_)
            | ObjectView::ServiceAccount(_) => None,
        }
    }
}

impl ObjectView {
    /// The reference to this object. Its namespace is `metadata.namespace`, else `namespace`; for a Namespace, its own
    /// name.
    pub fn reference(&self, api_version: String, kind: String, namespace: &str) -> ObjectReference {
        let metadata = self.metadata();
        let nonempty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let name = nonempty(&metadata.name).or_else(|| nonempty(&metadata.generate_name)).unwrap_or_default();
        let namespace = match self {
            Self::Namespace(_) => name.clone(),
            _ => nonempty(&metadata.namespace).unwrap_or_else(|| namespace.to_owned()),
        };
        ObjectReference { api_version, kind, namespace, name }
    }

    fn metadata(&self) -> &Metadata {
        match self {
            Self::ConfigMap(config_map) => &config_map.metadata,
            Self::Namespace(namespace) => &namespace.metadata,
            Self::Service(service) => &service.metadata,
            Self::ServiceAccount(service_account) => &service_account.metadata,
            Self::Workload(workload) => &workload.metadata,
        }
    }
}

/// A kind is the seed that deserializes the typed view of its objects.
impl<'de> DeserializeSeed<'de> for Kind {
    type Value = ObjectView;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<ObjectView, D::Error> {
        Ok(match self {
            Self::ConfigMap => ObjectView::ConfigMap(RootObject::deserialize(reader)?.0),
            Self::Namespace => ObjectView::Namespace(RootObject::deserialize(reader)?.0),
            Self::Service => ObjectView::Service(RootObject::deserialize(reader)?.0),
            Self::ServiceAccount => ObjectView::ServiceAccount(RootObject::deserialize(reader)?.0),
            kind => ObjectView::Workload(Box::new(Workload::read(kind, reader)?)),
        })
    }
}

/// Deserializes `json` without path tracking, which costs time. Only if that fails, a second pass finds the location of
/// the error.
fn read<'de, S: DeserializeSeed<'de> + Copy>(json: &'de str, seed: S) -> Result<S::Value, ShapeError> {
    seed.deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|_| find_shape_error(json, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_error_names_the_pointer_and_not_the_value() {
        let json = r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"x","value":424242}]}]}}}}"#;
        let shape_error = KubernetesObject::recognize(json, "default").err().unwrap();
        assert_eq!(shape_error.at.as_str(), "/spec/template/spec/containers/0/env/0/value");
        assert!(!shape_error.to_string().contains("424242"));
    }

    #[test]
    fn nulls_and_missing_fields_are_read_as_in_kubernetes() {
        for spec in
            ["null", "{}", r#"{"template":null}"#, r#"{"template":{"metadata":null,"spec":{"containers":null}}}"#]
        {
            let json = format!(
                r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"labels":null,"annotations":{{"a":null}}}},"spec":{spec}}}"#
            );
            let object = KubernetesObject::recognize(json, "default").unwrap().unwrap();
            assert_eq!(object.workload().unwrap().containers().len(), 0);
            assert_eq!(object.metadata().annotations["a"], "");
        }
    }

    #[test]
    fn other_kinds_are_ignored() {
        assert!(KubernetesObject::recognize(r#"{"apiVersion":"v1","kind":"Secret"}"#, "a").unwrap().is_none());
        assert!(KubernetesObject::recognize(r#"{"kind":"Deployment"}"#, "a").unwrap().is_none());
        assert!(KubernetesObject::recognize("{}", "a").unwrap().is_none());
    }

    #[test]
    fn the_reference_uses_the_name_and_namespace_that_exist() {
        let reference = |metadata: &str| {
            KubernetesObject::recognize(format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{metadata}}}"#), "given")
                .unwrap()
                .unwrap()
                .reference
        };
        assert_eq!(reference(r#"{"name":"a","namespace":"own"}"#).namespace, "own");
        assert_eq!(reference(r#"{"name":"a","namespace":""}"#).namespace, "given");
        assert_eq!(reference(r#"{"generateName":"orders-"}"#).name, "orders-");
    }
}
