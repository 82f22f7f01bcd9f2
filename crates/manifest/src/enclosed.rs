//! Objects in other objects: a manifest in a Crossplane Object, an OCM `ManifestWork` or an `OpenShift` Template, and
//! manifests as a text in a `ConfigMap` or Secret. Controllers apply them, so a gateway can be among them.

use super::document::{self, Document};
use super::list_kind::Item;
use super::source::SourceFile;
use super::{kustomization, value_kind};
use apim_keyless_core::gateway::Kind;
use jsonptr::{Pointer, PointerBuf};
use serde_json::{Map, Value};

/// API groups whose objects carry others that nothing applies: schemas with examples, answers of the API server, reviews.
const OTHER_GROUPS: [&str; 3] = ["apiextensions.k8s.io/", "meta.k8s.io/", "admission.k8s.io/"];
/// Members of an object that say what is, not what is to be applied.
const NOT_APPLIED: [&str; 2] = ["metadata", "status"];
/// Beginning of the keys under which there are parts of objects.
const PATCHES: &str = "patch";
/// The keys with which a manifest in YAML can begin.
const FIRST_KEYS: [&str; 7] = ["apiVersion", "data", "items", "kind", "metadata", "spec", "status"];

/// The items, each followed by the objects in it. In an item, `null` stands for each of them.
pub(super) fn expand(file: &str, items: Vec<Item>) -> Vec<Item> {
    let mut all = Vec::with_capacity(items.len());
    for Item { mut value, at, is_enclosed } in items {
        let mut inner = Vec::new();
        if can_enclose(file, &value) {
            take_members(&mut inner, &mut value, &at, true);
        }
        all.push(Item { value, at, is_enclosed });
        all.append(&mut inner);
    }
    all
}

/// Whether a document can carry objects that are applied. A workload cannot: its claim templates are parts of it.
pub(super) fn can_enclose(file: &str, value: &Value) -> bool {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    !value_kind::is_encrypted(value)
        && !kustomization::is_kustomization(file, value)
        && Kind::of(api_version, kind).is_none_or(|kind| kind == Kind::ConfigMap)
        && !OTHER_GROUPS.iter().any(|group| api_version.starts_with(group))
}

/// Whether a controller can apply what is in this member of an object, or of a mapping in it.
pub fn is_applied(key: &str, is_root: bool) -> bool {
    !(key.starts_with(PATCHES) || is_root && NOT_APPLIED.contains(&key))
}

fn take_members(taken: &mut Vec<Item>, value: &mut Value, at: &Pointer, is_root: bool) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter_mut().filter(|(key, _)| is_applied(key, is_root)) {
                take(taken, member, || at.with_trailing_token(key.as_str()));
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                take(taken, element, || at.with_trailing_token(index));
            }
        }
        _ => {}
    }
}

/// Takes the value, if it is an object, else the objects in it.
fn take(taken: &mut Vec<Item>, value: &mut Value, at: impl FnOnce() -> PointerBuf) {
    match value {
        Value::Object(members) if is_object(members) => {
            taken.push(Item { value: value.take(), at: at(), is_enclosed: true });
        }
        Value::Object(_) | Value::Array(_) => take_members(taken, value, &at(), false),
        _ => {}
    }
}

/// Whether a mapping is an object. A reference to one, as in `ownerReferences` and `scaleTargetRef`, has no metadata.
fn is_object(members: &Map<String, Value>) -> bool {
    let is_text = |key: &str| members.get(key).is_some_and(Value::is_string);
    is_text("apiVersion") && is_text("kind") && members.get("metadata").is_some_and(Value::is_object)
}

/// JSON pointers to the texts in a value that are manifests.
pub(super) fn texts(value: &Value) -> Vec<PointerBuf> {
    let mut found = Vec::new();
    find_texts(&mut found, value, Pointer::root());
    found
}

fn find_texts(found: &mut Vec<PointerBuf>, value: &Value, at: &Pointer) {
    match value {
        Value::String(text) if is_manifest(text) => found.push(at.to_owned()),
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| is_applied(key, at.is_root())) {
                find_texts(found, member, &at.with_trailing_token(key.as_str()));
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                find_texts(found, element, &at.with_trailing_token(index));
            }
        }
        _ => {}
    }
}

/// Whether a text shows itself a manifest: other texts can quote one.
pub fn is_manifest(text: &str) -> bool {
    let is_content = |line: &&str| !line.is_empty() && !line.starts_with(['#', '%']) && !line.starts_with("---");
    let first = || text.lines().map(str::trim).find(is_content).unwrap_or_default();
    text.contains("apiVersion")
        && text.contains("kind")
        && (first().starts_with(['{', '[']) || begins_manifest(first()))
}

/// Whether a line of YAML begins a manifest. Keys can be in quotes, and a colon can follow after a space.
fn begins_manifest(line: &str) -> bool {
    let line = line.strip_prefix("- ").unwrap_or(line);
    let key = line.split_once(':').map(|(key, _)| key.trim().trim_matches(['"', '\'']));
    key.is_some_and(|key| FIRST_KEYS.contains(&key))
}

/// The documents of a text that a block of lines below a line (from 1) of the file holds: each line of the text is a line
/// there, behind the same indentation. `None` for a text that is written in another way.
pub(super) fn documents<'s>(source: &'s SourceFile, line: usize, text: &str) -> Option<Vec<Document<'s>>> {
    let first = [line + 1, line].into_iter().find(|first| is_block(source, *first, text))?;
    let of_text = SourceFile::new("", text);
    let documents = document::split(&of_text).into_iter().filter_map(|document| {
        let lines: Vec<&str> = document.text.lines().collect();
        let after_marker = lines.iter().position(|line| document::is_marker(line, "---")).map_or(0, |at| at + 1);
        let end = lines.iter().position(|line| document::is_marker(line, "...")).unwrap_or(lines.len());
        let number = |index: usize| first + document.lines_before + index;
        let start = source.line(number(after_marker))?.start;
        let end = source.line(number(end)).map_or(source.text.len(), |line| line.start);
        let lines_before = number(after_marker) - 1;
        Some(Document { lines_before, columns_before: 0, start, text: source.text.get(start..end)? })
    });
    Some(documents.collect())
}

/// Whether the lines of the file from `first` are those of the text, behind the same indentation.
fn is_block(source: &SourceFile, first: usize, text: &str) -> bool {
    let mut indentation = None;
    text.lines().zip(first..).all(|(expected, number)| {
        let Some(line) = source.line(number) else { return expected.trim().is_empty() };
        if expected.trim().is_empty() {
            return line.text.trim().is_empty();
        }
        let Some(before) = line.text.strip_suffix(expected) else { return false };
        before.bytes().all(|byte| byte == b' ') && *indentation.get_or_insert(before.len()) == before.len()
    })
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    /// The kinds of the objects, with the line of each name.
    fn found(text: &str) -> Vec<(String, usize)> {
        let manifests = read(text);
        let line = |object: &crate::ManifestObject| object.position("/metadata/name").line;
        let kind = |object: &crate::ManifestObject| object.value["kind"].as_str().unwrap_or_default().to_owned();
        manifests.objects.iter().map(|object| (kind(object), line(object))).collect()
    }

    fn expected(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
        pairs.iter().map(|(kind, line)| ((*kind).to_owned(), *line)).collect()
    }

    #[test]
    fn a_manifest_can_begin_with_any_of_its_keys() {
        for first in
            ["kind : Deployment", "\"kind\": Deployment", "status: {}", "- kind: Deployment", "{kind: Deployment,"]
        {
            assert!(
                super::is_manifest(&format!("# a comment\n---\n{first}\napiVersion: apps/v1\nkind: Deployment\n")),
                "{first}"
            );
        }
        assert!(!super::is_manifest("use kind and apiVersion: they are required\n"));
    }

    #[test]
    fn an_object_in_another_is_an_object_of_its_own() {
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: b}}";
        for (text, objects) in [
            (
                format!("apiVersion: a/v1\nkind: A\nmetadata: {{name: a}}\nspec:\n  manifest:\n    {pod}\n"),
                &[("A", 3), ("Pod", 6)][..],
            ),
            (
                format!("apiVersion: a/v1\nkind: A\nmetadata: {{name: a}}\nspec:\n- {pod}\n- {pod}\n"),
                &[("A", 3), ("Pod", 5), ("Pod", 6)],
            ),
            (format!("values: {{extra: [{pod}]}}\n"), &[("Pod", 1)]),
            (
                format!(
                    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: a/v1\n  kind: A\n  metadata: {{name: a}}\n  spec: {pod}\n"
                ),
                &[("A", 6), ("Pod", 7)],
            ),
            // neither applied, nor an object, nor whole
            (format!("apiVersion: a/v1\nkind: A\nmetadata: {{name: a}}\nstatus: {{manifest: {pod}}}\n"), &[("A", 3)]),
            (
                "apiVersion: a/v1\nkind: A\nmetadata: {name: a}\nspec: {ref: {apiVersion: v1, kind: Pod, name: b}}\n"
                    .to_owned(),
                &[("A", 3)],
            ),
            (
                format!("apiVersion: a/v1\nkind: A\nmetadata: {{name: a}}\nspec: {{patchesStrategicMerge: [{pod}]}}\n"),
                &[("A", 3)],
            ),
            (
                format!(
                    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: a}}\nspec: {{volumeClaimTemplates: [{pod}]}}\n"
                ),
                &[("StatefulSet", 3)],
            ),
        ] {
            assert_eq!(found(&text), expected(objects), "{text}");
        }
    }

    #[test]
    fn a_manifest_as_a_text_is_read_in_its_lines() {
        let about = "# azure-api-management\n";
        for (text, objects) in [
            (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a.yaml: |\n    ---\n    # b\n    apiVersion: v1\n    kind: Pod\n    metadata:\n      name: b\n\n    ---\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: c}\n",
                &[("ConfigMap", 4), ("Pod", 12), ("Pod", 17)][..],
            ),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: |-\n      [{\"apiVersion\": \"v1\",\n      \"kind\": \"Pod\", \"metadata\": {\"name\": \"b\"}}]\n",
                &[("Secret", 4), ("Pod", 8)],
            ),
            (
                "apiVersion: a/v1\nkind: A\nmetadata: {name: a}\nspec:\n- |\n  kind: Pod\n  apiVersion: v1\n  metadata:\n    name: b\n",
                &[("A", 4), ("Pod", 10)],
            ),
            // written in another way
            (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"apiVersion: v1\\nkind: Pod\\n\"}\n",
                &[("ConfigMap", 4)],
            ),
        ] {
            assert_eq!(found(&format!("{about}{text}")), expected(objects), "{text}");
        }
    }
}
