//! Renders a generated world as the JSON that the API server sends.

use super::world::{
    Container, EnvEntry, EnvFromEntry, FILE_KEY, Field, From, GIVEN, NAMESPACE, REGULAR, SECRET, Source, World,
};
use apim_keyless_core::gateway::{ConfigMap, Coverage, RelatedObjects};
use serde_json::{Map, Value, json};

/// The given `ConfigMap`s.
pub(crate) fn config_maps(world: &World) -> Vec<Value> {
    let binary: Map<String, Value> = world.binary.iter().map(|key| ((*key).to_owned(), json!("a2V5"))).collect();
    let config_map = |(name, data)| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE},
            "data": data, "binaryData": binary,
        })
    };
    GIVEN.iter().zip(&world.given).map(config_map).collect()
}

/// The given `ConfigMap`s as the cache keeps them.
pub(crate) fn cached(world: &World, coverage: Coverage) -> RelatedObjects {
    let mut related = RelatedObjects::default();
    related.coverage = coverage;
    for (name, data) in GIVEN.iter().zip(&world.given) {
        let data = data.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        let binary = world.binary.iter().map(|key| (*key).to_owned());
        related.put_config_map(ConfigMap::for_cache((*name).to_owned(), data, binary));
    }
    related
}

/// The workload.
pub(crate) fn deployment(world: &World) -> Value {
    let (regular, init) = world.containers.split_at(REGULAR);
    let containers = |list: &[Container]| list.iter().map(container).collect::<Vec<_>>();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders", "namespace": NAMESPACE},
        "spec": {
            "selector": {},
            "template": {
                "metadata": {"labels": world.labels, "annotations": world.annotations},
                "spec": {"initContainers": containers(init), "containers": containers(regular)},
            },
        },
    })
}

fn container(container: &Container) -> Value {
    let env_from: Vec<Value> = container.env_from.iter().map(env_from_entry).collect();
    let env: Vec<Value> = container.env.iter().map(env_entry).collect();
    json!({"name": "it", "image": "busybox", "envFrom": env_from, "env": env})
}

pub(crate) fn env_from_entry(entry: &EnvFromEntry) -> Value {
    let (field, reference) = match entry.of {
        Source::ConfigMap(name) => ("configMapRef", json!({"name": name, "optional": entry.optional})),
        Source::Secret => ("secretRef", json!({"name": SECRET, "optional": entry.optional})),
    };
    json!({"prefix": entry.prefix, field: reference})
}

pub(crate) fn env_entry(entry: &EnvEntry) -> Value {
    json!({"name": entry.name, "value": entry.value, "valueFrom": entry.from.as_ref().map(from)})
}

fn from(from: &From) -> Value {
    match from {
        From::Key { of: Source::ConfigMap(name), key, optional } => {
            json!({"configMapKeyRef": {"name": name, "key": key, "optional": optional}})
        }
        From::Key { of: Source::Secret, key, optional } => {
            json!({"secretKeyRef": {"name": SECRET, "key": key, "optional": optional}})
        }
        From::File { optional } => {
            json!({"fileKeyRef": {"volumeName": "files", "path": "env", "key": FILE_KEY, "optional": optional}})
        }
        From::Field(field) => json!({"fieldRef": {"fieldPath": path(*field)}}),
        From::Resource => json!({"resourceFieldRef": {"resource": "limits.cpu"}}),
    }
}

fn path(field: Field) -> String {
    match field {
        Field::Label(key) => format!("metadata.labels['{key}']"),
        Field::Annotation(key) => format!("metadata.annotations['{key}']"),
        Field::Other(path) => path.to_owned(),
    }
}
