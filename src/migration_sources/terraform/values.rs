//! Values in expressions of Terraform. An expression that is not a plain value is the text `${EXPRESSION}`.

use super::editor::Editor;
use hcl_edit::Span;
use hcl_edit::expr::{Expression, Object, ObjectKey};
use serde_json::{Map, Value, json};
use std::ops::Range;

/// The value of an expression.
pub(super) fn value(expression: &Expression, editor: &Editor<'_>) -> Value {
    match expression {
        Expression::Null(_) => Value::Null,
        Expression::Bool(flag) => json!(*flag.value()),
        Expression::Number(_) => serde_json::from_str(editor.slice(expression)).unwrap_or_default(),
        Expression::String(text) => json!(text.value()),
        Expression::Array(items) => items.iter().map(|item| value(item, editor)).collect(),
        Expression::Object(object) => object_value(object, editor).unwrap_or_else(|| reference(expression, editor)),
        Expression::Parenthesis(inner) => value(inner.inner(), editor),
        Expression::StringTemplate(_) => {
            let text = editor.slice(expression);
            json!(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text))
        }
        _ => reference(expression, editor),
    }
}

fn reference(expression: &Expression, editor: &Editor<'_>) -> Value {
    json!(format!("${{{}}}", editor.slice(expression).trim()))
}

fn object_value(object: &Object, editor: &Editor<'_>) -> Option<Value> {
    let members = object.iter().map(|(name, member)| Some((key(name)?, value(member.expr(), editor))));
    members.collect::<Option<Map<String, Value>>>().map(Value::Object)
}

/// The text of a key; `None` if it is an expression.
pub(super) fn key(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.value().to_string()),
        ObjectKey::Expression(expression) => expression.as_str().map(str::to_owned),
    }
}

/// The value of a member of an object.
pub(super) fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Expression> {
    object.iter().find(|(known, _)| key(known).as_deref() == Some(name)).map(|(_, member)| member.expr())
}

/// A value as an expression, whose further lines have this indentation.
pub(super) fn expression(value: &Value, indentation: &str) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let inner = format!("{indentation}  ");
            format!("{{\n{}{indentation}}}", member_lines(members.iter(), &inner))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| expression(item, indentation)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Members of an object in lines of their own.
fn member_lines<'v>(members: impl Iterator<Item = (&'v String, &'v Value)>, indentation: &str) -> String {
    let lines: Vec<String> = members
        .map(|(name, member)| format!("{indentation}{} = {}\n", key_text(name), expression(member, indentation)))
        .collect();
    lines.concat()
}

/// A text as an expression: `${EXPRESSION}` is that expression.
pub(super) fn string(text: &str) -> String {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    match inner {
        Some(inner) if !inner.contains("${") => inner.to_owned(),
        _ => json!(text).to_string(),
    }
}

/// The resource that a text of an expression refers to, such as `kubernetes_secret.token`, else the text.
pub(super) fn resource(text: &str) -> String {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    inner.map_or_else(|| text.to_owned(), |inner| inner.split('.').take(2).collect::<Vec<_>>().join("."))
}

/// A key as it is written in an object.
pub(super) fn key_text(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if is_plain { name.to_owned() } else { json!(name).to_string() }
}

fn key_range(key: &ObjectKey) -> Option<Range<usize>> {
    match key {
        ObjectKey::Ident(name) => name.span(),
        ObjectKey::Expression(expression) => expression.span(),
    }
}

/// Replaces a whole object.
fn replace(range: Range<usize>, new: &Map<String, Value>, editor: &mut Editor<'_>) {
    let indentation = editor.indentation(range.start);
    editor.replace(range, expression(&Value::Object(new.clone()), indentation));
}

/// Changes an object from one value to another. Returns false if that is not possible in its text.
pub(super) fn change(object: &Object, new: &Map<String, Value>, editor: &mut Editor<'_>) -> bool {
    let Some(range) = object.span() else { return false };
    let text = editor.text.get(range.clone()).unwrap_or_default();
    if !text.contains('\n') || object.is_empty() {
        replace(range, new, editor);
        return true;
    }
    let (mark, mut last) = (editor.mark(), None);
    for (name, member) in object {
        let (Some(key), Some(value_range)) = (key(name), member.expr().span()) else { return false };
        let Some(key_range) = key_range(name) else { return false };
        let range = key_range.start..value_range.end;
        let is_changed = match new.get(&key) {
            None => editor.remove_lines(&range),
            Some(wanted) if value(member.expr(), editor) == *wanted => true,
            Some(Value::Object(wanted)) if member.expr().is_object() => {
                member.expr().as_object().is_some_and(|object| change(object, wanted, editor))
            }
            Some(wanted) => {
                let text = expression(wanted, editor.indentation(range.start));
                editor.replace(value_range, text);
                true
            }
        };
        if !is_changed {
            return false;
        }
        if new.contains_key(&key) {
            last = Some(range);
        }
    }
    let Some(last) = last else {
        editor.undo(mark);
        replace(range, new, editor);
        return true;
    };
    let indentation = editor.indentation(last.start);
    let is_old = |name: &str| object.iter().any(|(known, _)| key(known).as_deref() == Some(name));
    let added = member_lines(new.iter().filter(|(name, _)| !is_old(name)), indentation);
    if !added.is_empty() {
        editor.insert_lines(last.end, &added);
    }
    true
}
