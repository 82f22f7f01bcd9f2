//! Changes the objects of the input as planned.

use super::container_plan::ContainerPlan;
use super::json::{at, items, remove, set, take, text};
use super::key_sources::{RemovalContext, RemovedSources};
use super::obsolete::{self, SecretName};
use super::plan::{Plan, find, is_immutable, secret_keys};
use super::settings::{Settings, WrittenAt};
use super::workload::{ImageChange, remove_auth_settings, set_identity, set_in_data, take_config_map, write_variable};
use super::{Created, Input, MigratedGateway, Migration, MissingFact, result};
use crate::gateway::well_known::{CLIENT_ID, TENANT_ID, USE};
use crate::gateway::{ObjectReference, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Date, Policy};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What the API server writes, and what keeps `kubectl apply` from applying the object again.
const WRITTEN_BY_SERVER: [(&[&str], &str); 3] = [
    (&["metadata"], "resourceVersion"),
    (&["metadata"], "managedFields"),
    // a copy of the old object, with its key
    (&["metadata", "annotations"], "kubectl.kubernetes.io/last-applied-configuration"),
];

pub(super) struct Migrator<'a> {
    inputs: &'a [Input<'a>],
    policy: &'a Policy,
    /// The objects of the input, as far as they are migrated.
    pub(super) values: Vec<Value>,
    pub(super) migration: Migration,
    /// The Secrets that held a key or a client secret.
    secrets: BTreeSet<SecretName>,
    /// The `SecretProviderClass`es of removed volumes.
    classes: BTreeSet<SecretName>,
}

impl<'a> Migrator<'a> {
    pub(super) fn new(inputs: &'a [Input<'a>], policy: &'a Policy) -> Self {
        let values = inputs.iter().map(|input| input.value.clone()).collect();
        Self {
            inputs,
            policy,
            values,
            migration: Migration::default(),
            secrets: BTreeSet::new(),
            classes: BTreeSet::new(),
        }
    }

    pub(super) fn migrate(&mut self, plan: &Plan<'_>) {
        let reference = &plan.object.reference;
        let namespace = reference.namespace.as_str();
        let Some(mut value) = self.values.get(plan.index).cloned() else { return };
        let (mut guesses, mut to_do) = (plan.guesses.clone(), Vec::new());
        self.service_account(plan, &mut to_do);
        let mut removed = RemovedSources::default();
        let secret_keys = secret_keys(self.inputs, namespace);
        for (container, container_plan) in plan.gateway.authenticating().zip(&plan.containers) {
            let Ok(container) = container.container.at().resolve_mut(&mut value) else { continue };
            for (setting, new, place) in container_plan.settings.written() {
                write_variable(container, setting.name(), new, place);
            }
            if !container_plan.is_migrated {
                let context = RemovalContext {
                    secret_keys: &secret_keys,
                    allowed_secrets: &plan.expectations.allowed_secrets,
                    config_map: &container_plan.config_map.name,
                };
                removed.take_from_container(container, &context);
            }
            if self.config_maps(plan, container_plan, container) {
                take_config_map(container, &container_plan.config_map.name);
            }
        }
        self.volumes(plan, &mut value, &mut removed);
        set_identity(&mut value, plan.gateway.workload, &plan.service_account);
        self.images(plan, &mut value, (&mut guesses, &mut to_do));
        to_do.append(&mut removed.to_do);
        self.classes.extend(removed.classes.into_iter().map(|class| (namespace.to_owned(), class)));
        self.secrets.extend(removed.secrets.into_keys().map(|secret| (namespace.to_owned(), secret)));
        self.notes_about_objects(plan, &mut to_do);
        if let Some(slot) = self.values.get_mut(plan.index) {
            *slot = value;
        }
        let (guesses, to_do) = (distinct(guesses.into_iter()), distinct(to_do.into_iter()));
        self.migration.gateways.push(MigratedGateway {
            index: plan.index,
            object: reference.clone(),
            from: plan.from,
            is_changed: false,
            service_account: plan.service_account.clone(),
            client_id: Some(plan.client_id.clone()).filter(|id| !id.is_empty()),
            tenant_id: tenant_id(plan),
            gateway_names: distinct(plan.containers.iter().filter_map(|plan| plan.settings.known_name.clone())),
            other_config_maps: distinct(plan.containers.iter().flat_map(|plan| plan.others.iter().cloned())),
            config_maps: distinct(plan.containers.iter().map(|plan| plan.config_map.name.clone())),
            guesses,
            to_do,
        });
    }

    fn images(&self, plan: &Plan<'_>, value: &mut Value, (guesses, to_do): (&mut Vec<String>, &mut Vec<String>)) {
        let tag = plan.facts.image_tag.as_deref();
        let (images, minimum) = (&self.policy.images, &plan.expectations.minimum_version);
        ImageChange { images, minimum, tag }.make(value, &plan.gateway, guesses, to_do);
    }

    fn service_account(&mut self, plan: &Plan<'_>, to_do: &mut Vec<String>) {
        if !plan.has_account {
            return;
        }
        let (name, client_id) = (plan.service_account.as_str(), plan.client_id.clone());
        let tenant_id = tenant_id(plan);
        let mut other = None;
        self.put(plan, "ServiceAccount", name, |account| {
            let written = text(account, &["metadata", "annotations", CLIENT_ID]).map(str::to_owned);
            other = written.filter(|written| *written != client_id && plan.facts.client_id.is_none());
            set(account, &["metadata", "labels", USE], "true");
            set(account, &["metadata", "annotations", CLIENT_ID], client_id);
            if let Some(tenant_id) = tenant_id {
                set(account, &["metadata", "annotations", TENANT_ID], tenant_id);
            }
        });
        if other.is_some() {
            to_do.push(format!(
                "Check the client id of ServiceAccount \"{name}\": it had another one, and a ServiceAccount has only one"
            ));
        }
    }

    /// Writes the settings of a container into its `ConfigMap`s. Returns whether it has to take the main one.
    fn config_maps(&mut self, plan: &Plan<'_>, of_container: &ContainerPlan, container: &mut Value) -> bool {
        let namespace = plan.object.reference.namespace.as_str();
        let main = of_container.config_map.name.as_str();
        let is_method_written = items(container, &["env"]).any(|variable| {
            text(variable, &["name"]).and_then(Setting::of) == Some(Setting::Auth) && variable.get("value").is_some()
        });
        let settings = &of_container.settings;
        let in_main: Vec<_> = settings.written().filter(|(_, _, place)| **place == WrittenAt::Main).collect();
        let has_method = !of_container.is_migrated && !is_method_written;
        if !of_container.is_migrated {
            for other in &of_container.others {
                self.change(namespace, other, |value| remove_auth_settings(value, None));
            }
            self.change(namespace, main, set_method_if_written);
        }
        for (_, new, place) in settings.written() {
            if let WrittenAt::Key { config_map, key } = place {
                self.change(namespace, config_map, |value| set(value, &["data", key], new));
            }
        }
        if !has_method && in_main.is_empty() {
            return false;
        }
        let mut moved = Vec::new();
        self.put(plan, "ConfigMap", main, |value| {
            for (setting, new, _) in in_main {
                set_in_data(value, setting, new);
            }
            if has_method {
                set_in_data(value, Setting::Auth, WORKLOAD_IDENTITY);
                moved = add_needed(value, settings);
            }
        });
        // what is shared can have another value for another container
        if !of_container.is_shared {
            take(container, "env", |variable| {
                let setting = text(variable, &["name"]).and_then(Setting::of);
                setting.is_some_and(|setting| moved.contains(&setting)) && variable.get("value").is_some()
            });
        }
        true
    }

    fn volumes(&self, plan: &Plan<'_>, value: &mut Value, removed: &mut RemovedSources) {
        if let Ok(template) = plan.gateway.workload.pointer_to([]).resolve_mut(value) {
            removed.take_annotations(template);
        }
        let Ok(spec) = plan.gateway.workload.pointer_to(["spec"]).resolve_mut(value) else { return };
        let namespace = plan.object.reference.namespace.as_str();
        let texts = plan.containers.iter().filter(|plan| !plan.is_migrated);
        let paths: Vec<String> = texts.flat_map(|plan| plan.settings.removed_texts.clone()).collect();
        let names = plan.containers.iter().flat_map(|plan| std::iter::once(&plan.config_map.name).chain(&plan.others));
        let settings = names.filter_map(|name| self.values.get(find(self.inputs, "ConfigMap", namespace, name)?));
        let settings: Vec<&Value> = settings.filter_map(|value| at(value, &["data"])).collect();
        let classes = self.inputs.iter().filter(|input| {
            input.namespace == namespace
                && text(input.value, &["kind"]) == Some("SecretProviderClass")
                && removed.secrets.keys().any(|secret| obsolete::is_class_of(input.value, secret))
        });
        let classes = classes.filter_map(|input| text(input.value, &["metadata", "name"]).map(str::to_owned));
        let classes: BTreeSet<String> = classes.collect();
        removed.take_volumes(spec, &paths, &settings, &classes);
    }

    /// What a person has to do about other objects.
    fn notes_about_objects(&self, plan: &Plan<'_>, to_do: &mut Vec<String>) {
        let reference = &plan.object.reference;
        let ObjectReference { kind, name, namespace, .. } = reference;
        let names = plan.containers.iter().flat_map(|plan| std::iter::once(&plan.config_map.name).chain(&plan.others));
        for config_map in names {
            let index = find(self.inputs, "ConfigMap", namespace, config_map);
            let is_changed = |index: &usize| self.is_changed(*index) && is_immutable(self.inputs, *index);
            if index.is_some_and(|index| is_changed(&index)) {
                to_do.push(format!(
                    "Give ConfigMap \"{config_map}\" a new name, here and in {kind} \"{name}\": it is immutable, and no \
                     change of it can be applied"
                ));
            } else if index.is_none() && *config_map != main_of(plan, config_map) {
                to_do.push(format!(
                    "Check that ConfigMap \"{config_map}\", which is not in the input, sets no config.service.auth"
                ));
            }
        }
        let old = plan.gateway.workload.service_account().unwrap_or("default");
        if old != plan.service_account {
            let bindings = self.inputs.iter().filter(|input| grants(input, old, namespace));
            to_do.extend(bindings.map(|binding| {
                format!(
                    "Add ServiceAccount \"{}\" to the subjects of {} \"{}\": it grants rights to \"{old}\"",
                    plan.service_account,
                    text(binding.value, &["kind"]).unwrap_or_default(),
                    text(binding.value, &["metadata", "name"]).unwrap_or_default()
                )
            }));
        }
        if plan.object.kind.has_immutable_template() {
            to_do.push(format!(
                "Replace {kind} \"{name}\" with `kubectl replace --force`: the API server allows no change of its \
                 containers"
            ));
        }
    }

    fn is_changed(&self, index: usize) -> bool {
        let input = self.inputs.get(index).map(|input| input.value);
        self.values.get(index) != input
    }

    /// Changes a `ConfigMap`, if it is in the input or was created before.
    fn change(&mut self, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        if let Some(value) = self.slot("ConfigMap", namespace, name) {
            change(value);
        }
    }

    fn slot(&mut self, kind: &str, namespace: &str, name: &str) -> Option<&mut Value> {
        if let Some(index) = find(self.inputs, kind, namespace, name) {
            return self.values.get_mut(index);
        }
        let created = self.migration.created.iter_mut().find(|created| created.is(kind, namespace, name));
        created.map(|created| &mut created.value)
    }

    /// Changes an object of the input, or one that was created before, or creates it.
    fn put(&mut self, plan: &Plan<'_>, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let namespace = plan.object.reference.namespace.clone();
        if let Some(value) = self.slot(kind, &namespace, name) {
            return change(value);
        }
        let mut metadata = json!({"name": name});
        // as the workload has it: what has no namespace gets it when it is applied
        let own = self.inputs.get(plan.index).and_then(|input| text(input.value, &["metadata", "namespace"]));
        if let Some(own) = own {
            set(&mut metadata, &["namespace"], own);
        }
        let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        change(&mut value);
        self.migration.created.push(Created { for_object: plan.index, namespace, value });
    }

    pub(super) fn finish(mut self, missing: Vec<MissingFact>, today: Date) -> Migration {
        result::complete(&mut self.values, &mut self.migration, (self.inputs, self.policy), today);
        for (value, input) in self.values.iter_mut().zip(self.inputs) {
            if value == input.value {
                continue;
            }
            for (path, key) in WRITTEN_BY_SERVER {
                remove(value, path, key);
            }
            if at(value, &["metadata", "annotations"]).and_then(Value::as_object).is_some_and(Map::is_empty) {
                remove(value, &["metadata"], "annotations");
            }
        }
        let values = &self.values;
        let is_taken = |secret: &SecretName| {
            let mut near = self.inputs.iter().zip(values).filter(|(input, _)| input.namespace == secret.0);
            near.any(|(input, value)| obsolete::is_taken(input, value, secret))
        };
        let is_mounted = |class: &SecretName| values.iter().any(|value| obsolete::mounts_class(value, &class.1));
        self.migration.obsolete = obsolete::find(self.inputs, &self.secrets, &is_taken, &is_mounted);
        obsolete::add_classes(&mut self.migration.obsolete, self.inputs, &self.classes, &is_mounted);
        let changed: Vec<bool> = (0..self.values.len()).map(|index| self.is_changed(index)).collect();
        for gateway in &mut self.migration.gateways {
            let namespace = gateway.object.namespace.as_str();
            let objects = gateway.config_maps.iter().chain(&gateway.other_config_maps).map(|name| ("ConfigMap", name));
            let objects = objects.chain([("ServiceAccount", &gateway.service_account)]);
            let created = &self.migration.created;
            let is_created = |kind, name| created.iter().any(|created| created.is(kind, namespace, name));
            let is_changed = |index: usize| changed.get(index) == Some(&true);
            let mut related = objects.map(|(kind, name)| match find(self.inputs, kind, namespace, name) {
                Some(index) => is_changed(index),
                None => is_created(kind, name),
            });
            gateway.is_changed = is_changed(gateway.index) || related.any(|is_changed| is_changed);
        }
        self.migration.changed =
            self.values.into_iter().zip(changed).map(|(value, is_changed)| is_changed.then_some(value)).collect();
        self.migration.missing = missing;
        self.migration
    }
}

/// The values without repetitions, in their order.
fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    values.filter(|value| seen.insert(value.clone())).collect()
}

/// Removes the settings of other methods, and sets the method if the `ConfigMap` states one.
fn set_method_if_written(config_map: &mut Value) {
    remove_auth_settings(config_map, Some(Setting::Auth));
    if has_setting(config_map, Setting::Auth) {
        set_in_data(config_map, Setting::Auth, WORKLOAD_IDENTITY);
    }
}

/// Adds what every gateway needs and the `ConfigMap` lacks: the webhook sees it before the workload, and denies one that
/// is incomplete. Returns what was added.
fn add_needed(config_map: &mut Value, settings: &Settings) -> Vec<Setting> {
    let lacking: Vec<_> = settings.needed().filter(|(setting, _)| !has_setting(config_map, *setting)).collect();
    for (setting, text) in &lacking {
        set_in_data(config_map, *setting, text);
    }
    lacking.into_iter().map(|(setting, _)| setting).collect()
}

fn has_setting(config_map: &Value, setting: Setting) -> bool {
    let data = at(config_map, &["data"]).and_then(Value::as_object);
    data.is_some_and(|data| data.keys().any(|key| Setting::of(key) == Some(setting)))
}

/// The tenant id that was stated, that the Entra app has, or that is expected.
fn tenant_id(plan: &Plan<'_>) -> Option<String> {
    let entra = || plan.containers.iter().find_map(|container| container.settings.tenant_id.clone());
    let expected = || plan.expectations.tenant_id_to_set().map(str::to_owned);
    plan.facts.tenant_id.clone().or_else(entra).or_else(expected)
}

/// The name, if it is the main `ConfigMap` of a container; else the empty text.
fn main_of<'p>(plan: &'p Plan<'_>, name: &str) -> &'p str {
    plan.containers.iter().map(|plan| plan.config_map.name.as_str()).find(|main| *main == name).unwrap_or_default()
}

/// Whether a binding grants rights to a `ServiceAccount`.
fn grants(binding: &Input<'_>, account: &str, namespace: &str) -> bool {
    let is_binding = text(binding.value, &["kind"]).is_some_and(|kind| kind.ends_with("RoleBinding"));
    is_binding
        && items(binding.value, &["subjects"]).any(|subject| {
            text(subject, &["kind"]) == Some("ServiceAccount")
                && text(subject, &["name"]) == Some(account)
                && text(subject, &["namespace"]).unwrap_or(binding.namespace) == namespace
        })
}
