//! Changes the objects of the input as planned.

use super::container_plan::ContainerPlan;
use super::input_index::InputIndex;
use super::json::{at, items, remove, set, take, text};
use super::key_sources::{RemovalContext, RemovedSources};
use super::obsolete::{self, SecretName, Takers};
use super::plan::{GatewayPlan, keys_of_secret};
use super::settings::{Settings, WrittenAt};
use super::workload::{
    ImageChange, remove_auth_settings, set_identity, set_in_data, take_config_map, take_reloads, write_variable,
};
use super::{Created, MigratedGateway, Migration, MissingFact, result};
use crate::gateway::well_known::{CLIENT_ID, TENANT_ID, USE};
use crate::gateway::{Authentication, ObjectReference, Setting, WORKLOAD_IDENTITY, is_guid};
use crate::policy::{Date, Policy};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// What the API server writes, and what keeps `kubectl apply` from applying the object again.
const WRITTEN_BY_SERVER: [(&[&str], &str); 3] = [
    (&["metadata"], "resourceVersion"),
    (&["metadata"], "managedFields"),
    // a copy of the old object, with its key
    (&["metadata", "annotations"], "kubectl.kubernetes.io/last-applied-configuration"),
];

pub(super) struct GatewayMigrator<'a> {
    index: &'a InputIndex<'a>,
    policy: &'a Policy,
    /// The objects of the input, as far as they are migrated.
    pub(super) values: Vec<Value>,
    pub(super) migration: Migration,
    /// The Secrets that held a key or a client secret.
    secrets: BTreeSet<SecretName>,
    /// Those of them that a gateway took as a whole, and whose content is not known.
    unknown: BTreeSet<SecretName>,
    /// The `SecretProviderClass`es of removed volumes.
    classes: BTreeSet<SecretName>,
    /// The places in `created` of new objects, by kind, namespace and name.
    created: HashMap<(String, String, String), usize>,
}

impl<'a> GatewayMigrator<'a> {
    pub(super) fn new(index: &'a InputIndex<'a>, policy: &'a Policy) -> Self {
        let values = index.inputs.iter().map(|input| input.value.clone()).collect();
        Self {
            index,
            policy,
            values,
            migration: Migration::default(),
            secrets: BTreeSet::new(),
            unknown: BTreeSet::new(),
            classes: BTreeSet::new(),
            created: HashMap::new(),
        }
    }

    pub(super) fn migrate(&mut self, plan: &GatewayPlan<'_>) {
        let reference = &plan.object.reference;
        let namespace = reference.namespace.as_str();
        let Some(mut value) = self.values.get(plan.index).cloned() else { return };
        let (mut guesses, mut to_do) = (plan.guesses.clone(), Vec::new());
        let tenant_id = self.service_account(plan, &mut to_do);
        let mut removed = RemovedSources::default();
        let secret_keys = |name: &str| keys_of_secret(self.index, namespace, name);
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
        self.note_removed(namespace, removed);
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
            tenant_id,
            old_client_id: plan.containers.iter().find_map(|container| container.settings.client_id.clone()),
            gateway_names: distinct(plan.containers.iter().filter_map(|plan| plan.settings.known_name.clone())),
            other_config_maps: distinct(plan.containers.iter().flat_map(|plan| plan.others.iter().cloned())),
            config_maps: distinct(plan.containers.iter().map(|plan| plan.config_map.name.clone())),
            guesses,
            to_do,
            kept: plan.kept.clone(),
        });
    }

    fn note_removed(&mut self, namespace: &str, removed: RemovedSources) {
        let named = |name: String| (namespace.to_owned(), name);
        self.unknown.extend(removed.unknown.into_iter().map(named));
        self.classes.extend(removed.classes.into_iter().map(named));
        self.secrets.extend(removed.secrets.into_keys().map(named));
    }

    fn images(
        &self,
        plan: &GatewayPlan<'_>,
        value: &mut Value,
        (guesses, to_do): (&mut Vec<String>, &mut Vec<String>),
    ) {
        let tag = plan.facts.image_tag.as_deref();
        let (images, minimum) = (&self.policy.images, &plan.expectations.minimum_version);
        ImageChange { images, minimum, tag }.make(value, &plan.gateway, guesses, to_do);
    }

    /// Writes the `ServiceAccount`. Returns the tenant id that it has now, if it is stated.
    fn service_account(&mut self, plan: &GatewayPlan<'_>, to_do: &mut Vec<String>) -> Option<String> {
        let (name, client_id) = (plan.service_account.as_str(), plan.client_id.clone());
        let namespace = plan.object.reference.namespace.as_str();
        let annotated = |account: &Value, key: &str| {
            text(account, &["metadata", "annotations", key]).filter(|id| is_guid(id)).map(str::to_owned)
        };
        let written = self.slot("ServiceAccount", namespace, name).and_then(|account| annotated(account, TENANT_ID));
        let tenant_id = tenant_id(plan, written);
        if !plan.has_account {
            return tenant_id;
        }
        let (mut other, new) = (None, tenant_id.clone());
        self.put(plan, "ServiceAccount", name, |account| {
            other = annotated(account, CLIENT_ID).filter(|written| !written.eq_ignore_ascii_case(&client_id));
            set(account, &["metadata", "labels", USE], "true");
            if other.is_some() || annotated(account, CLIENT_ID).is_none() {
                set(account, &["metadata", "annotations", CLIENT_ID], client_id);
            }
            if let Some(tenant_id) = new {
                set(account, &["metadata", "annotations", TENANT_ID], tenant_id);
            }
        });
        if other.is_some() {
            to_do.push(format!(
                "Check the client id of ServiceAccount \"{name}\": it had another one, and a ServiceAccount has only one"
            ));
        }
        tenant_id
    }

    /// Writes the settings of a container into its `ConfigMap`s. Returns whether it has to take the main one.
    fn config_maps(&mut self, plan: &GatewayPlan<'_>, of_container: &ContainerPlan, container: &mut Value) -> bool {
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

    fn volumes(&self, plan: &GatewayPlan<'_>, value: &mut Value, removed: &mut RemovedSources) {
        take_reloads(value, removed);
        if let Ok(template) = plan.gateway.workload.pointer_to([]).resolve_mut(value) {
            removed.take_annotations(template);
        }
        let Ok(spec) = plan.gateway.workload.pointer_to(["spec"]).resolve_mut(value) else { return };
        let namespace = plan.object.reference.namespace.as_str();
        let texts = plan.containers.iter().filter(|plan| !plan.is_migrated);
        let paths: Vec<String> = texts.flat_map(|plan| plan.settings.removed_texts.clone()).collect();
        let names = plan.containers.iter().flat_map(|plan| std::iter::once(&plan.config_map.name).chain(&plan.others));
        let settings = names.filter_map(|name| self.values.get(self.index.find("ConfigMap", namespace, name)?));
        let settings: Vec<&Value> = settings.filter_map(|value| at(value, &["data"])).collect();
        let secrets = removed.secrets.keys().map(|secret| (namespace.to_owned(), secret.clone()));
        let fillers = secrets.flat_map(|secret| self.index.fillers(&secret).to_vec());
        let fillers = fillers.filter_map(|index| self.index.inputs.get(index));
        let classes = fillers.filter(|input| text(input.value, &["kind"]) == Some("SecretProviderClass"));
        let classes = classes.filter_map(|input| text(input.value, &["metadata", "name"]).map(str::to_owned));
        let classes: BTreeSet<String> = classes.collect();
        let containers = plan.gateway.authenticating().zip(&plan.containers).filter(|(_, plan)| !plan.is_migrated);
        let migrated: BTreeSet<&str> = containers.map(|(container, _)| container.container.name).collect();
        removed.take_volumes(spec, &paths, &settings, &classes, &migrated);
    }

    /// What a person has to do about other objects.
    fn notes_about_objects(&self, plan: &GatewayPlan<'_>, to_do: &mut Vec<String>) {
        let reference = &plan.object.reference;
        let ObjectReference { kind, name, namespace, .. } = reference;
        let names = plan.containers.iter().flat_map(|plan| std::iter::once(&plan.config_map.name).chain(&plan.others));
        for config_map in names {
            let is_known = self.index.find("ConfigMap", namespace, config_map).is_some();
            if !is_known && *config_map != main_of(plan, config_map) {
                to_do.push(format!(
                    "Check that ConfigMap \"{config_map}\", which is not in the input, sets no config.service.auth"
                ));
            }
        }
        to_do.extend(plan.sidecars.iter().map(|sidecar| {
            format!(
                "Check container \"{sidecar}\", which has settings of the gateway and does not run an image of it: it was \
                 not changed"
            )
        }));
        if matches!(plan.from, Authentication::EntraApp) {
            let mut old = plan.containers.iter().filter_map(|container| container.settings.client_id.as_deref());
            if old.any(|old| !old.eq_ignore_ascii_case(&plan.client_id)) {
                to_do.push(format!(
                    "Check client id {}: the old Entra app has another one, and this one needs a role of its own",
                    plan.client_id
                ));
            }
        }
        let old = plan.gateway.workload.service_account().unwrap_or("default");
        if old != plan.service_account {
            to_do.extend(self.index.bindings(namespace, old).map(|binding| {
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
        let input = self.index.inputs.get(index).map(|input| input.value);
        self.values.get(index) != input
    }

    /// Changes a `ConfigMap`, if it is in the input or was created before.
    fn change(&mut self, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        if let Some(value) = self.slot("ConfigMap", namespace, name) {
            change(value);
        }
    }

    fn slot(&mut self, kind: &str, namespace: &str, name: &str) -> Option<&mut Value> {
        if let Some(index) = self.index.find(kind, namespace, name) {
            return self.values.get_mut(index);
        }
        let created = *self.created.get(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))?;
        self.migration.created.get_mut(created).map(|created| &mut created.value)
    }

    /// Changes an object of the input, or one that was created before, or creates it.
    fn put(&mut self, plan: &GatewayPlan<'_>, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let namespace = plan.object.reference.namespace.clone();
        if let Some(value) = self.slot(kind, &namespace, name) {
            return change(value);
        }
        let mut metadata = json!({"name": name});
        // as the workload has it: what has no namespace gets it when it is applied
        let own = self.index.inputs.get(plan.index).and_then(|input| text(input.value, &["metadata", "namespace"]));
        if let Some(own) = own {
            set(&mut metadata, &["namespace"], own);
        }
        let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        change(&mut value);
        let key = (kind.to_owned(), namespace.clone(), name.to_owned());
        self.created.insert(key, self.migration.created.len());
        self.migration.created.push(Created { for_object: plan.index, namespace, value });
    }

    pub(super) fn finish(mut self, missing: Vec<MissingFact>, today: Date) -> Migration {
        result::complete(&mut self.values, &mut self.migration, (self.index.inputs, self.policy), today);
        for (value, input) in self.values.iter_mut().zip(self.index.inputs) {
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
        let takers = Takers::of(self.index.inputs, self.values.iter());
        let is_taken = |secret: &SecretName| takers.takes(self.index, secret);
        let is_mounted = |class: &SecretName| takers.mounts(&class.1);
        let obsolete = obsolete::find(self.index, &self.secrets, &self.unknown, &is_taken, &is_mounted);
        self.migration.obsolete = obsolete::add_classes(obsolete, self.index, &self.classes, &takers);
        let changed: Vec<bool> = (0..self.values.len()).map(|index| self.is_changed(index)).collect();
        for gateway in &mut self.migration.gateways {
            let namespace = gateway.object.namespace.as_str();
            let created = &self.created;
            let is_created = |kind: &str, name: &str| {
                created.contains_key(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))
            };
            let is_changed = |index: usize| changed.get(index) == Some(&true);
            let mut related = gateway.objects().map(|(kind, name)| match self.index.find(kind, namespace, name) {
                Some(index) => is_changed(index),
                None => is_created(kind, name),
            });
            let is_any_changed = is_changed(gateway.index) || related.any(|is_changed| is_changed);
            drop(related);
            gateway.is_changed = is_any_changed;
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

/// The tenant id that was stated, that the `ServiceAccount` has, that the Entra app has, or that is expected.
fn tenant_id(plan: &GatewayPlan<'_>, written: Option<String>) -> Option<String> {
    let entra = || plan.containers.iter().find_map(|container| container.settings.tenant_id.clone());
    let expected = || plan.expectations.tenant_id_to_set().map(str::to_owned);
    plan.facts.tenant_id.clone().or(written).or_else(entra).or_else(expected)
}

/// The name, if it is the main `ConfigMap` of a container; else the empty text.
fn main_of<'p>(plan: &'p GatewayPlan<'_>, name: &str) -> &'p str {
    plan.containers.iter().map(|plan| plan.config_map.name.as_str()).find(|main| *main == name).unwrap_or_default()
}
