//! Generated worlds: the objects of a namespace, and containers that take their environment from them.
//!
//! The types are plain data, independent of Kubernetes' types. There are few names, so that several sources often set
//! the same variable.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// Texts by name: a `ConfigMap`'s data, a Secret's, labels, annotations.
pub(crate) type Texts = BTreeMap<&'static str, &'static str>;

/// The `ConfigMap`s that the resolver is given. A third one is not given: it is absent if the world is complete, and
/// unknown otherwise.
pub(crate) const GIVEN: [&str; 2] = ["first", "second"];
/// A Secret. The resolver is never given one.
pub(crate) const SECRET: &str = "vault";
/// The namespace of all objects.
pub(crate) const NAMESPACE: &str = "team-a";
/// Number of containers of a workload.
pub(crate) const CONTAINERS: usize = 5;
/// Number of regular containers; they come before the init containers.
pub(crate) const REGULAR: usize = 3;
/// The key in the file that another container writes.
pub(crate) const FILE_KEY: &str = "A";

const CONFIG_MAPS: [&str; 4] = ["first", "first", "second", "third"];
const KEYS: [&str; 10] =
    ["A", "A", "B", "C", "P_A", "P_B", "config.service.auth", "auth", "SERVICE__AUTH", "ORDERS_SERVICE_HOST"];
const NAMES: [&str; 12] = [
    "A",
    "A",
    "B",
    "B",
    "C",
    "P_A",
    "P_B",
    "config.service.auth",
    "config.service.auth",
    "CONFIG:SERVICE__AUTH",
    "gateway.name",
    "ORDERS_SERVICE_HOST",
];
const TEXTS: [&str; 7] = ["x", "yé", "", " ", "$(A)", "$$(B)", "workloadIdentity"];
const PREFIXES: [&str; 5] = ["", "P_", "P", "config.service.", "CONFIG__"];
/// Pieces of a `value`. Concatenated they make escapes, nested references, and unterminated references.
const FRAGMENTS: [&str; 19] = [
    "x",
    "xé",
    "$",
    "$",
    "$$",
    "(",
    ")",
    "$(A)",
    "$(A)",
    "$(B)",
    "$(P_A)",
    "$(a)",
    "$$(A)",
    "$$$(B)",
    "$()",
    "$(UNSET)",
    "$(config.service.auth)",
    "$(ORDERS_SERVICE_HOST)",
    "$(KUBERNETES_SERVICE_PORT)",
];
const FIELDS: [Field; 9] = [
    Field::Label("app"),
    Field::Label("example.com/tier"),
    Field::Annotation("app"),
    Field::Annotation("example.com/tier"),
    Field::Label("pod-template-hash"),
    Field::Other("metadata.name"),
    Field::Other("spec.nodeName"),
    Field::Other("status.podIP"),
    Field::Other("metadata.namespace"),
];

/// A workload and its related objects.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Is the resolver given every object of the namespace?
    pub(crate) is_complete: bool,
    /// `data` of the given `ConfigMap`s.
    pub(crate) given: [Texts; 2],
    /// Keys of `binaryData` of the given `ConfigMap`s.
    pub(crate) binary: Vec<&'static str>,
    /// `data` of the `ConfigMap` that exists but is not given, if there is one.
    pub(crate) not_given: Option<Texts>,
    /// Contents of the Secret, if there is one.
    pub(crate) secret: Option<Texts>,
    /// Labels of the template.
    pub(crate) labels: Texts,
    /// Annotations of the template.
    pub(crate) annotations: Texts,
    /// The containers.
    pub(crate) containers: Vec<Container>,
}

/// `env` and `envFrom` of a container.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) env_from: Vec<EnvFromEntry>,
    pub(crate) env: Vec<EnvEntry>,
}

/// An entry of `envFrom`.
#[derive(Clone, Debug)]
pub(crate) struct EnvFromEntry {
    pub(crate) prefix: Option<&'static str>,
    pub(crate) of: Source,
    pub(crate) optional: Option<bool>,
}

/// An entry of `env`.
#[derive(Clone, Debug)]
pub(crate) struct EnvEntry {
    pub(crate) name: &'static str,
    pub(crate) value: Option<String>,
    pub(crate) from: Option<From>,
}

/// A ConfigMap or a Secret.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    ConfigMap(&'static str),
    Secret,
}

/// A `valueFrom`.
#[derive(Clone, Debug)]
pub(crate) enum From {
    Key { of: Source, key: &'static str, optional: Option<bool> },
    File { optional: Option<bool> },
    Field(Field),
    Resource,
}

/// A field of the pod.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field {
    Label(&'static str),
    Annotation(&'static str),
    Other(&'static str),
}

/// Any world.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let keys = || btree_map(select(&KEYS[..]), select(&TEXTS[..]), 0..4);
    let marks = || btree_map(select(&["app", "example.com/tier"][..]), select(&TEXTS[..]), 0..3);
    let objects = (any::<bool>(), [keys(), keys()], vec(Just("binary"), 0..2), option::of(keys()), option::of(keys()));
    let containers = vec(container(), CONTAINERS);
    (objects, marks(), marks(), containers).prop_map(|(objects, labels, annotations, containers)| {
        let (is_complete, given, binary, not_given, secret) = objects;
        World { is_complete, given, binary, not_given, secret, labels, annotations, containers }
    })
}

fn container() -> impl Strategy<Value = Container> {
    (vec(env_from_entry(), 0..3), vec(env_entry(), 0..5)).prop_map(|(env_from, env)| Container { env_from, env })
}

fn env_from_entry() -> impl Strategy<Value = EnvFromEntry> {
    (option::of(select(&PREFIXES[..])), source(), optional()).prop_map(|(prefix, of, optional)| EnvFromEntry {
        prefix,
        of,
        optional,
    })
}

fn env_entry() -> impl Strategy<Value = EnvEntry> {
    let value = vec(select(&FRAGMENTS[..]), 0..4).prop_map(|fragments| fragments.concat());
    (select(&NAMES[..]), option::weighted(0.6, value), option::of(from())).prop_map(|(name, value, from)| EnvEntry {
        name,
        value,
        from,
    })
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        4 => (source(), select(&KEYS[..]), optional()).prop_map(|(of, key, optional)| From::Key { of, key, optional }),
        1 => (Just("binary"), optional())
            .prop_map(|(key, optional)| From::Key { of: Source::ConfigMap("first"), key, optional }),
        1 => optional().prop_map(|optional| From::File { optional }),
        3 => select(&FIELDS[..]).prop_map(From::Field),
        1 => Just(From::Resource),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![5 => select(&CONFIG_MAPS[..]).prop_map(Source::ConfigMap), 1 => Just(Source::Secret)]
}

fn optional() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![Just(None), Just(Some(false)), Just(Some(true)), Just(Some(true))]
}
