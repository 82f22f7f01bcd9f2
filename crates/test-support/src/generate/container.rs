//! Generates containers, with every way in which a setting reaches one.

use super::palette::VALUES;
use super::{Palette, always, list, maybe, nullable, object, text};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// A container for any of the three lists.
pub fn container(palette: &'static Palette) -> BoxedStrategy<Value> {
    object(vec![
        ("name", always(text(palette.names))),
        ("image", maybe(text(palette.images))),
        ("env", nullable(list(variable(palette), 3))),
        ("envFrom", nullable(list(source(palette), 2))),
        ("volumeMounts", nullable(list(mount(), 2))),
        ("args", maybe(Just(json!(["--verbose"])))),
        ("command", maybe(Just(json!(["dotnet"])))),
        ("imagePullPolicy", maybe(Just(json!("Always")))),
    ])
}

/// An entry of `env`.
fn variable(palette: &'static Palette) -> BoxedStrategy<Value> {
    let name = || always(text(palette.settings));
    prop_oneof![
        3 => object(vec![("name", name()), ("value", maybe(text(VALUES)))]),
        2 => object(vec![("name", name()), ("valueFrom", always(value_source(palette)))]),
    ]
    .boxed()
}

fn value_source(palette: &'static Palette) -> BoxedStrategy<Value> {
    let key_of = || {
        object(vec![
            ("name", always(text(palette.names))),
            ("key", always(text(palette.settings))),
            ("optional", maybe(Just(json!(true)))),
        ])
    };
    let file = object(vec![
        ("volumeName", always(text(VOLUMES))),
        ("path", always(Just(json!("env")))),
        ("key", always(text(palette.settings))),
    ]);
    let field = object(vec![("fieldPath", always(text(FIELDS)))]);
    prop_oneof![
        object(vec![("secretKeyRef", always(key_of()))]),
        object(vec![("configMapKeyRef", always(key_of()))]),
        object(vec![("fileKeyRef", always(file))]),
        object(vec![("fieldRef", always(field))]),
        Just(json!({"resourceFieldRef": {"resource": "limits.cpu"}})),
    ]
    .boxed()
}

/// An entry of `envFrom`.
fn source(palette: &'static Palette) -> BoxedStrategy<Value> {
    let reference = || object(vec![("name", always(text(palette.names)))]);
    let prefix = || maybe(text(palette.prefixes));
    prop_oneof![
        2 => object(vec![("configMapRef", always(reference())), ("prefix", prefix())]),
        1 => object(vec![("secretRef", always(reference())), ("prefix", prefix())]),
    ]
    .boxed()
}

fn mount() -> BoxedStrategy<Value> {
    object(vec![("name", always(text(VOLUMES))), ("mountPath", always(text(&["/mnt/secrets", "/apim/config", "/"])))])
}

/// A volume, with or without a Secret.
pub fn volume() -> BoxedStrategy<Value> {
    let of = select(vec![
        json!({"secret": {"secretName": "orders-tls"}}),
        json!({"csi": {"driver": "secrets-store.csi.k8s.io"}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}, {"secret": {"name": "orders"}}]}}),
        json!({"projected": {"sources": null}}),
        json!({"emptyDir": {}}),
        json!({"futureVolume": {"kept": true}}),
    ]);
    (select(VOLUMES), of)
        .prop_map(|(name, mut volume)| {
            volume.as_object_mut().into_iter().for_each(|members| _ = members.insert("name".to_owned(), name.into()));
            volume
        })
        .boxed()
}

static VOLUMES: &[&str] = &["secrets", "config"];
static FIELDS: &[&str] =
    &["metadata.annotations['team.example/token']", "metadata.labels['team.example/token']", "metadata.name"];
