//! The environment of a container by the documentation: an interpreter of the kubelet's rules with access to the hidden
//! sources.
//!
//! It follows the field documentation of the Kubernetes API (`Container.env`, `Container.envFrom`, `EnvVar`,
//! `EnvVarSource`, `EnvFromSource`, `ConfigMapKeySelector`, `FileKeySelector`) and the kubelet
//! (`makeEnvironmentVariables`). It shares no code with the resolver under test.

use super::true_value::{Origin, TrueValue, expanded};
use super::world::{Container, EnvEntry, EnvFromEntry, FILE_KEY, Field, From, GIVEN, Source, Texts, World};
use std::collections::BTreeSet;

/// One change that the kubelet makes to the environment.
enum Step {
    /// Sets a variable.
    Set(String, TrueValue),
    /// Sets a variable if a hidden source has a text for it.
    SetIfThere(String, Option<String>, Origin),
    /// Sets a variable for every key of a hidden source, with this prefix.
    SetAll(&'static str, Texts, Origin),
}

/// The contents of a ConfigMap or Secret, as far as the resolver knows them.
enum Contents<'w> {
    Known(&'w Texts),
    Hidden(Option<&'w Texts>, Origin),
}

/// The environment of a container.
pub(crate) struct Environment {
    steps: Vec<Step>,
    /// Name and path of every variable that an entry sets or may set by name, in the kubelet's order.
    pub(crate) set: Vec<(String, String)>,
    /// Is every `envFrom` source known?
    pub(crate) is_complete: bool,
}

impl Environment {
    /// The environment of `container`: all of `envFrom` in order, then all of `env` in order. The last entry wins.
    pub(crate) fn of(container: &Container, world: &World) -> Self {
        let mut environment = Self { steps: Vec::new(), set: Vec::new(), is_complete: true };
        for (index, entry) in container.env_from.iter().enumerate() {
            environment.take(entry, world, &format!("/envFrom/{index}"));
        }
        for (index, entry) in container.env.iter().enumerate() {
            if let Some(step) = environment.step(entry, world) {
                environment.set.push((entry.name.to_owned(), format!("/env/{index}")));
                environment.steps.push(step);
            }
        }
        environment
    }

    /// The name of every variable that a known or hidden source sets.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let of = |step: &Step| match step {
            Step::Set(name, _) | Step::SetIfThere(name, ..) => vec![name.clone()],
            Step::SetAll(prefix, texts, _) => texts.keys().map(|key| format!("{prefix}{key}")).collect(),
        };
        self.steps.iter().flat_map(of).collect()
    }

    /// `EnvFromSource`: each key becomes a variable, named prefix + key.
    fn take(&mut self, entry: &EnvFromEntry, world: &World, at: &str) {
        let prefix = entry.prefix.unwrap_or_default();
        let (texts, origin) = match contents(entry.of, world) {
            Contents::Known(texts) => {
                for (key, text) in texts {
                    let name = format!("{prefix}{key}");
                    self.set.push((name.clone(), at.to_owned()));
                    self.steps.push(Step::Set(name, TrueValue::known((*text).to_owned())));
                }
                return;
            }
            Contents::Hidden(texts, origin) => (texts, origin),
        };
        self.is_complete = false;
        self.steps.push(Step::SetAll(prefix, texts.cloned().unwrap_or_default(), origin));
    }

    /// `EnvVar`: the expanded `value`, or `valueFrom` if `value` is empty.
    fn step(&self, entry: &EnvEntry, world: &World) -> Option<Step> {
        let set = |true_value| Some(Step::Set(entry.name.to_owned(), true_value));
        match (entry.value.as_deref().unwrap_or_default(), &entry.from) {
            ("", None) => set(TrueValue::known(String::new())),
            ("", Some(From::Field(field))) => set(field_of_pod(*field, world)),
            ("", Some(From::Resource)) => set(TrueValue::hidden("2", Origin::Unknown)),
            // a file of another container is as hidden as a Secret; here it has the same contents
            ("", Some(From::File { optional })) => {
                Self::set_from(entry.name, contents(Source::Secret, world), FILE_KEY, *optional)
            }
            ("", Some(From::Key { of, key, optional })) => {
                Self::set_from(entry.name, contents(*of, world), key, *optional)
            }
            (value, _) => set(expanded(value, |name| self.true_value(name))),
        }
    }

    /// `ConfigMapKeySelector` and similar selectors: an optional one without a matching key sets nothing when the
    /// container starts, so an earlier value stays.
    fn set_from(name: &str, contents: Contents<'_>, key: &str, optional: Option<bool>) -> Option<Step> {
        let set = |true_value| Some(Step::Set(name.to_owned(), true_value));
        // the container starts only once a required key exists
        let later = "made later";
        match (contents, optional == Some(true)) {
            (Contents::Known(texts), is_optional) => match texts.get(key) {
                Some(text) => set(TrueValue::known((*text).to_owned())),
                // a later write of the ConfigMap can add the key
                None if is_optional => Some(Step::SetIfThere(name.to_owned(), None, Origin::Unknown)),
                None => set(TrueValue::hidden(later, Origin::Unknown)),
            },
            (Contents::Hidden(texts, origin), is_optional) => {
                let text = texts.and_then(|texts| texts.get(key)).copied();
                if is_optional {
                    return Some(Step::SetIfThere(name.to_owned(), text.map(str::to_owned), origin));
                }
                set(TrueValue::hidden(text.unwrap_or(later), origin))
            }
        }
    }

    /// The value of `name` so far: from the last step that sets it, unless a later hidden step may override it.
    pub(crate) fn true_value(&self, name: &str) -> TrueValue {
        let mut overriders = Vec::new();
        for step in self.steps.iter().rev() {
            let (text, origin) = match step {
                Step::Set(set, true_value) if set == name => {
                    return true_value.clone().maybe_overridden_by(&overriders);
                }
                Step::SetIfThere(set, text, origin) if set == name => (text.clone(), *origin),
                Step::SetAll(prefix, texts, origin) => match key_after(prefix, name) {
                    Some(key) => (texts.get(key).map(|text| (*text).to_owned()), *origin),
                    None => continue,
                },
                _ => continue,
            };
            overriders.push(origin);
            if let Some(text) = text {
                return TrueValue::hidden(&text, origin).maybe_overridden_by(&overriders);
            }
        }
        let unset =
            if is_of_service(name) { TrueValue::hidden("10.0.0.1", Origin::Unknown) } else { TrueValue::default() };
        unset.maybe_overridden_by(&overriders)
    }
}

/// The key that makes this variable with this prefix, if there is one: a key is never empty.
fn key_after<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
    name.strip_prefix(prefix).filter(|key| !key.is_empty())
}

/// Is it a variable that the kubelet adds for a Service (`pkg/kubelet/envvars`)?
fn is_of_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")
}

/// Labels and annotations of the template are known, and an absent one is empty (`pkg/fieldpath`). The deployment
/// controller adds one label. All other fields come from the cluster.
fn field_of_pod(field: Field, world: &World) -> TrueValue {
    let text = match field {
        Field::Other(_) | Field::Label("pod-template-hash") => return TrueValue::hidden("7d9c", Origin::Unknown),
        Field::Label(key) => world.labels.get(key),
        Field::Annotation(key) => world.annotations.get(key),
    };
    TrueValue::known(text.copied().unwrap_or_default().to_owned())
}

fn contents(source: Source, world: &World) -> Contents<'_> {
    match source {
        Source::Secret => Contents::Hidden(world.secret.as_ref(), Origin::Secret),
        Source::ConfigMap(name) => match GIVEN.iter().position(|given| *given == name) {
            Some(index) => Contents::Known(&world.given[index]),
            // an absent ConfigMap may exist by the time the container starts
            None => Contents::Hidden(world.not_given.as_ref(), Origin::Unknown),
        },
    }
}
