//! The environment of a container as the kubelet sets it, with the source of each variable.
//!
//! Order and precedence (Kubernetes API, `Container.env`, `Container.envFrom`): first all `envFrom` sources in order,
//! where the last one wins; then `env` in order, which wins over `envFrom`. An unknown value is never guessed.

pub(super) mod expansion;
mod value_from;
mod variable;

pub use variable::{EnvIndex, EnvValue, SecretSource, ValueSource, Variable};

use super::objects::pod_spec::{EnvFromSource, EnvVar};
use super::{AuthMethod, Container, Lookup, RelatedObjects, Setting, Workload};
use expansion::{Piece, pieces};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use value_from::ReferenceScope;

/// Longest text, in bytes, that a value with `$(NAME)` expands to. Every evaluated setting is far shorter.
///
/// Each variable can double the one before, so expansion needs a limit. The known beginning of a longer value has the
/// same limit: each variable can contain the one before and more, so an unlimited beginning would also fill the memory.
const EXPANDED_BYTES: usize = 4096;

/// Largest number of variables from `ConfigMap`s. Each variable takes memory here, and with more of them the container
/// could not start: Linux limits the environment of a process to 6 MiB. The keys of a `ConfigMap` beyond this count as
/// unknown.
const VARIABLES: usize = 100_000;

/// All variables of a container in the order in which they are set, including those that a later one overrides.
#[derive(Default)]
pub struct Environment<'a> {
    variables: Vec<Variable<'a>>,
    /// Index in `variables` of the last variable of each name. Built at the first reference to a variable.
    last: Option<HashMap<Cow<'a, str>, usize>>,
    /// Indices in `variables` of those that are settings. Found once, because every rule needs them.
    settings: Vec<(Setting, usize)>,
    unknown_sources: Vec<UnknownSource<'a>>,
}

/// An `envFrom` source whose keys are unknown.
struct UnknownSource<'a> {
    /// `envFrom[].prefix`: the start of the name of each of its variables.
    prefix: &'a str,
    /// The name of the Secret; `None` for a `ConfigMap`.
    secret: Option<&'a str>,
    /// The number of known variables that are set before it.
    variables_before: usize,
}

impl UnknownSource<'_> {
    /// Returns true if one of its keys can set the variable `name`. A key is never empty.
    fn can_set(&self, name: &str) -> bool {
        can_make(self.prefix, name)
    }
}

/// Returns true if `prefix` and some nonempty key make `name`.
fn can_make(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|key| !key.is_empty())
}

impl<'a> Environment<'a> {
    /// The environment of `container`, which is in `workload`. Values of `ConfigMap`s come from `related`; those of a
    /// `ConfigMap` that is not found there are unknown.
    pub fn of(container: &Container<'a>, workload: &'a Workload, related: &'a RelatedObjects) -> Self {
        let mut environment = Self::default();
        for (index, from) in container.env_from.iter().enumerate() {
            environment.add_source(from, EnvIndex::EnvFrom(index), related);
        }
        environment.mark_variables_that_may_be_overridden();
        environment.variables.reserve(container.env.len());
        for (index, variable) in container.env.iter().enumerate() {
            environment.set(variable, EnvIndex::Env(index), &ReferenceScope { container, workload, related });
        }
        environment
    }

    /// All variables in the order in which they are set. A name can occur several times; the last one wins.
    pub fn variables(&self) -> &[Variable<'a>] {
        &self.variables
    }

    /// All variables that are settings, in the order in which they are set.
    pub fn settings(&self) -> impl Iterator<Item = (Setting, &Variable<'a>)> {
        self.settings.iter().filter_map(|(setting, index)| Some((*setting, self.variables.get(*index)?)))
    }

    /// Returns true if every `envFrom` source is found and its keys are known: a name that is not among the variables
    /// is then certainly not set.
    pub fn is_fully_known(&self) -> bool {
        self.unknown_sources.is_empty()
    }

    /// Adds the variables of an element of `envFrom`.
    fn add_source(&mut self, from: &'a EnvFromSource, index: EnvIndex, related: &'a RelatedObjects) {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        if let Some(secret) = &from.secret_ref {
            self.add_unknown_source(prefix, Some(&secret.name));
        }
        let Some(reference) = &from.config_map_ref else { return };
        let config_map = match related.config_map(&reference.name) {
            Lookup::Found(config_map) if self.variables.len() + config_map.data.len() <= VARIABLES => config_map,
            // an absent ConfigMap may exist when the container starts
            Lookup::Found(_) | Lookup::Absent | Lookup::Unknown => return self.add_unknown_source(prefix, None),
        };
        self.variables.reserve(config_map.data.len());
        for (key, value) in config_map.values() {
            let name = if prefix.is_empty() { Cow::Borrowed(key) } else { Cow::Owned(format!("{prefix}{key}")) };
            let setting = Setting::of(&name);
            let variable = Variable {
                name,
                index,
                value,
                source: ValueSource::ConfigMap { name: &reference.name, key: Cow::Borrowed(key) },
                may_be_overridden: false,
                is_written: false,
                has_auth_key: false,
            };
            self.push(variable, setting);
        }
    }

    /// Adds a source whose keys are unknown.
    fn add_unknown_source(&mut self, prefix: &'a str, secret: Option<&'a str>) {
        self.unknown_sources.push(UnknownSource { prefix, secret, variables_before: self.variables.len() });
    }

    /// Marks the variables that a later source with unknown keys may set again. They are evaluated all the same.
    fn mark_variables_that_may_be_overridden(&mut self) {
        let mut unknown_sources = self.unknown_sources.iter().rev().peekable();
        // sources share few prefixes, so many sources cost no more than one
        let mut prefixes = BTreeSet::new();
        for (index, variable) in self.variables.iter_mut().enumerate().rev() {
            while let Some(later) = unknown_sources.next_if(|source| source.variables_before > index) {
                prefixes.insert(later.prefix);
            }
            variable.may_be_overridden = prefixes.iter().any(|prefix| can_make(prefix, &variable.name));
        }
    }

    /// Adds the variable of an element of `env`.
    fn set(&mut self, variable: &'a EnvVar, index: EnvIndex, scope: &ReferenceScope<'_, 'a>) {
        let written = variable.value.as_deref().filter(|text| !text.is_empty());
        let setting = Setting::of(&variable.name);
        let is_auth = setting.is_some_and(Setting::is_auth);
        let has_auth_key = written.is_some_and(|text| is_auth && self.has_auth_key(text));
        let (value, source) = match (written, &variable.value_from) {
            (Some(text), _) => (self.expand(text), ValueSource::Object),
            // this element sets nothing: an earlier variable of the same name stays
            (None, Some(from)) if scope.is_omitted(from) => return,
            (None, Some(from)) => scope.resolve(from),
            (None, None) => (EnvValue::Text(Cow::Borrowed("")), ValueSource::Object),
        };
        let is_written = match (written, &variable.value_from) {
            (Some(text), _) => self.is_written(text),
            (None, from) => from.is_none(),
        };
        let value = match value {
            EnvValue::Text(text) if is_auth => scope.secret_if_in_volume(text),
            other => other,
        };
        let variable = Variable {
            name: Cow::Borrowed(&variable.name),
            index,
            value,
            source,
            may_be_overridden: false,
            is_written,
            has_auth_key,
        };
        self.push(variable, setting);
    }

    fn push(&mut self, variable: Variable<'a>, setting: Option<Setting>) {
        if let Some(last) = &mut self.last {
            last.insert(variable.name.clone(), self.variables.len());
        }
        self.settings.extend(setting.map(|setting| (setting, self.variables.len())));
        self.variables.push(variable);
    }

    /// The value of a text after expansion of its `$(NAME)` references.
    fn expand(&mut self, text: &'a str) -> EnvValue<'a> {
        if !text.contains('$') {
            return EnvValue::Text(Cow::Borrowed(text));
        }
        let (mut expanded, mut is_known) = (String::new(), true);
        for piece in pieces(text) {
            let value = match piece {
                Piece::Text(text) => EnvValue::Text(Cow::Borrowed(text)),
                Piece::Reference { name, written } => self.referenced(name, written),
            };
            // after an unknown piece, only a value from a Secret still matters
            match value {
                EnvValue::Secret(source) => return EnvValue::Secret(source),
                EnvValue::Text(text) if is_known => is_known = push_bounded(&mut expanded, &text),
                EnvValue::Unknown(beginning) if is_known => {
                    push_bounded(&mut expanded, &beginning);
                    is_known = false;
                }
                EnvValue::Text(_) | EnvValue::Unknown(_) => {}
            }
        }
        if is_known { EnvValue::Text(Cow::Owned(expanded)) } else { EnvValue::Unknown(Cow::Owned(expanded)) }
    }

    /// Returns true if the workload itself contains the whole value of this text.
    fn is_written(&mut self, text: &'a str) -> bool {
        text.contains('$').then(|| pieces(text)).into_iter().flatten().all(|piece| match piece {
            Piece::Text(_) => true,
            Piece::Reference { name, .. } => self.last(name).is_none_or(|variable| variable.is_written),
        })
    }

    /// Returns true if a part of the text, between parts that are not known, is an auth key.
    fn has_auth_key(&mut self, text: &'a str) -> bool {
        let mut part = String::new();
        for piece in pieces(text) {
            let (known, ends_here) = match piece {
                Piece::Text(text) => (Cow::Borrowed(text), false),
                Piece::Reference { name, written } => match self.referenced(name, written) {
                    EnvValue::Text(text) => (text, false),
                    EnvValue::Unknown(text) => (text, true),
                    EnvValue::Secret(_) => (Cow::Borrowed(""), true),
                },
            };
            // leading whitespace of any length hides nothing
            let known = if part.is_empty() { known.trim_start() } else { known.as_ref() };
            push_bounded(&mut part, known);
            if AuthMethod::of(Setting::Auth, &part) == AuthMethod::Key {
                return true;
            }
            if ends_here {
                part.clear();
            }
        }
        false
    }

    /// The last variable of this name so far.
    fn last(&mut self, name: &str) -> Option<&Variable<'a>> {
        let last = self.last.get_or_insert_with(|| {
            self.variables.iter().enumerate().map(|(index, variable)| (variable.name.clone(), index)).collect()
        });
        last.get(name).and_then(|index| self.variables.get(*index))
    }

    /// The value of the reference `$(name)`, the first that applies:
    ///
    /// 1. the last variable of this name; unknown if a source with unknown keys may override it
    /// 2. if sources with unknown keys may set it: a value from a Secret if all of them are Secrets, else unknown
    /// 3. unknown if the kubelet may set the variable for a Service
    /// 4. the reference itself, unchanged
    fn referenced(&mut self, name: &str, written: &'a str) -> EnvValue<'a> {
        if let Some(variable) = self.last(name) {
            return if variable.may_be_overridden { EnvValue::UNKNOWN } else { variable.value.clone() };
        }
        let may_set = self.unknown_sources.iter().filter(|source| source.can_set(name));
        match may_set.map(|source| source.secret).collect::<Option<Vec<&str>>>().as_deref() {
            Some([]) if is_service_variable(name) => EnvValue::UNKNOWN,
            Some([]) => EnvValue::Text(Cow::Borrowed(written)),
            Some([.., secret]) => EnvValue::Secret(SecretSource::WholeSecret { name: secret }),
            None => EnvValue::UNKNOWN,
        }
    }
}

/// Appends `text` to `expanded` up to [`EXPANDED_BYTES`] in total. Returns true if all of it fits.
fn push_bounded(expanded: &mut String, text: &str) -> bool {
    let end = text.floor_char_boundary(EXPANDED_BYTES.saturating_sub(expanded.len()));
    expanded.push_str(text.get(..end).unwrap_or_default());
    end == text.len()
}

/// Returns true if the kubelet may add a variable of this name for a Service (`pkg/kubelet/envvars`).
fn is_service_variable(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Images, KubernetesObject};

    /// The value of the last variable of a Pod's only container. The only related object is the `ConfigMap` `known`
    /// with `name: from the map`.
    fn last_value(container: &str) -> String {
        let object = |json: String| KubernetesObject::recognize(json, "default").unwrap().unwrap();
        let map =
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"known"},"data":{"name":"from the map"}}"#;
        let pod = format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a",{container}}}]}}}}"#);
        let (map, pod) = (object(map.to_owned()), object(pod));
        let related = RelatedObjects::of([&map], &Images::default());
        let workload = pod.workload().unwrap();
        let environment = Environment::of(&workload.containers()[0], workload, &related);
        format!("{:?}", environment.variables().last().unwrap().value)
    }

    #[test]
    fn expansion_of_doubling_variables_is_limited() {
        let doubling =
            (1..60).map(|index| format!(r#"{{"name":"v{index}","value":"$(v{})$(v{})"}}"#, index - 1, index - 1));
        let env = [r#"{"name":"v0","value":"0123456789"}"#.to_owned()].into_iter().chain(doubling).collect::<Vec<_>>();
        let value = last_value(&format!(r#""env":[{}]"#, env.join(",")));
        assert!(value.starts_with("Unknown(") && value.len() < 3 * EXPANDED_BYTES, "{}", value.len());
    }

    #[test]
    fn expansion_of_nested_unknown_beginnings_is_limited() {
        let longer = (1..60).map(|index| format!(r#"{{"name":"v{index}","value":"$(text)$(v{})"}}"#, index - 1));
        let text = format!(r#"{{"name":"text","value":"é{}"}}"#, "é".repeat(EXPANDED_BYTES / 2 - 1));
        let first = r#"{"name":"v0","value":"$(text)$(text)"}"#.to_owned();
        let env = [text, first].into_iter().chain(longer).collect::<Vec<_>>();
        let value = last_value(&format!(r#""env":[{}]"#, env.join(",")));
        assert!(value.starts_with("Unknown(") && value.len() < EXPANDED_BYTES + 20, "{}", value.len());
    }

    #[test]
    fn a_value_that_a_later_source_may_override_is_unknown() {
        let env = r#""env":[{"name":"x","value":"$(name)"}]"#;
        let known = r#"{"configMapRef":{"name":"known"}}"#;
        let secret = r#"{"secretRef":{"name":"orders"}}"#;
        assert_eq!(last_value(&format!(r#""envFrom":[{known}],{env}"#)), r#"Text("from the map")"#);
        assert_eq!(last_value(&format!(r#""envFrom":[{secret},{known}],{env}"#)), r#"Text("from the map")"#);
        assert_eq!(last_value(&format!(r#""envFrom":[{known},{secret}],{env}"#)), r#"Unknown("")"#);
        assert_eq!(last_value(&format!(r#""envFrom":[{secret}],{env}"#)), r#"Secret(WholeSecret { name: "orders" })"#);
    }

    #[test]
    fn a_value_from_a_secret_is_found_after_an_unknown_piece() {
        let token = r#"{"name":"token","valueFrom":{"secretKeyRef":{"name":"orders","key":"value"}}}"#;
        let value = last_value(&format!(
            r#""envFrom":[{{"configMapRef":{{"name":"unknown"}}}}],"env":[{token},{{"name":"x","value":"$(prefix)$(token)"}}]"#
        ));
        assert_eq!(value, r#"Secret(Secret { name: "orders", key: "value" })"#);
    }
}
