//! The universe: what a gateway container can be built from, and what the two `ConfigMap`s can hold.
//!
//! A container has an image and, in every order, up to a number of the elements below. The `ConfigMap` `first` is the one
//! that the policy expects, so the mutating webhook fixes it; `second` is any other. What a Secret holds never matters:
//! a value that depends on one counts as a key.

use crate::environment::world::{Container, EnvEntry, EnvFromEntry, Field, From, GIVEN, Source};
use std::sync::LazyLock;
use test_support::key_sources::KEY;

/// The only value that needs no key.
pub(crate) const GOOD: &str = "workloadIdentity";
/// A key behind more whitespace than the cache keeps of a value.
pub(crate) static PADDED: LazyLock<&str> =
    LazyLock::new(|| Box::leak(format!("{}{KEY}", " ".repeat(1024)).into_boxed_str()));
/// An argument with a key.
const OPTION: &str = "--config.service.auth=GatewayKey orders&1&a2V5";
const LONG: &str = "orders&202601010000&bm8gcHJlZml4IGJ1dCBhIGtleQ==";
/// What the annotation `app` of the pod template holds.
pub(crate) const ANNOTATION: &str = GOOD;

/// The expected `ConfigMap` and the other one.
const FIRST: Source = Source::ConfigMap(GIVEN[0]);
const SECOND: Source = Source::ConfigMap(GIVEN[1]);

/// Names of variables that are the auth setting.
pub(crate) const SPELLINGS: [&str; 7] = [
    "config.service.auth",
    "CONFIG__SERVICE__AUTH",
    "DOTNET_config.service.auth",
    "ASPNETCORE_CONFIG__SERVICE__AUTH",
    "config.service.auth.key",
    "config__service.auth",
    "Config:Service:Auth",
];

/// Keys of the `ConfigMap`s. The first ones are spellings of the setting. The others can become it by a prefix, or by a
/// reference.
pub(crate) const KEYS: [&str; 11] = [
    "config.service.auth",
    "DOTNET_config.service.auth",
    "config.service.auth.key",
    "service.auth",
    "_service.auth",
    "auth",
    "OTNET_config.service.auth",
    "key",
    "A",
    "token",
    "gateway.name",
];

/// One element of a container.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    EnvFrom(EnvFromEntry),
    Env(EnvEntry),
    Args(&'static [&'static str]),
    /// An image that is not known to be the gateway's.
    OtherImage,
}

/// A gateway container.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) container: Container,
    pub(crate) args: &'static [&'static str],
    pub(crate) has_other_image: bool,
}

impl Gateway {
    pub(crate) fn of<'e>(elements: impl IntoIterator<Item = &'e Element>) -> Self {
        let container = Container { env_from: Vec::new(), env: Vec::new() };
        let mut gateway = Self { container, args: &[], has_other_image: false };
        for element in elements {
            match element {
                Element::EnvFrom(entry) => gateway.container.env_from.push(entry.clone()),
                Element::Env(entry) => gateway.container.env.push(entry.clone()),
                Element::Args(args) => gateway.args = args,
                Element::OtherImage => gateway.has_other_image = true,
            }
        }
        gateway
    }

    /// Every text in which `$(NAME)` is expanded.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.container.env.iter().filter_map(|entry| entry.value.as_deref()).chain(self.args.iter().copied())
    }
}

/// All elements, sorted by kind.
pub(crate) fn elements() -> Vec<Element> {
    let mut elements: Vec<Element> = env_from().into_iter().map(Element::EnvFrom).collect();
    elements.extend(settings().into_iter().chain(variables()).map(Element::Env));
    elements.extend(ARGS.iter().map(|args| Element::Args(args)));
    elements.push(Element::OtherImage);
    elements
}

/// Few elements, of which larger containers are built: one of each kind that can work together with another one.
pub(crate) fn few_elements() -> Vec<Element> {
    let whole = |of, prefix, optional| Element::EnvFrom(EnvFromEntry { prefix, of, optional });
    let mut elements = vec![
        whole(FIRST, None, None),
        whole(SECOND, None, Some(true)),
        whole(SECOND, Some("DOTNET_"), None),
        whole(SECOND, Some("config."), None),
        whole(SECOND, Some("P_"), None),
        whole(Source::Secret, Some("P_"), None),
        whole(Source::Secret, Some("telemetry."), None),
    ];
    let auth = SPELLINGS[0];
    let texts = [GOOD, KEY, "$(A)", "GatewayKey $(A)", "$(P_A)", "workload$(A)"].map(|value| text(auth, value));
    let sources = [
        key(FIRST, "config.service.auth", Some(true)),
        key(SECOND, "token", None),
        key(SECOND, "token", Some(true)),
        key(Source::Secret, "token", Some(true)),
        From::Resource,
    ];
    let settings = texts.into_iter().chain(sources.into_iter().map(|from| taken(auth, from)));
    let other_spelling = [GOOD, "$(A)"].map(|value| text(SPELLINGS[1], value));
    let texts = [GOOD, "Identity", OPTION, "$(A)", "$(P_A)"].map(|value| text("A", value));
    let sources =
        [key(SECOND, "token", None), key(SECOND, "token", Some(true)), key(Source::Secret, "token", Some(true))];
    let variables = texts.into_iter().chain(sources.into_iter().map(|from| taken("A", from)));
    elements.extend(settings.chain(other_spelling).chain(variables).map(Element::Env));
    elements.push(Element::Env(text("k8s.ingress.enabled", "true")));
    elements.extend([ARGS[1], ARGS[6], ARGS[8]].map(Element::Args));
    elements.push(Element::OtherImage);
    elements
}

/// Every container with at most `size` elements, as indices of `elements`. The order between different kinds of elements
/// does not matter.
pub(crate) fn containers(elements: &[Element], size: usize) -> Vec<Vec<u8>> {
    let (mut all, mut longest) = (vec![Vec::new()], vec![Vec::new()]);
    for _ in 0..size {
        longest = longest.iter().flat_map(|container| longer(container, elements)).collect();
        all.extend_from_slice(&longest);
    }
    all
}

/// A container with each element more that can follow.
fn longer(container: &[u8], elements: &[Element]) -> Vec<Vec<u8>> {
    let last = container.last().map(|last| &elements[usize::from(*last)]);
    let following = elements
        .iter()
        .zip(0_u8..)
        .filter(|(element, index)| last.is_none_or(|last| follows(last, element)) && !container.contains(index));
    following.map(|(_, index)| [container, &[index]].concat()).collect()
}

fn follows(last: &Element, next: &Element) -> bool {
    let kind = |element: &Element| match element {
        Element::EnvFrom(_) => 0,
        Element::Env(_) => 1,
        Element::Args(_) => 2,
        Element::OtherImage => 3,
    };
    kind(last) < kind(next) || (kind(last) == kind(next) && kind(last) < 2)
}

fn env_from() -> Vec<EnvFromEntry> {
    let entry = |of, prefix, optional| EnvFromEntry { prefix, of, optional };
    let mut entries = Vec::new();
    for of in [FIRST, SECOND] {
        for prefix in
            ["DOTNET_", "config.", "config.service.", "config_", "D", "P_", "config.service.auth.", "telemetry."]
        {
            entries.push(entry(of, Some(prefix), None));
        }
        entries.push(entry(of, None, None));
        entries.push(entry(of, None, Some(true)));
    }
    for prefix in ["", "P_", "config.", "config_", "DOTNET_", "D", "telemetry."] {
        entries.push(entry(Source::Secret, Some(prefix), None));
    }
    entries.push(entry(Source::Secret, None, Some(true)));
    entries
}

fn text(name: &'static str, value: &str) -> EnvEntry {
    EnvEntry { name, value: Some(value.to_owned()), from: None }
}

fn taken(name: &'static str, from: From) -> EnvEntry {
    EnvEntry { name, value: None, from: Some(from) }
}

fn key(of: Source, key: &'static str, optional: Option<bool>) -> From {
    From::Key { of, key, optional }
}

/// Entries of `env` that set the auth setting: all sources under its usual name, and some under its other names.
fn settings() -> Vec<EnvEntry> {
    let name = SPELLINGS[0];
    let texts = [
        GOOD,
        KEY,
        LONG,
        "",
        "azureAdApp",
        "$(A)",
        "$(P_A)",
        "GatewayKey $(A)",
        "$(A)GatewayKey orders&1&a2V5",
        "workload$(A)",
        "$$(A)",
        "$(config.service.auth)",
        "$(ORDERS_SERVICE_HOST)",
    ];
    let mut entries: Vec<EnvEntry> = texts.iter().map(|value| text(name, value)).collect();
    let sources = [
        key(FIRST, "config.service.auth", None),
        key(FIRST, "config.service.auth", Some(true)),
        key(FIRST, "config.service.auth.key", Some(true)),
        key(SECOND, "DOTNET_config.service.auth", Some(true)),
        key(SECOND, "token", None),
        key(SECOND, "token", Some(true)),
        key(SECOND, "gateway.name", None),
        key(Source::Secret, "token", None),
        key(Source::Secret, "token", Some(true)),
        From::File { optional: None },
        From::File { optional: Some(true) },
        From::Field(Field::Annotation("app")),
        From::Field(Field::Other("metadata.name")),
        From::Resource,
    ];
    entries.extend(sources.into_iter().map(|from| taken(name, from)));
    for name in &SPELLINGS[1..] {
        entries.extend([GOOD, KEY, "$(A)"].map(|value| text(name, value)));
        let sources = [
            key(FIRST, "config.service.auth", None),
            key(SECOND, "token", Some(true)),
            key(Source::Secret, "token", None),
        ];
        entries.extend(sources.into_iter().map(|from| taken(name, from)));
    }
    entries
}

/// Entries of `env` with other names: what `$(A)` refers to, and what decides how a container is evaluated.
fn variables() -> Vec<EnvEntry> {
    let texts = [GOOD, KEY, "Identity", OPTION, "", "$(A)", "$(P_A)"];
    let sources = [
        key(FIRST, "config.service.auth", None),
        key(SECOND, "token", None),
        key(SECOND, "token", Some(true)),
        key(Source::Secret, "token", None),
        key(Source::Secret, "token", Some(true)),
        From::File { optional: None },
        From::Field(Field::Annotation("app")),
        From::Resource,
    ];
    let mut entries: Vec<EnvEntry> = texts.iter().map(|value| text("A", value)).collect();
    entries.extend(sources.into_iter().map(|from| taken("A", from)));
    entries.push(text("k8s.ingress.enabled", "true"));
    entries.push(text("config.service.endpoint", "https://contoso.configuration.azure-api.net"));
    entries
}

const ARGS: [&[&str]; 11] = [
    &["--config.service.auth=workloadIdentity"],
    &["--config.service.auth=$(A)"],
    &["--config.service.auth", "$(A)"],
    &["/config:service:auth", KEY],
    &["config.service.auth.key=$(A)"],
    &["--CONFIG__SERVICE__AUTH=$(P_A)"],
    &["$(A)"],
    &["$(A) "],
    &["$(P_A)"],
    &["--urls=http://$(A)"],
    &["run", "$$(A)"],
];

/// The values that a key of a `ConfigMap` can have: one that needs no key, and a key.
pub(crate) fn values(key: &str) -> [&'static str; 2] {
    match key {
        "DOTNET_config.service.auth" => [GOOD, *PADDED],
        "A" => [GOOD, OPTION],
        // no key, but not workloadIdentity either; another rule denies a name that is a key
        "gateway.name" => [GOOD, "orders"],
        _ => [GOOD, KEY],
    }
}
