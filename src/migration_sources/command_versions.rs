//! Versions of the chart and of the image that commands take from elsewhere, and that are too old: a person changes them there.

use super::chart_values::newer_tag;
use super::chart_version::{NEW_VERSION, is_chart, is_old_archive, is_too_old};
use super::helm_command::HelmCommand;
use super::helm_values::is_variable;
use super::installed_release::{InstalledLayer, InstalledRelease};
use super::script_variables::{Assigned, ScriptVariables};
use super::shell_words::Command;
use super::{SourceContext, value_path};
use apim_keyless_core::migration::IMAGE_VERSION;
use serde_json::Value;

/// Commands of other tools that install a chart: the program, the flag of the chart and that of its version.
pub(super) const PROGRAMS: [(&str, &str, &str); 2] =
    [("flux", "--chart", "--chart-version"), ("argocd", "--helm-chart", "--revision")];

/// What to do about an archive of an old version.
pub(super) const ARCHIVE: &str = "Install version 1.15.0 or newer of the chart here in place of this archive: older charts do not \
                                  support workload identity";

pub(super) fn version_message(flag: &str) -> String {
    format!("Set {flag} to {NEW_VERSION} or newer here: older charts do not support workload identity")
}

fn tag_message() -> String {
    format!(
        "Set image.tag to {IMAGE_VERSION} or another version that is 2.11.0 or newer here: older versions do not support \
         workload identity"
    )
}

/// What is too old in a command of Helm, and is not changed in it: the line, and what to do.
pub(super) fn of_helm(
    command: &HelmCommand<'_>,
    line: usize,
    variables: &ScriptVariables,
    context: SourceContext<'_>,
) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if command.positional.iter().any(|word| is_old_archive(&word.text)) {
        found.push((line, ARCHIVE.to_owned()));
    }
    if let Some(version) = &command.version {
        let old = variables.texts(&version.text, line).into_iter().filter(|assigned| is_too_old(&assigned.text));
        found.extend(old.map(|Assigned { line, .. }| (line, version_message("the version of the chart"))));
    }
    let tag = command.last_text(&["image", "tag"]);
    let tags = tag.map(|tag| variables.texts(tag, line)).unwrap_or_default();
    let old = tags.into_iter().filter(|assigned| newer_tag(&assigned.text, context).is_some());
    found.extend(old.map(|Assigned { line, .. }| (line, tag_message())));
    found
}

/// What is too old in a command of another tool.
pub(super) fn of_program(
    (chart, version): (&str, &str),
    command: &Command,
    line: usize,
    variables: &ScriptVariables,
) -> Vec<(usize, String)> {
    if !flag_of(command, chart).is_some_and(is_chart) {
        return Vec::new();
    }
    let Some(text) = flag_of(command, version) else { return Vec::new() };
    let plain = is_too_old(text).then(|| (line, version_message(version)));
    let old = variables.texts(text, line).into_iter().filter(|assigned| is_too_old(&assigned.text));
    plain.into_iter().chain(old.map(|Assigned { line, .. }| (line, version_message(version)))).collect()
}

/// The value of a flag of a command.
pub(super) fn flag_of<'c>(command: &'c Command, flag: &str) -> Option<&'c str> {
    let mut words = command.words.iter().map(|word| word.text.as_str());
    while let Some(word) = words.next() {
        match word.strip_prefix(flag) {
            Some("") => return words.next(),
            Some(rest) if rest.starts_with('=') => return rest.get(1..),
            _ => {}
        }
    }
    None
}

/// The tasks of a pipeline, or other mappings, that install an old version of the chart: the text of the version.
pub(super) fn old_in_tasks(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(old_in_tasks).collect(),
        Value::Object(members) => {
            let text = |key: &str| members.get(key).and_then(Value::as_str);
            let own =
                text("chartVersion").filter(|version| text("chartName").is_some_and(is_chart) && is_too_old(version));
            own.into_iter().chain(members.values().flat_map(old_in_tasks)).collect()
        }
        _ => Vec::new(),
    }
}

/// The release that a command of another tool installs.
pub(super) fn release_of(command: &Command, chart: &str) -> Option<InstalledRelease> {
    let chart = flag_of(command, chart)?.to_owned();
    let flag = |names: &[&str]| names.iter().find_map(|name| flag_of(command, name)).map(str::to_owned);
    let name = command.words.get(3).map(|word| word.text.clone()).filter(|word| !word.starts_with('-'));
    let layers = flag(&["--values"]).into_iter().map(InstalledLayer::File).collect();
    let namespace = flag(&["--target-namespace", "--dest-namespace", "--namespace", "-n"]);
    Some(InstalledRelease { name, namespace, layers, chart: Some(chart), ..InstalledRelease::default() })
}

/// The releases that tasks of Azure Pipelines install.
pub(super) fn releases_of_tasks(value: &Value) -> Vec<InstalledRelease> {
    match value {
        Value::Array(items) => items.iter().flat_map(releases_of_tasks).collect(),
        Value::Object(members) => {
            let text = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
            let plain = |key: &str| text(key).filter(|text| !is_variable(text));
            let own = text("chartName").filter(|chart| is_chart(chart)).map(|chart| InstalledRelease {
                name: plain("releaseName"),
                namespace: plain("namespace"),
                layers: text("valueFile").into_iter().map(InstalledLayer::File).collect(),
                chart: Some(chart),
                ..InstalledRelease::default()
            });
            own.into_iter().chain(members.values().flat_map(releases_of_tasks)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether values that a script writes into a file say how a gateway authenticates, though not that they are of the chart.
pub(super) fn has_method(values: &Value) -> bool {
    let has = |path: &[&str]| value_path::get(values, path).is_some();
    has(&["gateway", "auth"]) || has(&["gateway", "authKey"]) || has(&["secret", "existingSecretName"])
}
