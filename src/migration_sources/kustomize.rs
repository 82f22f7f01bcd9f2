//! Kustomize: what a kustomization itself says about a gateway, beside the manifests that it names.
//!
//! Manifests of a local base are migrated in their files. A base at a remote address cannot be changed: a patch in a new file
//! changes it when it is built.

use super::chart_values::newer_tag;
use super::chart_version::{NEW_VERSION, is_chart, is_too_old};
use super::generator::{
    entries_in_files, is_of_other_method, is_whole, literals, mentions_gateway, migrate_literals, replaces_method,
    selects_identity, write_literals,
};
use super::helm_values::{self, IMAGE, KEY_MESSAGE, Release, is_key, pointer};
use super::patch_finder::{Leftover, of_version};
use super::remote_base::{REMOTE, account, gateway_of, has_remote_base};
use super::{KeyResource, Note, NoteKind, SourceContext, SourceGateway, SourceReport, layers, leftovers, value_path};
use apim_keyless_core::gateway::ImageVersion;
use apim_keyless_core::gateway::well_known::USE;
use apim_keyless_core::migration::{ARTICLE_ACCOUNT, Fact};
use apim_keyless_core::policy::FIRST_VERSION;
use apim_keyless_manifest::rewrite::document;
use jsonptr::PointerBuf;
use serde_json::{Value, json};

/// The new file with the `ServiceAccount` and the one with the patch.
const ACCOUNT_FILE: &str = "workload-identity.yaml";
const PATCH_FILE: &str = "workload-identity-patch.yaml";

/// The migration of a kustomization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KustomizeMigration {
    /// The new value; `None` if it stays as it is.
    pub value: Option<Value>,
    /// New files beside it: their names and their texts.
    pub new_files: Vec<(String, String)>,
    /// What to know. Names and namespaces of gateways are without what kustomizations add to them.
    pub report: SourceReport<PointerBuf>,
}

/// What is known of a `ConfigMap` that a generator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneratedConfigMap {
    /// It is migrated with the workload that takes it.
    Migrated,
    /// The gateway of this name takes it.
    OfGateway(String),
    /// No workload is known that takes it.
    Unknown,
}

/// What is known of the files and the gateways of a kustomization.
#[derive(Clone, Copy)]
pub struct KnownOfKustomization<'k> {
    /// The text of a file beside it; `None` if it has none of that name.
    pub read: &'k dyn Fn(&str) -> Option<String>,
    /// What is known of the `ConfigMap` of the generator with an index.
    pub generated: &'k dyn Fn(usize) -> GeneratedConfigMap,
    /// Whether each gateway that it builds is left as it is, such as for a missing fact.
    pub is_left: bool,
}

/// Migrates a kustomization. `None` if it says nothing about a gateway.
pub fn migrate_kustomization(
    value: &Value,
    context: SourceContext<'_>,
    known: KnownOfKustomization<'_>,
) -> Option<KustomizeMigration> {
    let mut migrator =
        KustomizeMigrator { new: value.clone(), context, report: SourceReport::default(), files: Vec::new() };
    let read = known.read;
    migrator.secrets(read);
    migrator.charts();
    // a patch migrates the gateway of a remote base
    if !known.is_left || has_remote_base(value) {
        migrator.images();
    }
    if !known.is_left {
        migrator.config_maps(read, known.generated);
    }
    leftovers::report(value, context, read, &mut migrator.report);
    migrator.remote_base(read);
    let new = (migrator.new != *value).then_some(migrator.new);
    let migration = KustomizeMigration { value: new, new_files: migrator.files, report: migrator.report };
    (migration.value.is_some() || !migration.report.is_empty()).then_some(migration)
}

struct KustomizeMigrator<'c> {
    new: Value,
    context: SourceContext<'c>,
    report: SourceReport<PointerBuf>,
    files: Vec<(String, String)>,
}

fn at(tokens: &[&str]) -> PointerBuf {
    pointer(&tokens.iter().map(ToString::to_string).collect::<Vec<_>>())
}

impl KustomizeMigrator<'_> {
    fn items(&self, field: &str) -> Vec<Value> {
        self.new.get(field).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// Reports the generators of Secrets with a key.
    fn secrets(&mut self, read: &dyn Fn(&str) -> Option<String>) {
        for (index, generator) in self.items("secretGenerator").iter().enumerate() {
            let entries = literals(generator);
            let is_of_gateway = |(name, value): &(String, String)| {
                let is_name =
                    ["gateway-key", "config.service.auth", "config.service.auth.key"].contains(&name.as_str());
                is_name || value.starts_with("GatewayKey")
            };
            let in_files = entries_in_files(generator, read, is_of_gateway);
            if !entries.iter().any(is_of_gateway) && in_files.is_empty() {
                continue;
            }
            let index = index.to_string();
            for (file, line, _) in in_files.iter().filter(|(_, _, (_, value))| is_key(value)) {
                let message = format!("In {file}:{line}: {KEY_MESSAGE}");
                // a key that is not in this file
                self.report.note(at(&["secretGenerator", &index]), NoteKind::AfterRollout, message);
            }
            let is_plain = |(_, (name, value)): &(usize, &(String, String))| {
                is_of_gateway(&(name.clone(), value.clone())) && is_key(value) && !value.contains('$')
            };
            for (place, _) in entries.iter().enumerate().filter(is_plain) {
                let place = place.to_string();
                self.report.note(at(&["secretGenerator", &index, "literals", &place]), NoteKind::Key, KEY_MESSAGE);
            }
            let name = generator.get("name").and_then(Value::as_str).unwrap_or("NAME");
            let message = format!(
                "Remove Secret \"{name}\" from secretGenerator after the rollout, and delete the Secrets that it made: with \
                 workload identity the gateway needs no key"
            );
            let place = at(&["secretGenerator", &index]);
            self.report.note(place.clone(), NoteKind::AfterRollout, message);
            let name = name.to_owned();
            self.report.key_resources.push(KeyResource {
                at: place,
                reference: format!("{name} of secretGenerator"),
                name,
            });
        }
    }

    /// Sets the tags of images that are too old.
    fn images(&mut self) {
        for (index, image) in self.items("images").iter().enumerate() {
            let text = |key: &str| image.get(key).and_then(Value::as_str);
            let names = [text("newName"), text("name")];
            if !names.into_iter().flatten().any(|name| self.context.images.is_gateway(name)) {
                continue;
            }
            if let Some(digest) = text("digest") {
                self.digest(index, digest);
            }
            let Some(tag) = text("newTag") else { continue };
            let stated = self.context.facts.image_tag.clone();
            let index = index.to_string();
            let new = match (stated, newer_tag(tag, self.context)) {
                (Some(stated), _) => stated,
                (None, Some(newest)) => {
                    let message = format!("Check newTag {newest}, a guess: set another with --image-tag");
                    self.report.note(at(&["images", &index, "newTag"]), NoteKind::Guess, message);
                    newest
                }
                (None, None) => {
                    // a digest wins over the tag
                    let to_check = of_version(&format!(":{tag}"), self.context).filter(|_| text("digest").is_none());
                    let note = to_check.map(|found| found.message());
                    self.report.notes.extend(note.map(|message| Note {
                        at: at(&["images", &index, "newTag"]),
                        kind: NoteKind::Guess,
                        message,
                    }));
                    continue;
                }
            };
            if let Some(slot) = self.new.pointer_mut(&format!("/images/{index}/newTag")) {
                *slot = json!(new);
            }
        }
    }

    /// Reports a digest that is of an older version, or of an unknown one. It decides, and not the tag of the manifest.
    fn digest(&mut self, index: usize, digest: &str) {
        let place = at(&["images", &index.to_string(), "digest"]);
        match self.context.images.version(&format!("{IMAGE}@{digest}"), &FIRST_VERSION) {
            ImageVersion::Supported => {}
            ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling => {
                self.report.note(place, NoteKind::ByHand, Leftover::Image.message());
            }
            ImageVersion::PinnedToUnknownDigest | ImageVersion::Unverifiable => {
                let message = format!(
                    "Check that the image with this digest has version {FIRST_VERSION} or newer: older versions do not \
                     support workload identity, and the digest wins over the tag of the manifest"
                );
                self.report.note(place, NoteKind::Guess, message);
            }
        }
    }

    /// Migrates the values of Microsoft's chart that the kustomization renders.
    fn charts(&mut self) {
        for (index, chart) in self.items("helmCharts").iter().enumerate() {
            let text = |key: &str| chart.get(key).and_then(Value::as_str);
            if !text("name").is_some_and(is_chart) {
                continue;
            }
            let index = index.to_string();
            let release = Release { name: text("releaseName"), namespace: text("namespace"), ..Release::default() };
            let place = format!("/helmCharts/{index}");
            let values = chart.get("valuesInline").cloned();
            // values in a file alone are migrated there
            let values = values.or_else(|| text("valuesFile").is_none().then(|| json!({})));
            if values.is_some_and(|values| !self.chart_values(&index, values, release)) {
                continue;
            }
            if text("version").is_some_and(is_too_old)
                && let Some(slot) = self.new.pointer_mut(&format!("{place}/version"))
            {
                *slot = json!(NEW_VERSION);
            }
        }
    }

    /// Migrates the values of the chart with this index. Returns false if facts are missing.
    fn chart_values(&mut self, index: &str, values: Value, release: Release<'_>) -> bool {
        let plan = helm_values::plan(&values, release, self.context);
        let start = ["helmCharts", index, "valuesInline"].map(str::to_owned);
        let report = plan.report.with_places(|path| pointer(start.iter().chain(path)));
        helm_values::append(&mut self.report, report, PointerBuf::clone);
        let mut layer = [values];
        layers::apply(&plan.changes, &mut layer, 0);
        let [layer] = layer;
        let chart = self.new.pointer_mut(&format!("/helmCharts/{index}"));
        if let Some(chart) = chart.filter(|_| !plan.changes.is_empty()) {
            value_path::set(chart, &["valuesInline"], layer);
        }
        !plan.is_missing_facts
    }

    /// Migrates the generators of `ConfigMap`s with the settings of a gateway.
    fn config_maps(&mut self, read: &dyn Fn(&str) -> Option<String>, generated: &dyn Fn(usize) -> GeneratedConfigMap) {
        for (index, generator) in self.items("configMapGenerator").iter().enumerate() {
            let in_files = entries_in_files(generator, read, is_of_other_method);
            for (file, line, (name, _)) in &in_files {
                let place = at(&["configMapGenerator", &index.to_string()]);
                let message = format!(
                    "In {file}:{line}: Remove {name}, or set config.service.auth to workloadIdentity: the generated \
                     ConfigMap would select another method of authentication"
                );
                self.report.note(place, NoteKind::ByHand, message);
            }
            if !in_files.is_empty() {
                continue;
            }
            let entries = literals(generator);
            let is_overlay =
                generator.get("behavior").is_some_and(|behavior| behavior == "merge" || behavior == "replace");
            if let Some(entry) = entries.iter().position(is_client_id).filter(|_| is_overlay) {
                let place = at(&["configMapGenerator", &index.to_string(), "literals", &entry.to_string()]);
                self.report.note(place, NoteKind::ByHand, OWN_APP);
                continue;
            }
            let gateway_name = match generated(index) {
                GeneratedConfigMap::Migrated => continue,
                GeneratedConfigMap::OfGateway(name) => Some(name),
                GeneratedConfigMap::Unknown => None,
            };
            if !mentions_gateway(&entries) {
                self.replacing_files(index, generator, gateway_name.is_some(), read);
                continue;
            }
            let start = ["configMapGenerator".to_owned(), index.to_string(), "literals".to_owned()];
            let is_whole = is_whole(generator) && !selects_identity(generator, read);
            let (new, report) = migrate_literals(&entries, is_whole, gateway_name, self.context);
            let report = report.with_places(|line| pointer(start.iter().chain([&line.to_string()])));
            helm_values::append(&mut self.report, report, PointerBuf::clone);
            if let Ok(slot) = pointer(&start).resolve_mut(&mut self.new) {
                write_literals(slot, &new);
            }
        }
    }

    /// Reports a generator that replaces the `ConfigMap` of a gateway with other entries. Literals with settings of a gateway
    /// are migrated.
    fn replacing_files(
        &mut self,
        index: usize,
        generator: &Value,
        is_of_gateway: bool,
        read: &dyn Fn(&str) -> Option<String>,
    ) {
        let has_settings =
            || !entries_in_files(generator, read, |entry| mentions_gateway(std::slice::from_ref(entry))).is_empty();
        if replaces_method(generator, read) && (is_of_gateway || has_settings()) {
            self.report.note(at(&["configMapGenerator", &index.to_string()]), NoteKind::ByHand, REPLACED);
        }
    }

    /// Writes a patch for a base at a remote address.
    fn remote_base(&mut self, read: &dyn Fn(&str) -> Option<String>) {
        if !has_remote_base(&self.new) {
            return;
        }
        let is_gateway_image = |image: &Value| {
            let name = image.get("name").and_then(Value::as_str);
            name.is_some_and(|name| self.context.images.is_gateway(name))
        };
        let is_generated = |generator: &Value| mentions_gateway(&literals(generator));
        let patches = self.patches(read);
        let workload = patches.iter().find_map(|patch| gateway_of(patch, self.context));
        let is_known = workload.is_some()
            || self.items("images").iter().any(is_gateway_image)
            || self.items("configMapGenerator").iter().any(is_generated)
            || patches.iter().any(|patch| patch.to_string().contains("config.service."));
        let is_written = patches.iter().any(|patch| patch.to_string().contains(USE));
        if !is_known || is_written {
            return;
        }
        let place = at(&["resources"]);
        let Some(client_id) = self.context.facts.client_id.clone() else {
            let message =
                "Pass --client-id, the client id of the Entra app or the managed identity: no manifest has it";
            return self.report.note(place, NoteKind::Missing(Fact::ClientId), message);
        };
        let account_name = self.context.facts.service_account.clone().unwrap_or_else(|| ARTICLE_ACCOUNT.to_owned());
        let Some(workload) = workload else {
            return self.report.note(place, NoteKind::ByHand, REMOTE);
        };
        let gateway_name = self.context.facts.gateway_name.clone();
        let gateway = gateway_name.clone().unwrap_or_else(|| workload.name.clone());
        if gateway_name.is_none() {
            let message = format!(
                "Check gateway.name {gateway}, a guess: the name of the workload, as the Azure portal names both"
            );
            self.report.note(place, NoteKind::Guess, message);
        }
        let patch = workload.patch(&account_name, &gateway);
        self.files.push((ACCOUNT_FILE.to_owned(), document(&account(&account_name, &client_id))));
        self.files.push((PATCH_FILE.to_owned(), document(&patch)));
        self.push("resources", json!(ACCOUNT_FILE));
        self.push("patches", json!({"path": PATCH_FILE}));
        self.report.gateways.push(SourceGateway {
            namespace: None,
            service_account: account_name,
            client_id: Some(client_id),
            gateway_name: Some(gateway),
            ..SourceGateway::default()
        });
    }

    fn push(&mut self, field: &str, item: Value) {
        match self.new.get_mut(field).and_then(Value::as_array_mut) {
            Some(items) => items.push(item),
            None => value_path::set(&mut self.new, &[field], json!([item])),
        }
    }

    /// The patches of the kustomization, with the target that names an object.
    fn patches(&self, read: &dyn Fn(&str) -> Option<String>) -> Vec<Value> {
        let fields = ["patches", "patchesStrategicMerge"];
        let entries = fields.iter().flat_map(|field| self.items(field));
        let patches = entries.filter_map(|entry| {
            let path = entry.get("path").and_then(Value::as_str).or(entry.as_str());
            let inline = entry.get("patch").and_then(Value::as_str).map(str::to_owned);
            let text = inline.or_else(|| read(path?))?;
            let mut object = apim_keyless_manifest::value(&text)?;
            let target =
                |key: &str| entry.get("target")?.get(key).filter(|text| text.is_string() && object.is_object());
            let named = [(target("kind").cloned(), &["kind"][..]), (target("name").cloned(), &["metadata", "name"])];
            for (text, path) in named.into_iter().filter_map(|(text, path)| Some((text?, path))) {
                value_path::set(&mut object, path, text);
            }
            Some(object)
        });
        patches.collect()
    }
}

/// Whether an entry is the client id of an Entra app.
fn is_client_id((name, _): &(String, String)) -> bool {
    is_of_other_method(&(name.clone(), String::new())) && name.to_ascii_lowercase().ends_with("clientid")
}

const OWN_APP: &str = "Patch the ServiceAccount of the gateway here with this client id, as annotation azure.workload.identity/client-id, and \
                       remove the settings of the Entra app: this overlay has an app of its own, which needs a credential, too";
const REPLACED: &str = "Add config.service.auth=workloadIdentity and gateway.name to the entries of this generator, or set behavior: merge: \
                        it replaces the ConfigMap of a gateway, which would not authenticate";
#[cfg(test)]
mod tests {
    use super::*;
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::gateway::well_known::CLIENT_ID;
    use apim_keyless_core::migration::Facts;

    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

    fn known(read: &dyn Fn(&str) -> Option<String>) -> KnownOfKustomization<'_> {
        KnownOfKustomization { read, generated: &|_| GeneratedConfigMap::Unknown, is_left: false }
    }

    fn migrated(value: &Value, files: &[(&str, &str)]) -> Option<KustomizeMigration> {
        let facts = Facts { client_id: Some(CLIENT.to_owned()), ..Facts::default() };
        let context = SourceContext { facts: &facts, images: &Images::default() };
        let read = |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
        let migration = migrate_kustomization(value, context, known(&read))?;
        if let Some(new) = &migration.value {
            let read = |name: &str| {
                let new = migration.new_files.iter().find(|(file, _)| file == name).map(|(_, text)| text.clone());
                new.or_else(|| read(name))
            };
            assert_eq!(
                migrate_kustomization(new, context, known(&read)).and_then(|second| second.value),
                None,
                "{new}"
            );
        }
        Some(migration)
    }

    #[test]
    fn generators_and_images_change() {
        let value = json!({
            "resources": ["../base"],
            "images": [{"name": "mcr.microsoft.com/azure-api-management/gateway", "newTag": "2.9.0"}, {"name": "redis", "newTag": "7"}],
            "configMapGenerator": [
                {"name": "orders-env", "literals": ["config.service.endpoint='contoso.configuration.azure-api.net'", "gateway.name=orders", "config.service.auth=key"]},
                {"name": "app", "literals": ["X__AccessToken=SharedAccessSignature x&y"]},
            ],
            "secretGenerator": [
                {"name": "app", "literals": ["password=hunter2"]},
                {"name": "orders-token", "literals": ["value=GatewayKey orders&202701010000&c2Vj"]},
            ],
        });
        let migration = migrated(&value, &[]).unwrap();
        let new = migration.value.unwrap();
        assert_eq!(new["images"][0]["newTag"], "2.11.2");
        assert_eq!(new["images"][1], value["images"][1]);
        assert_eq!(
            new["configMapGenerator"][0]["literals"],
            json!([
                "config.service.endpoint='contoso.configuration.azure-api.net'",
                "gateway.name=orders",
                "config.service.auth=workloadIdentity"
            ])
        );
        assert_eq!(new["configMapGenerator"][1], value["configMapGenerator"][1]);
        // it is needed until the rollout is complete
        assert_eq!(new["secretGenerator"], value["secretGenerator"]);
        let places: Vec<(String, NoteKind)> =
            migration.report.notes.iter().map(|note| (note.at.to_string(), note.kind)).collect();
        assert_eq!(places[0], ("/secretGenerator/1/literals/0".to_owned(), NoteKind::Key));
        assert_eq!(places[1], ("/secretGenerator/1".to_owned(), NoteKind::AfterRollout));
        assert!(migration.report.notes.iter().all(|note| !note.message.contains("c2Vj")));
    }

    #[test]
    fn a_digest_of_an_unknown_version_is_reported() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = "mcr.microsoft.com/azure-api-management/gateway";
        for names in [json!({"name": image}), json!({"name": image, "newName": "registry.example/gateway"})] {
            let mut entry = names.clone();
            entry["digest"] = json!(digest);
            let report = migrated(&json!({"images": [entry]}), &[]).unwrap().report;
            assert_eq!(report.notes[0].kind, NoteKind::Guess, "{names}");
        }
        assert_eq!(migrated(&json!({"images": [{"name": "redis", "digest": digest}]}), &[]), None);
    }

    #[test]
    fn a_remote_base_gets_a_patch() {
        let value = json!({
            "namespace": "gateways",
            "resources": ["https://git.example/base?ref=v1"],
            "patches": [{"path": "replicas.yaml"}],
        });
        let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: orders\nspec:\n  template:\n    spec:\n      containers:\n        - name: gateway\n          image: mcr.microsoft.com/azure-api-management/gateway:2.12.2\n";
        let migration = migrated(&value, &[("replicas.yaml", patch)]).unwrap();
        let new = migration.value.unwrap();
        assert_eq!(new["resources"], json!(["https://git.example/base?ref=v1", "workload-identity.yaml"]));
        assert_eq!(new["patches"], json!([{"path": "replicas.yaml"}, {"path": "workload-identity-patch.yaml"}]));
        let read = |index: usize| apim_keyless_manifest::value(&migration.new_files[index].1).unwrap();
        assert_eq!(read(0)["metadata"]["annotations"][CLIENT_ID], CLIENT);
        let spec = &read(1)["spec"]["template"]["spec"];
        assert_eq!(
            spec["containers"][0]["env"][0],
            json!({"name": "config.service.auth", "value": "workloadIdentity", "valueFrom": null})
        );
        assert_eq!(migration.report.gateways[0].service_account, ARTICLE_ACCOUNT);
        // names that YAML reads as other values, and another kind of workload
        let patch = patch.replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout");
        let patch = patch.replace("name: orders", "name: \"123\"").replace("name: gateway", "name: \"no\"");
        let migration = migrated(&value, &[("replicas.yaml", &patch)]).unwrap();
        let patch = apim_keyless_manifest::value(&migration.new_files[1].1).unwrap();
        assert_eq!((&patch["apiVersion"], &patch["metadata"]["name"]), (&json!("argoproj.io/v1alpha1"), &json!("123")));
        let container = &patch["spec"]["template"]["spec"]["containers"][0];
        assert_eq!((&container["name"], &container["env"][1]["value"]), (&json!("no"), &json!("123")));
        let other = json!({"resources": ["https://git.example/base?ref=v1"], "images": [{"name": "mcr.microsoft.com/azure-api-management/gateway", "newTag": "2.12.2"}]});
        let migration = migrated(&other, &[]).unwrap();
        assert_eq!((migration.value, migration.report.notes[0].kind), (None, NoteKind::ByHand));
    }

    #[test]
    fn an_overlay_with_an_app_of_its_own_is_left() {
        let id = "config.service.auth.azureAd.clientId=11111111-2222-3333-4444-555555555555";
        let generator = |behavior: &str| json!({"configMapGenerator": [{"name": "a", "behavior": behavior, "literals": ["a=b", id]}]});
        let migration = migrated(&generator("merge"), &[]).unwrap();
        assert_eq!((migration.value, migration.report.notes[0].kind), (None, NoteKind::ByHand));
        assert_eq!(migration.report.notes[0].at.to_string(), "/configMapGenerator/0/literals/1");
    }

    #[test]
    fn a_rendered_chart_changes() {
        let value = json!({"helmCharts": [{
            "name": "azure-api-management-gateway", "version": "1.12.0", "releaseName": "orders",
            "valuesInline": {"gateway": {"configuration": {"uri": "contoso.configuration.azure-api.net"}, "auth": {"key": "${T}"}}},
        }]});
        let new = migrated(&value, &[]).unwrap().value.unwrap();
        assert_eq!(new["helmCharts"][0]["version"], NEW_VERSION);
        assert_eq!(new["helmCharts"][0]["valuesInline"]["gateway"]["auth"]["type"], "WorkloadIdentity");
    }

    #[test]
    fn other_kustomizations_are_left_alone() {
        for value in [
            json!({"resources": ["https://git.example/base?ref=v1"]}),
            json!({"secretGenerator": [{"name": "a", "literals": ["a=b"]}]}),
            json!({}),
        ] {
            assert_eq!(migrated(&value, &[]), None, "{value}");
        }
    }
}
