//! The settings in the environment of a container as the kubelet sets it, with the source of each.
//!
//! Order and precedence (Kubernetes API, `Container.env`, `Container.envFrom`): first all `envFrom` sources in order,
//! where the last one wins; then `env` in order, which wins over `envFrom`. An unknown value is never guessed.
//!
//! Other variables matter only where the value of a setting refers to them by `$(NAME)`, so no other ones are resolved.

pub(super) mod expansion;
mod value_from;
mod variable;

pub use variable::{EnvIndex, EnvValue, SecretSource, ValueSource, Variable};
pub(super) use variable::{beginning, is_too_long};

use super::objects::pod_spec::{EnvFromSource, EnvVar};
use super::setting::prefix_makes_config_service;
use super::{AuthMethod, ConfigMap, Container, GatewaySign, Lookup, RelatedObjects, Setting, Workload};
use expansion::{Piece, pieces};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use value_from::ReferenceScope;
use variable::VALUE_BYTES;

/// All settings of a container in the order in which they are set, including those that a later one overrides.
pub struct Environment<'a> {
    related: &'a RelatedObjects,
    settings: Vec<(Setting, Variable<'a>)>,
    /// The elements of `env` that a later setting refers to, by name: the last one of each name.
    referenced: HashMap<&'a str, Resolved<'a>>,
    sources: Vec<Source<'a>>,
}

/// An `envFrom` source.
struct Source<'a> {
    /// `envFrom[].prefix`: the start of the name of each of its variables.
    prefix: &'a str,
    keys: SourceKeys<'a>,
}

/// The keys of an `envFrom` source.
enum SourceKeys<'a> {
    /// Those of this `ConfigMap`.
    Found(&'a ConfigMap),
    /// Those of the Secret of this name, which nobody reads.
    Secret(&'a str),
    /// Those of a `ConfigMap` that is not known, or that is yet to be created.
    Unknown,
}

impl SourceKeys<'_> {
    fn are_known(&self) -> bool {
        matches!(self, Self::Found(_))
    }
}

/// What an element of `env` sets.
struct Resolved<'a> {
    value: EnvValue<'a>,
    source: ValueSource<'a>,
    /// See [`Variable::is_written`].
    is_written: bool,
    /// See [`Variable::has_auth_key`].
    has_auth_key: bool,
}

impl<'a> Resolved<'a> {
    fn written(text: &'a str) -> Self {
        let value = EnvValue::bounded(text);
        Self { value, source: ValueSource::Object, is_written: true, has_auth_key: false }
    }
}

/// Returns true if `prefix` and some nonempty key make `name`.
pub(super) fn can_make(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|key| !key.is_empty())
}

impl<'a> Environment<'a> {
    /// The environment of `container`, which is in `workload`. Values of `ConfigMap`s come from `related`; those of a
    /// `ConfigMap` that is not found there are unknown.
    pub fn of(container: &Container<'a>, workload: &'a Workload, related: &'a RelatedObjects) -> Self {
        let mut environment = Self { related, settings: Vec::new(), referenced: HashMap::new(), sources: Vec::new() };
        for (index, from) in container.env_from.iter().enumerate() {
            environment.add_source(from, EnvIndex::EnvFrom(index));
        }
        let referenced = referenced_by_settings(container.env);
        let scope = ReferenceScope::new(container, workload, related);
        for (index, variable) in container.env.iter().enumerate() {
            let setting = Setting::of(&variable.name);
            if setting.is_none() && !referenced.contains(variable.name.as_str()) {
                continue;
            }
            let resolved = environment.resolve(variable, setting, &scope);
            match setting {
                Some(setting) => environment.push(setting, &variable.name, EnvIndex::Env(index), resolved),
                None => _ = environment.referenced.insert(&variable.name, resolved),
            }
        }
        environment
    }

    /// All settings in the order in which they are set. A name can occur several times; the last one wins.
    pub fn settings(&self) -> impl DoubleEndedIterator<Item = (Setting, &Variable<'a>)> {
        self.settings.iter().map(|(setting, variable)| (*setting, variable))
    }

    /// The text of a setting, if it is known: no source with unknown keys can change it. Its last variable wins.
    pub fn known_text(&self, setting: Setting) -> Option<&str> {
        let (_, variable) = self.settings().rfind(|(other, _)| *other == setting)?;
        match &variable.value {
            EnvValue::Text(text) if !variable.may_be_overridden => Some(text),
            _ => None,
        }
    }

    /// How certainly the settings show a gateway. A source with unknown keys is a possible sign if its prefix alone makes
    /// every key a `config.service.*` name.
    pub(super) fn sign(&self) -> GatewaySign {
        let is_possible = |source: &Source<'_>| !source.keys.are_known() && prefix_makes_config_service(source.prefix);
        let of_sources = if self.sources.iter().any(is_possible) { GatewaySign::Possible } else { GatewaySign::None };
        self.settings().map(|(setting, variable)| GatewaySign::of(setting, &variable.value)).fold(of_sources, Ord::max)
    }

    /// Returns true if nothing of the settings of a gateway's connection is set but the endpoint.
    pub(super) fn has_only_endpoint(&self) -> bool {
        self.settings().all(|(setting, _)| setting == Setting::Endpoint || !setting.is_config_service())
    }

    /// Returns true if every `envFrom` source is found: a setting that is not among [`settings`](Self::settings) is then
    /// certainly not set.
    pub fn is_fully_known(&self) -> bool {
        self.sources.iter().all(|source| source.keys.are_known())
    }

    /// Adds the settings of an element of `envFrom`.
    fn add_source(&mut self, from: &'a EnvFromSource, index: EnvIndex) {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        if let Some(secret) = &from.secret_ref {
            self.add_unknown_source(prefix, SourceKeys::Secret(&secret.name));
        }
        let Some(reference) = &from.config_map_ref else { return };
        let Lookup::Found(config_map) = self.related.config_map(&reference.name) else {
            // an absent ConfigMap may exist when the container starts
            return self.add_unknown_source(prefix, SourceKeys::Unknown);
        };
        for (key, value) in config_map.values() {
            let Some(setting) = Setting::behind(prefix, key) else { continue };
            let (name, of_key) = if prefix.is_empty() {
                (Cow::Borrowed(key), Some(setting))
            } else {
                (Cow::Owned(format!("{prefix}{key}")), Setting::of(key))
            };
            let variable = Variable {
                name,
                index,
                method: value.method(setting),
                value,
                source: ValueSource::ConfigMap { name: &reference.name, key: Cow::Borrowed(key), setting: of_key },
                may_be_overridden: false,
                is_written: false,
                has_auth_key: false,
            };
            self.settings.push((setting, variable));
        }
        self.sources.push(Source { prefix, keys: SourceKeys::Found(config_map) });
    }

    /// Adds a source whose keys are not known. It may set the settings of earlier sources again; they are evaluated all
    /// the same.
    fn add_unknown_source(&mut self, prefix: &'a str, keys: SourceKeys<'a>) {
        for (_, variable) in &mut self.settings {
            variable.may_be_overridden |= can_make(prefix, &variable.name);
        }
        self.sources.push(Source { prefix, keys });
    }

    fn push(&mut self, setting: Setting, name: &'a str, index: EnvIndex, resolved: Resolved<'a>) {
        let Resolved { value, source, is_written, has_auth_key } = resolved;
        let (name, method) = (Cow::Borrowed(name), value.method(setting));
        let variable =
            Variable { name, index, value, source, may_be_overridden: false, is_written, has_auth_key, method };
        self.settings.push((setting, variable));
    }

    /// What an element of `env` sets.
    fn resolve(&self, variable: &'a EnvVar, setting: Option<Setting>, scope: &ReferenceScope<'_, 'a>) -> Resolved<'a> {
        let is_auth = setting.is_some_and(Setting::is_auth);
        let written = variable.value.as_deref().filter(|text| !text.is_empty());
        let mut resolved = match (written, &variable.value_from) {
            (Some(text), _) => self.expand(text, is_auth),
            (None, Some(from)) => {
                let (value, source) = scope.resolve(from, setting);
                Resolved { value, source, is_written: false, has_auth_key: false }
            }
            (None, None) => Resolved::written(""),
        };
        // only of a written path: a value of a ConfigMap could be compared with a path in a forged review
        if is_auth
            && resolved.is_written
            && let EnvValue::Text(text) = resolved.value
        {
            resolved.value = scope.secret_if_in_volume(text);
        }
        resolved
    }

    /// The value of a text after expansion of its `$(NAME)` references. Searches it for an auth key if `is_auth`.
    fn expand(&self, text: &'a str, is_auth: bool) -> Resolved<'a> {
        if !text.contains('$') {
            let has_auth_key = is_auth && AuthMethod::of(Setting::Auth, text) == AuthMethod::Key;
            return Resolved { has_auth_key, ..Resolved::written(text) };
        }
        let mut expansion = Expansion { is_known: true, is_written: true, ..Expansion::default() };
        for piece in pieces(text) {
            let (value, is_written) = match piece {
                Piece::Text(text) => (EnvValue::Text(Cow::Borrowed(text)), true),
                Piece::Reference { name, written } => self.reference(name, written),
            };
            expansion.is_written &= is_written;
            if is_auth {
                expansion.search_auth_key(&value);
            }
            // after an unknown piece, only a value from a Secret still matters
            if let EnvValue::Secret(_) = value {
                return Resolved { value, ..expansion.into_resolved() };
            }
            expansion.push(&value);
        }
        expansion.into_resolved()
    }

    /// Returns true if the value of a setting comes from a `ConfigMap` of the cache. It is not inserted into other values:
    /// whoever sends a review could learn its length and its parts from what is found then.
    fn is_of_cache(&self, variable: &Variable<'_>) -> bool {
        let config_map = variable.config_map().map(|name| self.related.config_map(name));
        matches!(config_map, Some(Lookup::Found(config_map)) if config_map.is_reduced())
    }

    /// The value of the reference `$(name)`, and whether it is written in the workload. The value is the first of these
    /// that applies:
    ///
    /// 1. that of the last element of `env` of this name, or of the last setting of this name
    /// 2. that of the last `envFrom` source that sets it; unknown if a source with unknown keys may do so later
    /// 3. if only sources with unknown keys may set it: a value from a Secret if all of them are Secrets, else unknown
    /// 4. unknown if the kubelet may set the variable for a Service
    /// 5. the reference itself, unchanged
    fn reference(&self, name: &str, written: &'a str) -> (EnvValue<'a>, bool) {
        if let Some(resolved) = self.referenced.get(name) {
            return (resolved.value.clone(), resolved.is_written);
        }
        if let Some((_, variable)) = self.settings.iter().rfind(|(_, variable)| variable.name == name) {
            let is_unknown = variable.may_be_overridden || self.is_of_cache(variable);
            let value = if is_unknown { EnvValue::UNKNOWN } else { variable.value.clone() };
            return (value, variable.is_written);
        }
        let mut later_secret = None;
        for Source { prefix, keys } in self.sources.iter().rev() {
            let Some(key) = name.strip_prefix(prefix).filter(|key| !key.is_empty()) else { continue };
            match keys {
                SourceKeys::Secret(secret) => _ = later_secret.get_or_insert(*secret),
                SourceKeys::Unknown => return (EnvValue::UNKNOWN, false),
                SourceKeys::Found(config_map) if config_map.is_reduced() => match config_map.value(key) {
                    Lookup::Absent => {}
                    Lookup::Found(_) | Lookup::Unknown => return (EnvValue::UNKNOWN, false),
                },
                SourceKeys::Found(config_map) => match config_map.value(key) {
                    Lookup::Found(value) if later_secret.is_none() => return (value, false),
                    Lookup::Absent => {}
                    Lookup::Found(_) | Lookup::Unknown => return (EnvValue::UNKNOWN, false),
                },
            }
        }
        match later_secret {
            Some(name) => (EnvValue::Secret(SecretSource::WholeSecret { name }), false),
            None if is_service_variable(name) => (EnvValue::UNKNOWN, false),
            // a ConfigMap that has no such key today can have it tomorrow
            None => {
                let can_be_set = self.sources.iter().any(|source| can_make(source.prefix, name));
                (EnvValue::Text(Cow::Borrowed(written)), !can_be_set)
            }
        }
    }
}

/// The names of variables to which the settings in `env` refer, directly or by other variables.
fn referenced_by_settings(env: &[EnvVar]) -> HashSet<&str> {
    let mut names = HashSet::new();
    // a reference is to an earlier variable, so one pass from the end finds all
    for variable in env.iter().rev() {
        let Some(text) = variable.value.as_deref().filter(|text| text.contains("$(")) else { continue };
        if Setting::of(&variable.name).is_some() || names.contains(variable.name.as_str()) {
            names.extend(pieces(text).into_iter().filter_map(|piece| match piece {
                Piece::Reference { name, .. } => Some(name),
                Piece::Text(_) => None,
            }));
        }
    }
    names
}

/// A value with `$(NAME)` references while it is expanded.
#[derive(Default)]
struct Expansion {
    text: String,
    /// Whether the text so far is the whole value so far.
    is_known: bool,
    is_written: bool,
    has_auth_key: bool,
    /// The text since the last part that is not known.
    part: String,
}

impl Expansion {
    fn push(&mut self, value: &EnvValue<'_>) {
        if let (true, EnvValue::Text(text) | EnvValue::Unknown(text)) = (self.is_known, value) {
            let is_whole = push_bounded(&mut self.text, text);
            self.is_known = is_whole && matches!(value, EnvValue::Text(_));
        }
    }

    /// Searches the parts between those that are not known for an auth key.
    fn search_auth_key(&mut self, value: &EnvValue<'_>) {
        let (known, ends_here) = match value {
            EnvValue::Text(text) => (text.as_ref(), false),
            EnvValue::Unknown(text) => (text.as_ref(), true),
            EnvValue::Secret(_) => ("", true),
        };
        push_bounded(&mut self.part, known);
        self.has_auth_key = self.has_auth_key || AuthMethod::of(Setting::Auth, &self.part) == AuthMethod::Key;
        if ends_here || self.has_auth_key {
            self.part.clear();
        }
    }

    fn into_resolved<'a>(self) -> Resolved<'a> {
        let Self { text, is_known, is_written, has_auth_key, .. } = self;
        let text = Cow::Owned(text);
        let value = if is_known { EnvValue::Text(text) } else { EnvValue::Unknown(text) };
        Resolved { value, source: ValueSource::Object, is_written, has_auth_key }
    }
}

/// Appends `text` to `expanded`, which is as [`beginning`] shortens it. Returns true if it is not too long then.
fn push_bounded(expanded: &mut String, text: &str) -> bool {
    let end = text.ceil_char_boundary((VALUE_BYTES + 1).saturating_sub(expanded.len()));
    expanded.push_str(text.get(..end).unwrap_or(text));
    !is_too_long(expanded)
}

/// Returns true if the kubelet may add a variable of this name for a Service (`pkg/kubelet/envvars`).
fn is_service_variable(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST") || name.ends_with("_PORT") || name.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Images, KubernetesObject};

    /// The value of the last setting of a Pod's only container. The only related object is the `ConfigMap` `known`
    /// with `name: from the map`.
    fn last_value(container: &str) -> String {
        last_setting(container, |_, variable| format!("{:?}", variable.value))
    }

    /// What `shown` shows of the environment of a Pod's only container and of its last setting. The related objects are
    /// the `ConfigMap` `known`, and `cached`, of which no more is known than what the cache keeps.
    fn last_setting<T>(container: &str, shown: impl Fn(&Environment<'_>, &Variable<'_>) -> T) -> T {
        let object = |json: String| KubernetesObject::recognize(json, "default").unwrap().unwrap();
        let map =
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"known"},"data":{"name":"from the map"}}"#;
        let pod = format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a",{container}}}]}}}}"#);
        let (map, pod) = (object(map.to_owned()), object(pod));
        let mut related = RelatedObjects::of([&map], &Images::default());
        let data =
            [("gateway.name", "cached"), ("auth", "cached")].map(|(key, text)| (key.to_owned(), text.to_owned()));
        related.put_config_map(ConfigMap::for_cache("cached".to_owned(), data.into(), []));
        let workload = pod.workload().unwrap();
        let environment = Environment::of(&workload.containers()[0], workload, &related);
        shown(&environment, environment.settings().last().unwrap().1)
    }

    fn auth(value: &str) -> String {
        format!(r#"{{"name":"config.service.auth","value":"{value}"}}"#)
    }

    #[test]
    fn an_auth_key_is_found_in_the_known_parts_of_a_value() {
        let unknown = r#"{"name":"U","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}"#;
        let key = r#"{"name":"KEY","value":"GatewayKey a"}"#;
        let has_auth_key =
            |env: &str| last_setting(&format!(r#""env":[{unknown},{key},{env}]"#), |_, variable| variable.has_auth_key);
        for value in ["GatewayKey a", "$(KEY)", "$(U)GatewayKey a", "GatewayKey $(U)", "$(U) $(KEY)$(U)"] {
            assert!(has_auth_key(&auth(value)), "{value}");
        }
        assert!(has_auth_key(&auth(&format!("{}GatewayKey a", " ".repeat(2 * VALUE_BYTES)))));
        assert!(has_auth_key(&auth(&format!("$(U){}GatewayKey a", " ".repeat(2 * VALUE_BYTES)))));
        // what is not known separates two words
        for value in ["workloadIdentity", "$(U)", "Gateway$(U)Key a", "$(U)workloadIdentity"] {
            assert!(!has_auth_key(&auth(value)), "{value}");
        }
        assert!(!has_auth_key(r#"{"name":"gateway.name","value":"GatewayKey a"}"#));
        assert!(!has_auth_key(r#"{"name":"gateway.name","value":"$(KEY)"}"#));
    }

    #[test]
    fn a_value_is_written_if_nothing_else_can_change_it() {
        let text = r#"{"name":"TEXT","value":"workload"}"#;
        let label = r#"{"name":"LABEL","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['a']"}}}"#;
        let known = r#""envFrom":[{"configMapRef":{"name":"known"}}],"#;
        let is_written = |sources: &str, value: &str| {
            let env = auth(value);
            last_setting(&format!(r#"{sources}"env":[{text},{label},{env}]"#), |_, variable| variable.is_written)
        };
        for (sources, value, expected) in [
            ("", "workloadIdentity", true),
            ("", "$(TEXT)Identity", true),
            ("", "$(NO_SUCH_VARIABLE)", true),
            ("", "$(LABEL)", false),
            ("", "$(LABEL)$(TEXT)", false),
            (known, "workloadIdentity", true),
            (known, "$(name)", false),
            (known, "$(NO_SUCH_VARIABLE)", false),
        ] {
            assert_eq!(is_written(sources, value), expected, "{sources} {value}");
        }
    }

    #[test]
    fn a_reference_to_a_variable_that_the_kubelet_may_set_is_unknown() {
        let value = |name: &str| last_value(&format!(r#""env":[{{"name":"gateway.name","value":"$({name})"}}]"#));
        for name in ["A_SERVICE_HOST", "A_SERVICE_PORT", "A_SERVICE_PORT_HTTP", "A_PORT", "A_PORT_80_TCP"] {
            assert_eq!(value(name), r#"Unknown("")"#, "{name}");
        }
        for name in ["A_SERVICE", "SERVICE_HOSTS", "PORT"] {
            assert_eq!(value(name), format!(r#"Text("$({name})")"#));
        }
    }

    #[test]
    fn a_reference_to_a_setting_has_the_last_value_of_that_name() {
        let name = |value: &str| format!(r#"{{"name":"gateway.name","value":"{value}"}}"#);
        let of = |sources: &str, before: &str| {
            last_value(&format!(r#""envFrom":[{sources}],"env":[{before}{}]"#, auth("$(gateway.name)")))
        };
        let (cached, unknown) = (r#"{"configMapRef":{"name":"cached"}}"#, r#"{"configMapRef":{"name":"unknown"}}"#);
        assert_eq!(of("", &format!("{},{},{},", name("a"), name("b"), auth("c"))), r#"Text("b")"#);
        // a value of the cache is not shown to whoever sends a review, and one that may be overridden is not known
        assert_eq!(of(cached, ""), r#"Unknown("")"#);
        assert_eq!(of(&format!("{cached},{unknown}"), &format!("{},", name("b"))), r#"Text("b")"#);
        let from = |name: &str, key: &str| {
            let source = format!(r#"{{"configMapKeyRef":{{"name":"cached","key":"{key}"}}}}"#);
            last_value(&format!(r#""env":[{{"name":"{name}","valueFrom":{source}}}]"#))
        };
        assert_eq!(from("gateway.name", "gateway.name"), r#"Text("cached")"#);
        assert_eq!(from("GATEWAY__NAME", "gateway.name"), r#"Text("cached")"#);
        assert_eq!(from("config.service.auth", "gateway.name"), r#"Unknown("")"#);
        assert_eq!(from("config.service.auth", "auth"), r#"Unknown("")"#);
        let cached_key = format!(r#""envFrom":[{cached}],"env":[{}]"#, auth("$(auth)"));
        assert_eq!(last_value(&cached_key), r#"Unknown("")"#);
    }

    #[test]
    fn a_later_unknown_source_may_override_a_setting_that_its_prefix_can_begin() {
        let may_be_overridden = |prefix: &str| {
            let later = format!(r#"{{"prefix":"{prefix}","secretRef":{{"name":"a"}}}}"#);
            let sources = format!(r#""envFrom":[{{"configMapRef":{{"name":"cached"}}}},{later},{{"prefix":"x"}}]"#);
            last_setting(&sources, |_, variable| variable.may_be_overridden)
        };
        for (prefix, expected) in [("", true), ("gateway.", true), ("gateway.name", false), ("config", false)] {
            assert_eq!(may_be_overridden(prefix), expected, "{prefix}");
        }
    }

    #[test]
    fn a_source_whose_prefix_makes_every_key_a_setting_is_a_possible_sign_if_its_keys_are_unknown() {
        let sign = |prefix: &str, source: &str| {
            let sources = format!(r#""envFrom":[{{"prefix":"{prefix}",{source}}}]"#);
            let name = r#""env":[{"name":"gateway.name","value":"a"}]"#;
            last_setting(&format!("{sources},{name}"), |environment, _| environment.sign())
        };
        let (secret, known) = (r#""secretRef":{"name":"a"}"#, r#""configMapRef":{"name":"known"}"#);
        assert_eq!(sign("config.service.", secret), GatewaySign::Possible);
        assert_eq!(sign("config.service.", r#""configMapRef":{"name":"unknown"}"#), GatewaySign::Possible);
        assert_eq!(sign("config.service.", known), GatewaySign::None);
        assert_eq!(sign("config.", secret), GatewaySign::None);
    }

    #[test]
    fn only_a_written_path_of_the_auth_setting_is_a_secret_in_a_volume() {
        let json = |name: &str, value: &str, path: &str| {
            format!(
                r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a","env":[{{"name":"{name}",{value}}}],"volumeMounts":[{{"name":"v","mountPath":"{path}"}},{{"name":"other","mountPath":"/data"}}]}}],"volumes":[{{"name":"v","secret":{{}}}},{{"name":"other"}}]}}}}"#
            )
        };
        let value = |name: &str, value: &str, path: &str| {
            let map =
                r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"known"},"data":{"path":"/run/key"}}"#;
            let object = |json: String| KubernetesObject::recognize(json, "default").unwrap().unwrap();
            let (map, pod) = (object(map.to_owned()), object(json(name, value, path)));
            let related = RelatedObjects::of([&map], &Images::default());
            let workload = pod.workload().unwrap();
            let environment = Environment::of(&workload.containers()[0], workload, &related);
            format!("{:?}", environment.settings().last().unwrap().1.value)
        };
        let mounted = r#"Secret(Mount { volume: "v" })"#;
        let auth = "config.service.auth";
        for path in ["/run", "/run/", "//run/.", "/run/key", "/"] {
            assert_eq!(value(auth, r#""value":"/run/key""#, path), mounted, "{path}");
        }
        assert_eq!(value(auth, r#""value":" file:///run/./key""#, "/run"), mounted);
        for (text, path) in
            [("/run/key", "/ru"), ("/run/key", "/run/key/a"), ("/data/key", "/run"), ("run/key", "/run")]
        {
            assert_eq!(value(auth, &format!(r#""value":"{text}""#), path), format!("Text({text:?})"), "{path}");
        }
        assert_eq!(value("gateway.name", r#""value":"/run/key""#, "/run"), r#"Text("/run/key")"#);
        let of_map = r#""valueFrom":{"configMapKeyRef":{"name":"known","key":"path"}}"#;
        assert_eq!(value(auth, of_map, "/run"), r#"Text("/run/key")"#);
    }

    #[test]
    fn expansion_of_doubling_variables_is_limited() {
        let doubling =
            (1..60).map(|index| format!(r#"{{"name":"v{index}","value":"$(v{})$(v{})"}}"#, index - 1, index - 1));
        let setting = r#"{"name":"gateway.name","value":"$(v59)"}"#.to_owned();
        let env = [r#"{"name":"v0","value":"0123456789"}"#.to_owned()]
            .into_iter()
            .chain(doubling)
            .chain([setting])
            .collect::<Vec<_>>();
        let value = last_value(&format!(r#""env":[{}]"#, env.join(",")));
        assert!(value.starts_with("Unknown(") && value.len() < 3 * VALUE_BYTES, "{}", value.len());
    }

    #[test]
    fn expansion_of_nested_unknown_beginnings_is_limited() {
        let longer = (1..60).map(|index| format!(r#"{{"name":"v{index}","value":"$(text)$(v{})"}}"#, index - 1));
        let text = format!(r#"{{"name":"text","value":"é{}"}}"#, "é".repeat(VALUE_BYTES / 2 - 1));
        let first = r#"{"name":"v0","value":"$(text)$(text)"}"#.to_owned();
        let setting = r#"{"name":"gateway.name","value":"$(v59)"}"#.to_owned();
        let env = [text, first].into_iter().chain(longer).chain([setting]).collect::<Vec<_>>();
        let value = last_value(&format!(r#""env":[{}]"#, env.join(",")));
        assert!(value.starts_with("Unknown(") && value.len() < VALUE_BYTES + 20, "{}", value.len());
    }

    #[test]
    fn a_value_that_a_later_source_may_override_is_unknown() {
        let env = r#""env":[{"name":"gateway.name","value":"$(name)"}]"#;
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
            r#""envFrom":[{{"configMapRef":{{"name":"unknown"}}}}],"env":[{token},{{"name":"gateway.name","value":"$(prefix)$(token)"}}]"#
        ));
        assert_eq!(value, r#"Secret(Secret { name: "orders", key: "value" })"#);
    }
}
