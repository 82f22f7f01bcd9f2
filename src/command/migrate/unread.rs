//! Files and documents that could not be read, and that can use a Secret or a key.

use super::other_sources::is_release;
use super::reading::{SourceObject, SourceType, TextSource, located};
use super::source_kind::{OutsideGateway, Unsupported};
use crate::migration_sources::{
    Note, NoteKind, SourceContext, SourceReport, TextMigration, left_settings, line_with_values, lines_of_commands,
    lines_with_key, migrate_script, other_settings, unread_line, unread_method, words,
};
use apim_keyless_manifest::{ENCRYPTED, FileContent, InputError, MALFORMED, Place, TEMPLATE, is_about_gateway};
use apim_keyless_report::file_name;
use jsonptr::PointerBuf;
use serde_json::Value;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;

/// Texts that only files about a gateway have.
const MARKS: [&str; 4] = ["GatewayKey ", "gateway.auth", "existingSecretName", "config.service."];
/// Members of `gateway` in the values of Microsoft's chart.
const MEMBERS: [&str; 4] = ["auth", "authKey", "configuration", "endpoint"];
/// What templates of other tools have.
const TEMPLATE_MARKS: [&str; 3] = ["{{", "{%", "<%"];

/// The errors of documents of a folder that can be of a gateway: those that are encrypted and look like its values, and
/// malformed YAML that begins as they do. A template of another application, or malformed JSON, which can have comments, is none.
pub(super) fn failures(content: &FileContent) -> Vec<String> {
    let (text, is_about) = (content.text(), can_be_about(content.text()));
    let is_template = TEMPLATE_MARKS.iter().any(|mark| text.contains(mark));
    let is_json = Path::new(&content.name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let is_failure = |skipped: &&InputError| match skipped.message.as_str() {
        ENCRYPTED => is_about,
        TEMPLATE => is_template_of_gateway(text),
        MALFORMED => is_about || !is_template && !is_json && begins_as_values(text),
        _ => false,
    };
    content.skipped.iter().filter(is_failure).map(failure).collect()
}

/// Whether a text, which is a template, is about a gateway.
pub(super) fn is_template_of_gateway(text: &str) -> bool {
    let has_values = || text.contains("gateway:") && text.contains("azure-api.net");
    is_about_gateway(text) || MARKS.iter().any(|mark| text.contains(mark)) || has_values()
}

/// What hands a key to Microsoft's chart in an object or a mapping that no module reads.
pub(super) fn gateway(place: &Place, value: &Value) -> Option<OutsideGateway> {
    if let Some(at) = other_setting(value) {
        let what = Some(Unsupported::OtherSetting);
        return Some(OutsideGateway { place: located(place, at.as_str()), what, text: value.to_string() });
    }
    let at = unread_method(value)?;
    let is_config_map = value.get("kind").is_some_and(|kind| kind == "ConfigMap");
    let has_commands =
        || at.resolve(value).ok().and_then(Value::as_str).is_some_and(|text| !lines_with_key(text).is_empty());
    // values in a ConfigMap are read with the release that takes them
    (!is_config_map || has_commands()).then(|| outside(located(place, at.as_str()), value))
}

/// The same in a file with a list, such as a playbook of Ansible.
pub(super) fn list(content: &FileContent) -> Option<OutsideGateway> {
    let list = apim_keyless_manifest::value(content.text()).filter(|_| !content.skipped.is_empty())?;
    let items = list.as_array()?;
    if unread_method(&list).is_some() {
        return Some(outside(content.name.clone(), &list));
    }
    // a JSON patch is read with the kustomization that has it
    let is_patch = items.iter().all(|item| item.get("op").is_some());
    let has_setting = !is_patch && !other_settings(&list).is_empty();
    let what = Some(Unsupported::OtherSetting);
    has_setting.then(|| OutsideGateway { place: content.name.clone(), what, text: list.to_string() })
}

/// The first setting of another method in values of another chart than Microsoft's: in an object that hands them to Helm.
fn other_setting(value: &Value) -> Option<PointerBuf> {
    const HANDING: [&str; 5] = ["Application", "ApplicationSet", "HelmChart", "HelmChartConfig", "HelmRelease"];
    let is_handing = |kind: &Value| kind.as_str().is_some_and(|kind| HANDING.contains(&kind));
    // a mapping without a kind is a file of values
    value.get("kind").is_none_or(is_handing).then(|| other_settings(value).into_iter().next())?
}

fn outside(place: String, value: &Value) -> OutsideGateway {
    OutsideGateway { place, what: Some(Unsupported::Unread), text: value.to_string() }
}

/// Whether a mapping has commands of a script that are about a gateway. One with a key alone, such as the values of another
/// application, has none.
pub(super) fn has_commands(text: &str, context: SourceContext<'_>) -> bool {
    // a key alone is to be removed after the rollout, too
    let makes_keys = ["/generateToken", "create secret"].iter().any(|words| text.contains(words));
    let is_of_command =
        |note: &Note<usize>| note.kind != NoteKind::Key && (makes_keys || note.kind != NoteKind::AfterRollout);
    migrate_script(text, context)
        .is_some_and(|planned| planned.text.is_some() || planned.report.notes.iter().any(is_of_command))
}

/// Names the lines of a text that still set the key of the chart, and of which no other note says what to do.
pub(super) fn lines(TextSource { text, source_type, .. }: &TextSource, planned: &TextMigration) -> Vec<Note<usize>> {
    let notes = &planned.report.notes;
    // without this fact the text stays as it is, and with it the lines are read
    if planned.report.lacks_fact() {
        return Vec::new();
    }
    let is_terraform = *source_type == SourceType::Terraform;
    let new = planned.text.as_deref().unwrap_or(text);
    let left: HashSet<String> = lines_with_key(new).into_iter().map(|(_, line)| line).collect();
    let commands: Vec<usize> = lines_of_commands(text).into_iter().map(|(line, _)| line).collect();
    let is_named = |line: usize| {
        let next = commands.iter().find(|next| **next > line).copied().unwrap_or(usize::MAX);
        notes.iter().any(|note| note.kind.is_open() && (line..next).contains(&note.at))
    };
    let lines = lines_with_key(text).into_iter().filter(|(line, text)| left.contains(text) && !is_named(*line));
    let lines = lines.map(|(line, _)| line);
    // what a resource says in a structure is named with the resource, if it is read
    let is_open = notes.iter().any(|note| note.kind.is_open());
    let values =
        if is_terraform && !is_open && line_with_values(new).is_some() { line_with_values(text) } else { None };
    let message = "Remove gateway.auth.key here, set gateway.auth.type to WorkloadIdentity, gateway.auth.azureAd.app.id and \
                   gateway.name, and take version 1.15.0 or newer of the chart: migrate does not read this";
    let note = |at: usize, message: &str| Note { at, kind: NoteKind::ByHand, message: message.to_owned() };
    let of_chart = lines.chain(values).map(|at| note(at, message));
    // what is only to be checked is no answer to a setting of another method
    let is_answer = |kind: NoteKind| kind.is_open() || matches!(kind, NoteKind::AfterRollout | NoteKind::Key);
    let is_noted =
        |lines: RangeInclusive<usize>| notes.iter().any(|note| is_answer(note.kind) && lines.contains(&note.at));
    let other = if is_terraform { left_settings(text, new, &is_noted) } else { Vec::new() };
    of_chart.chain(other.into_iter().map(|at| note(at, OTHER_SETTING))).collect()
}

/// What to do about a setting of another method that no module reads.
pub(super) const OTHER_SETTING: &str = "Remove this, or set config.service.auth to workloadIdentity and azure.workload.identity/use to \
                                        \"true\" here: it is a setting of a gateway, and migrate does not change it";

/// Names the settings of another method that no note is about: they are values of another chart than Microsoft's.
pub(super) fn add_settings(source: &SourceObject, value: &Value, report: &mut SourceReport<PointerBuf>) {
    if report.lacks_fact() || !is_release(source) {
        return;
    }
    let is_noted = |at: &PointerBuf| report.notes.iter().any(|note| note.kind.is_open() && at.starts_with(&note.at));
    for at in other_settings(value).into_iter().filter(|at| !is_noted(at)).collect::<Vec<_>>() {
        report.note(at, NoteKind::ByHand, OTHER_SETTING);
    }
}

/// What can be a Secret that documents take which are not read: each word of a file that mentions one.
pub(super) fn taken(content: &FileContent) -> Vec<(String, String)> {
    let text = content.text();
    if content.skipped.is_empty() || !text.to_ascii_lowercase().contains("secret") {
        return Vec::new();
    }
    all_words(content)
}

/// Each word of a file, with its first line.
pub(super) fn all_words(content: &FileContent) -> Vec<(String, String)> {
    let mut seen = HashSet::new();
    let name = file_name(&content.name);
    let lines = content.text().lines().enumerate();
    let words = lines.flat_map(|(index, line)| words(line).into_iter().map(move |word| (word, index + 1)));
    let first = words.filter(|(word, _)| seen.insert(*word));
    first.map(|(word, line)| (word.to_owned(), format!("{name}:{line}"))).collect()
}

/// The error of a configuration of Terraform that mentions no gateway: it can use the same Secrets.
pub(super) fn failure_of_terraform(content: &FileContent) -> Option<String> {
    let line = unread_line(content.text())?;
    Some(format!("{}:{line}: correct the syntax here: `terraform validate` names the error", file_name(&content.name)))
}

/// Whether a text has a member of the values of Microsoft's chart at its beginning: an overlay of them can have one alone.
fn begins_as_values(text: &str) -> bool {
    let keys = ["gateway:", "image:", "secret:"];
    text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
}

/// Whether a text can be the values of Microsoft's chart.
fn can_be_about(text: &str) -> bool {
    let key = |line: &str| {
        line.trim_start().split_once(':').map(|(key, _)| key.trim_matches(['"', ' ', ',', '{']).to_owned())
    };
    let has_key = |names: &[&str]| text.lines().filter_map(key).any(|key| names.contains(&key.as_str()));
    is_about_gateway(text)
        || MARKS.iter().any(|mark| text.contains(mark))
        || has_key(&["gateway"]) && (has_key(&MEMBERS) || text.contains("configuration"))
}

/// An error with its place.
pub(super) fn failure(error: &InputError) -> String {
    let at = |number: Option<usize>| number.map(|number| format!(":{number}")).unwrap_or_default();
    let name = file_name(&error.file);
    format!("{name}{}{}: {}", at(error.line), at(error.column), error.message)
}
