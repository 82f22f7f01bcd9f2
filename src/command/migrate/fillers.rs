//! The objects that make a Secret, such as an `ExternalSecret`: as long as one exists, it makes a deleted Secret again.

use super::deployed::{Deployed, Namespaces};
use super::reading::{OtherSource, SourceObject, Sources, located};
use apim_keyless_core::migration::made_secrets;
use apim_keyless_core::policy::shell_word;
use apim_keyless_manifest::normalized;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// By the name of a Secret: the indices of the objects that make it.
pub(super) struct Fillers<'s> {
    sources: &'s Sources,
    by_secret: HashMap<String, Vec<usize>>,
}

impl<'s> Fillers<'s> {
    pub(super) fn of(sources: &'s Sources) -> Self {
        let mut by_secret: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, source) in sources.objects.iter().enumerate() {
            for secret in made_secrets(&source.value) {
                by_secret.entry(secret).or_default().push(index);
            }
        }
        Self { sources, by_secret }
    }

    /// The indices of what makes a Secret of this name in one of these namespaces.
    pub(super) fn of_secret(&self, name: &str, namespaces: &Namespaces, deployed: &Deployed<'_>) -> Vec<usize> {
        let is_there = |source: &SourceObject| match (deployed.namespaces(source), namespaces) {
            (Some(own), Some(wanted)) => !own.is_disjoint(wanted),
            _ => true,
        };
        let all = self.by_secret.get(name).into_iter().flatten().copied();
        all.filter(|index| self.sources.objects.get(*index).is_some_and(is_there)).collect()
    }

    /// The commands that delete the object with this index from the cluster.
    pub(super) fn deletions(&self, index: usize, deployed: &Deployed<'_>) -> Vec<String> {
        let Some(source) = self.sources.objects.get(index) else { return Vec::new() };
        let kind = source.text("/kind").to_ascii_lowercase();
        let names = deployed.names_of(source).into_iter();
        names
            .map(|(namespace, name)| {
                format!("  kubectl delete -n {} {kind} {}", shell_word(&namespace), shell_word(&name))
            })
            .collect()
    }
}

/// The places of the objects with these indices, and those of the entries of kustomizations that name a file with no other
/// objects.
pub(super) fn places(sources: &Sources, removed: &[usize]) -> Vec<String> {
    let mut seen = HashSet::new();
    let removed: Vec<usize> = removed.iter().copied().filter(|index| seen.insert(*index)).collect();
    let mut lines = Vec::new();
    let mut opened = None;
    for source in removed.iter().filter_map(|index| sources.objects.get(*index)) {
        // the file stays open for the next object of it
        _ = std::mem::replace(&mut opened, source.place.open());
        let (kind, name) = (source.text("/kind"), source.text("/metadata/name"));
        lines.push(format!("- {}: {kind} \"{name}\"", located(&source.place, "")));
    }
    let mut rest: HashMap<&str, usize> = HashMap::new();
    for source in &sources.objects {
        *rest.entry(source.place.file()).or_default() += 1;
    }
    for source in removed.iter().filter_map(|index| sources.objects.get(*index)) {
        if let Some(number) = rest.get_mut(source.place.file()) {
            *number = number.saturating_sub(1);
        }
    }
    let files = removed.iter().filter_map(|index| Some(sources.objects.get(*index)?.place.file()));
    let empty: BTreeSet<PathBuf> =
        files.filter(|file| rest.get(file) == Some(&0)).map(|file| normalized(Path::new(file))).collect();
    lines.extend(entries_of_kustomizations(sources, &empty));
    lines
}

/// The places of the entries of kustomizations that name one of these files.
fn entries_of_kustomizations(sources: &Sources, files: &BTreeSet<PathBuf>) -> Vec<String> {
    let mut lines = Vec::new();
    let is_kustomization = |source: &&SourceObject| source.other == Some(OtherSource::Kustomization);
    for source in sources.objects.iter().filter(is_kustomization).filter(|_| !files.is_empty()) {
        let folder = Path::new(source.place.file()).parent().unwrap_or(Path::new(""));
        let resources = source.value.get("resources").and_then(Value::as_array).into_iter().flatten().enumerate();
        for (index, entry) in resources.filter_map(|(index, entry)| Some((index, entry.as_str()?))) {
            if files.contains(&normalized(&folder.join(entry))) {
                let place = located(&source.place, &format!("/resources/{index}"));
                lines.push(format!("- {place}: the entry {entry} of resources, if you delete that file"));
            }
        }
    }
    lines
}
