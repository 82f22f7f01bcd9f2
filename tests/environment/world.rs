//! Generated worlds: what stands in a namespace, and containers that take their environment from it.
//!
//! Plain data of its own, never Kubernetes' types. Names are few, so that sources often set the same variable.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// Texts by name: a `ConfigMap`'s data, a Secret's, labels, annotations.
pub(crate) type Texts = BTreeMap<&'static str, &'static str>;

/// The `ConfigMap`s that are given. A third is not: it is absent where everything is given, and unseen elsewhere.
pub(crate) const GIVEN: [&str; 2] = ["first", "second"];
/// A Secret; none is ever given.
pub(crate) const SECRET: &str = "vault";
/// The namespace of everything.
pub(crate) const NAMESPACE: &str = "team-a";
/// Containers of a workload.
pub(crate) const CONTAINERS: usize = 5;
/// How many of them, from the front, are no init containers.
pub(crate) const REGULAR: usize = 3;
/// The key of the file that another container writes.
pub(crate) const FILE_KEY: &str = "A";

const CONFIG_MAPS: [&str; 4] = ["first", "first", "second", "third"];
const KEYS: [&str; 8] = ["A", "A", "B", "C", "P_A", "P_B", "config.service.auth", "ORDERS_SERVICE_HOST"];
const NAMES: [&str; 10] =
    ["A", "A", "B", "B", "C", "P_A", "P_B", "config.service.auth", "CONFIG:SERVICE__AUTH", "ORDERS_SERVICE_HOST"];
const TEXTS: [&str; 7] = ["x", "yé", "", " ", "$(A)", "$$(B)", "workloadIdentity"];
const PREFIXES: [&str; 5] = ["", "P_", "P", "config.service.", "CONFIG__"];
/// Pieces of a `value`; side by side they make escapes, references in references, and references without an end.
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
    "$(NOBODY)",
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

/// A workload and what stands beside it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Is everything given that there is?
    pub(crate) is_whole: bool,
    /// Data of the `ConfigMap`s that are given.
    pub(crate) given: [Texts; 2],
    /// Keys of `binaryData` of the same.
    pub(crate) binary: Vec<&'static str>,
    /// Data of the `ConfigMap` that is there but not given, if there is one.
    pub(crate) withheld: Option<Texts>,
    /// What the Secret holds, if there is one.
    pub(crate) secret: Option<Texts>,
    /// Labels of the template.
    pub(crate) labels: Texts,
    /// Annotations of the template.
    pub(crate) annotations: Texts,
    /// The containers.
    pub(crate) containers: Vec<Container>,
}

/// A container's two lists.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) env_from: Vec<Whole>,
    pub(crate) env: Vec<Entry>,
}

/// An entry of `envFrom`.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) prefix: Option<&'static str>,
    pub(crate) of: Holder,
    pub(crate) optional: Option<bool>,
}

/// An entry of `env`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) value: Option<String>,
    pub(crate) from: Option<From>,
}

/// What holds texts under keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holder {
    ConfigMap(&'static str),
    Secret,
}

/// A `valueFrom`.
#[derive(Clone, Debug)]
pub(crate) enum From {
    Key { of: Holder, key: &'static str, optional: Option<bool> },
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
    let beside = (any::<bool>(), [keys(), keys()], vec(Just("binary"), 0..2), option::of(keys()), option::of(keys()));
    let containers = vec(container(), CONTAINERS);
    (beside, marks(), marks(), containers).prop_map(|(beside, labels, annotations, containers)| {
        let (is_whole, given, binary, withheld, secret) = beside;
        World { is_whole, given, binary, withheld, secret, labels, annotations, containers }
    })
}

fn container() -> impl Strategy<Value = Container> {
    (vec(whole(), 0..3), vec(entry(), 0..5)).prop_map(|(env_from, env)| Container { env_from, env })
}

fn whole() -> impl Strategy<Value = Whole> {
    (option::of(select(&PREFIXES[..])), holder(), optional()).prop_map(|(prefix, of, optional)| Whole {
        prefix,
        of,
        optional,
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let value = vec(select(&FRAGMENTS[..]), 0..4).prop_map(|fragments| fragments.concat());
    (select(&NAMES[..]), option::weighted(0.6, value), option::of(from())).prop_map(|(name, value, from)| Entry {
        name,
        value,
        from,
    })
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        4 => (holder(), select(&KEYS[..]), optional()).prop_map(|(of, key, optional)| From::Key { of, key, optional }),
        1 => (Just("binary"), optional())
            .prop_map(|(key, optional)| From::Key { of: Holder::ConfigMap("first"), key, optional }),
        1 => optional().prop_map(|optional| From::File { optional }),
        3 => select(&FIELDS[..]).prop_map(From::Field),
        1 => Just(From::Resource),
    ]
}

fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![5 => select(&CONFIG_MAPS[..]).prop_map(Holder::ConfigMap), 1 => Just(Holder::Secret)]
}

fn optional() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![Just(None), Just(Some(false)), Just(Some(true)), Just(Some(true))]
}
