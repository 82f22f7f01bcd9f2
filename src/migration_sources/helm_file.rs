//! A file of values of Microsoft's chart, or of a chart that has it as a sub-chart.

use super::chart_version::{CHART, NEW_VERSION, REPOSITORY, is_chart, is_too_old};
use super::helm_values::{Release, append, are_of_chart, plan, plan_image, pointer};
use super::layers;
use super::value_path::{self, ValuePath};
use super::{SourceContext, SourceReport, ValueMigration};
use apim_keyless_core::policy::shell_word;
use serde_json::{Value, json};

/// Deepest sub-chart whose values are searched.
const MAX_DEPTH: usize = 4;

/// The places of the values of Microsoft's chart in the values of a chart that may have it as a sub-chart.
fn places(values: &Value, context: SourceContext<'_>) -> Vec<ValuePath> {
    let mut found = Vec::new();
    search(values, &mut Vec::new(), context, &mut found);
    found
}

fn search(values: &Value, path: &mut ValuePath, context: SourceContext<'_>, found: &mut Vec<ValuePath>) {
    let is_named = path.last().is_some_and(|key| key == CHART) && values.is_object();
    if is_named || are_of_chart(values, context) {
        found.push(path.clone());
    } else if path.len() < MAX_DEPTH {
        for (key, member) in values.as_object().into_iter().flatten() {
            path.push(key.clone());
            search(member, path, context, found);
            path.pop();
        }
    }
}

/// Migrates a file of values. `None` if no part of it is of Microsoft's chart.
pub(super) fn migrate_file(file: &str, values: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    migrate_values_of(file, values, Release::default(), context)
}

/// Migrates the values of a release. `None` if no part of them is of Microsoft's chart.
pub(super) fn migrate_values_of(
    file: &str,
    values: &Value,
    release: Release<'_>,
    context: SourceContext<'_>,
) -> Option<ValueMigration> {
    let places = places(values, context);
    if places.is_empty() {
        return None;
    }
    let (mut new, mut report) = (values.clone(), SourceReport::default());
    for path in &places {
        let own = value_path::get(values, path)?;
        let is_only_image = path.last().is_none_or(|key| key != CHART) && own.get("gateway").is_none();
        // other tools have the values of a release below this name
        let alias = path.last().map(String::as_str).filter(|key| *key != "values");
        let release = Release { alias, ..release };
        let plan = if is_only_image { plan_image(own, context) } else { plan(own, release, context) };
        let mut layer = [own.clone()];
        layers::apply(&plan.changes, &mut layer, 0);
        let [layer] = layer;
        value_path::set(&mut new, path, layer);
        append(&mut report, plan.report, |at| pointer(path.iter().chain(at)));
        let is_changed = !plan.changes.is_empty();
        // another tool than Helm reads a file with a chart and its values
        let command = (!is_of_tool(values, path)).then(|| upgrade_of_file(file, path));
        report.apply.extend(command.filter(|command| is_changed && !report.apply.contains(command)));
        raise_version(&mut new, path);
    }
    Some(ValueMigration { value: (new != *values).then_some(new), report })
}

/// Whether values are below the name of the chart that they are for, as in the files of Fleet and Pulumi.
fn is_of_tool(values: &Value, path: &[String]) -> bool {
    let parent = path.split_last().and_then(|(_, parent)| value_path::get(values, parent));
    parent.is_some_and(|parent| parent.get("chart").is_some())
}

/// Raises the version of the chart beside its values.
fn raise_version(file: &mut Value, path: &[String]) {
    let Some((_, parent)) = path.split_last() else { return };
    let text = |key: &str| value_path::get(file, parent)?.get(key)?.as_str();
    if text("chart").is_some_and(is_chart) && text("version").is_some_and(is_too_old) {
        let at: Vec<&str> = parent.iter().map(String::as_str).chain(["version"]).collect();
        value_path::set(file, &at, json!(NEW_VERSION));
    }
}

/// The command that upgrades a release with a file of values; what is in capitals is not known.
fn upgrade_of_file(file: &str, path: &[String]) -> String {
    // stdin has no name
    let file = if file == "-" { "FILE" } else { file };
    if path.is_empty() {
        return upgrade("RELEASE", "NAMESPACE", &format!("--values {}", shell_word(file)));
    }
    format!(
        "helm dependency update CHART && helm upgrade RELEASE CHART --namespace NAMESPACE --values {} --wait",
        shell_word(file)
    )
}

/// The command that upgrades a release of Microsoft's chart. `arguments` are its values.
pub(super) fn upgrade(release: &str, namespace: &str, arguments: &str) -> String {
    format!(
        "helm upgrade {release} {CHART} --repo {REPOSITORY} --version {NEW_VERSION} --namespace {namespace} {arguments} \
         --wait"
    )
}
