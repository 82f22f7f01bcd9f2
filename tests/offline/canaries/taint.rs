//! Puts canaries into an object: in every text except names of objects, keys, containers and images.

use super::secret::Canaries;
use serde_json::{Map, Value, json};

/// Members with names, by parent member: reports may show names.
const NAMES: &[(&str, &[&str])] = &[
    ("configMapKeyRef", &["key", "name"]),
    ("configMapRef", &["name"]),
    ("containers", &["image", "name"]),
    ("env", &["name"]),
    ("envFrom", &["prefix"]),
    ("ephemeralContainers", &["image", "name"]),
    ("fileKeyRef", &["key", "volumeName"]),
    ("initContainers", &["image", "name"]),
    ("metadata", &["generateName", "name", "namespace"]),
    ("ownerReferences", &["apiVersion", "kind", "name"]),
    ("secretKeyRef", &["key", "name"]),
    ("secretRef", &["name"]),
    ("spec", &["serviceAccount", "serviceAccountName"]),
    ("volumeMounts", &["name"]),
    ("volumes", &["name"]),
    ("", &["apiVersion", "kind"]),
];

/// Members whose texts are always values. The test adds keys to them that are names elsewhere.
const VALUES: [&str; 4] = ["annotations", "binaryData", "data", "stringData"];

/// Replaces texts of an object with secrets.
pub(crate) struct Taint<'c> {
    /// Source of the secrets.
    pub(crate) canaries: &'c mut Canaries,
    /// One text in this many is kept, so that some methods, paths and references stay valid. 0 keeps none.
    pub(crate) kept: u32,
}

impl Taint<'_> {
    /// The object with canaries.
    pub(crate) fn object(&mut self, object: &Value) -> Value {
        let mut object = object.clone();
        self.value(&mut object, "", "");
        object
    }

    fn value(&mut self, value: &mut Value, location: &str, name: &str) {
        match value {
            Value::Object(members) => self.members(members, name),
            Value::Array(elements) => elements.iter_mut().for_each(|element| match element {
                Value::Object(members) => self.members(members, name),
                element => self.value(element, name, ""),
            }),
            Value::String(text) if !self.keeps(location, name) => *text = self.canaries.instead_of(text),
            _ => {}
        }
    }

    fn members(&mut self, members: &mut Map<String, Value>, location: &str) {
        if VALUES.contains(&location) {
            let name = ["name", "image", "kind", "note"][self.canaries.below(4)];
            members.insert(name.to_owned(), Value::Null);
        }
        let is_container = location.ends_with("ontainers");
        for list in ["args", "command"].into_iter().filter(|_| is_container) {
            members.insert(list.to_owned(), json!(["--key", ""]));
        }
        for (name, member) in members.iter_mut() {
            let may_be_null = VALUES.contains(&location) || (location == "env" && name == "value");
            if may_be_null && member.is_null() {
                *member = Value::from("");
            }
            self.value(member, location, name);
        }
    }

    /// Is the text of this member kept?
    fn keeps(&mut self, location: &str, name: &str) -> bool {
        match location {
            _ if NAMES.iter().any(|(of, names)| *of == location && names.contains(&name)) => true,
            // these annotations of a Namespace are expectations, like the policy document
            "annotations" if name.starts_with("apim-keyless.dev/") => true,
            _ => self.kept > 0 && self.canaries.one_in(self.kept),
        }
    }
}
