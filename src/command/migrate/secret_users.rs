//! What uses a Secret after the migration, so that it is not deleted and its keys are not revoked.

use super::Planned;
use super::deployed::{Deployed, Namespaces};
use super::in_use;
use super::reading::{SourceObject, SourceType, Sources, located};
use super::taken::{Taken, is_match};
use crate::migration_sources::{taken_in_script, taken_in_terraform};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::secrets_with_other_keys;
use apim_keyless_report::file_name;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

/// The users of each Secret.
pub(super) struct SecretUsers<'s> {
    sources: &'s Sources,
    /// By the name of a Secret: gateways that are not migrated, or that a rule still denies.
    open: HashMap<String, Users>,
    /// By the name of a Secret: other objects.
    objects: HashMap<String, Users>,
    /// By a text that can be the name of a Secret: the objects with it.
    mentions: HashMap<String, Users>,
    /// By the name of a Secret: what gives it other keys than that of a gateway.
    with_other_keys: HashMap<String, Users>,
    /// By the name of a Secret: what takes it in a namespace that is not known.
    others: HashMap<String, Place>,
    /// Names of which a part is not known.
    patterns: BTreeMap<String, Place>,
    /// Whether External Secrets of the input can read Secrets of Kubernetes.
    has_store_of_secrets: bool,
}

/// The first user of a Secret in each namespace, as indices of objects.
#[derive(Default)]
struct Users {
    first: Option<usize>,
    unknown: Option<usize>,
    by_namespace: BTreeMap<String, usize>,
}

/// Where a user is.
#[derive(Clone)]
enum Place {
    Object(usize),
    Text(String),
}

impl Users {
    fn add(&mut self, index: usize, namespaces: &Namespaces) {
        self.first.get_or_insert(index);
        match namespaces {
            None => _ = self.unknown.get_or_insert(index),
            Some(names) => names.iter().for_each(|name| _ = self.by_namespace.entry(name.clone()).or_insert(index)),
        }
    }

    /// A user in one of these namespaces; what is not known can be the same.
    fn in_namespaces(&self, namespaces: &Namespaces) -> Option<usize> {
        let Some(names) = namespaces else { return self.first };
        self.unknown.or_else(|| names.iter().find_map(|name| self.by_namespace.get(name).copied()))
    }
}

impl<'s> SecretUsers<'s> {
    /// Finds the users. `open` are the gateways that are not migrated.
    pub(super) fn of(
        sources: &'s Sources,
        planned: &Planned,
        deployed: &Deployed<'_>,
        open: &HashSet<&ObjectReference>,
    ) -> Self {
        let mut users = Self {
            sources,
            open: HashMap::new(),
            objects: HashMap::new(),
            mentions: HashMap::new(),
            with_other_keys: HashMap::new(),
            others: HashMap::new(),
            patterns: BTreeMap::new(),
            has_store_of_secrets: sources
                .objects
                .iter()
                .any(|source| source.value.pointer("/spec/provider/kubernetes").is_some()),
        };
        let obsolete: HashSet<usize> =
            planned.migration.obsolete.iter().filter_map(|obsolete| obsolete.input).collect();
        for (index, source) in sources.objects.iter().enumerate() {
            let namespaces = namespaces(source, deployed);
            let is_open = source.object.as_ref().is_some_and(|object| open.contains(&object.reference));
            let of_open = if is_open { in_use::secrets(&source.value) } else { BTreeSet::new() };
            for name in of_open {
                users.open.entry(name.to_owned()).or_default().add(index, &namespaces);
            }
            for name in secrets_with_other_keys(&source.value) {
                users.with_other_keys.entry(name).or_default().add(index, &namespaces);
            }
            let value = planned.migration.value_of(index, &source.value);
            users.add_object(index, value, &namespaces, obsolete.contains(&index));
        }
        for (name, place) in &sources.taken {
            users.add_other(name.clone(), || Place::Text(place.clone()));
        }
        users.add_texts(planned);
        users
    }

    fn add_object(&mut self, index: usize, value: &Value, namespaces: &Namespaces, is_obsolete: bool) {
        let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
        let taken = Taken::of(value);
        let of_store =
            if kind == "ExternalSecret" && self.has_store_of_secrets { remote_keys(value) } else { Vec::new() };
        for name in taken.copies.iter().cloned().chain(of_store) {
            self.add_other(name, || Place::Object(index));
        }
        if FILLING.contains(&kind) {
            return;
        }
        // what renews the key is deleted with the Secret
        if is_obsolete && taken.writes {
            return;
        }
        for name in taken.names {
            self.objects.entry(name).or_default().add(index, namespaces);
        }
        for name in taken.mentions {
            self.mentions.entry(name).or_default().add(index, namespaces);
        }
        for name in taken.commands {
            self.add_other(name, || Place::Object(index));
        }
    }

    fn add_other(&mut self, name: String, place: impl Fn() -> Place) {
        if name.contains('*') {
            self.patterns.entry(name).or_insert_with(place);
        } else {
            self.others.entry(name).or_insert_with(place);
        }
    }

    /// Adds the Secrets that scripts and configurations of Terraform take. Those of a folder are one configuration.
    fn add_texts(&mut self, planned: &Planned) {
        let of_texts = planned.changes.iter().filter(|change| change.is_text);
        let changed: HashMap<&str, &str> =
            of_texts.map(|change| (change.file.as_str(), change.rewrite.after.as_str())).collect();
        let mut folders: BTreeMap<&Path, Vec<(&str, &str)>> = BTreeMap::new();
        for source in &self.sources.texts {
            let text = changed.get(source.file.as_str()).copied().unwrap_or(source.text.as_str());
            if source.source_type == SourceType::Terraform {
                let folder = Path::new(&source.file).parent().unwrap_or(Path::new(""));
                folders.entry(folder).or_default().push((&source.file, text));
                continue;
            }
            for taken in taken_in_script(text) {
                self.add_other(taken.name, || Place::Text(format!("{}:{}", file_name(&source.file), taken.line)));
            }
        }
        for files in folders.into_values() {
            let texts: Vec<&str> = files.iter().map(|(_, text)| *text).collect();
            for (index, taken) in taken_in_terraform(&texts) {
                let file = files.get(index).map_or("", |(file, _)| *file);
                self.add_other(taken.name, || Place::Text(format!("{}:{}", file_name(file), taken.line)));
            }
        }
    }

    /// A gateway that is not migrated and uses a Secret of this name in one of these namespaces.
    pub(super) fn open_user_of(&self, namespaces: &Namespaces, name: &str) -> Option<&'s ObjectReference> {
        let index = self.open.get(name)?.in_namespaces(namespaces)?;
        self.sources.objects.get(index)?.object.as_ref().map(|object| &object.reference)
    }

    /// What uses a Secret of this name in one of these namespaces.
    pub(super) fn user_of(&self, namespaces: &Namespaces, name: &str) -> Option<String> {
        let open = self.open_user_of(namespaces, name).map(ToString::to_string);
        let object = || self.objects.get(name)?.in_namespaces(namespaces).map(Place::Object);
        let other = || self.others.get(name).or_else(|| self.patterns.get(name)).cloned();
        let similar = || {
            let mut patterns = self.patterns.iter();
            patterns.find(|(pattern, _)| is_match(pattern, name)).map(|(_, place)| place.clone())
        };
        open.or_else(|| self.shown(&object().or_else(other).or_else(similar)?))
    }

    /// What has the name of a Secret in one of these namespaces, and can use it.
    pub(super) fn mention_of(&self, namespaces: &Namespaces, name: &str) -> Option<String> {
        self.shown(&Place::Object(self.mentions.get(name)?.in_namespaces(namespaces)?))
    }

    /// What gives other keys to a Secret of this name in one of these namespaces.
    pub(super) fn source_of_other_keys(&self, namespaces: &Namespaces, name: &str) -> Option<String> {
        let index = self.with_other_keys.get(name)?.in_namespaces(namespaces)?;
        self.shown(&Place::Object(index))
    }

    fn shown(&self, place: &Place) -> Option<String> {
        match place {
            Place::Text(place) => Some(place.clone()),
            Place::Object(index) => Some(located(&self.sources.objects.get(*index)?.place, "")),
        }
    }
}

/// The names in a store that an `ExternalSecret` reads.
fn remote_keys(external_secret: &Value) -> Vec<String> {
    let items = |at: &str| external_secret.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let single = items("/spec/data").filter_map(|item| item.pointer("/remoteRef/key"));
    let whole = items("/spec/dataFrom").filter_map(|item| item.pointer("/extract/key"));
    single.chain(whole).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The namespaces in which a source takes Secrets.
fn namespaces(source: &SourceObject, deployed: &Deployed<'_>) -> Namespaces {
    let target = ["/spec/targetNamespace", "/spec/destination/namespace"];
    if let Some(target) = target.into_iter().find_map(|at| source.value.pointer(at)?.as_str()) {
        // its own Secrets with values are beside it
        return deployed.namespaces(source).map(|own| own.into_iter().chain([target.to_owned()]).collect());
    }
    let is_known = matches!(source.source_type(), SourceType::Manifest | SourceType::HelmRelease)
        && !source.text("/apiVersion").starts_with("argoproj.io/")
        && !source.text("/apiVersion").starts_with("kustomize.");
    if is_known { deployed.namespaces(source) } else { None }
}

/// Kinds of objects that make a Secret. They are listed with it, and do not need it.
const FILLING: [&str; 8] = [
    "AzureKeyVaultSecret",
    "Certificate",
    "ExternalSecret",
    "SealedSecret",
    "Secret",
    "SecretProviderClass",
    "VaultDynamicSecret",
    "VaultStaticSecret",
];
