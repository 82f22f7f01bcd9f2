//! A `helm_release` with Microsoft's chart. The provider for Helm has `set` as blocks (2.x) or as a list (3.x).

use super::editor::Editor;
use super::release_values::{Layer, ReleaseValues, SetEntry};
use super::{Sources, values};
use crate::migration_sources::argo_application::{by_hand, text_of};
use crate::migration_sources::chart_values::newer_tag;
use crate::migration_sources::chart_version::{NEW_VERSION, OTHER_CHART, is_chart, is_old_archive, is_too_old};
use crate::migration_sources::command_versions::ARCHIVE;
use crate::migration_sources::helm_values::{self, Release};
use crate::migration_sources::layers::{self, ValueChanges};
use crate::migration_sources::value_path::{self, ValuePath};
use crate::migration_sources::{NoteKind, SourceContext, SourceReport, nested_text};
use apim_keyless_core::migration::IMAGE_VERSION;
use hcl_edit::Span;
use hcl_edit::expr::{Expression, Object};
use hcl_edit::structure::Block;
use serde_json::{Value, json};
use std::ops::Range;

/// Migrates a release, if it is of Microsoft's chart. Returns the name of the Secret that held its key, or the resource.
pub(super) fn migrate<'b>(
    block: &'b Block,
    sources: Sources<'b, '_>,
    editor: &mut Editor<'_>,
    context: SourceContext<'_>,
    report: &mut SourceReport<usize>,
) -> Option<String> {
    let text = |name: &str| sources.text(&block.body.get_attribute(name)?.value);
    let ReleaseValues { layers: places, values: mut layers, unreadable } =
        ReleaseValues::of(&block.body, editor, sources);
    let merged = layers::merged(&layers);
    if !is_of_chart(block, sources, editor) && !helm_values::are_of_chart(&merged, context) {
        return None;
    }
    let at = editor.line(block);
    let line_of = |path: &ValuePath| line_of(path, (&places, &layers, &merged), editor).unwrap_or(at);
    let release = Release { name: text("name"), namespace: text("namespace"), ..Release::default() };
    // values in files alone are migrated there
    let is_in_files = layers.is_empty() && !unreadable.is_empty();
    let plan =
        if is_in_files { helm_values::ValuesPlan::default() } else { helm_values::plan(&merged, release, context) };
    helm_values::append(report, plan.report.with_places(line_of), |line| *line);
    if plan.is_missing_facts {
        return None;
    }
    let secret =
        value_path::get(&merged, &["secret", "existingSecretName"]).and_then(Value::as_str).map(values::resource);
    let for_new = places.iter().rposition(|place| matches!(place, Layer::Object(_) | Layer::Text(_)));
    let for_new = for_new.or_else(|| places.iter().position(|place| matches!(place, Layer::Sets(_))));
    let type_at = layers.iter().rposition(|layer| value_path::get(layer, &TYPE).is_some()).or(for_new);
    for values in unreadable {
        // what comes later wins
        let is_overridden = type_at.is_some_and(|at| at >= values.layers_before);
        let is_done = is_overridden || values.is_migrated_elsewhere;
        report.note(values.line, if is_done { NoteKind::Guess } else { NoteKind::ByHand }, values.message);
    }
    raise_version(block, (sources, !plan.changes.is_empty()), editor, report);
    image(&merged, sources, editor, context, report);
    if let Some(line) = line_of_instances(block, &plan.changes, editor) {
        report.note(line, NoteKind::ByHand, format!("{INSTANCES}. {}", by_hand(&plan.changes)));
        return secret;
    }
    let old = layers.clone();
    let fixed = places.iter().find_map(|place| if let Layer::Fixed(line) = place { Some(*line) } else { None });
    let by_hand_at = fixed.unwrap_or(at);
    if let Some(for_new) = for_new {
        layers::apply(&plan.changes, &mut layers, for_new);
        let mark = editor.mark();
        let is_written =
            places.iter().zip(old.iter().zip(&layers)).all(|(place, (old, new))| write(place, old, new, editor));
        if is_written {
            return secret;
        }
        editor.undo(mark);
        report.note(by_hand_at, NoteKind::ByHand, by_hand(&plan.changes));
    } else if !plan.changes.is_empty() {
        add_values(block, (&plan.changes, by_hand_at), editor, report);
    }
    secret
}

/// Whether a release is of Microsoft's chart, by its name or its path.
fn is_of_chart(block: &Block, sources: Sources<'_, '_>, editor: &Editor<'_>) -> bool {
    let Some(chart) = block.body.get_attribute("chart") else { return false };
    let path = editor.slice(&chart.value).trim_matches([' ', '"']);
    is_chart(sources.text(&chart.value).unwrap_or(path))
}

/// Names a release that reuses its old values.
fn reused_values(block: &Block, editor: &Editor<'_>, report: &mut SourceReport<usize>) {
    let reuses = block.body.get_attribute("reuse_values").filter(|reuses| reuses.value.as_bool() == Some(true));
    if let Some(reuses) = reuses {
        report.note(editor.line(reuses), NoteKind::ByHand, REUSES);
    }
}

const REUSES: &str = "Remove reuse_values, and write all values of the release here: the values of a chart older than 1.15.0 lack those \
                      that the new chart needs";
/// The value that selects the method.
const TYPE: [&str; 3] = ["gateway", "auth", "type"];
const INSTANCES: &str = "Change these values by hand: each instance of this block has a gateway of its own, and needs its own \
                         gateway.name";

/// The line of `for_each` or `count`, if a name that was guessed would be that of every instance.
fn line_of_instances(block: &Block, changes: &ValueChanges, editor: &Editor<'_>) -> Option<usize> {
    let is_guessed = changes.set.keys().any(|path| *path == ["gateway", "name"]);
    let of_each = block.body.get_attribute("for_each").or_else(|| block.body.get_attribute("count"));
    of_each.filter(|_| is_guessed).map(|attribute| editor.line(attribute))
}

/// The line of a value of a release.
fn line_of(
    path: &ValuePath,
    (places, layers, merged): (&[Layer<'_>], &[Value], &Value),
    editor: &Editor<'_>,
) -> Option<usize> {
    let layer = layers.iter().rposition(|layer| value_path::get(layer, path).is_some())?;
    match places.get(layer)? {
        Layer::Sets(entries) => {
            entries.iter().find(|entry| entry.path == *path).map(|entry| editor.line_at(entry.range.start))
        }
        Layer::Text(range) => Some(line_in_text(editor, range, merged, path)),
        Layer::Object(object) => member_at(object, path).map(|member| editor.line(member)),
        Layer::Fixed(line) => Some(*line),
    }
}

/// The line of a value in a YAML text: that with its name and the beginning of its value.
fn line_in_text(editor: &Editor<'_>, range: &Range<usize>, values: &Value, path: &ValuePath) -> usize {
    let first = editor.line_at(range.start);
    let name = path.last().map(String::as_str).unwrap_or_default();
    let value = value_path::get(values, path).and_then(Value::as_str).unwrap_or_default();
    let mut lines = editor.text.get(range.clone()).unwrap_or_default().lines();
    first + lines.position(|line| line.contains(name) && line.contains(value)).unwrap_or_default()
}

/// The innermost member on a path into an object.
fn member_at<'o>(object: &'o Object, path: &[String]) -> Option<&'o Expression> {
    let (first, rest) = path.split_first()?;
    let member = values::member(object, first)?;
    let inner = member.as_object().and_then(|object| member_at(object, rest));
    Some(inner.unwrap_or(member))
}

/// Raises the version of the chart, or names what is too old, also in reused values.
fn raise_version(
    block: &Block,
    (sources, is_changed): (Sources<'_, '_>, bool),
    editor: &mut Editor<'_>,
    report: &mut SourceReport<usize>,
) {
    reused_values(block, editor, report);
    let chart = block.body.get_attribute("chart");
    let path = chart.map(|chart| editor.slice(&chart.value).trim_matches([' ', '"'])).unwrap_or_default();
    if let Some(chart) = chart.filter(|_| is_old_archive(path)) {
        report.note(editor.line(chart), NoteKind::ByHand, ARCHIVE);
    }
    let Some(version) = block.body.get_attribute("version") else {
        let is_folder = path.starts_with(['.', '/', '$']) && !is_old_archive(path);
        if let Some(chart) = chart.filter(|_| is_folder && is_changed) {
            let message = format!("Check that this chart is version {NEW_VERSION} or newer: {OLDER}");
            report.note(editor.line(chart), NoteKind::Guess, message);
        }
        return;
    };
    if !is_of_chart(block, sources, editor) {
        // the version of another chart says nothing about Microsoft's
        if is_changed {
            report.note(editor.line(version), NoteKind::Guess, OTHER_CHART);
        }
        return;
    }
    let elsewhere = sources.resolved(&version.value);
    match (version.value.as_str(), elsewhere.as_str()) {
        (Some(text), _) if is_too_old(text) => {
            if let Some(range) = version.value.span() {
                editor.replace(range, json!(NEW_VERSION).to_string());
            }
        }
        (Some(_), _) => {}
        (None, Some(text)) if is_too_old(text) => {
            let message = format!("Set this version of the chart to {NEW_VERSION} or newer: {OLDER}");
            report.note(editor.line(elsewhere), NoteKind::ByHand, message);
        }
        (None, _) => report.note(
            editor.line(version),
            NoteKind::Guess,
            format!("Check that this version is {NEW_VERSION} or newer: {OLDER}"),
        ),
    }
}

const OLDER: &str = "older charts do not support workload identity";

/// Names an old image whose tag is in a local value, or in the default of a variable.
fn image(
    merged: &Value,
    sources: Sources<'_, '_>,
    editor: &Editor<'_>,
    context: SourceContext<'_>,
    report: &mut SourceReport<usize>,
) {
    let tag = value_path::get(merged, &["image", "tag"]).and_then(Value::as_str);
    if let Some((tag, place)) = tag.and_then(|tag| sources.filled(tag))
        && newer_tag(&tag, context).is_some()
    {
        let message = format!(
            "Set this tag to {IMAGE_VERSION} or another version that is 2.11.0 or newer: older versions do not support \
             workload identity"
        );
        report.note(editor.line(place), NoteKind::ByHand, message);
    }
}

/// Writes a layer. Returns false if its text cannot be changed.
fn write(place: &Layer<'_>, old: &Value, new: &Value, editor: &mut Editor<'_>) -> bool {
    if old == new {
        return true;
    }
    match place {
        Layer::Object(object) => new.as_object().is_some_and(|new| values::change(object, new, editor)),
        Layer::Text(range) => {
            let text = editor.text.get(range.clone()).unwrap_or_default();
            let new = nested_text::rewritten(text, old, new);
            new.map(|new| editor.replace(range.clone(), new)).is_some()
        }
        Layer::Sets(entries) => write_sets(entries, new, editor),
        Layer::Fixed(_) => false,
    }
}

fn write_sets(entries: &[SetEntry<'_>], new: &Value, editor: &mut Editor<'_>) -> bool {
    let is_old = |path: &ValuePath| entries.iter().any(|entry| entry.path == *path);
    let added: Vec<(ValuePath, Value)> =
        value_path::leaves(new).into_iter().filter(|(path, _)| !path.is_empty() && !is_old(path)).collect();
    let is_kept = |entry: &&SetEntry<'_>| value_path::get(new, &entry.path).is_some();
    // new entries are below the last one that stays, or take the place of the first that is removed
    let anchor = entries.iter().rfind(is_kept);
    let mut replaced = if anchor.is_none() && !added.is_empty() { entries.first() } else { None };
    let Some(model) = anchor.or(replaced) else { return entries.iter().all(|entry| remove(entry, editor)) };
    let indentation = editor.indentation(model.range.start);
    let is_block = editor.text.get(model.range.clone()).is_some_and(|text| !text.starts_with('{'));
    let texts: Vec<String> = added.iter().map(|(path, value)| set_text(path, value, is_block, indentation)).collect();
    let (separator, end) = if is_block { ("\n\n", "") } else { (",\n", ",") };
    for entry in entries {
        match value_path::get(new, &entry.path) {
            None if replaced.take().is_some() => {
                let text = texts.join(separator);
                editor.replace(entry.range.clone(), text.trim_start());
            }
            None if !remove(entry, editor) => return false,
            None => {}
            Some(value) if *value == values::value(entry.value, editor) => {}
            Some(value) => {
                if let Some(range) = entry.value.span() {
                    editor.replace(range, values::string(&text_of(value)));
                }
            }
        }
    }
    if let Some(anchor) = anchor.filter(|_| !added.is_empty()) {
        let rest = editor.text.get(anchor.range.end..).unwrap_or_default().trim_start();
        if !is_block && !rest.starts_with(',') {
            editor.replace(anchor.range.end..anchor.range.end, ",");
        }
        let first = if is_block { "\n" } else { "" };
        editor.insert_lines(anchor.range.end, &format!("{first}{}{end}", texts.join(separator)));
    }
    true
}

/// Removes an entry, with its lines or as the one element of a list. Returns false if something else is in its lines.
fn remove(entry: &SetEntry<'_>, editor: &mut Editor<'_>) -> bool {
    if editor.remove_lines(&entry.range) {
        return true;
    }
    let list = entry.whole_list.clone();
    list.map(|list| editor.replace(list, "[]")).is_some()
}

/// A block, or an element of a list, that sets a value.
fn set_text(path: &[String], value: &Value, is_block: bool, indentation: &str) -> String {
    let (name, value) = (json!(value_path::name(path)), values::string(&text_of(value)));
    if is_block {
        format!("{indentation}set {{\n{indentation}  name  = {name}\n{indentation}  value = {value}\n{indentation}}}")
    } else {
        format!("{indentation}{{ name = {name}, value = {value} }}")
    }
}

/// Adds `values` to a release that has none.
fn add_values(
    block: &Block,
    (changes, by_hand_at): (&ValueChanges, usize),
    editor: &mut Editor<'_>,
    report: &mut SourceReport<usize>,
) {
    let mut new = json!({});
    for (path, value) in &changes.set {
        value_path::set(&mut new, path, value.clone());
    }
    let last = block.body.iter().last().and_then(Span::span);
    match last.filter(|_| block.body.get_attribute("values").is_none()) {
        Some(last) => {
            let indentation = editor.indentation(last.start);
            let text = values::expression(&new, &format!("{indentation}  "));
            let lines = format!("\n{indentation}values = [\n{indentation}  yamlencode({text})\n{indentation}]\n");
            editor.insert_lines(last.end, &lines);
        }
        None => report.note(by_hand_at, NoteKind::ByHand, by_hand(changes)),
    }
}

#[cfg(test)]
mod tests {
    use crate::migration_sources::terraform::migrate_terraform;
    use crate::migration_sources::terraform::tests::NO_FILES;
    use crate::migration_sources::{NoteKind, SourceContext, SourceReport};
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::migration::Facts;

    const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
    const HEAD: &str = "resource \"helm_release\" \"gateway\" {\n  name       = \"orders\"\n  chart      = \"azure-api-management-gateway\"\n";

    /// A release with these lines after its name and chart becomes one with the other lines.
    #[track_caller]
    fn becomes(lines: &str, expected: &str) -> SourceReport<usize> {
        let facts = Facts { client_id: Some(CLIENT_ID.to_owned()), ..Facts::default() };
        let context = SourceContext { facts: &facts, images: &Images::default() };
        let migration = migrate_terraform(&format!("{HEAD}{lines}}}\n"), context, &NO_FILES).unwrap();
        let text = migration.text.unwrap_or_default();
        let expected = format!("{HEAD}{expected}}}\n").replace("CLIENT-ID", CLIENT_ID);
        assert_eq!(text, expected, "\n{text}\n{:?}", migration.report);
        assert_eq!(migrate_terraform(&text, context, &NO_FILES).and_then(|second| second.text), None);
        migration.report
    }

    #[test]
    fn set_blocks_are_changed() {
        let report = becomes(
            "  version = \"1.12.0\"\n\n  set {\n    name  = \"gateway.configuration.uri\"\n    value = var.uri # ours\n  }\n  set {\n    name  = \"image.tag\"\n    value = \"2.3.0\"\n  }\n  set_sensitive {\n    name  = \"gateway.auth.key\"\n    value = var.token\n  }\n",
            "  version = \"1.15.1\"\n\n  set {\n    name  = \"gateway.configuration.uri\"\n    value = var.uri # ours\n  }\n  set {\n    name  = \"image.tag\"\n    value = \"2.11.2\"\n  }\n\n  set {\n    name  = \"gateway.auth.azureAd.app.id\"\n    value = \"CLIENT-ID\"\n  }\n\n  set {\n    name  = \"gateway.auth.type\"\n    value = \"WorkloadIdentity\"\n  }\n\n  set {\n    name  = \"gateway.name\"\n    value = \"orders\"\n  }\n\n  set {\n    name  = \"secret.createSecret\"\n    value = \"false\"\n  }\n",
        );
        assert_eq!(report.gateways[0].service_account, "orders-azure-api-management-gateway");
        assert_eq!(report.apply, ["terraform plan", "terraform apply"]);
    }

    #[test]
    fn a_list_of_sets_is_changed() {
        becomes(
            "  set = [\n    { name = \"gateway.name\", value = \"a\" },\n    { name = \"gateway.auth.type\", value = \"GatewayToken\" }\n  ]\n  set_sensitive = [\n    { name = \"gateway.auth.key\", value = var.token },\n  ]\n",
            "  set = [\n    { name = \"gateway.name\", value = \"a\" },\n    { name = \"gateway.auth.type\", value = \"WorkloadIdentity\" },\n    { name = \"gateway.auth.azureAd.app.id\", value = \"CLIENT-ID\" },\n    { name = \"secret.createSecret\", value = \"false\" },\n  ]\n  set_sensitive = [\n  ]\n",
        );
    }

    #[test]
    fn a_key_beside_values_is_removed() {
        let values =
            "  values = [<<-V\n    gateway:\n      name: orders\n      auth:\n        type: GatewayToken\n    V\n  ]\n";
        let changed = "  values = [<<-V\n    gateway:\n      name: orders\n      auth:\n        type: WorkloadIdentity\n        azureAd:\n          app:\n            id: \"CLIENT-ID\"\n    secret:\n      createSecret: false\n    V\n  ]\n";
        for (key, removed) in [
            ("  set_sensitive {\n    name  = \"gateway.auth.key\"\n    value = var.gateway_key\n  }\n", ""),
            (
                "  set_sensitive = [{ name = \"gateway.auth.key\", value = var.gateway_key }]\n",
                "  set_sensitive = []\n",
            ),
            (
                "  set_sensitive = [\n    { name = \"gateway.auth.key\", value = var.gateway_key },\n  ]\n",
                "  set_sensitive = [\n  ]\n",
            ),
            (
                "  set_sensitive = [{\n    name  = \"gateway.auth.key\"\n    value = var.gateway_key\n  }]\n",
                "  set_sensitive = []\n",
            ),
        ] {
            becomes(&format!("{values}{key}"), &format!("{changed}{removed}"));
            becomes(&format!("{key}{values}"), &format!("{removed}{changed}"));
        }
        becomes(
            "  values = [yamlencode({\n    gateway = {\n      name = \"orders\"\n    }\n  })]\n  set_sensitive {\n    name  = \"gateway.auth.key\"\n    value = var.gateway_key\n  }\n",
            "  values = [yamlencode({\n    gateway = {\n      name = \"orders\"\n      auth = {\n        azureAd = {\n          app = {\n            id = \"CLIENT-ID\"\n          }\n        }\n        type = \"WorkloadIdentity\"\n      }\n    }\n    secret = {\n      createSecret = false\n    }\n  })]\n",
        );
    }

    #[test]
    fn encoded_values_are_changed() {
        let report = becomes(
            "  values = [yamlencode({\n    # ours\n    gateway = {\n      configuration = { uri = var.uri }\n      auth = {\n        key = \"GatewayKey orders&202701010000&c2Vj\" # the key\n      }\n    }\n    secret = { createSecret = true }\n  })]\n",
            "  values = [yamlencode({\n    # ours\n    gateway = {\n      configuration = { uri = var.uri }\n      auth = {\n        azureAd = {\n          app = {\n            id = \"CLIENT-ID\"\n          }\n        }\n        type = \"WorkloadIdentity\"\n      }\n      name = \"orders\"\n    }\n    secret = {\n      createSecret = false\n    }\n  })]\n",
        );
        assert!(report.notes.iter().any(|note| (note.kind, note.at) == (NoteKind::Key, 9)));
    }

    #[test]
    fn values_in_a_heredoc_are_changed() {
        becomes(
            "  namespace = kubernetes_namespace.gateways.metadata[0].name\n  values = [<<-EOT\n    gateway:\n      configuration:\n        uri: ${var.uri} # ours\n      auth:\n        key: ${var.token}\n    EOT\n    , file(\"other.yaml\")]\n",
            "  namespace = kubernetes_namespace.gateways.metadata[0].name\n  values = [<<-EOT\n    gateway:\n      configuration:\n        uri: ${var.uri} # ours\n      auth:\n        azureAd:\n          app:\n            id: \"CLIENT-ID\"\n        type: WorkloadIdentity\n      name: orders\n    secret:\n      createSecret: false\n    EOT\n    , file(\"other.yaml\")]\n",
        );
    }

    #[test]
    fn a_release_without_values_gets_some() {
        becomes(
            "  version = var.chart_version\n",
            "  version = var.chart_version\n\n  values = [\n    yamlencode({\n      gateway = {\n        auth = {\n          azureAd = {\n            app = {\n              id = \"CLIENT-ID\"\n            }\n          }\n          type = \"WorkloadIdentity\"\n        }\n      }\n      secret = {\n        createSecret = false\n      }\n    })\n  ]\n",
        );
    }

    #[test]
    fn values_of_a_template_are_named() {
        let report = becomes(
            "  version = \"1.0.0\"\n  values = [templatefile(\"a.tftpl\", {})]\n",
            "  version = \"1.15.1\"\n  values = [templatefile(\"a.tftpl\", {})]\n",
        );
        assert_eq!(report.notes.iter().map(|note| note.at).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn other_configurations_are_left_alone() {
        let facts = Facts::default();
        let context = SourceContext { facts: &facts, images: &Images::default() };
        for text in [
            "resource \"helm_release\" \"a\" {\n  chart = \"redis\"\n  set {\n    name = \"auth.key\"\n    value = \"x\"\n  }\n}\n",
            "",
            "locals {",
            "variable \"a\" {}\n",
        ] {
            assert_eq!(migrate_terraform(text, context, &NO_FILES), None, "{text}");
        }
    }
}
