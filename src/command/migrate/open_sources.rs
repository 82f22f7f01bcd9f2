//! What stays until a person has changed the rest: the Secrets and keys of gateways that another source still reaches or uses.

use super::Planned;
use super::other_sources::OtherPlan;
use super::reached::ReachedGateways;
use super::reading::{SourceObject, SourceType, Sources, TextSource, located};
use crate::migration_sources::{TakenSecret, taken_in_script, taken_in_terraform};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::{MigratedGateway, taken_secrets};
use apim_keyless_report::file_name;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The sources of which a person has to change something, and the Secrets that any source takes after the migration.
pub(super) struct OpenSources<'s> {
    sources: &'s Sources,
    /// The place in an open source, by the index of a workload or a release that it reaches.
    reached: BTreeMap<usize, String>,
    /// The same by the release.
    releases: HashMap<ObjectReference, String>,
    /// The place in an open source, by each word of the source: it can name a Secret or a gateway.
    words: HashMap<String, String>,
    /// By the name of a Secret: the namespaces of those that take it, if they are known, and their indices.
    takers: HashMap<String, Vec<(Option<String>, usize)>>,
    /// By the name of a Secret: the place in a script, in Terraform or in values of another chart that takes it.
    other_takers: HashMap<String, String>,
}

impl<'s> OpenSources<'s> {
    pub(super) fn of(sources: &'s Sources, planned: &Planned) -> Self {
        let mut open = Self {
            sources,
            reached: BTreeMap::new(),
            releases: HashMap::new(),
            words: HashMap::new(),
            takers: HashMap::new(),
            other_takers: sources.taken.iter().cloned().collect(),
        };
        let plans = planned.other.plans.iter();
        let places: HashMap<&ObjectReference, &str> =
            plans.filter_map(|plan| Some((&plan.source, plan.open_place()?))).collect();
        let declined: HashSet<&ObjectReference> = planned.declined.iter().map(|declined| &declined.gateway).collect();
        let reached = ReachedGateways::of(sources, &planned.migration);
        for (index, source) in sources.objects.iter().enumerate() {
            let changed = planned.migration.changed.get(index).and_then(Option::as_ref);
            open.add_takers(index, source, changed.unwrap_or(&source.value));
            let Some(reference) = source.other.map(|_| source.reference()) else { continue };
            let own = || declined.contains(&reference).then(|| located(&source.place, ""));
            let place = places.get(&reference).map(|place| (*place).to_owned()).or_else(own);
            let Some(place) = place else { continue };
            open.add_words(&source.value.to_string(), &place);
            for workload in reached.by(source) {
                open.reached.entry(workload).or_insert_with(|| place.clone());
            }
        }
        let releases = open.reached.iter().filter_map(|(index, place)| {
            let source = sources.objects.get(*index).filter(|source| source.other.is_some())?;
            Some((source.reference(), place.clone()))
        });
        open.releases = releases.collect();
        for source in &sources.texts {
            open.add_takers_in_text(source, planned);
            if let Some(place) = places.get(&source.reference()) {
                open.add_words(&source.text, place);
            }
        }
        open
    }

    /// The place that has to be changed before nothing needs the old key of a gateway.
    pub(super) fn place_of_gateway(&self, gateway: &MigratedGateway) -> Option<&str> {
        let by_name = || gateway.gateway_names.iter().find_map(|name| self.place_of_name(name));
        self.reached.get(&gateway.index).map(String::as_str).or_else(by_name)
    }

    /// The place that has to be changed before nothing needs the old key of another source.
    pub(super) fn place_of_source<'p>(&'p self, plan: &'p OtherPlan) -> Option<&'p str> {
        plan.open_place().or_else(|| self.releases.get(&plan.source).map(String::as_str))
    }

    /// The place in a source that has to be changed, and that has this name of a Secret or a gateway.
    pub(super) fn place_of_name(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    /// The place of something that takes this Secret after the migration.
    pub(super) fn taker_of(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        let takers = self.takers.get(name).map_or(&[][..], Vec::as_slice);
        let is_same = |other: &Option<String>| namespace.is_none() || other.is_none() || other.as_deref() == namespace;
        let taker =
            takers.iter().find(|(other, _)| is_same(other)).and_then(|(_, index)| self.sources.objects.get(*index));
        taker.map(|source| located(&source.place, "")).or_else(|| self.other_takers.get(name).cloned())
    }

    /// Adds the Secrets that a script or a configuration of Terraform takes after the migration.
    fn add_takers_in_text(&mut self, source: &TextSource, planned: &Planned) {
        let changed = planned.changes.iter().find(|change| change.is_text && change.file == source.file);
        let text = changed.map_or(source.text.as_str(), |change| change.rewrite.after.as_str());
        let taken = match source.source_type {
            SourceType::Terraform => taken_in_terraform(text),
            _ => taken_in_script(text),
        };
        for TakenSecret { name, line } in taken {
            let place = format!("{}:{line}", file_name(&source.file));
            self.other_takers.entry(name).or_insert(place);
        }
    }

    fn add_words(&mut self, text: &str, place: &str) {
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        for word in text.split(|letter| !is_of_name(letter)).map(|word| word.trim_matches(['.', '-', '_'])) {
            if !word.is_empty() && !self.words.contains_key(word) {
                self.words.insert(word.to_owned(), place.to_owned());
            }
        }
    }

    fn add_takers(&mut self, index: usize, source: &SourceObject, value: &Value) {
        if FILLING.contains(&source.text("/kind")) {
            return;
        }
        let own = value.pointer("/spec/targetNamespace").or_else(|| value.pointer("/spec/destination/namespace"));
        let own = own.or_else(|| value.pointer("/metadata/namespace")).and_then(Value::as_str).map(str::to_owned);
        let namespace = if source.other.is_some() { own } else { Some(source.namespace.clone()) };
        let mut names = BTreeSet::new();
        add_names(value, &mut names);
        for name in names {
            self.takers.entry(name).or_default().push((namespace.clone(), index));
        }
    }
}

/// The kinds of objects that are or only fill a Secret.
const FILLING: [&str; 7] = [
    "AzureKeyVaultSecret",
    "ExternalSecret",
    "SealedSecret",
    "Secret",
    "SecretProviderClass",
    "VaultDynamicSecret",
    "VaultStaticSecret",
];

/// Adds the names of the Secrets that an object takes, also in the values of a chart that it holds as a text.
fn add_names(value: &Value, names: &mut BTreeSet<String>) {
    names.extend(taken_secrets(value).into_iter().map(str::to_owned));
    for text in texts(value).into_iter().filter(|text| text.contains('\n')) {
        if let Some(inner) = apim_keyless_manifest::value(text).filter(Value::is_object) {
            add_names(&inner, names);
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => {
            // a kustomization makes the Secrets of its generators
            members.iter().filter(|(key, _)| *key != "secretGenerator").flat_map(|(_, member)| texts(member)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
