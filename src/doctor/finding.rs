//! One reported problem and its location.

use super::{Code, Severity};
use crate::cluster::InstallationNames;
use crate::policy::{dotted, printable};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::fmt;

/// A problem of the installation: where it is, what is wrong, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorFinding {
    /// The kind of problem.
    pub code: Code,
    /// Where it is.
    pub location: Location,
    /// What is wrong. It never holds a value of a Secret.
    pub message: String,
    /// The fix of the code, with the names of this installation.
    pub fix: String,
}

/// A field of an object, or a path of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The object; `None` for the API server itself.
    pub object: Option<ObjectName>,
    /// JSON pointer to the field; for the API server, the path of the URL.
    pub at: PointerBuf,
}

/// The name of an object. The object need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// `kind`.
    pub kind: &'static str,
    /// `metadata.namespace`, if the object is namespaced.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl Location {
    /// A field of the object with this `metadata`.
    pub fn of(kind: &'static str, metadata: &ObjectMeta, at: PointerBuf) -> Self {
        let name = metadata.name.clone().unwrap_or_default();
        Self { object: Some(ObjectName { kind, namespace: metadata.namespace.clone(), name }), at }
    }

    /// An object in the namespace of apim-keyless.
    pub fn in_namespace(kind: &'static str, name: &str, names: &InstallationNames) -> Self {
        let object = ObjectName { kind, namespace: Some(names.namespace.clone()), name: name.to_owned() };
        Self { object: Some(object), at: PointerBuf::new() }
    }

    /// A cluster-scoped object.
    pub fn in_cluster(kind: &'static str, name: &str) -> Self {
        Self { object: Some(ObjectName { kind, namespace: None, name: name.to_owned() }), at: PointerBuf::new() }
    }

    /// A path of the API server, given by its segments.
    pub fn of_server<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        Self { object: None, at: PointerBuf::from_tokens(path) }
    }
}

impl fmt::Display for Location {
    /// `KIND NAMESPACE/NAME: FIELD`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ObjectName { kind, namespace, name }) = &self.object else {
            return write!(formatter, "API server: {}", self.at);
        };
        let namespace = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let at = if self.at.is_root() { String::new() } else { format!(": {}", dotted(&self.at)) };
        write!(formatter, "{kind} {}{at}", printable(&format!("{namespace}{name}")))
    }
}

impl DoctorFinding {
    /// Fills the placeholders of the code's fix with `names` and `location`.
    pub fn new(code: Code, names: &InstallationNames, location: Location, message: impl Into<String>) -> Self {
        let fix = code.entry().fix.replace("NAMESPACE", &names.namespace);
        let mut fix = fix.replace("FIELD", &dotted(&location.at));
        if let Some(object) = &location.object {
            fix = fix.replace("KIND", &object.kind.to_lowercase()).replace("NAME", &object.name);
        }
        Self { code, location, message: message.into(), fix }
    }

    /// The severity of the code.
    pub fn severity(&self) -> Severity {
        self.code.entry().severity
    }
}
