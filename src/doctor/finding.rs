//! A fault that was found, and where.

use super::{Fault, Severity};
use crate::cluster::Site;
use crate::policy::{dotted, printable};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::fmt;

/// A fault, its place, what is wrong and what cures it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which fault.
    pub fault: Fault,
    /// Where.
    pub place: Place,
    /// What is wrong. A value of a Secret is never told.
    pub problem: String,
    /// A command or a field.
    pub cure: String,
}

/// An object, or a page of the API server, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which object; `None` for the API server itself.
    pub object: Option<Object>,
    /// The place in it, a JSON pointer; of the API server, the path of the page.
    pub at: PointerBuf,
}

/// An object by its name. It need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace, if it is in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Place {
    /// An object of this kind with these metadata, and a place in it.
    pub fn of(kind: &'static str, metadata: &ObjectMeta, at: PointerBuf) -> Self {
        let name = metadata.name.clone().unwrap_or_default();
        Self { object: Some(Object { kind, namespace: metadata.namespace.clone(), name }), at }
    }

    /// An object of this name in the namespace of apim-keyless.
    pub fn here(kind: &'static str, name: &str, site: &Site) -> Self {
        let object = Object { kind, namespace: Some(site.namespace.clone()), name: name.to_owned() };
        Self { object: Some(object), at: PointerBuf::new() }
    }

    /// An object in no namespace.
    pub fn in_cluster(kind: &'static str, name: &str) -> Self {
        Self { object: Some(Object { kind, namespace: None, name: name.to_owned() }), at: PointerBuf::new() }
    }

    /// A page of the API server, by the parts of its path.
    pub fn of_server<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        Self { object: None, at: PointerBuf::from_tokens(path) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Object { kind, namespace, name }) = &self.object else {
            return write!(formatter, "API server: {}", self.at);
        };
        let namespace = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let at = if self.at.is_root() { String::new() } else { format!(": {}", dotted(&self.at)) };
        write!(formatter, "{kind} {}{at}", printable(&format!("{namespace}{name}")))
    }
}

impl Finding {
    /// A fault of the installation at `site`.
    pub fn new(fault: Fault, site: &Site, place: Place, problem: impl Into<String>) -> Self {
        let mut cure = fault.cure().replace("NAMESPACE", &site.namespace).replace("PLACE", &dotted(&place.at));
        if let Some(object) = &place.object {
            cure = cure.replace("KIND", &object.kind.to_lowercase()).replace("NAME", &object.name);
        }
        Self { fault, place, problem: problem.into(), cure }
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.fault.severity()
    }
}
