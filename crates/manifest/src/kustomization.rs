//! Finds the patches of Kustomize: they are parts of objects, and only `kustomize build` shows the objects.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The group of a kustomization.
const GROUP: &str = "kustomize.config.k8s.io/";

/// Names of a kustomization's file, which needs no `apiVersion` and `kind`.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Fields with patches, as texts or as mappings with a `path`.
const FIELDS: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

/// The files that kustomizations name as patches.
#[derive(Clone, Debug, Default)]
pub struct PatchFiles(BTreeSet<PathBuf>);

impl Extend<PathBuf> for PatchFiles {
    fn extend<I: IntoIterator<Item = PathBuf>>(&mut self, paths: I) {
        self.0.extend(paths);
    }
}

impl PatchFiles {
    /// The patches of the kustomizations in the folders above these files and folders, as far as the paths show: a single
    /// file can be one of them. What cannot be read counts as absent.
    pub fn above(paths: &[PathBuf]) -> Self {
        let folders: BTreeSet<&Path> = paths.iter().flat_map(|path| path.ancestors().skip(1)).collect();
        let paths = folders.iter().flat_map(|folder| FILES.map(|name| folder.join(name)));
        let mut patches = Self::default();
        for path in paths.filter(|path| path.is_file()) {
            let value = fs::read_to_string(&path).ok().and_then(|text| super::value(&text));
            if let Some(value) = value {
                patches.extend(patch_files(&path.display().to_string(), &value));
            }
        }
        patches
    }

    /// Returns true if a kustomization names this file as a patch.
    pub fn contains(&self, file: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&normalized(Path::new(file)))
    }
}

/// Returns true if the document `value` of a file is a kustomization.
pub(super) fn is_kustomization(file: &str, value: &Value) -> bool {
    match value.get("apiVersion").and_then(Value::as_str) {
        Some(version) => version.starts_with(GROUP),
        None => Path::new(file).file_name().is_some_and(|name| FILES.iter().any(|known| name == *known)),
    }
}

/// Returns true if the elements of a document are operations of a JSON patch.
pub(super) fn is_json_patch(operations: &[Value]) -> bool {
    let is_text = |operation: &Value, key: &str| operation.get(key).is_some_and(Value::is_string);
    !operations.is_empty() && operations.iter().all(|one| is_text(one, "op") && is_text(one, "path"))
}

/// The files with patches that a kustomization in `file` names.
pub(super) fn patch_files(file: &str, value: &Value) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let entries = FIELDS.iter().filter_map(|field| value.get(*field)?.as_array()).flatten();
    let paths = entries.filter_map(|entry| entry.as_str().or_else(|| entry.get("path")?.as_str()));
    paths.map(|path| normalized(&folder.join(path)))
}

/// The path without `.` and `..`, as far as its text shows.
pub fn normalized(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.last(), Some(Component::Normal(_))) => _ = parts.pop(),
            other => parts.push(other),
        }
    }
    parts.into_iter().collect()
}
