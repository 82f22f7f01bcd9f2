//! Limits of what is evaluated, far above any real gateway. They bound the time and the memory of an evaluation.
//!
//! A gateway beyond a limit is not evaluated: nobody knows whether it uses an auth key. Any other object is left alone,
//! however large.

use super::objects::pod_spec::{CONTAINERS, ELEMENTS, VOLUME_SOURCES, VOLUMES};
use super::{Container, Lookup, RelatedObjects, Setting, Workload, well_known};
use std::fmt;

/// A limit that a gateway exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceededLimit {
    /// What there is too much of, such as `env elements`.
    pub counted: &'static str,
    /// The largest number of it that is evaluated.
    pub limit: usize,
}

impl fmt::Display for ExceededLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "more than {} {}", self.limit, self.counted)
    }
}

impl ExceededLimit {
    const fn new(limit: usize, counted: &'static str) -> Self {
        Self { counted, limit }
    }

    const GATEWAY_CONTAINERS: Self = Self::new(16, "gateway containers");
    const VARIABLES: Self = Self::new(1000, "env elements of the gateway containers");
    const SOURCES: Self = Self::new(64, "envFrom elements of the gateway containers");
    const MOUNTS: Self = Self::new(256, "volumeMounts elements of the gateway containers");
    const REFERENCES: Self = Self::new(256, "references $(NAME) in env and commands of the gateway containers");
    /// Both are parsed.
    const PARSED_BYTES: Self = Self::new(32 * 1024, "bytes in commands and in env values with $");
    const ALL_SETTINGS: Self = Self::new(128, "gateway settings in env and in the ConfigMaps of envFrom");
    /// Kubernetes allows 253, but asks webhooks before it checks a name, and messages repeat names.
    pub(crate) const NAME_BYTES: Self = Self::new(512, "bytes in a name");
    /// The annotation is split at each `;`. Kubernetes limits the length of all annotations together, but asks webhooks
    /// first.
    const SKIPPED_BYTES: Self = Self::new(4096, "bytes in the annotation azure.workload.identity/skip-containers");
    /// No application has several of them.
    pub(super) const PREFIXES: Self = Self::new(64, "envFrom prefixes that can make a gateway setting");
    pub(super) const CONTAINERS: Self = Self::new(CONTAINERS, "containers in a list of the pod template");
    /// `envFrom` and `volumeMounts` have lower limits.
    pub(super) const ELEMENTS: Self = Self::new(ELEMENTS, "elements in a list of a container");
    pub(super) const VOLUMES: Self = Self::new(VOLUMES, "volumes");
    pub(super) const VOLUME_SOURCES: Self = Self::new(VOLUME_SOURCES, "sources or items in a volume");
    /// Most settings of a `ConfigMap`. A gateway has about ten; only one spelling of each has an effect.
    pub const SETTINGS: Self = Self::new(64, "gateway settings in a ConfigMap, in all spellings");

    /// Every limit.
    pub const ALL: [Self; 15] = [
        Self::GATEWAY_CONTAINERS,
        Self::VARIABLES,
        Self::SOURCES,
        Self::MOUNTS,
        Self::REFERENCES,
        Self::PARSED_BYTES,
        Self::ALL_SETTINGS,
        Self::NAME_BYTES,
        Self::SKIPPED_BYTES,
        Self::PREFIXES,
        Self::CONTAINERS,
        Self::ELEMENTS,
        Self::VOLUMES,
        Self::VOLUME_SOURCES,
        Self::SETTINGS,
    ];

    /// The first limit that a workload with these gateway containers exceeds.
    pub(super) fn of(workload: &Workload, containers: &[Container<'_>], related: &RelatedObjects) -> Option<Self> {
        let total = |count: &dyn Fn(&Container<'_>) -> usize| containers.iter().map(count).sum::<usize>();
        let references = |container: &Container<'_>| parsed(container).map(|text| text.matches("$(").count()).sum();
        let parsed_bytes = |container: &Container<'_>| parsed(container).map(str::len).sum();
        let longest_name = || {
            let names = containers.iter().flat_map(names).chain(workload.volumes().iter().map(|volume| &*volume.name));
            names.map(str::len).max().unwrap_or_default()
        };
        let skipped_bytes =
            || workload.template_annotations().get(well_known::SKIP_CONTAINERS).map(String::len).unwrap_or_default();
        workload
            .exceeded_list()
            .or_else(|| Self::GATEWAY_CONTAINERS.if_exceeded_by(containers.len()))
            .or_else(|| Self::VARIABLES.if_exceeded_by(total(&|container| container.env.len())))
            .or_else(|| Self::SOURCES.if_exceeded_by(total(&|container| container.env_from.len())))
            .or_else(|| Self::MOUNTS.if_exceeded_by(total(&|container| container.volume_mounts.len())))
            // references are counted in texts of this length only: that takes longer than to read them
            .or_else(|| Self::PARSED_BYTES.if_exceeded_by(total(&parsed_bytes)))
            .or_else(|| Self::REFERENCES.if_exceeded_by(total(&references)))
            .or_else(|| Self::ALL_SETTINGS.if_exceeded_by(total(&|container| settings(container, related))))
            .or_else(|| Self::NAME_BYTES.if_exceeded_by(longest_name()))
            .or_else(|| Self::SKIPPED_BYTES.if_exceeded_by(skipped_bytes()))
    }

    /// This limit, if the number exceeds it.
    pub(crate) fn if_exceeded_by(self, number: usize) -> Option<Self> {
        (number > self.limit).then_some(self)
    }
}

/// The texts of a container that are parsed: its commands, and the values with `$`.
fn parsed<'a>(container: &Container<'a>) -> impl Iterator<Item = &'a str> {
    let values = container.env.iter().filter_map(|variable| variable.value.as_deref());
    values.filter(|text| text.contains('$')).chain(container.words())
}

/// The number of settings in `env` and in the `ConfigMap`s of `envFrom`.
fn settings(container: &Container<'_>, related: &RelatedObjects) -> usize {
    let in_env = container.env.iter().filter(|variable| Setting::of(&variable.name).is_some()).count();
    let sources = container.env_from.iter().filter_map(|from| from.config_map_ref.as_ref());
    let found = sources.filter_map(|reference| match related.config_map(&reference.name) {
        Lookup::Found(config_map) => Some(config_map.values_count()),
        Lookup::Absent | Lookup::Unknown => None,
    });
    in_env + found.sum::<usize>()
}

/// The names that a message can repeat.
fn names<'a>(container: &Container<'a>) -> impl Iterator<Item = &'a str> {
    let variables = container.env.iter().flat_map(|variable| {
        let from = variable.value_from.as_deref();
        let keys = from.into_iter().flat_map(|from| [&from.config_map_key_ref, &from.secret_key_ref]).flatten();
        let file = from.and_then(|from| from.file_key_ref.as_ref());
        let file = file.into_iter().flat_map(|file| [file.volume_name.as_str(), file.key.as_str()]);
        keys.flat_map(|key| [key.name.as_str(), key.key.as_str()]).chain(file).chain([variable.name.as_str()])
    });
    let sources = container.env_from.iter().flat_map(|from| {
        let references = [&from.config_map_ref, &from.secret_ref].into_iter().flatten();
        references.map(|reference| reference.name.as_str()).chain(from.prefix.as_deref())
    });
    let mounts = container.volume_mounts.iter().map(|mount| mount.name.as_str());
    variables.chain(sources).chain(mounts).chain([container.name, container.image])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::objects::pod_spec::{ENV_SOURCES, MOUNTS};
    use crate::gateway::{ConfigMap, Gateway, Images, KubernetesObject, Recognized};
    use serde_json::{Value, json};

    #[test]
    fn the_rule_page_lists_every_limit() {
        let page = include_str!("../../../../docs/rules/too-large-to-evaluate.md");
        for ExceededLimit { counted, limit } in ExceededLimit::ALL {
            assert!(page.contains(&format!("| {counted} | {limit} |")), "{counted}: {limit}");
        }
        assert_eq!(page.matches("\n| ").count(), ExceededLimit::ALL.len() + 1, "and the header");
    }

    const IMAGE: &str = "azure-api-management/gateway:2.11.1";

    /// The limit that a Pod with this spec exceeds, if it is too large.
    fn exceeded_by(spec: &Value) -> Option<ExceededLimit> {
        let json = json!({"apiVersion": "v1", "kind": "Pod", "spec": spec}).to_string();
        let settings = [("gateway.name", "a"), ("config.service.endpoint", "b"), ("config.service.auth", "c")];
        let settings = settings.map(|(key, text)| (key.to_owned(), text.to_owned())).into();
        let mut related = RelatedObjects::default();
        related.put_config_map(ConfigMap::for_cache("three".to_owned(), settings, []));
        let object = KubernetesObject::recognize(&json, "default").unwrap().unwrap();
        match Gateway::recognize(&object, &Images::default(), &related).unwrap() {
            Recognized::TooLarge(limit) => Some(limit),
            Recognized::Gateway(_) => None,
        }
    }

    /// A gateway container with this field.
    fn container(field: &str, value: Value) -> Value {
        let mut container = json!({"name": "a", "image": IMAGE});
        container[field] = value;
        container
    }

    /// A Pod with a gateway container and a container of another application with this field.
    fn beside(field: &str, value: Value) -> Value {
        let mut other = json!({"name": "other"});
        other[field] = value;
        json!({"containers": [{"name": "a", "image": IMAGE}, other]})
    }

    fn repeated(element: &Value, number: usize) -> Value {
        vec![element.clone(); number].into()
    }

    /// Asserts that a gateway is evaluated with as much as the limit allows, and not with one more.
    fn assert_limit(limit: ExceededLimit, spec: impl Fn(usize) -> Value) {
        assert_eq!(exceeded_by(&spec(limit.limit)), None, "{limit}");
        assert_eq!(exceeded_by(&spec(limit.limit + 1)), Some(limit), "{limit}");
    }

    #[test]
    fn a_gateway_is_evaluated_up_to_each_limit() {
        let alone = |field: &str, value: Value| json!({"containers": [container(field, value)]});
        let variable = |value: &str| json!({"name": "a", "value": value});
        let setting = json!({"name": "gateway.name", "value": "a"});
        let three = json!({"configMapRef": {"name": "three"}});
        assert_limit(
            ExceededLimit::GATEWAY_CONTAINERS,
            |number| json!({"containers": repeated(&container("env", json!([])), number)}),
        );
        assert_limit(ExceededLimit::VARIABLES, |number| {
            let containers = [1, number - 1].map(|part| container("env", repeated(&variable("a"), part)));
            json!({"containers": containers})
        });
        assert_limit(ExceededLimit::SOURCES, |number| alone("envFrom", repeated(&json!({}), number)));
        assert_limit(ExceededLimit::MOUNTS, |number| alone("volumeMounts", repeated(&json!({}), number)));
        assert_limit(ExceededLimit::REFERENCES, |number| {
            let mut container = container("args", json!(["$(A)"]));
            container["env"] = json!([variable(&"$(A)".repeat(number - 1))]);
            json!({"containers": [container]})
        });
        assert_limit(ExceededLimit::PARSED_BYTES, |number| {
            let mut container = container("args", json!(["a".repeat(number - 2)]));
            container["env"] = json!([variable("$a"), variable(&"a".repeat(100_000))]);
            json!({"containers": [container]})
        });
        assert_limit(ExceededLimit::ALL_SETTINGS, |number| {
            let mut container = container("envFrom", json!([three, three, {"secretRef": {"name": "three"}}]));
            container["env"] = repeated(&setting, number - 6);
            container["env"].as_array_mut().unwrap().push(variable("a"));
            json!({"containers": [container]})
        });
        // in the list of another application's container, whose total is not limited
        assert_limit(ExceededLimit::CONTAINERS, |number| {
            let mut containers = repeated(&json!({"name": "other"}), number);
            containers[0] = container("env", json!([]));
            json!({"containers": containers})
        });
        assert_limit(
            ExceededLimit::VOLUMES,
            |number| json!({"containers": [container("env", json!([]))], "volumes": repeated(&json!({}), number)}),
        );
        let with_volume = |volume: Value| json!({"containers": [container("env", json!([]))], "volumes": [{}, volume]});
        assert_limit(ExceededLimit::VOLUME_SOURCES, |number| {
            with_volume(json!({"projected": {"sources": repeated(&json!({}), number)}}))
        });
        assert_limit(ExceededLimit::VOLUME_SOURCES, |number| {
            with_volume(json!({"secret": {"items": repeated(&json!({"key": "a", "path": "b"}), number)}}))
        });
        let prefix = json!({"prefix": "c", "secretRef": {"name": "a"}});
        assert_limit(ExceededLimit::PREFIXES, |number| alone("envFrom", repeated(&prefix, number)));
    }

    #[test]
    fn every_list_of_any_container_is_limited() {
        assert_limit(ExceededLimit::ELEMENTS, |number| beside("env", repeated(&json!({"name": "a"}), number)));
        let word = json!("a");
        let probe = |number| json!({"exec": {"command": repeated(&word, number)}});
        assert_limit(ExceededLimit::ELEMENTS, |number| beside("command", repeated(&word, number)));
        assert_limit(ExceededLimit::ELEMENTS, |number| beside("args", repeated(&word, number)));
        for field in ["livenessProbe", "readinessProbe", "startupProbe"] {
            assert_limit(ExceededLimit::ELEMENTS, |number| beside(field, probe(number)));
        }
        for hook in ["postStart", "preStop"] {
            assert_limit(ExceededLimit::ELEMENTS, |number| beside("lifecycle", json!({hook: probe(number)})));
        }
        for (field, most) in [("envFrom", ENV_SOURCES), ("volumeMounts", MOUNTS)] {
            assert_eq!(exceeded_by(&beside(field, repeated(&json!({}), most))), None, "{field}");
            let more = exceeded_by(&beside(field, repeated(&json!({}), most + 1)));
            assert_eq!(more, Some(ExceededLimit::ELEMENTS), "{field}");
        }
        for list in ["initContainers", "ephemeralContainers"] {
            assert_limit(
                ExceededLimit::CONTAINERS,
                |number| json!({"containers": [container("env", json!([]))], list: repeated(&json!({"name": "b"}), number)}),
            );
        }
    }

    #[test]
    fn prefixes_that_make_no_setting_are_not_limited_as_such() {
        let prefixes = |prefix: &str| repeated(&json!({"prefix": prefix, "secretRef": {"name": "a"}}), 65);
        for (prefix, limit) in
            [("c", ExceededLimit::PREFIXES), ("telemetry.", ExceededLimit::SOURCES), ("", ExceededLimit::SOURCES)]
        {
            let spec = json!({"containers": [container("envFrom", prefixes(prefix))]});
            assert_eq!(exceeded_by(&spec), Some(limit), "{prefix}");
        }
    }

    #[test]
    fn every_name_that_a_message_repeats_is_limited() {
        let from = |source: Value| json!([{"name": "a", "valueFrom": source}]);
        let in_container = |field: &'static str, value: &dyn Fn(&str) -> Value| {
            assert_limit(
                ExceededLimit::NAME_BYTES,
                |number| json!({"containers": [container(field, value(&"a".repeat(number)))]}),
            );
        };
        in_container("name", &|name| json!(name));
        in_container("env", &|name| json!([{"name": name}]));
        in_container("env", &|name| from(json!({"configMapKeyRef": {"name": name, "key": "a"}})));
        in_container("env", &|name| from(json!({"configMapKeyRef": {"name": "a", "key": name}})));
        in_container("env", &|name| from(json!({"secretKeyRef": {"name": name, "key": "a"}})));
        in_container("env", &|name| from(json!({"secretKeyRef": {"name": "a", "key": name}})));
        in_container("env", &|name| from(json!({"fileKeyRef": {"volumeName": name, "key": "a"}})));
        in_container("env", &|name| from(json!({"fileKeyRef": {"volumeName": "a", "key": name}})));
        in_container("envFrom", &|name| json!([{"secretRef": {"name": name}}]));
        in_container("envFrom", &|name| json!([{"configMapRef": {"name": name}}]));
        in_container("envFrom", &|name| json!([{"prefix": name}]));
        in_container("volumeMounts", &|name| json!([{"name": name}]));
        assert_limit(
            ExceededLimit::NAME_BYTES,
            |number| json!({"containers": [container("env", json!([]))], "volumes": [{"name": "a".repeat(number)}]}),
        );
        assert_limit(
            ExceededLimit::NAME_BYTES,
            |number| json!({"containers": [container("image", json!(format!("{}/{IMAGE}", "a".repeat(number - IMAGE.len() - 1))))]}),
        );
    }
}
