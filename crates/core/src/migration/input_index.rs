//! Finds objects of the input by their names, so that each look-up costs the same in a large input.

use super::MigrationInput;
use super::json::{items, text};
use super::obsolete::{self, Keys, SecretName, keys_of};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// A kind, a namespace and a name.
type Name<'i> = (&'i str, &'i str, &'i str);

/// The objects of the input by their names.
pub(super) struct InputIndex<'i> {
    pub(super) inputs: &'i [MigrationInput<'i>],
    /// The objects that rules evaluate.
    recognized: HashMap<Name<'i>, Vec<usize>>,
    /// All objects.
    written: HashMap<Name<'i>, Vec<usize>>,
    /// The namespaces that have a `ConfigMap` of this name.
    config_maps: HashMap<&'i str, BTreeSet<&'i str>>,
    /// The role bindings of a `ServiceAccount`, by namespace and name.
    bindings: HashMap<(&'i str, &'i str), Vec<usize>>,
    /// What only fills a Secret.
    fillers: HashMap<SecretName, Vec<usize>>,
}

impl<'i> InputIndex<'i> {
    pub(super) fn of(inputs: &'i [MigrationInput<'i>]) -> Self {
        let mut index = Self {
            inputs,
            recognized: HashMap::new(),
            written: HashMap::new(),
            config_maps: HashMap::new(),
            bindings: HashMap::new(),
            fillers: HashMap::new(),
        };
        for (at, input) in inputs.iter().enumerate() {
            index.add(at, input);
        }
        index
    }

    fn add(&mut self, at: usize, input: &'i MigrationInput<'i>) {
        if let Some(object) = input.object {
            let reference = &object.reference;
            let name = (reference.kind.as_str(), reference.namespace.as_str(), reference.name.as_str());
            self.recognized.entry(name).or_default().push(at);
        }
        let Some(name) = text(input.value, &["metadata", "name"]) else { return };
        let kind = text(input.value, &["kind"]).unwrap_or_default();
        self.written.entry((kind, input.namespace, name)).or_default().push(at);
        if kind == "ConfigMap" {
            self.config_maps.entry(name).or_default().insert(input.namespace);
        }
        if kind.ends_with("RoleBinding") {
            self.add_binding(at, input);
        }
        for secret in obsolete::filled_secrets(kind, input.value, name) {
            self.fillers.entry((input.namespace.to_owned(), secret)).or_default().push(at);
        }
    }

    fn add_binding(&mut self, at: usize, binding: &'i MigrationInput<'i>) {
        for subject in items(binding.value, &["subjects"]) {
            let namespace = text(subject, &["namespace"]).unwrap_or(binding.namespace);
            let account = text(subject, &["name"]).filter(|_| text(subject, &["kind"]) == Some("ServiceAccount"));
            if let Some(account) = account {
                self.bindings.entry((namespace, account)).or_default().push(at);
            }
        }
    }

    /// The index of an object that rules evaluate.
    pub(super) fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<usize> {
        self.recognized.get(&(kind, namespace, name))?.first().copied()
    }

    /// How often the input has an object that rules evaluate.
    pub(super) fn count(&self, kind: &str, namespace: &str, name: &str) -> usize {
        self.recognized.get(&(kind, namespace, name)).map_or(0, Vec::len)
    }

    /// The indices of the objects with this kind and name, those that no rule evaluates included.
    pub(super) fn written<'s>(
        &'s self,
        kind: &'s str,
        namespace: &'s str,
        name: &'s str,
    ) -> impl Iterator<Item = usize> + use<'s, 'i> {
        self.written.get(&(kind, namespace, name)).into_iter().flatten().copied()
    }

    /// The values of the Secrets with this name.
    pub(super) fn secrets<'s>(
        &'s self,
        namespace: &'s str,
        name: &'s str,
    ) -> impl Iterator<Item = &'i Value> + use<'s, 'i> {
        let inputs = self.inputs;
        self.written("Secret", namespace, name).filter_map(move |index| Some(inputs.get(index)?.value))
    }

    /// Another namespace that has a `ConfigMap` of this name.
    pub(super) fn other_namespace_of_config_map(&self, namespace: &str, name: &str) -> Option<&'i str> {
        let namespaces = self.config_maps.get(name)?;
        namespaces.iter().copied().find(|other| *other != namespace)
    }

    /// The role bindings of a `ServiceAccount`.
    pub(super) fn bindings<'s>(
        &'s self,
        namespace: &'s str,
        account: &'s str,
    ) -> impl Iterator<Item = &'i MigrationInput<'i>> + use<'s, 'i> {
        let inputs = self.inputs;
        self.bindings.get(&(namespace, account)).into_iter().flatten().filter_map(move |index| inputs.get(*index))
    }

    /// The keys that a Secret has, as far as it, or what fills it, says them. Two objects that fill one key each fill several.
    pub(super) fn keys_of_secret(&self, secret: &SecretName) -> Keys {
        let (namespace, name) = secret;
        let filling = self.fillers(secret).iter().filter_map(|filler| Some(self.inputs.get(*filler)?.value));
        // what fills a Secret of the input fills the same key
        let filled: Vec<Keys> = filling.map(keys_of).collect();
        let of_one = filled.iter().filter(|keys| **keys == Keys::One).count();
        let own = self.secrets(namespace, name).map(keys_of);
        let most = own.chain(filled).max().unwrap_or(Keys::Unknown);
        if of_one > 1 { Keys::Several } else { most }
    }

    /// The indices of what only fills or renews a Secret.
    pub(super) fn fillers(&self, secret: &SecretName) -> &[usize] {
        self.fillers.get(secret).map_or(&[], Vec::as_slice)
    }
}
