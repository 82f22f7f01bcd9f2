//! The environment of a container after the documents: an interpreter of the kubelet's rules that knows what is hidden.
//!
//! Written from the field documentation of the Kubernetes API (`Container.env`, `Container.envFrom`, `EnvVar`,
//! `EnvVarSource`, `EnvFromSource`, `ConfigMapKeySelector`, `FileKeySelector`) and from the kubelet
//! (`makeEnvironmentVariables`), not from the resolver that it is held against.

use crate::fate::{Fate, Origin, expanded};
use crate::world::{Container, Entry, FILE_KEY, Field, From, GIVEN, Holder, Texts, Whole, World};
use std::collections::BTreeSet;

/// One thing that the kubelet does to the environment.
enum Step {
    /// Sets a variable.
    Set(String, Fate),
    /// Sets a variable if something hidden holds a text for it.
    SetIfThere(String, Option<String>, Origin),
    /// Sets a variable for every key of something hidden, with this prefix.
    SetAll(&'static str, Texts, Origin),
}

/// How much is known of something that holds texts under keys.
enum Held<'w> {
    Seen(&'w Texts),
    Hidden(Option<&'w Texts>, Origin),
}

/// The environment of a container.
pub(crate) struct Environment {
    steps: Vec<Step>,
    /// Name and place of everything that is set, or may be by an entry that names it, in the kubelet's order.
    pub(crate) set: Vec<(String, String)>,
    /// Can everything be seen that is taken whole?
    pub(crate) is_whole: bool,
}

impl Environment {
    /// The environment of `container`: all of `envFrom` in order, then all of `env` in order; the last one wins.
    pub(crate) fn of(container: &Container, world: &World) -> Self {
        let mut environment = Self { steps: Vec::new(), set: Vec::new(), is_whole: true };
        for (index, whole) in container.env_from.iter().enumerate() {
            environment.take(whole, world, &format!("/envFrom/{index}"));
        }
        for (index, entry) in container.env.iter().enumerate() {
            if let Some(step) = environment.step(entry, world) {
                environment.set.push((entry.name.to_owned(), format!("/env/{index}")));
                environment.steps.push(step);
            }
        }
        environment
    }

    /// Every name that something is known to set or may set.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let of = |step: &Step| match step {
            Step::Set(name, _) | Step::SetIfThere(name, ..) => vec![name.clone()],
            Step::SetAll(prefix, texts, _) => texts.keys().map(|key| format!("{prefix}{key}")).collect(),
        };
        self.steps.iter().flat_map(of).collect()
    }

    /// `EnvFromSource`: each key is a variable, its name behind the prefix.
    fn take(&mut self, whole: &Whole, world: &World, at: &str) {
        let prefix = whole.prefix.unwrap_or_default();
        let (texts, origin) = match held(whole.of, world) {
            Held::Seen(texts) => {
                for (key, text) in texts {
                    let name = format!("{prefix}{key}");
                    self.set.push((name.clone(), at.to_owned()));
                    self.steps.push(Step::Set(name, Fate::seen((*text).to_owned())));
                }
                return;
            }
            Held::Hidden(texts, origin) => (texts, origin),
        };
        self.is_whole = false;
        self.steps.push(Step::SetAll(prefix, texts.cloned().unwrap_or_default(), origin));
    }

    /// `EnvVar`: `value` with its references expanded, or where it is empty `valueFrom`.
    fn step(&self, entry: &Entry, world: &World) -> Option<Step> {
        let set = |fate| Some(Step::Set(entry.name.to_owned(), fate));
        match (entry.value.as_deref().unwrap_or_default(), &entry.from) {
            ("", None) => set(Fate::seen(String::new())),
            ("", Some(From::Field(field))) => set(field_of_pod(*field, world)),
            ("", Some(From::Resource)) => set(Fate::hidden("2", Origin::Unseen)),
            // a file of another container is as a Secret is, and here holds the same
            ("", Some(From::File { optional })) => {
                Self::set_from(entry.name, held(Holder::Secret, world), FILE_KEY, *optional)
            }
            ("", Some(From::Key { of, key, optional })) => Self::set_from(entry.name, held(*of, world), key, *optional),
            (value, _) => set(expanded(value, |name| self.fate(name))),
        }
    }

    /// `ConfigMapKeySelector` and its like: where it is optional and has no such key, nothing is set, and what was set stays.
    fn set_from(name: &str, held: Held<'_>, key: &str, optional: Option<bool>) -> Option<Step> {
        let set = |fate| Some(Step::Set(name.to_owned(), fate));
        // what is needed and isn't there will be there by the time that the container starts
        let later = "made later";
        match (held, optional == Some(true)) {
            (Held::Seen(texts), is_optional) => match texts.get(key) {
                Some(text) => set(Fate::seen((*text).to_owned())),
                None if is_optional => None,
                None => set(Fate::hidden(later, Origin::Unseen)),
            },
            (Held::Hidden(texts, origin), is_optional) => {
                let text = texts.and_then(|texts| texts.get(key)).copied();
                if is_optional {
                    return Some(Step::SetIfThere(name.to_owned(), text.map(str::to_owned), origin));
                }
                set(Fate::hidden(text.unwrap_or(later), origin))
            }
        }
    }

    /// What `name` is set to so far: by the last step that sets it, unless a later one that is hidden may.
    pub(crate) fn fate(&self, name: &str) -> Fate {
        let mut doubts = Vec::new();
        for step in self.steps.iter().rev() {
            let (text, origin) = match step {
                Step::Set(set, fate) if set == name => return fate.clone().doubted(&doubts),
                Step::SetIfThere(set, text, origin) if set == name => (text.clone(), *origin),
                Step::SetAll(prefix, texts, origin) => match key_behind(prefix, name) {
                    Some(key) => (texts.get(key).map(|text| (*text).to_owned()), *origin),
                    None => continue,
                },
                _ => continue,
            };
            doubts.push(origin);
            if let Some(text) = text {
                return Fate::hidden(&text, origin).doubted(&doubts);
            }
        }
        let unset = if is_of_service(name) { Fate::hidden("10.0.0.1", Origin::Unseen) } else { Fate::default() };
        unset.doubted(&doubts)
    }
}

/// The key that makes this variable behind this prefix, if one can: a key is never empty.
fn key_behind<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
    name.strip_prefix(prefix).filter(|key| !key.is_empty())
}

/// Is it the name of a variable that the kubelet adds for a Service (`pkg/kubelet/envvars`)?
fn is_of_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")
}

/// A label or an annotation of the template is seen, and one that isn't there is empty (`pkg/fieldpath`); but the
/// Deployment's controller adds a label, and all other fields come from the cluster.
fn field_of_pod(field: Field, world: &World) -> Fate {
    let text = match field {
        Field::Other(_) | Field::Label("pod-template-hash") => return Fate::hidden("7d9c", Origin::Unseen),
        Field::Label(key) => world.labels.get(key),
        Field::Annotation(key) => world.annotations.get(key),
    };
    Fate::seen(text.copied().unwrap_or_default().to_owned())
}

fn held(holder: Holder, world: &World) -> Held<'_> {
    match holder {
        Holder::Secret => Held::Hidden(world.secret.as_ref(), Origin::Secret),
        Holder::ConfigMap(name) => match GIVEN.iter().position(|given| *given == name) {
            Some(index) => Held::Seen(&world.given[index]),
            // what isn't there when it is looked for may be there when the container starts
            None => Held::Hidden(world.withheld.as_ref(), Origin::Unseen),
        },
    }
}
