//! A `helm_release` with Microsoft's chart. The provider for Helm has `set` as blocks (2.x) or as a list (3.x).

use super::editor::Editor;
use super::values;
use crate::migration_sources::argo_application::{by_hand, text_of};
use crate::migration_sources::chart_version::{NEW_VERSION, is_chart, is_too_old};
use crate::migration_sources::helm_values::{self, Release};
use crate::migration_sources::layers::{self, ValueChanges};
use crate::migration_sources::value_path::{self, ValuePath};
use crate::migration_sources::{NoteKind, SourceContext, SourceReport, nested_text};
use hcl_edit::Span;
use hcl_edit::expr::{Array, Expression, Object};
use hcl_edit::structure::{Block, Body};
use serde_json::{Value, json};
use std::ops::Range;

/// The blocks or lists with names and values.
const SETS: [&str; 2] = ["set", "set_sensitive"];

/// Where a release has values.
enum Layer<'b> {
    /// `yamlencode({…})`.
    Object(&'b Object),
    /// YAML in a heredoc, whose text is in this range.
    Text(Range<usize>),
    /// The `set` and `set_sensitive` blocks or lists.
    Sets(Vec<SetEntry<'b>>),
}

/// A name and a value.
struct SetEntry<'b> {
    path: ValuePath,
    value: &'b Expression,
    range: Range<usize>,
}

/// Migrates a release, if it is of Microsoft's chart.
pub(super) fn migrate(
    block: &Block,
    editor: &mut Editor<'_>,
    context: SourceContext<'_>,
    report: &mut SourceReport<usize>,
) {
    let text = |name: &str| block.body.get_attribute(name).and_then(|attribute| attribute.value.as_str());
    let Read { layers: places, values: mut layers, unreadable } = Read::of(&block.body, editor);
    let merged = layers::merged(&layers);
    if !text("chart").is_some_and(is_chart) && !helm_values::are_of_chart(&merged, context) {
        return;
    }
    let at = editor.line(block);
    let line_of = |path: &ValuePath| {
        let layer = layers.iter().rposition(|layer| value_path::get(layer, path).is_some());
        match layer.and_then(|layer| places.get(layer)) {
            Some(Layer::Sets(entries)) => entries
                .iter()
                .find(|entry| entry.path == *path)
                .map_or(at, |entry| super::line(editor.text, entry.range.start)),
            Some(Layer::Text(range)) => line_in_text(editor.text, range, &merged, path),
            Some(Layer::Object(object)) => member_at(object, path).map_or(at, |member| editor.line(member)),
            None => at,
        }
    };
    let release = Release { name: text("name"), namespace: text("namespace") };
    // values in files alone are migrated there
    let is_in_files = layers.is_empty() && !unreadable.is_empty();
    let plan =
        if is_in_files { helm_values::ValuesPlan::default() } else { helm_values::plan(&merged, release, context) };
    helm_values::append(report, plan.report.with_places(line_of), |line| *line);
    if plan.is_missing_facts {
        return;
    }
    for (line, message) in unreadable {
        report.note(line, NoteKind::Guess, message);
    }
    raise_version(block, editor, report);
    let for_new = places.iter().rposition(|place| !matches!(place, Layer::Sets(_)));
    let for_new = for_new.or_else(|| places.iter().position(|place| matches!(place, Layer::Sets(_))));
    let old = layers.clone();
    if let Some(for_new) = for_new {
        layers::apply(&plan.changes, &mut layers, for_new);
        let mark = editor.mark();
        let is_written =
            places.iter().zip(old.iter().zip(&layers)).all(|(place, (old, new))| write(place, old, new, editor));
        if is_written {
            return;
        }
        editor.undo(mark);
        report.note(at, NoteKind::ByHand, by_hand(&plan.changes));
    } else if !plan.changes.is_empty() {
        add_values(block, &plan.changes, editor, report);
    }
}

/// The line of a value in a YAML text: that with its name and the beginning of its value.
fn line_in_text(text: &str, range: &Range<usize>, values: &Value, path: &ValuePath) -> usize {
    let first = super::line(text, range.start);
    let name = path.last().map(String::as_str).unwrap_or_default();
    let value = value_path::get(values, path).and_then(Value::as_str).unwrap_or_default();
    let mut lines = text.get(range.clone()).unwrap_or_default().lines();
    first + lines.position(|line| line.contains(name) && line.contains(value)).unwrap_or_default()
}

/// The innermost member on a path into an object.
fn member_at<'o>(object: &'o Object, path: &[String]) -> Option<&'o Expression> {
    let (first, rest) = path.split_first()?;
    let member = values::member(object, first)?;
    let inner = member.as_object().and_then(|object| member_at(object, rest));
    Some(inner.unwrap_or(member))
}

/// The values of a release.
#[derive(Default)]
struct Read<'b> {
    layers: Vec<Layer<'b>>,
    values: Vec<Value>,
    /// The lines of values that are elsewhere, and what to do about them.
    unreadable: Vec<(usize, &'static str)>,
}

impl<'b> Read<'b> {
    fn of(body: &'b Body, editor: &Editor<'_>) -> Self {
        let mut read = Self::default();
        let elements = body.get_attribute("values").and_then(|attribute| attribute.value.as_array());
        for element in elements.into_iter().flat_map(Array::iter) {
            read.element(element, editor);
        }
        let mut entries: Vec<SetEntry<'_>> = Vec::new();
        for name in SETS {
            for block in body.get_blocks(name) {
                let attribute = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
                entries.extend(entry(attribute("name"), attribute("value"), block.span()));
            }
            let list = body.get_attribute(name).and_then(|attribute| attribute.value.as_array());
            for element in list.into_iter().flat_map(Array::iter) {
                let member = |name: &str| values::member(element.as_object()?, name);
                entries.extend(entry(member("name"), member("value"), element.span()));
            }
        }
        if !entries.is_empty() {
            let mut layer = json!({});
            for entry in &entries {
                value_path::set(&mut layer, &entry.path, values::value(entry.value, editor));
            }
            read.values.push(layer);
            read.layers.push(Layer::Sets(entries));
        }
        read
    }

    fn element(&mut self, element: &'b Expression, editor: &Editor<'_>) {
        match element {
            Expression::HeredocTemplate(heredoc) => {
                let range = heredoc.template.span();
                let value = range.clone().and_then(|range| apim_keyless_manifest::value(editor.text.get(range)?));
                match (range, value) {
                    (Some(range), Some(value)) if value.is_object() => {
                        self.layers.push(Layer::Text(range));
                        self.values.push(value);
                    }
                    _ => self.unreadable.push((editor.line(element), TEMPLATE)),
                }
            }
            Expression::FuncCall(call) if call.name.name.as_str() == "yamlencode" => {
                let object = call.args.iter().next().and_then(|argument| argument.as_object());
                let value = object.map(|object| values::value(&Expression::Object(object.clone()), editor));
                match (object, value) {
                    (Some(object), Some(value)) if value.is_object() => {
                        self.layers.push(Layer::Object(object));
                        self.values.push(value);
                    }
                    _ => self.unreadable.push((editor.line(element), TEMPLATE)),
                }
            }
            Expression::FuncCall(call) if call.name.name.as_str() == "file" => {
                self.unreadable.push((editor.line(element), FILE));
            }
            _ => self.unreadable.push((editor.line(element), TEMPLATE)),
        }
    }
}

const FILE: &str = "Migrate the file with these values, too: give it to this command";
const TEMPLATE: &str =
    "Check these values: they are made by an expression. Remove gateway.auth.key from them, if they have it";

fn entry<'b>(
    name: Option<&'b Expression>,
    value: Option<&'b Expression>,
    range: Option<Range<usize>>,
) -> Option<SetEntry<'b>> {
    Some(SetEntry { path: value_path::parse(name?.as_str()?), value: value?, range: range? })
}

fn raise_version(block: &Block, editor: &mut Editor<'_>, report: &mut SourceReport<usize>) {
    let Some(version) = block.body.get_attribute("version") else { return };
    match version.value.as_str() {
        Some(text) if is_too_old(text) => {
            if let Some(range) = version.value.span() {
                editor.replace(range, json!(NEW_VERSION).to_string());
            }
        }
        Some(_) => {}
        None => report.note(
            editor.line(version),
            NoteKind::Guess,
            format!("Check that this version is {NEW_VERSION} or newer: older charts do not support workload identity"),
        ),
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
    }
}

fn write_sets(entries: &[SetEntry<'_>], new: &Value, editor: &mut Editor<'_>) -> bool {
    let is_old = |path: &ValuePath| entries.iter().any(|entry| entry.path == *path);
    let added: Vec<(ValuePath, Value)> =
        value_path::leaves(new).into_iter().filter(|(path, _)| !is_old(path)).collect();
    let is_kept = |entry: &&SetEntry<'_>| value_path::get(new, &entry.path).is_some();
    // new entries are below the last one that stays, or take the place of the first that is removed
    let anchor = entries.iter().rfind(is_kept);
    let mut replaced = if anchor.is_none() && !added.is_empty() { entries.first() } else { None };
    let Some(model) = anchor.or(replaced) else { return entries.iter().all(|entry| editor.remove_lines(&entry.range)) };
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
            None if !editor.remove_lines(&entry.range) => return false,
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
fn add_values(block: &Block, changes: &ValueChanges, editor: &mut Editor<'_>, report: &mut SourceReport<usize>) {
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
        None => report.note(editor.line(block), NoteKind::ByHand, by_hand(changes)),
    }
}

#[cfg(test)]
mod tests {
    use crate::migration_sources::terraform::migrate_terraform;
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
        let migration = migrate_terraform(&format!("{HEAD}{lines}}}\n"), context).unwrap();
        let text = migration.text.unwrap_or_default();
        let expected = format!("{HEAD}{expected}}}\n").replace("CLIENT-ID", CLIENT_ID);
        assert_eq!(text, expected, "\n{text}\n{:?}", migration.report);
        assert_eq!(migrate_terraform(&text, context).and_then(|second| second.text), None);
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
            assert_eq!(migrate_terraform(text, context), None, "{text}");
        }
    }
}
