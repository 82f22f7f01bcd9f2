//! An `Application` or `ApplicationSet` of Argo CD (argoproj.io): the values that a source of it has in several forms, and
//! the version of its chart.
//!
//! Argo CD hands `valueFiles`, then `values` or `valuesObject`, then `parameters` to Helm; later ones win.

use super::chart_version::{CHART, NEW_VERSION, OTHER_CHART, is_chart, is_too_old};
use super::helm_values::{self, Release, pointer};
use super::installed_release::{InstalledLayer, InstalledRelease};
use super::layers::{self, ValueChanges};
use super::value_path::{self, ValuePath};
use super::{NoteKind, SourceContext, SourceReport, ValueMigration, leftovers, nested_text};
use apim_keyless_core::policy::shell_word;
use jsonptr::PointerBuf;
use serde_json::{Value, json};

/// Migrates an application. `None` if no source of it is Microsoft's chart, and it patches nothing.
pub(super) fn migrate(object: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    let is_set = object.get("kind").and_then(Value::as_str) == Some("ApplicationSet");
    let spec: &[&str] = if is_set { &["spec", "template", "spec"] } else { &["spec"] };
    let spec_value = value_path::get(object, spec)?;
    let mut sources: Vec<ValuePath> = vec![path(spec, &["source"])];
    let count = spec_value.get("sources").and_then(Value::as_array).map_or(0, Vec::len);
    sources.extend((0..count).map(|index| path(spec, &["sources", &index.to_string()])));
    let name_at: &[&str] = if is_set { &["spec", "template", "metadata", "name"] } else { &["metadata", "name"] };
    let name = value_path::get(object, name_at).and_then(Value::as_str);
    let namespace = value_path::get(spec_value, &["destination", "namespace"]).and_then(Value::as_str);
    let mut migrator = ApplicationMigrator { new: object.clone(), report: SourceReport::default(), context };
    let mut is_found = false;
    for at in &sources {
        is_found |= migrator.source(at, Release { name, namespace, ..Release::default() }).is_some();
    }
    let value = (migrator.new != *object).then_some(migrator.new);
    let mut report = migrator.report;
    if value.is_some() {
        report.apply.push(format!("argocd app sync {}", shell_word(name.unwrap_or("NAME"))));
    }
    leftovers::report(object, context, &|_| None, &mut report);
    (is_found || leftovers::has_changes(object)).then_some(ValueMigration { value, report })
}

fn path(start: &[&str], end: &[&str]) -> ValuePath {
    start.iter().chain(end).map(ToString::to_string).collect()
}

struct ApplicationMigrator<'c> {
    new: Value,
    report: SourceReport<PointerBuf>,
    context: SourceContext<'c>,
}

const PLUGIN: &str = "Set gateway.auth.type: WorkloadIdentity, gateway.auth.azureAd.app.id and gateway.name in what this plugin hands to \
                      Helm, remove gateway.auth.key, and take version 1.15.0 or newer of the chart: migrate does not read plugins";

/// Where an application has values.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Text,
    Object,
    Parameters,
}

impl ApplicationMigrator<'_> {
    /// Migrates the source at a path. `None` if it is not Microsoft's chart.
    fn source(&mut self, at: &ValuePath, release: Release<'_>) -> Option<()> {
        let source = pointer(at).resolve(&self.new).ok()?.clone();
        let helm = source.get("helm").cloned().unwrap_or_else(|| json!({}));
        let text = helm.get("values").and_then(Value::as_str);
        let of_text = text.map(apim_keyless_manifest::value);
        let forms = [
            (Form::Text, of_text.clone().flatten()),
            (Form::Object, helm.get("valuesObject").cloned()),
            (Form::Parameters, helm.get("parameters").map(of_parameters)),
        ];
        let (forms, layers): (Vec<Form>, Vec<Value>) =
            forms.into_iter().filter_map(|(form, value)| Some((form, value.filter(Value::is_object)?))).unzip();
        let merged = layers::merged(&layers);
        let is_own = source.get("chart").and_then(Value::as_str).is_some_and(is_chart)
            || helm_values::are_of_chart(&merged, self.context);
        let is_unreadable = matches!(&of_text, Some(None));
        if !is_own {
            return None;
        }
        if source.get("plugin").is_some() {
            // Argo CD rejects a source with a plugin and values of Helm
            self.report.note(pointer(at.iter().chain([&"plugin".to_owned()])), NoteKind::ByHand, PLUGIN);
            return Some(());
        }
        let has_files = helm.get("valueFiles").and_then(Value::as_array).is_some_and(|files| !files.is_empty());
        self.file_parameters(at, &helm);
        let own_name = helm.get("releaseName").and_then(Value::as_str);
        let release = Release { name: own_name.or(release.name), ..release };
        // values in files alone are migrated there
        let is_in_files = has_files && layers.is_empty();
        if is_in_files || self.values(at, release, (forms, layers), is_unreadable) {
            self.version(at, source.get("chart").is_some());
        }
        Some(())
    }

    /// Names parameters from files that set how the gateway authenticates.
    fn file_parameters(&mut self, at: &ValuePath, helm: &Value) {
        let parameters = helm.get("fileParameters").and_then(Value::as_array).into_iter().flatten().enumerate();
        for (index, parameter) in parameters {
            let is_auth = |path: ValuePath| {
                path.starts_with(&["gateway".to_owned(), "auth".to_owned()]) || path == ["gateway", "authKey"]
            };
            if name_of(parameter).is_some_and(is_auth) {
                let end = ["helm", "fileParameters", &index.to_string()].map(str::to_owned);
                self.report.note(pointer(at.iter().chain(&end)), NoteKind::ByHand, FILE_PARAMETER);
            }
        }
    }

    /// Migrates the values of a source, in several forms. Returns false if they stay as they are.
    fn values(
        &mut self,
        at: &ValuePath,
        release: Release<'_>,
        (mut forms, mut layers): (Vec<Form>, Vec<Value>),
        is_unreadable: bool,
    ) -> bool {
        let plan = helm_values::plan(&layers::merged(&layers), release, self.context);
        let place_of = |path: &ValuePath| self.place_of(at, &forms, &layers, path);
        let report = plan.report.with_places(place_of);
        helm_values::append(&mut self.report, report, PointerBuf::clone);
        if plan.is_missing_facts {
            return false;
        }
        let for_new = forms.iter().position(|form| *form != Form::Parameters);
        if for_new.is_none() && is_unreadable {
            self.by_hand(at, &plan.changes);
            return false;
        }
        let for_new = for_new.unwrap_or(layers.len());
        if for_new == layers.len() {
            forms.push(Form::Object);
            layers.push(json!({}));
        }
        layers::apply(&plan.changes, &mut layers, for_new);
        for (form, layer) in forms.iter().zip(layers) {
            self.write(at, *form, layer, &plan.changes);
        }
        true
    }

    /// Raises the version of the chart. The version of one in a Git repository is not in the application.
    fn version(&mut self, at: &ValuePath, is_in_repository: bool) {
        let version = pointer(at.iter().chain([&"targetRevision".to_owned()]));
        if !is_in_repository {
            let message = format!(
                "Check that the chart in the repository is version 1.15.0 or newer of {CHART}: older versions do not \
                 support workload identity"
            );
            return self.report.note(pointer(at), NoteKind::Guess, message);
        }
        let chart = pointer(at.iter().chain([&"chart".to_owned()]));
        if !chart.resolve(&self.new).ok().and_then(Value::as_str).is_some_and(is_chart) {
            return self.report.note(chart, NoteKind::Guess, OTHER_CHART);
        }
        if let Ok(revision) = version.resolve_mut(&mut self.new)
            && revision.as_str().is_some_and(is_too_old)
        {
            *revision = json!(NEW_VERSION);
        }
    }

    /// The place of a value in the application.
    fn place_of(&self, at: &ValuePath, forms: &[Form], layers: &[Value], path: &ValuePath) -> PointerBuf {
        let layer = layers.iter().rposition(|layer| value_path::get(layer, path).is_some());
        let form = layer.and_then(|layer| forms.get(layer));
        let tokens: Vec<String> = match form {
            Some(Form::Text) => vec!["helm".to_owned(), "values".to_owned()],
            Some(Form::Object) => {
                ["helm", "valuesObject"].iter().map(ToString::to_string).chain(path.clone()).collect()
            }
            Some(Form::Parameters) => {
                let source = pointer(at);
                let parameters =
                    source.resolve(&self.new).ok().and_then(|source| source.pointer("/helm/parameters")?.as_array());
                let index = parameters.and_then(|parameters| {
                    parameters.iter().position(|parameter| name_of(parameter) == Some(path.clone()))
                });
                let index = index.unwrap_or_default().to_string();
                vec!["helm".to_owned(), "parameters".to_owned(), index, "value".to_owned()]
            }
            None => vec![],
        };
        pointer(at.iter().chain(&tokens))
    }

    fn write(&mut self, at: &ValuePath, form: Form, layer: Value, changes: &ValueChanges) {
        let Ok(source) = pointer(at).resolve_mut(&mut self.new) else { return };
        match form {
            Form::Object => {
                if !layer.as_object().is_some_and(serde_json::Map::is_empty) {
                    value_path::set(source, &["helm", "valuesObject"], layer);
                }
            }
            Form::Text => {
                let text = source.pointer("/helm/values").and_then(Value::as_str).unwrap_or_default();
                let old = apim_keyless_manifest::value(text).unwrap_or_default();
                match nested_text::rewritten(text, &old, &layer) {
                    Some(text) => value_path::set(source, &["helm", "values"], json!(text)),
                    None => self.by_hand(at, changes),
                }
            }
            Form::Parameters => write_parameters(source, &layer),
        }
    }

    fn by_hand(&mut self, at: &ValuePath, changes: &ValueChanges) {
        let end = ["helm", "values"].map(str::to_owned);
        self.report.note(pointer(at.iter().chain(&end)), NoteKind::ByHand, by_hand(changes));
    }
}

const FILE_PARAMETER: &str = "Remove this parameter: it sets how the gateway authenticates from a file, and wins over the \
                              migrated values";

/// Lets the parameters of a source set the values of a layer. A parameter that it does not have is removed.
fn write_parameters(source: &mut Value, layer: &Value) {
    let parameters = source.pointer_mut("/helm/parameters").and_then(Value::as_array_mut);
    let Some(parameters) = parameters else { return };
    parameters.retain(|parameter| name_of(parameter).is_none_or(|path| value_path::get(layer, &path).is_some()));
    for parameter in &mut *parameters {
        let new = name_of(parameter).and_then(|path| value_path::get(layer, &path).map(text_of));
        let is_same = |new: &String| parameter.get("value").and_then(Value::as_str) == Some(new);
        if let Some(new) = new.filter(|new| !is_same(new)) {
            value_path::set(parameter, &["value"], json!(new));
        }
    }
    if parameters.is_empty() {
        value_path::remove(source, &["helm", "parameters"]);
    }
}

/// The releases of Microsoft's chart that an application installs with files of values.
pub(super) fn installed(object: &Value) -> Vec<InstalledRelease> {
    let is_set = object.get("kind").and_then(Value::as_str) == Some("ApplicationSet");
    let whole = if is_set { object.pointer("/spec/template") } else { Some(object) };
    let Some(whole) = whole else { return Vec::new() };
    let text = |pointer: &str| whole.pointer(pointer).and_then(Value::as_str).filter(|text| !text.contains("{{"));
    let listed = whole.pointer("/spec/sources").and_then(Value::as_array).into_iter().flatten();
    let sources = whole.pointer("/spec/source").into_iter().chain(listed);
    let own = sources.filter(|source| source.get("path").is_some() || chart_of(source).is_some_and(is_chart));
    own.map(|source| {
        let helm = source.get("helm").cloned().unwrap_or_default();
        let folder = source.get("path").and_then(Value::as_str).unwrap_or_default();
        // from the folder of the chart, from the root of the repository, or from that of another source
        let from_folder = |file: &str| match file.strip_prefix('/') {
            None if !folder.is_empty() && !file.starts_with('$') => format!("{folder}/{file}"),
            root => root.unwrap_or(file).to_owned(),
        };
        let files = helm.get("valueFiles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut layers: Vec<InstalledLayer> = files.map(|file| InstalledLayer::File(from_folder(file))).collect();
        let of_text = helm.get("values").and_then(Value::as_str).and_then(apim_keyless_manifest::value);
        let own = of_text.into_iter().chain(helm.get("valuesObject").cloned());
        layers.extend(own.chain(helm.get("parameters").map(of_parameters)).map(InstalledLayer::Inline));
        let own_name = helm.get("releaseName").and_then(Value::as_str);
        InstalledRelease {
            name: own_name.or_else(|| text("/metadata/name")).map(str::to_owned),
            namespace: text("/spec/destination/namespace").map(str::to_owned),
            layers,
            chart: chart_of(source).or(source.get("path").and_then(Value::as_str)).map(str::to_owned),
            has_all_layers: true,
            ..InstalledRelease::default()
        }
    })
    .collect()
}

fn chart_of(source: &Value) -> Option<&str> {
    source.get("chart").and_then(Value::as_str)
}

/// What to write into values, as sentences.
pub(super) fn by_hand(changes: &ValueChanges) -> String {
    let set: Vec<String> =
        changes.set.iter().map(|(path, value)| format!("{}: {}", value_path::name(path), text_of(value))).collect();
    let mut message = format!("Set in these values {}", set.join(", "));
    if !changes.removed.is_empty() {
        let removed: Vec<String> = changes.removed.iter().map(|path| value_path::name(path)).collect();
        message += &format!("; remove {}", removed.join(", "));
    }
    message
}

/// The text of a value as a parameter.
pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The values that parameters set.
fn of_parameters(parameters: &Value) -> Value {
    let mut values = json!({});
    for parameter in parameters.as_array().into_iter().flatten() {
        if let Some(path) = name_of(parameter) {
            value_path::set(&mut values, &path, parameter.get("value").cloned().unwrap_or_default());
        }
    }
    values
}

fn name_of(parameter: &Value) -> Option<ValuePath> {
    parameter.get("name").and_then(Value::as_str).map(value_path::parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::migration::Facts;

    const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

    fn migrated(helm: &Value) -> ValueMigration {
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "orders"},
            "spec": {
                "destination": {"namespace": "gateways"},
                "source": {"chart": "azure-api-management-gateway", "targetRevision": "1.14.1", "helm": helm},
            },
        });
        let facts = Facts { client_id: Some(CLIENT_ID.to_owned()), ..Facts::default() };
        let context = SourceContext { facts: &facts, images: &Images::default() };
        let migration = migrate(&object, context).unwrap();
        if let Some(new) = &migration.value {
            assert_eq!(new["spec"]["source"]["targetRevision"], NEW_VERSION);
            assert_eq!(migrate(new, context).unwrap().value, None, "{new}");
        }
        migration
    }

    #[test]
    fn values_in_a_text_keep_their_comments() {
        let helm = json!({"values": "# ours\ngateway:\n  configuration:\n    uri: contoso.configuration.azure-api.net # v2\n  auth:\n    key: ${TOKEN}\n"});
        let migration = migrated(&helm);
        let new = migration.value.unwrap();
        assert_eq!(
            new["spec"]["source"]["helm"]["values"],
            format!(
                "# ours\ngateway:\n  configuration:\n    uri: contoso.configuration.azure-api.net # v2\n  auth:\n    azureAd:\n      app:\n        id: \"{CLIENT_ID}\"\n    type: WorkloadIdentity\n  name: orders\nsecret:\n  createSecret: false\n"
            )
        );
        assert_eq!(migration.report.apply, ["argocd app sync orders"]);
        assert_eq!(migration.report.gateways[0].namespace.as_deref(), Some("gateways"));
    }

    #[test]
    fn parameters_change_where_they_are_and_new_values_go_into_an_object() {
        let helm = json!({"releaseName": "gw", "parameters": [
            {"name": "gateway.auth.key", "value": "GatewayKey a&202701010000&c2Vj"},
            {"name": "gateway.configuration.uri", "value": "contoso.management.azure-api.net"},
            {"name": "image.tag", "value": "2.3.0", "forceString": true},
        ]});
        let migration = migrated(&helm);
        let helm = &migration.value.as_ref().unwrap()["spec"]["source"]["helm"];
        assert_eq!(
            helm["parameters"],
            json!([
                {"name": "gateway.configuration.uri", "value": "contoso.configuration.azure-api.net"},
                {"name": "image.tag", "value": "2.11.2", "forceString": true},
            ])
        );
        assert_eq!(helm["valuesObject"]["gateway"]["auth"]["type"], "WorkloadIdentity");
        let key = &migration.report.notes[0];
        assert_eq!((key.kind, key.at.to_string().as_str()), (NoteKind::Key, "/spec/source/helm/parameters/0/value"));
        assert_eq!(migration.report.gateways[0].service_account, "gw-azure-api-management-gateway");
    }

    #[test]
    fn a_template_that_cannot_be_read_is_changed_by_hand() {
        let migration = migrated(&json!({"values": "gateway:\n  {{- range . }}\n  auth: {{ . }}\n"}));
        let note = migration.report.notes.last().unwrap();
        assert_eq!((migration.value, note.kind), (None, NoteKind::ByHand));
        assert!(note.message.contains("gateway.auth.type: WorkloadIdentity"), "{}", note.message);
    }

    #[test]
    fn several_sources_and_sets_are_read() {
        let source = json!({"chart": "azure-api-management-gateway", "targetRevision": "1.16.1", "helm": {"valuesObject": {"gateway": {"name": "{{name}}"}}}});
        let other = json!({"repoURL": "https://git.example", "path": "orders", "helm": {"valuesObject": {"gateway": {"name": "x"}}}});
        let files = json!({"chart": "azure-api-management-gateway", "targetRevision": "1.0.0", "helm": {"valueFiles": ["$values/a.yaml"]}});
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
            "spec": {"template": {"metadata": {"name": "{{name}}"}, "spec": {"sources": [other, source, files]}}},
        });
        let facts = Facts { client_id: Some(CLIENT_ID.to_owned()), ..Facts::default() };
        let new = migrate(&object, SourceContext { facts: &facts, images: &Images::default() }).unwrap().value.unwrap();
        let sources = &new["spec"]["template"]["spec"]["sources"];
        assert_eq!(sources[0], other);
        assert_eq!(sources[1]["helm"]["valuesObject"]["gateway"]["auth"]["azureAd"]["app"]["id"], CLIENT_ID);
        // values in files are migrated in the files
        assert_eq!(sources[2]["helm"], files["helm"]);
        assert_eq!(sources[2]["targetRevision"], NEW_VERSION);
    }
}
