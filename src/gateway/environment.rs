//! The environment of a container as the kubelet sets it, each variable knowing where it comes from.
//!
//! Order and precedence (Kubernetes API, `Container.env`, `Container.envFrom`): all `envFrom` sources in order, the
//! last wins; then `env` in order, which wins over `envFrom`. A value that can't be seen is never guessed.

use super::expansion::{Piece, pieces};
use super::{Container, KeySource, Setting, Sight, Source, Surroundings, Value, Variable, Workload};
use jsonptr::{Pointer, PointerBuf};
use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, EnvVarSource, Volume};
use std::borrow::Cow;
use std::path::Path;

/// Every variable of a container in the order in which they are set, overridden ones included.
pub struct Environment<'a> {
    variables: Vec<Variable<'a>>,
    hidden: Vec<Hidden<'a>>,
}

/// An `envFrom` source whose keys can't be seen.
enum Hidden<'a> {
    ConfigMap,
    Secret(&'a str),
}

impl<'a> Environment<'a> {
    /// The environment of `container`, which stands in `workload`, as far as `surroundings` show it.
    pub fn of(container: &Container<'a>, workload: &'a Workload, surroundings: &'a Surroundings) -> Self {
        let mut environment = Self { variables: Vec::new(), hidden: Vec::new() };
        for (index, from) in container.env_from.iter().enumerate() {
            environment.take_all(from, &container.place(["envFrom", &index.to_string()]), surroundings);
        }
        for (index, variable) in container.env.iter().enumerate() {
            let at = container.place(["env", &index.to_string()]);
            environment.set(variable, at, &Scope { container, workload, surroundings });
        }
        environment
    }

    /// Every variable, in the order in which they are set.
    pub fn variables(&self) -> &[Variable<'a>] {
        &self.variables
    }

    /// Every variable that stands for a setting.
    pub fn settings(&self) -> impl Iterator<Item = (Setting, &Variable<'a>)> {
        self.variables.iter().filter_map(|variable| Setting::of(&variable.name).map(|setting| (setting, variable)))
    }

    /// Is every source of it visible, so that a name that isn't there is really not set?
    pub fn is_whole(&self) -> bool {
        self.hidden.is_empty()
    }

    fn take_all(&mut self, from: &'a EnvFromSource, at: &Pointer, surroundings: &'a Surroundings) {
        if let Some(secret) = &from.secret_ref {
            self.hidden.push(Hidden::Secret(&secret.name));
        }
        let Some(reference) = &from.config_map_ref else { return };
        let config_map = match surroundings.config_map(&reference.name) {
            Sight::Seen(config_map) => config_map,
            Sight::Absent => return,
            Sight::Unseen => return self.hidden.push(Hidden::ConfigMap),
        };
        let prefix = from.prefix.as_deref().unwrap_or_default();
        self.variables.extend(config_map.data.iter().map(|(key, text)| Variable {
            name: if prefix.is_empty() { Cow::Borrowed(key.as_str()) } else { Cow::Owned(format!("{prefix}{key}")) },
            at: at.to_buf(),
            value: Value::Text(text.clone()),
            source: Source::ConfigMap { name: &reference.name, key: Cow::Borrowed(key.as_str()) },
        }));
    }

    fn set(&mut self, variable: &'a EnvVar, at: PointerBuf, scope: &Scope<'_, 'a>) {
        let written = variable.value.as_deref().filter(|text| !text.is_empty());
        let (value, source) = match (written, &variable.value_from) {
            (Some(text), _) => (self.expand(text), Source::Object),
            (None, Some(from)) => scope.taken_from(from),
            (None, None) => (Value::Text(String::new()), Source::Object),
        };
        let value = match value {
            Value::Text(text) if Setting::of(&variable.name).is_some_and(Setting::is_auth) => scope.behind_a_path(text),
            other => other,
        };
        self.variables.push(Variable { name: Cow::Borrowed(&variable.name), at, value, source });
    }

    fn expand(&self, text: &str) -> Value {
        let mut expanded = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => expanded.push_str(text),
                Piece::Reference { name, written } => match self.referenced(name, written) {
                    Value::Text(text) => expanded.push_str(&text),
                    Value::Key(source) => return Value::Key(source),
                    Value::Unseen(beginning) => return Value::Unseen(expanded + &beginning),
                },
            }
        }
        Value::Text(expanded)
    }

    /// What `$(name)` stands for: the variable set last; else whatever an unseen source may hold; else itself.
    fn referenced(&self, name: &str, written: &str) -> Value {
        if let Some(variable) = self.variables.iter().rev().find(|variable| variable.name == name) {
            return variable.value.clone();
        }
        match self.hidden.as_slice() {
            [] => Value::Text(written.to_owned()),
            [.., Hidden::Secret(name)] if !self.hidden.iter().any(|hidden| matches!(hidden, Hidden::ConfigMap)) => {
                Value::Key(KeySource::WholeSecret { name: (*name).to_owned() })
            }
            _ => Value::Unseen(String::new()),
        }
    }
}

/// What an entry of `env` may refer to.
struct Scope<'c, 'a> {
    container: &'c Container<'a>,
    workload: &'a Workload,
    surroundings: &'a Surroundings,
}

impl<'a> Scope<'_, 'a> {
    fn taken_from(&self, from: &'a EnvVarSource) -> (Value, Source<'a>) {
        if let Some(secret) = &from.secret_key_ref {
            return (
                Value::Key(KeySource::Secret { name: secret.name.clone(), key: secret.key.clone() }),
                Source::Object,
            );
        }
        if let Some(file) = &from.file_key_ref {
            return (
                Value::Key(KeySource::File { volume: file.volume_name.clone(), key: file.key.clone() }),
                Source::Object,
            );
        }
        if let Some(reference) = &from.config_map_key_ref {
            let text = match self.surroundings.config_map(&reference.name) {
                Sight::Seen(config_map) => config_map.data.get(&reference.key),
                Sight::Absent | Sight::Unseen => None,
            };
            let value = text.map_or_else(|| Value::Unseen(String::new()), |text| Value::Text(text.clone()));
            return (value, Source::ConfigMap { name: &reference.name, key: Cow::Borrowed(&reference.key) });
        }
        let field = from.field_ref.as_ref().and_then(|field| self.keyed_field(&field.field_path));
        (field.map_or_else(|| Value::Unseen(String::new()), Value::Text), Source::Object)
    }

    /// The text of `metadata.annotations['key']` or `metadata.labels['key']` of the pod template.
    fn keyed_field(&self, path: &str) -> Option<String> {
        let (keys, rest) = match path.strip_prefix("metadata.annotations['") {
            Some(rest) => (self.workload.template_annotations(), rest),
            None => (self.workload.template_labels(), path.strip_prefix("metadata.labels['")?),
        };
        Some(keys.get(rest.strip_suffix("']")?).cloned().unwrap_or_default())
    }

    /// A text that is a path under a volume that holds a Secret is as good as the Secret.
    fn behind_a_path(&self, text: String) -> Value {
        let secret =
            |name: &str| self.workload.volumes().iter().any(|volume| volume.name == name && holds_a_secret(volume));
        let path = Path::new(text.trim().trim_start_matches("file://"));
        let mount = self
            .container
            .volume_mounts
            .iter()
            .find(|mount| path.starts_with(&mount.mount_path) && secret(&mount.name));
        match mount {
            Some(mount) => Value::Key(KeySource::Mount { volume: mount.name.clone() }),
            None => Value::Text(text),
        }
    }
}

fn holds_a_secret(volume: &Volume) -> bool {
    let projected = volume.projected.as_ref().and_then(|projected| projected.sources.as_deref()).unwrap_or_default();
    volume.secret.is_some() || volume.csi.is_some() || projected.iter().any(|source| source.secret.is_some())
}
