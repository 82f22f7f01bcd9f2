//! The variables of a gateway's container in Terraform.

use super::editor::Editor;
use super::kubernetes::{child, inner_indentation, is_key, is_of_other_method};
use super::values;
use crate::migration_sources::helm_values::KEY_MESSAGE;
use crate::migration_sources::{NoteKind, SourceReport};
use apim_keyless_core::gateway::{Setting, WORKLOAD_IDENTITY};
use hcl_edit::Span;
use hcl_edit::structure::Block;
use serde_json::{Map, Value, json};

const SECRET_SETTINGS: &str = "Move settings other than the key from the Secret of this block to the ConfigMap, if it has any: the \
                               gateway no longer takes it";

/// The setting that a block `env` sets.
pub(super) fn setting(variable: &Block, editor: &Editor<'_>) -> Option<Setting> {
    let name = values::value(&variable.body.get_attribute("name")?.value, editor);
    Setting::of(name.as_str()?)
}

/// The settings of a container's variables, with their values.
pub(super) fn variables(container: &Block, editor: &Editor<'_>) -> impl Iterator<Item = (Setting, String)> {
    let found = container.body.get_blocks("env").filter_map(|variable| {
        let value = variable.body.get_attribute("value").map(|value| values::value(&value.value, editor));
        Some((setting(variable, editor)?, value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()))
    });
    found.collect::<Vec<_>>().into_iter()
}

/// Removes a source of variables that is a Secret.
pub(super) fn remove_secret(source: &Block, editor: &mut Editor<'_>, report: &mut SourceReport<usize>) {
    let Some(range) = source.span().filter(|_| child(&source.body, "secret_ref").is_some()) else { return };
    if !editor.remove_lines(&range) {
        report.note(editor.line(source), NoteKind::ByHand, "Remove this block, which takes the Secret of the key");
    }
    report.note(editor.line(source), NoteKind::Guess, SECRET_SETTINGS);
}

/// Changes or removes the variable of a setting. `has_method` says whether the container takes the method from a `ConfigMap`,
/// too: then the variable would only repeat it.
pub(super) fn change_variable(
    variable: &Block,
    further: &Map<String, Value>,
    has_method: bool,
    editor: &mut Editor<'_>,
    report: &mut SourceReport<usize>,
) {
    let Some((setting, range)) = setting(variable, editor).zip(variable.span()) else { return };
    let value = variable.body.get_attribute("value");
    let text = value.map(|value| values::value(&value.value, editor));
    let text = text.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    if is_key(setting, &text) {
        report.note(editor.line(variable), NoteKind::Key, KEY_MESSAGE);
    }
    if setting == Setting::Auth && has_method && editor.remove_lines(&range) {
        return;
    }
    let new = match setting {
        Setting::Auth if text != WORKLOAD_IDENTITY => Some(json!(WORKLOAD_IDENTITY)),
        _ => further.get(setting.name()).cloned(),
    };
    if let Some(new) = new {
        let new = values::expression(&new, "");
        if let Some(range) = value.and_then(|value| value.value.span()) {
            editor.replace(range, new);
        } else {
            let outer = editor.indentation(range.start);
            let inner = inner_indentation(variable, editor).unwrap_or_default();
            let name = variable.body.get_attribute("name").map(|name| editor.slice(&name.value)).unwrap_or_default();
            editor.replace(range, format!("env {{\n{inner}name  = {name}\n{inner}value = {new}\n{outer}}}"));
        }
    } else if is_of_other_method(setting) && !editor.remove_lines(&range) {
        let message = "Remove this variable: it belongs to another method of authentication";
        report.note(editor.line(variable), NoteKind::ByHand, message);
    }
}

/// Adds variables to a container, below the last one.
pub(super) fn add_variables(
    container: &Block,
    added: &[(String, Value)],
    editor: &mut Editor<'_>,
    report: &mut SourceReport<usize>,
) {
    let Some(indentation) = inner_indentation(container, editor).filter(|_| !added.is_empty()) else { return };
    let texts: Vec<String> = added
        .iter()
        .map(|(name, value)| {
            let (name, value) = (json!(name), values::expression(value, ""));
            format!("\n{indentation}env {{\n{indentation}  name  = {name}\n{indentation}  value = {value}\n{indentation}}}\n")
        })
        .collect();
    let stays = |variable: &&Block| setting(variable, editor).is_none_or(|setting| !is_of_other_method(setting));
    let last = container.body.get_blocks("env").filter(stays).last().and_then(Span::span);
    let image = || container.body.get_attribute("image").and_then(Span::span);
    match last.or_else(image) {
        Some(range) => editor.insert_lines(range.end, &texts.concat()),
        None => report.note(
            editor.line(container),
            NoteKind::ByHand,
            "Set config.service.auth to workloadIdentity in this container",
        ),
    }
}
