//! What stays until a person has changed the rest: the Secrets and keys of gateways that another source still reaches or uses.

use super::Planned;
use super::other_sources::OtherPlan;
use super::reached::ReachedGateways;
use super::reading::{Sources, located};
use apim_keyless_core::gateway::{ObjectReference, Setting};
use apim_keyless_core::migration::{KEY_PREFIX, MigratedGateway, names_in_keys};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The sources of which a person has to change something, and gateways outside of Kubernetes.
pub(super) struct OpenSources {
    /// The place in an open source, by the index of a workload or a release that it reaches.
    reached: BTreeMap<usize, String>,
    /// The same by the release.
    releases: HashMap<ObjectReference, String>,
    /// The place in an open source, by each word of the source: it can name a Secret or a gateway.
    words: HashMap<String, String>,
    /// The place in an open source that has settings of a gateway, and no name of a migrated one: it can be about each of them.
    of_any: Option<String>,
    /// The place of a gateway outside of Kubernetes, by the name in lower case of the gateway whose key it has.
    outside: HashMap<String, String>,
    /// The place of one whose key can be that of any gateway.
    outside_of_any: Option<String>,
}

impl OpenSources {
    pub(super) fn of(sources: &Sources, planned: &Planned) -> Self {
        let mut open = Self {
            reached: BTreeMap::new(),
            releases: HashMap::new(),
            words: HashMap::new(),
            of_any: None,
            outside: HashMap::new(),
            outside_of_any: None,
        };
        let plans = planned.other.plans.iter();
        let places: HashMap<&ObjectReference, &str> =
            plans.filter_map(|plan| Some((&plan.source, plan.open_place()?))).collect();
        let declined: HashSet<&ObjectReference> = planned.declined.iter().map(|declined| &declined.gateway).collect();
        let names: HashSet<&str> = planned.changed_gateways().flat_map(names).collect();
        let reached = ReachedGateways::of(sources, &planned.migration, &planned.left());
        let mut opened = None;
        for (index, source) in sources.objects.iter().enumerate() {
            // the document stays open for the next source of it: a kustomization has many generators
            _ = std::mem::replace(&mut opened, source.other.map(|_| source.place.locate()));
            let Some(reference) = source.other.map(|_| source.reference()) else { continue };
            let own = || declined.contains(&reference).then(|| located(&source.place, ""));
            let place = places.get(&reference).map(|place| (*place).to_owned()).or_else(own);
            let Some(place) = place else { continue };
            open.add_words(&source.value.to_string(), &place);
            let reached = reached.by(index, source);
            open.add_unnamed(&source.value.to_string(), &place, &names, reached.is_empty());
            for workload in reached {
                open.reached.entry(workload).or_insert_with(|| place.clone());
            }
        }
        let releases = open.reached.iter().filter_map(|(index, place)| {
            let source = sources.objects.get(*index).filter(|source| source.other.is_some())?;
            Some((source.reference(), place.clone()))
        });
        open.releases = releases.collect();
        for source in &sources.texts {
            if let Some(place) = places.get(&source.reference()) {
                open.add_words(&source.text, place);
                open.add_unnamed(&source.text, place, &names, true);
            }
        }
        for (place, text) in &sources.outside {
            open.add_outside(place, text);
        }
        open
    }

    /// Adds a source with a setting of a gateway, if it names none of the migrated ones and is not known to reach another.
    fn add_unnamed(&mut self, text: &str, place: &str, names: &HashSet<&str>, reaches_none: bool) {
        let is_named = || words(text).any(|word| names.contains(word));
        if reaches_none && text.contains(Setting::Auth.name()) && !is_named() {
            self.of_any.get_or_insert_with(|| place.to_owned());
        }
    }

    /// The place of a gateway outside of Kubernetes that can have the key of the gateway of this name.
    pub(super) fn outside(&self, name: Option<&str>) -> Option<&str> {
        let named = name.and_then(|name| self.outside.get(&name.to_lowercase())).map(String::as_str);
        let any = || self.outside_of_any.as_deref();
        // a gateway without a known name can be each of them
        let first = || self.outside.values().min().filter(|_| name.is_none()).map(String::as_str);
        named.or_else(any).or_else(first)
    }

    /// Adds the gateways whose keys a text has: `GatewayKey NAME&…`.
    fn add_outside(&mut self, place: &str, text: &str) {
        let names = names_in_keys(text);
        let count = |needle: &str| text.matches(needle).count();
        if names.len() < count(KEY_PREFIX).max(count(IMAGE)).max(1) {
            self.outside_of_any.get_or_insert_with(|| place.to_owned());
        }
        for name in names {
            self.outside.entry(name.to_lowercase()).or_insert_with(|| place.to_owned());
        }
    }

    /// The place that has to be changed before nothing needs the old key of a gateway.
    pub(super) fn place_of_gateway(&self, gateway: &MigratedGateway) -> Option<&str> {
        let by_name = || names(gateway).find_map(|name| self.place_of_name(name));
        self.reached.get(&gateway.index).map(String::as_str).or_else(by_name).or(self.of_any.as_deref())
    }

    /// The place that has to be changed before nothing needs the old key of another source.
    pub(super) fn place_of_source<'p>(&'p self, plan: &'p OtherPlan) -> Option<&'p str> {
        let reached = || self.releases.get(&plan.source).map(String::as_str);
        plan.open_place().or_else(reached).or(self.of_any.as_deref())
    }

    /// The place in a source that has to be changed, and that has this name of a Secret or a gateway.
    pub(super) fn place_of_name(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    fn add_words(&mut self, text: &str, place: &str) {
        for word in words(text) {
            if !word.is_empty() && !self.words.contains_key(word) {
                self.words.insert(word.to_owned(), place.to_owned());
            }
        }
    }
}

/// What a source that is about a gateway of manifests names.
fn names(gateway: &MigratedGateway) -> impl Iterator<Item = &str> {
    let own = gateway.gateway_names.iter().chain(&gateway.config_maps).map(String::as_str);
    own.chain([gateway.object.name.as_str()])
}

/// The gateway's image.
const IMAGE: &str = "azure-api-management/gateway";

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_of_name(letter)).map(|word| word.trim_matches(['.', '-', '_']))
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._".contains(letter)
}
