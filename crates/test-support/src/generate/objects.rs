//! Generates objects of every kind that the rules evaluate.

use super::container::{container, volume};
use super::palette::{ANNOTATION_KEYS, ANNOTATIONS, LABEL_KEYS, VALUES};
use super::{Palette, always, list, maybe, nullable, object, text, texts};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// An object of any kind.
pub fn any_object(palette: &'static Palette) -> BoxedStrategy<Value> {
    prop_oneof![
        4 => workload(palette),
        2 => service_account(palette),
        2 => config_map(palette),
    ]
    .boxed()
}

/// A workload: an object with a pod template, or a Pod.
pub fn workload(palette: &'static Palette) -> BoxedStrategy<Value> {
    let siblings = object(vec![
        ("replicas", maybe(Just(json!(2)))),
        ("selector", maybe(Just(json!({"matchLabels": {"app": "orders"}})))),
    ]);
    (select(WORKLOADS), prop_oneof![1 => Just(Value::Null), 12 => metadata(palette)], template(palette), siblings)
        .prop_map(|((api_version, kind, path), metadata, template, siblings)| {
            let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
            match path {
                [] => merge(&mut object, template),
                ["template"] => merge(&mut object, json!({"template": template})),
                _ => merge(&mut object, json!({"spec": nested(path, &siblings, template)})),
            }
            object
        })
        .boxed()
}

/// A `ServiceAccount`.
pub fn service_account(palette: &'static Palette) -> BoxedStrategy<Value> {
    object(vec![
        ("apiVersion", always(Just(json!("v1")))),
        ("kind", always(Just(json!("ServiceAccount")))),
        ("metadata", always(metadata(palette))),
        ("automountServiceAccountToken", maybe(Just(json!(false)))),
    ])
}

/// A `ConfigMap`.
pub fn config_map(palette: &'static Palette) -> BoxedStrategy<Value> {
    object(vec![
        ("apiVersion", always(Just(json!("v1")))),
        ("kind", always(Just(json!("ConfigMap")))),
        ("metadata", always(metadata(palette))),
        ("data", nullable(texts(palette.settings, VALUES))),
        ("binaryData", maybe(texts(palette.settings, &["a2V5"]))),
        ("immutable", maybe(Just(json!(true)))),
    ])
}

fn metadata(palette: &'static Palette) -> BoxedStrategy<Value> {
    object(vec![
        ("name", maybe(text(palette.names))),
        ("generateName", maybe(Just(json!("orders-")))),
        ("namespace", maybe(text(&["team-a", "team-b", ""]))),
        ("labels", nullable(labels(palette))),
        ("annotations", nullable(texts(ANNOTATION_KEYS, ANNOTATIONS))),
        ("ownerReferences", nullable(list(owner(), 2))),
    ])
}

fn labels(palette: &'static Palette) -> BoxedStrategy<Value> {
    let marked = text(palette.labels).prop_map(|label| json!({"app.kubernetes.io/component": label}));
    prop_oneof![2 => texts(LABEL_KEYS, palette.labels), 1 => marked, 1 => Just(json!({"app": "orders"}))].boxed()
}

fn owner() -> BoxedStrategy<Value> {
    (select(OWNERS), select(vec![json!(true), json!(false), Value::Null]))
        .prop_map(|((api_version, kind), controller)| json!({"apiVersion": api_version, "kind": kind, "name": "orders", "uid": "u", "controller": controller}))
        .boxed()
}

fn template(palette: &'static Palette) -> BoxedStrategy<Value> {
    let template = object(vec![("metadata", nullable(metadata(palette))), ("spec", always(pod_spec(palette)))]);
    prop_oneof![1 => Just(json!({"spec": null})), 24 => template].boxed()
}

fn pod_spec(palette: &'static Palette) -> BoxedStrategy<Value> {
    let account = || maybe(text(palette.names));
    let containers = prop::collection::vec(container(palette), 1..3).prop_map(Value::Array);
    object(vec![
        ("containers", prop_oneof![1 => Just(Some(Value::Null)), 20 => containers.prop_map(Some)].boxed()),
        ("initContainers", nullable(list(container(palette), 1))),
        ("ephemeralContainers", nullable(list(container(palette), 1))),
        (
            "serviceAccountName",
            prop_oneof![1 => Just(Some(Value::Null)), 1 => Just(Some(json!(""))), 6 => account()].boxed(),
        ),
        ("serviceAccount", prop_oneof![3 => Just(None), 1 => account()].boxed()),
        ("volumes", nullable(list(volume(), 2))),
    ])
}

/// Nests `inner` in the members of `path`, and adds the members of `siblings` to the innermost object.
fn nested(path: &[&str], siblings: &Value, inner: Value) -> Value {
    let innermost = path.len() - 1;
    path.iter().enumerate().skip(1).rev().fold(inner, |inner, (index, location)| {
        let mut object = if index == innermost { siblings.clone() } else { json!({}) };
        merge(&mut object, json!({ *location: inner }));
        object
    })
}

fn merge(object: &mut Value, members: Value) {
    if let (Some(object), Value::Object(members)) = (object.as_object_mut(), members) {
        object.extend(members);
    }
}

/// `apiVersion`, `kind`, and the path of the pod template.
type Shape = (&'static str, &'static str, &'static [&'static str]);

static WORKLOADS: &[Shape] = &[
    ("apps/v1", "Deployment", &["spec", "template"]),
    ("apps/v1", "Deployment", &["spec", "template"]),
    ("apps/v1", "StatefulSet", &["spec", "template"]),
    ("apps/v1", "DaemonSet", &["spec", "template"]),
    ("apps/v1", "ReplicaSet", &["spec", "template"]),
    ("v1", "ReplicationController", &["spec", "template"]),
    ("batch/v1", "Job", &["spec", "template"]),
    ("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("v1", "Pod", &[]),
    ("v1", "PodTemplate", &["template"]),
    ("extensions/v1beta1", "Deployment", &["spec", "template"]),
];

static OWNERS: &[(&str, &str)] = &[
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("v1", "Node"),
];
