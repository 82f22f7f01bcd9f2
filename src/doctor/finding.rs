//! A fault that was found, and where.

use super::{Code, Severity};
use crate::cluster::InstallationNames;
use crate::policy::{dotted, printable};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::fmt;

/// A fault, its place, what is wrong and what cures it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorFinding {
    /// Which fault.
    pub code: Code,
    /// Where.
    pub location: Location,
    /// What is wrong. A value of a Secret is never told.
    pub message: String,
    /// A command or a field.
    pub fix: String,
}

/// An object, or a page of the API server, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Which object; `None` for the API server itself.
    pub object: Option<ObjectName>,
    /// The place in it, a JSON pointer; of the API server, the path of the page.
    pub at: PointerBuf,
}

/// An object by its name. It need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace, if it is in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Location {
    /// An object of this kind with these metadata, and a place in it.
    pub fn of(kind: &'static str, metadata: &ObjectMeta, at: PointerBuf) -> Self {
        let name = metadata.name.clone().unwrap_or_default();
        Self { object: Some(ObjectName { kind, namespace: metadata.namespace.clone(), name }), at }
    }

    /// An object of this name in the namespace of apim-keyless.
    pub fn here(kind: &'static str, name: &str, names: &InstallationNames) -> Self {
        let object = ObjectName { kind, namespace: Some(names.namespace.clone()), name: name.to_owned() };
        Self { object: Some(object), at: PointerBuf::new() }
    }

    /// An object in no namespace.
    pub fn in_cluster(kind: &'static str, name: &str) -> Self {
        Self { object: Some(ObjectName { kind, namespace: None, name: name.to_owned() }), at: PointerBuf::new() }
    }

    /// A page of the API server, by the parts of its path.
    pub fn of_server<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        Self { object: None, at: PointerBuf::from_tokens(path) }
    }
}

impl fmt::Display for Location {
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
    /// A fault of the installation at `names`.
    pub fn new(code: Code, names: &InstallationNames, location: Location, message: impl Into<String>) -> Self {
        let mut fix = code.fix().replace("NAMESPACE", &names.namespace).replace("PLACE", &dotted(&location.at));
        if let Some(object) = &location.object {
            fix = fix.replace("KIND", &object.kind.to_lowercase()).replace("NAME", &object.name);
        }
        Self { code, location, message: message.into(), fix }
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}
