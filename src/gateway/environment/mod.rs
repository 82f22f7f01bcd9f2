//! The environment of a container as the kubelet sets it, each variable knowing where it comes from.
//!
//! Order and precedence (Kubernetes API, `Container.env`, `Container.envFrom`): all `envFrom` sources in order, the
//! last wins; then `env` in order, which wins over `envFrom`. A value that can't be seen is never guessed.

mod expansion;
mod value_from;
mod variable;

pub use variable::{EnvIndex, EnvValue, KeySource, ValueSource, Variable};

use super::objects::pod_spec::{EnvFromSource, EnvVar};
use super::{Container, Lookup, RelatedObjects, Setting, Workload};
use expansion::{Piece, pieces};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use value_from::ReferenceScope;

/// Longest text, in bytes, that `$(NAME)` is expanded to. Each variable can double the last one, so some end must be put to
/// it; every setting that is judged is far shorter. Of what is longer, as much is known: each variable can hold the last
/// one and more, so a beginning without an end would still fill the memory.
const EXPANDED_BYTES: usize = 4096;

/// The largest number of variables out of `ConfigMap`s that are looked at: with more the container could not start, since
/// Linux gives 6 MiB at most to the environment of a process, and each would cost memory here.
const VARIABLES: usize = 100_000;

/// Every variable of a container in the order in which they are set, overridden ones included.
#[derive(Default)]
pub struct Environment<'a> {
    variables: Vec<Variable<'a>>,
    /// Where the variable of a name that was set last stands in `variables`, from the first reference to one on.
    last: Option<HashMap<Cow<'a, str>, usize>>,
    /// Those of `variables` that stand for a setting, found once since every rule asks for them.
    settings: Vec<(Setting, usize)>,
    unknown_sources: Vec<UnknownSource<'a>>,
}

/// An `envFrom` source whose keys can't be seen.
struct UnknownSource<'a> {
    /// What the name of each variable out of it begins with.
    prefix: &'a str,
    /// The Secret that it is; `None` for a `ConfigMap`.
    secret: Option<&'a str>,
    /// How many variables were set before it.
    behind: usize,
}

impl UnknownSource<'_> {
    /// Can one of its keys be this variable? A key is never empty.
    fn can_set(&self, name: &str) -> bool {
        can_begin(self.prefix, name)
    }
}

fn can_begin(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|key| !key.is_empty())
}

impl<'a> Environment<'a> {
    /// The environment of `container`, which stands in `workload`, as far as `related` show it.
    pub fn of(container: &Container<'a>, workload: &'a Workload, related: &'a RelatedObjects) -> Self {
        let mut environment = Self::default();
        for (index, from) in container.env_from.iter().enumerate() {
            environment.take_all(from, EnvIndex::EnvFrom(index), related);
        }
        environment.mark_what_may_be_overridden();
        environment.variables.reserve(container.env.len());
        for (index, variable) in container.env.iter().enumerate() {
            environment.set(variable, EnvIndex::Env(index), &ReferenceScope { container, workload, related });
        }
        environment
    }

    /// Every variable, in the order in which they are set.
    pub fn variables(&self) -> &[Variable<'a>] {
        &self.variables
    }

    /// Every variable that stands for a setting.
    pub fn settings(&self) -> impl Iterator<Item = (Setting, &Variable<'a>)> {
        self.settings.iter().filter_map(|(setting, index)| Some((*setting, self.variables.get(*index)?)))
    }

    /// Is every source of it there and visible, so that a name that isn't there is really not set?
    pub fn is_fully_known(&self) -> bool {
        self.unknown_sources.is_empty()
    }

    fn take_all(&mut self, from: &'a EnvFromSource, index: EnvIndex, related: &'a RelatedObjects) {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        if let Some(secret) = &from.secret_ref {
            self.hide(prefix, Some(&secret.name));
        }
        let Some(reference) = &from.config_map_ref else { return };
        let config_map = match related.config_map(&reference.name) {
            Lookup::Found(config_map) if self.variables.len() + config_map.data.len() <= VARIABLES => config_map,
            // what isn't there yet may be there when the container starts
            Lookup::Found(_) | Lookup::Absent | Lookup::Unknown => return self.hide(prefix, None),
        };
        self.variables.reserve(config_map.data.len());
        for (key, value) in config_map.values() {
            self.push(Variable {
                name: if prefix.is_empty() { Cow::Borrowed(key) } else { Cow::Owned(format!("{prefix}{key}")) },
                index,
                value,
                source: ValueSource::ConfigMap { name: &reference.name, key: Cow::Borrowed(key) },
                may_be_overridden: false,
            });
        }
    }

    /// Takes a source whose keys can't be seen.
    fn hide(&mut self, prefix: &'a str, secret: Option<&'a str>) {
        self.unknown_sources.push(UnknownSource { prefix, secret, behind: self.variables.len() });
    }

    /// Whatever is set before a source whose keys can't be seen may be set again by it. It is judged all the same.
    fn mark_what_may_be_overridden(&mut self) {
        let mut unknown_sources = self.unknown_sources.iter().rev().peekable();
        // sources share few prefixes, so that many of them cost no more than one
        let mut prefixes = BTreeSet::new();
        for (index, variable) in self.variables.iter_mut().enumerate().rev() {
            while let Some(later) = unknown_sources.next_if(|unknown_sources| unknown_sources.behind > index) {
                prefixes.insert(later.prefix);
            }
            variable.may_be_overridden = prefixes.iter().any(|prefix| can_begin(prefix, &variable.name));
        }
    }

    fn set(&mut self, variable: &'a EnvVar, index: EnvIndex, scope: &ReferenceScope<'_, 'a>) {
        let written = variable.value.as_deref().filter(|text| !text.is_empty());
        let (value, source) = match (written, &variable.value_from) {
            (Some(text), _) => (self.expand(text), ValueSource::Object),
            // nothing is set, and what was set stays
            (None, Some(from)) if scope.is_left_out(from) => return,
            (None, Some(from)) => scope.taken_from(from),
            (None, None) => (EnvValue::Text(Cow::Borrowed("")), ValueSource::Object),
        };
        let value = match value {
            EnvValue::Text(text) if Setting::of(&variable.name).is_some_and(Setting::is_auth) => {
                scope.behind_a_path(text)
            }
            other => other,
        };
        self.push(Variable { name: Cow::Borrowed(&variable.name), index, value, source, may_be_overridden: false });
    }

    fn push(&mut self, variable: Variable<'a>) {
        if let Some(last) = &mut self.last {
            last.insert(variable.name.clone(), self.variables.len());
        }
        self.settings.extend(Setting::of(&variable.name).map(|setting| (setting, self.variables.len())));
        self.variables.push(variable);
    }

    fn expand(&mut self, text: &'a str) -> EnvValue<'a> {
        if !text.contains('$') {
            return EnvValue::Text(Cow::Borrowed(text));
        }
        let (mut expanded, mut is_seen) = (String::new(), true);
        for piece in pieces(text) {
            let value = match piece {
                Piece::Text(text) => EnvValue::Text(Cow::Borrowed(text)),
                Piece::Reference { name, written } => self.referenced(name, written),
            };
            // behind what can't be seen only a key is still looked for
            match value {
                EnvValue::Key(source) => return EnvValue::Key(source),
                EnvValue::Text(text) if is_seen => is_seen = push_bounded(&mut expanded, &text),
                EnvValue::Unknown(beginning) if is_seen => {
                    push_bounded(&mut expanded, &beginning);
                    is_seen = false;
                }
                EnvValue::Text(_) | EnvValue::Unknown(_) => {}
            }
        }
        if is_seen { EnvValue::Text(Cow::Owned(expanded)) } else { EnvValue::Unknown(Cow::Owned(expanded)) }
    }

    /// The variable of this name that was set last.
    fn last(&mut self, name: &str) -> Option<&Variable<'a>> {
        let last = self.last.get_or_insert_with(|| {
            self.variables.iter().enumerate().map(|(index, variable)| (variable.name.clone(), index)).collect()
        });
        last.get(name).and_then(|index| self.variables.get(*index))
    }

    /// What `$(name)` stands for: the variable set last, unless a source that can't be seen comes after it; else whatever
    /// such a source may hold; else itself.
    fn referenced(&mut self, name: &str, written: &'a str) -> EnvValue<'a> {
        if let Some(variable) = self.last(name) {
            return if variable.may_be_overridden { EnvValue::UNKNOWN } else { variable.value.clone() };
        }
        let may_set = self.unknown_sources.iter().filter(|unknown_sources| unknown_sources.can_set(name));
        match may_set.map(|unknown_sources| unknown_sources.secret).collect::<Option<Vec<&str>>>().as_deref() {
            Some([]) if is_of_service(name) => EnvValue::UNKNOWN,
            Some([]) => EnvValue::Text(Cow::Borrowed(written)),
            Some([.., secret]) => EnvValue::Key(KeySource::WholeSecret { name: secret }),
            None => EnvValue::UNKNOWN,
        }
    }
}

/// Pushes as much of `text` as there is room for in what `$(NAME)` is expanded to; tells whether that was all of it.
fn push_bounded(expanded: &mut String, text: &str) -> bool {
    let end = text.floor_char_boundary(EXPANDED_BYTES.saturating_sub(expanded.len()));
    expanded.push_str(text.get(..end).unwrap_or_default());
    end == text.len()
}

/// Is it the name of a variable that the kubelet adds for a Service (`pkg/kubelet/envvars`)?
fn is_of_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Images, KubernetesObject};

    /// The value of the last variable of a Pod's only container, beside a `ConfigMap` `known` with `name: from the map`.
    fn last_value(container: &str) -> String {
        let object = |json: String| KubernetesObject::recognize(json, "default").unwrap().unwrap();
        let map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"seen"},"data":{"name":"from the map"}}"#;
        let pod = format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a",{container}}}]}}}}"#);
        let (map, pod) = (object(map.to_owned()), object(pod));
        let related = RelatedObjects::of([&map], &Images::default());
        let workload = pod.workload().unwrap();
        let environment = Environment::of(&workload.containers()[0], workload, &related);
        format!("{:?}", environment.variables().last().unwrap().value)
    }

    #[test]
    fn variables_that_double_each_other_come_to_an_end() {
        let doubling =
            (1..60).map(|index| format!(r#"{{"name":"v{index}","value":"$(v{})$(v{})"}}"#, index - 1, index - 1));
        let env = [r#"{"name":"v0","value":"0123456789"}"#.to_owned()].into_iter().chain(doubling).collect::<Vec<_>>();
        let value = last_value(&format!(r#""env":[{}]"#, env.join(",")));
        assert!(value.starts_with("Unknown(") && value.len() < 3 * EXPANDED_BYTES, "{}", value.len());
    }

    #[test]
    fn beginnings_that_hold_each_other_come_to_an_end() {
        let longer = (1..60).map(|index| format!(r#"{{"name":"v{index}","value":"$(text)$(v{})"}}"#, index - 1));
        let text = format!(r#"{{"name":"text","value":"é{}"}}"#, "é".repeat(EXPANDED_BYTES / 2 - 1));
        let first = r#"{"name":"v0","value":"$(text)$(text)"}"#.to_owned();
        let env = [text, first].into_iter().chain(longer).collect::<Vec<_>>();
        let value = last_value(&format!(r#""env":[{}]"#, env.join(",")));
        assert!(value.starts_with("Unknown(") && value.len() < EXPANDED_BYTES + 20, "{}", value.len());
    }

    #[test]
    fn what_a_later_source_may_override_is_not_guessed() {
        let env = r#""env":[{"name":"x","value":"$(name)"}]"#;
        let known = r#"{"configMapRef":{"name":"seen"}}"#;
        let secret = r#"{"secretRef":{"name":"orders"}}"#;
        assert_eq!(last_value(&format!(r#""envFrom":[{known}],{env}"#)), r#"Text("from the map")"#);
        assert_eq!(last_value(&format!(r#""envFrom":[{secret},{known}],{env}"#)), r#"Text("from the map")"#);
        assert_eq!(last_value(&format!(r#""envFrom":[{known},{secret}],{env}"#)), r#"Unknown("")"#);
        assert_eq!(last_value(&format!(r#""envFrom":[{secret}],{env}"#)), r#"Key(WholeSecret { name: "orders" })"#);
    }

    #[test]
    fn a_key_is_found_behind_what_cannot_be_seen() {
        let token = r#"{"name":"token","valueFrom":{"secretKeyRef":{"name":"orders","key":"value"}}}"#;
        let value = last_value(&format!(
            r#""envFrom":[{{"configMapRef":{{"name":"unseen"}}}}],"env":[{token},{{"name":"x","value":"$(prefix)$(token)"}}]"#
        ));
        assert_eq!(value, r#"Key(Secret { name: "orders", key: "value" })"#);
    }
}
