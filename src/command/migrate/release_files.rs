//! The values of releases, where their sources name them: in files, and in `ConfigMap`s and Secrets of the input.

use super::beside::beside;
use super::reading::{OtherSource, Sources};
use crate::migration_sources::{relevant_values, value_at};
use apim_keyless_core::migration::Migration;
use apim_keyless_manifest::{Inputs, Place, normalized};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// The values of a file or of a `ConfigMap`, after the migration.
#[derive(Clone)]
pub(super) struct Values {
    pub(super) value: Value,
    pub(super) place: Place,
    /// The pointer to the values in the object, if they are a text in it.
    pub(super) within: &'static str,
    /// Whether the migration reads the file as values of Microsoft's chart.
    pub(super) is_known: bool,
}

pub(super) struct ReleaseFiles<'s> {
    sources: &'s Sources,
    migration: &'s Migration,
    files: HashMap<PathBuf, Option<Values>>,
}

impl<'s> ReleaseFiles<'s> {
    pub(super) fn of(sources: &'s Sources, migration: &'s Migration) -> Self {
        let mut files = HashMap::new();
        for (index, source) in sources.objects.iter().enumerate() {
            if source.other == Some(OtherSource::Values) && source.value.get("dependencies").is_none() {
                let value = migration.value_of(index, &source.value).clone();
                let values = Values { value, place: source.place.clone(), within: "", is_known: true };
                files.insert(normalized(Path::new(source.place.file())), Some(values));
            }
        }
        Self { sources, migration, files }
    }

    /// The values in the file of a path.
    pub(super) fn at(&mut self, path: &Path) -> Option<Values> {
        self.files.entry(normalized(path)).or_insert_with(|| read(path)).clone()
    }

    /// Whether the values of a file, or those of one that a name with a variable can stand for, are migrated.
    pub(super) fn is_given(&mut self, from: &str, name: &str) -> bool {
        let path = named_path(name);
        let is_known = |(file, values): (&PathBuf, &Option<Values>)| {
            file.ends_with(&path) && values.as_ref().is_some_and(|values| values.is_known)
        };
        // the folder in which a script runs is not known
        let is_elsewhere = !path.as_os_str().is_empty() && self.files.iter().any(is_known);
        let is_fitting = !self.fitting(name).is_empty();
        is_elsewhere || is_fitting || self.file(from, name).is_some_and(|values| values.is_known)
    }

    /// The known files that a name with a variable can stand for.
    pub(super) fn fitting(&self, name: &str) -> Vec<PathBuf> {
        let Some(at) = without_variable(name).find(['$', '{', '%', '#']) else { return Vec::new() };
        let (start, rest) = without_variable(name).split_at(at);
        let start = start.rsplit('/').next().unwrap_or_default();
        let end = rest.rsplit(['}', ')', '%']).next().unwrap_or_default();
        let end = if end == rest { end.rsplit_once('.').map_or("", |(_, end)| end) } else { end };
        let known = self.files.iter().filter(|(_, values)| values.as_ref().is_some_and(|values| values.is_known));
        let fits = |path: &&PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(start) && name.ends_with(end)
        };
        known.map(|(path, _)| path).filter(fits).cloned().collect()
    }

    /// The values of a file that another one names.
    pub(super) fn file(&mut self, from: &str, name: &str) -> Option<Values> {
        let path = self.found_beside(from, name)?;
        self.at(&path)
    }

    /// A file that another one names, from its folder or from the root of a repository around it.
    pub(super) fn found_beside(&self, from: &str, name: &str) -> Option<PathBuf> {
        let plain = Path::new(without_variable(name));
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let near = beside(from, without_variable(name));
        let is_relative = plain.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let around = folder.ancestors().skip(1).filter(|_| is_relative).map(|folder| folder.join(plain));
        let is_it = |path: &PathBuf| self.files.contains_key(&normalized(path)) || path.is_file();
        std::iter::once(near).chain(around).find(is_it)
    }

    /// The values in an entry of a `ConfigMap` or a Secret, without a key: with workload identity the chart reads none.
    pub(super) fn entry(
        &self,
        (kind, namespace, name): (&str, &str, &str),
        key: &str,
        target: Option<&str>,
    ) -> Option<Values> {
        let (index, source) = self.sources.find(kind, namespace, name).next()?;
        let changed = self.migration.value_of(index, &source.value);
        let (within, text) = ["/data", "/stringData"].into_iter().find_map(|within| {
            let is_plain = kind == "ConfigMap" || within == "/stringData";
            Some((within, changed.pointer(within)?.get(key)?.as_str().filter(|_| is_plain)?))
        })?;
        let value = match target {
            Some(target) => value_at(target, text),
            None => apim_keyless_manifest::value(text)?,
        };
        let value = if kind == "Secret" { without_key(value) } else { value };
        Some(Values { value, place: source.place.clone(), within, is_known: false })
    }
}

/// A path without a variable at its beginning, such as `${path.module}/`.
pub(super) fn without_variable(path: &str) -> &str {
    let variable = path.split_once('/').filter(|(first, _)| first.contains(['$', '}']));
    variable.map_or(path, |(_, rest)| rest)
}

/// The path that a word names, without a variable at its beginning and without `../`.
pub(super) fn named_path(word: &str) -> PathBuf {
    Path::new(without_variable(word)).components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The values in a file that is none of Microsoft's chart by itself.
fn read(path: &Path) -> Option<Values> {
    let (value, place) = read_mapping(path)?;
    Some(Values { value: relevant_below(&value), place, within: "", is_known: false })
}

pub(super) fn read_mapping(path: &Path) -> Option<(Value, Place)> {
    let mut inputs = Inputs::default();
    inputs.add(path, std::io::empty());
    let content = inputs.read(|content| content).into_iter().next()?;
    let mapping = content.mappings.into_iter().next()?;
    Some((mapping.value, mapping.place))
}

/// Values without an auth key.
fn without_key(mut value: Value) -> Value {
    for (parent, key) in [("/gateway/auth", "key"), ("/gateway", "authKey")] {
        value.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|members| members.remove(key));
    }
    value
}

/// The values of a chart and of its sub-charts that say how a gateway authenticates.
fn relevant_below(value: &Value) -> Value {
    let mut relevant = relevant_values(value);
    let members =
        value.as_object().into_iter().flatten().filter(|(key, member)| member.is_object() && *key != "gateway");
    if let Some(own) = relevant.as_object_mut() {
        for (key, member) in members {
            own.entry(key.as_str()).or_insert_with(|| relevant_values(member));
        }
    }
    relevant
}
