//! What the generators and transformers of a kustomization say about a gateway: objects with a configuration, inline or in files.

use super::SourceContext;
use super::generator::{entries_in_files, is_of_other_method, literals, mentions_gateway, replaces_method};
use super::patch_finder::{Leftover, documents, find, is_plugin, of_text as of_patch};
use serde_json::Value;
use std::collections::BTreeSet;

/// Kinds of transformers of Kustomize itself. What they change is found in their configuration, or is harmless.
const KNOWN: [&str; 18] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "LegacyOrderTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SortOrderTransformer",
    "StrategicMergePatchTransformer",
    "SuffixTransformer",
    "ValueAddTransformer",
    "Kustomization",
];
/// Parts of the paths of fields that decide how a gateway authenticates.
const CHECKED: [&str; 5] = ["data", "env", "image", "labels", "serviceAccountName"];
const UNKNOWN: &str = "Check what this transformer changes: migrate does not know its kind, and it can change how a gateway \
                       authenticates";
const VALUE: &str = "Check what this transformer writes: the gateway needs an image of version 2.11.0 or newer, its label, its \
                     ServiceAccount and its ConfigMap as the migration writes them";

/// What the configurations in a text say. `secrets` are names of Secrets of keys, and `read` returns the text of a file beside
/// the kustomization.
pub(super) fn of_text(
    text: &str,
    is_transformer: bool,
    (context, secrets): (SourceContext<'_>, &BTreeSet<String>),
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Leftover> {
    let of_document = |document: &str| {
        let value = apim_keyless_manifest::value(document).filter(Value::is_object);
        match value.filter(|value| value.get("kind").is_some()) {
            Some(value) => of_plugin(&value, is_transformer, (context, secrets), read),
            None => of_patch(document, context, secrets),
        }
    };
    let mut found: Vec<Leftover> = documents(text).flat_map(of_document).collect();
    found.dedup();
    found
}

fn of_plugin(
    plugin: &Value,
    is_transformer: bool,
    (context, secrets): (SourceContext<'_>, &BTreeSet<String>),
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Leftover> {
    let kind = plugin.get("kind").and_then(Value::as_str).unwrap_or_default();
    let mut found: Vec<Leftover> = find(plugin, context, secrets).into_iter().map(|(_, leftover)| leftover).collect();
    // the patches of a transformer, in files
    let several = plugin.get("paths").and_then(Value::as_array).into_iter().flatten();
    let paths = several.chain(plugin.get("path")).filter_map(Value::as_str).filter(|_| is_plugin(plugin));
    for path in paths.filter(|_| is_transformer && kind.contains("Patch")) {
        let mut patches = read(path).map_or_else(|| vec![Leftover::Unread], |text| of_patch(&text, context, secrets));
        if let Some(target) = plugin.get("target") {
            for patch in &mut patches {
                patch.set_target(target);
            }
        }
        found.append(&mut patches);
    }
    if kind == "ConfigMapGenerator" {
        let has = |is_it: &dyn Fn(&(String, String)) -> bool| {
            literals(plugin).iter().any(is_it) || !entries_in_files(plugin, read, is_it).is_empty()
        };
        let is_replacing =
            || replaces_method(plugin, read) && has(&|entry| mentions_gateway(std::slice::from_ref(entry)));
        if has(&is_of_other_method) || is_replacing() {
            found.push(Leftover::Setting);
        }
    }
    if kind == "ValueAddTransformer" && !found.contains(&Leftover::Setting) {
        let targets = plugin.get("targets").and_then(Value::as_array).into_iter().flatten();
        let paths = targets.filter_map(|target| target.get("fieldPath")?.as_str());
        if paths.into_iter().any(|path| CHECKED.iter().any(|part| path.contains(part))) {
            found.push(Leftover::Check(VALUE));
        }
    }
    if is_transformer && !KNOWN.contains(&kind) {
        found.push(Leftover::Check(UNKNOWN));
    }
    found
}
