//! An object under examination: its JSON, its typed view, and its raw value on demand.

mod config_map;
mod container;
mod kind;
mod metadata;
mod plain;
pub(super) mod pod_spec;
mod workload;

pub use config_map::ConfigMap;
pub use container::{Container, ContainerList};
pub use kind::Kind;
pub use metadata::{Metadata, Owner};
pub use plain::{Namespace, Service, ServiceAccount};
pub use workload::Workload;

use super::ObjectJson;
use super::json::shape_error::{ShapeError, fault};
use super::json::type_meta::{RootObject, TypeMeta};
use jsonptr::Pointer;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;

/// An object of a kind that rules look at.
pub struct KubernetesObject<'a> {
    /// Which object it is.
    pub identity: ObjectReference,
    /// Its kind.
    pub kind: Kind,
    /// Its typed view.
    pub view: ObjectView,
    /// Its JSON, for what the view leaves out.
    pub json: ObjectJson<'a>,
}

/// Which object a subject is, as a sentence names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectReference {
    /// `apiVersion` as written.
    pub api_version: String,
    /// `kind` as written.
    pub kind: String,
    /// The namespace it is in, or is to be in.
    pub namespace: String,
    /// Its name; the beginning of it where the API server generates the rest; empty if it has neither.
    pub name: String,
}

/// The typed eyes of a subject.
pub enum ObjectView {
    /// A `ConfigMap`.
    ConfigMap(ConfigMap),
    /// A Namespace, which is looked at and never judged.
    Namespace(Namespace),
    /// A Service.
    Service(Service),
    /// A `ServiceAccount`.
    ServiceAccount(ServiceAccount),
    /// Anything with a pod template.
    Workload(Box<Workload>),
}

impl<'a> KubernetesObject<'a> {
    /// Reads one object from its JSON; `None` if no rule looks at its kind.
    ///
    /// `namespace` is where it goes if it names none itself.
    ///
    /// # Errors
    /// The object is of a kind that we look at, but not of its shape.
    pub fn recognize(json: impl Into<Cow<'a, str>>, namespace: &str) -> Result<Option<Self>, ShapeError> {
        let json = json.into();
        let meta = TypeMeta::of(&json)?;
        let Some(kind) = meta.known() else { return Ok(None) };
        let view = read(&json, kind)?;
        let told = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        let identity = view.identity(told(meta.api_version), told(meta.kind), namespace);
        Ok(Some(Self { identity, kind, view, json: ObjectJson::alone(json) }))
    }

    /// The object as it was sent, with every field that we don't know. Built anew at each call.
    ///
    /// `None` if a field that nobody reads is nested deeper than 128 levels, which no API server sends.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_str(self.json.text_at(Pointer::root())?).ok()
    }

    /// The object with nothing but what leads to these places: of each, whether it is there, its text or number, and of
    /// which length a list is. Its cost is that of reading over the object once.
    pub fn project<'p>(&self, places: impl IntoIterator<Item = &'p Pointer>) -> Option<Value> {
        self.json.project(places)
    }

    /// The JSON of its pod template, if it has one.
    pub(in crate::gateway) fn template(&self) -> Option<&str> {
        self.json.text_at(Pointer::parse(self.kind.template()?).ok()?)
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Metadata {
        self.view.metadata()
    }

    /// Who made it, if it is a workload that says so.
    pub fn owner(&self) -> Option<Owner> {
        self.workload().and_then(|workload| Owner::of(&workload.metadata, workload.kind))
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
    /// The identity, with the name that there is, and the namespace: its own, else the given one; of a Namespace, itself.
    pub(crate) fn identity(&self, api_version: String, kind: String, namespace: &str) -> ObjectReference {
        let metadata = self.metadata();
        let told = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let name = told(&metadata.name).or_else(|| told(&metadata.generate_name)).unwrap_or_default();
        let namespace = match self {
            Self::Namespace(_) => name.clone(),
            _ => told(&metadata.namespace).unwrap_or_else(|| namespace.to_owned()),
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

/// A kind knows how to read its view.
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

/// Reads `json` once; only if that fails, a second time with the path, so that a good object doesn't pay for it.
fn read<'de, S: DeserializeSeed<'de> + Copy>(json: &'de str, seed: S) -> Result<S::Value, ShapeError> {
    seed.deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|_| fault(json, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_type_is_told_by_its_place_and_never_by_its_value() {
        let json = r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"x","value":424242}]}]}}}}"#;
        let shape_error = KubernetesObject::recognize(json, "default").err().unwrap();
        assert_eq!(shape_error.at.as_str(), "/spec/template/spec/containers/0/env/0/value");
        assert!(!shape_error.to_string().contains("424242"));
    }

    #[test]
    fn nulls_and_missing_parts_are_read_as_kubernetes_does() {
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
    fn other_kinds_are_none_of_ours() {
        assert!(KubernetesObject::recognize(r#"{"apiVersion":"v1","kind":"Secret"}"#, "a").unwrap().is_none());
        assert!(KubernetesObject::recognize(r#"{"kind":"Deployment"}"#, "a").unwrap().is_none());
        assert!(KubernetesObject::recognize("{}", "a").unwrap().is_none());
    }

    #[test]
    fn a_subject_is_named_by_what_there_is() {
        let identity = |metadata: &str| {
            KubernetesObject::recognize(format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{metadata}}}"#), "given")
                .unwrap()
                .unwrap()
                .identity
        };
        assert_eq!(identity(r#"{"name":"a","namespace":"own"}"#).namespace, "own");
        assert_eq!(identity(r#"{"name":"a","namespace":""}"#).namespace, "given");
        assert_eq!(identity(r#"{"generateName":"orders-"}"#).name, "orders-");
    }
}
