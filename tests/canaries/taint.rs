//! An object with canaries in it: in every text but names of things, keys, containers and images.

use super::secret::Canaries;
use serde_json::{Map, Value, json};

/// Keys of labels whose values a report shows: they say `"true"`, or which part of a release something is.
const SHOWN_LABELS: [&str; 3] = ["azure.workload.identity/", "apim-keyless.dev/", "app.kubernetes.io/"];

/// What holds a name, by the member that it stands in and its own: names may be told.
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

/// Members whose texts are values whatever they are called; names that a report shows elsewhere are put among them.
const VALUES: [&str; 4] = ["annotations", "binaryData", "data", "stringData"];

/// How an object is made to hold secrets.
pub(crate) struct Taint<'c> {
    /// Where they come from.
    pub(crate) canaries: &'c mut Canaries,
    /// One text in so many stays, so that methods, paths and references stay what they are; 0 spares none.
    pub(crate) spared: u32,
    /// Are the values of labels whose lines are shown spared?
    pub(crate) spares_shown_labels: bool,
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
            Value::String(text) if !self.stays(location, name) => *text = self.canaries.instead_of(text),
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

    /// Does the text of this member stay as it is?
    fn stays(&mut self, location: &str, name: &str) -> bool {
        let is_shown = |name: &str| SHOWN_LABELS.iter().any(|prefix| name.starts_with(prefix));
        match location {
            "labels" if self.spares_shown_labels && is_shown(name) => true,
            _ if NAMES.iter().any(|(of, names)| *of == location && names.contains(&name)) => true,
            // a Namespace tells by these what is expected, as the policy document does
            "annotations" if name.starts_with("apim-keyless.dev/") => true,
            _ => self.spared > 0 && self.canaries.one_in(self.spared),
        }
    }
}
