//! Reads text as a container with its environment, one source a line.
//!
//! ```text
//! name=text        an entry of env           prefix*          envFrom of the ConfigMap
//! name<key         a key of the ConfigMap    prefix!secret    envFrom of a Secret
//! name>key         a key of a Secret         prefix?          envFrom of an unknown ConfigMap
//! key:text         data of the ConfigMap
//! ```

use apim_keyless_core::gateway::{
    EnvIndex, EnvValue as Known, Environment, Images, KubernetesObject, RelatedObjects, Variable,
};
use serde_json::{Map, Value, json};

/// Length limit of an expanded text, in bytes.
const EXPANDED_BYTES: usize = 1024;

/// An environment is bounded, deterministic and in the order of its sources, and each variable has the right path.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pod, config_map) = objects(text);
    let [pod_subject, config_map] = [&pod, &config_map].map(object);
    let related = RelatedObjects::of([&config_map], &Images::default());
    let workload = pod_subject.workload().expect("a Pod is a workload");
    let container = &workload.containers()[0];
    let environment = Environment::of(container, workload, &related);
    let again = Environment::of(container, workload, &related);
    assert_eq!(environment.settings().count(), again.settings().count());
    for ((setting, variable), (setting_again, again)) in environment.settings().zip(again.settings()) {
        assert!(setting == setting_again && variable.name == again.name);
        assert!(variable.value == again.value && variable.index == again.index);
        assert!(container.entry_pointer(variable.index).resolve(&pod).is_ok(), "{:?}", variable.index);
        match &variable.value {
            Known::Text(text) => assert!(text.len() <= EXPANDED_BYTES.max(data.len()), "{}", variable.name),
            Known::Unknown(start) => assert!(start.len() <= EXPANDED_BYTES, "{}", variable.name),
            Known::Secret(_) => {}
        }
    }
    let is_of_env = |(_, variable): &(_, &Variable<'_>)| matches!(variable.index, EnvIndex::Env(_));
    assert!(environment.settings().is_sorted_by_key(|entry| is_of_env(&entry)), "envFrom comes first");
    assert_eq!(environment.is_fully_known(), !text.lines().any(is_hidden));
}

/// The Pod and the `ConfigMap` that the lines describe.
fn objects(text: &str) -> (Value, Value) {
    let (mut env, mut env_from, mut data) = (Vec::new(), Vec::new(), Map::new());
    for line in text.lines() {
        let Some((name, mark, rest)) = source(line) else { continue };
        match mark {
            '=' => env.push(json!({"name": name, "value": rest})),
            '<' => env.push(json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": "known", "key": rest}}})),
            '>' => env.push(json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "orders", "key": rest}}})),
            ':' => _ = data.insert(name.to_owned(), Value::from(rest)),
            '*' => env_from.push(json!({"prefix": name, "configMapRef": {"name": "known"}})),
            '!' => env_from.push(json!({"prefix": name, "secretRef": {"name": rest}})),
            _ => env_from.push(json!({"prefix": name, "configMapRef": {"name": "unknown"}})),
        }
    }
    let container = json!({"name": "gateway", "image": "gateway", "env": env, "envFrom": env_from});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}});
    (pod, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "known"}, "data": data}))
}

/// Splits a line at the first character that marks its type.
fn source(line: &str) -> Option<(&str, char, &str)> {
    let at = line.find(['=', '<', '>', ':', '*', '!', '?'])?;
    let (name, rest) = line.split_at(at);
    let mark = rest.chars().next()?;
    Some((name, mark, rest.strip_prefix(mark)?))
}

fn is_hidden(line: &str) -> bool {
    source(line).is_some_and(|(_, mark, _)| matches!(mark, '!' | '?'))
}

fn object(object: &Value) -> KubernetesObject<'static> {
    KubernetesObject::recognize(object.to_string(), "team-a").expect("the shape is valid").expect("the kind is known")
}
