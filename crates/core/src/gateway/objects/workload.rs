//! Workloads: objects with a pod template, of every kind.

use super::pod_spec::{EnvVar, PodSpec, Volume};
use super::{Container, Kind, Metadata, TemplateAt};
use crate::gateway::json::go_json::mapping_or_default;
use crate::gateway::json::type_meta::RootObject;
use crate::gateway::unresolved::{is_unrendered, is_unrendered_outside_env};
use crate::gateway::well_known::StringMap;
use crate::gateway::{EnvIndex, ExceededLimit, Setting, well_known};
use jsonptr::PointerBuf;
use serde::Deserialize;

/// An object that controllers create Pods from, or a Pod.
pub struct Workload {
    /// Its kind.
    pub kind: Kind,
    /// Its own metadata.
    pub metadata: Metadata,
    template: Template,
}

/// A pod template; for a Pod, the Pod's own metadata and spec.
#[derive(Default, Deserialize)]
struct Template {
    #[serde(default, deserialize_with = "mapping_or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "mapping_or_default")]
    spec: PodSpec,
}

impl Workload {
    /// Deserializes a workload of `kind`, with the pod template at the location that the kind defines.
    pub(in crate::gateway) fn read<'de, D: serde::Deserializer<'de>>(
        kind: Kind,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let (metadata, template) = match kind {
            Kind::CronJob | Kind::Other(TemplateAt::JobTemplate) => {
                RootObject::<CronJob>::deserialize(deserializer)?.0.into_parts()
            }
            Kind::Pod => RootObject::<Template>::deserialize(deserializer)?.0.into_parts(),
            Kind::PodTemplate | Kind::Other(TemplateAt::Root) => {
                RootObject::<PodTemplate>::deserialize(deserializer)?.0.into_parts()
            }
            _ => RootObject::<Controller>::deserialize(deserializer)?.0.into_parts(),
        };
        Ok(Self { kind, metadata, template })
    }

    /// Returns true if its annotation declares it a mirror Pod: the API object that the kubelet creates for a static
    /// Pod. Any client can write the annotation.
    pub fn is_mirror(&self) -> bool {
        self.kind == Kind::Pod && self.metadata.annotations.contains_key(well_known::MIRROR)
    }

    /// Labels of the pod template.
    pub fn template_labels(&self) -> &StringMap {
        &self.template.metadata.labels
    }

    /// Annotations of the pod template.
    pub fn template_annotations(&self) -> &StringMap {
        &self.template.metadata.annotations
    }

    /// Every container of the three lists: `containers`, `initContainers` and `ephemeralContainers`.
    pub fn containers(&self) -> Vec<Container<'_>> {
        Container::all(&self.template.spec, self.template_pointer())
    }

    /// The name in `spec.serviceAccountName` of the pod template, or in its deprecated alias `spec.serviceAccount`,
    /// which Kubernetes still accepts; `None` if both are absent or empty.
    pub fn service_account(&self) -> Option<&str> {
        let spec = &self.template.spec;
        [&spec.service_account_name, &spec.service_account]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|name| !name.is_empty())
    }

    /// The limit that a list of its pod template exceeds. The list is then read in part.
    pub(in crate::gateway) fn exceeded_list(&self) -> Option<ExceededLimit> {
        self.template.spec.exceeded_list()
    }

    /// The volumes of its Pods.
    pub fn volumes(&self) -> &[Volume] {
        &self.template.spec.volumes
    }

    /// The value of the field path `metadata.annotations['key']` or `metadata.labels['key']` in the pod template;
    /// `None` if it is not known. An absent key gives the empty string, unless Kubernetes itself, or the unknown
    /// controller of another kind, may set it on the Pod.
    pub(in crate::gateway) fn label_or_annotation(&self, path: &str) -> Option<&str> {
        let (keys, rest) = match path.strip_prefix("metadata.annotations['") {
            Some(rest) => (self.template_annotations(), rest),
            None => (self.template_labels(), path.strip_prefix("metadata.labels['")?),
        };
        let key = rest.strip_suffix("']")?;
        match keys.get(key) {
            None if is_set_by_kubernetes(key) || matches!(self.kind, Kind::Other(_)) => None,
            text => Some(text.map(String::as_str).unwrap_or_default()),
        }
    }

    /// JSON pointer to the first `valueFrom` of a variable that also has a `value`, which the API server rejects.
    pub fn value_beside_value_from(&self) -> Option<PointerBuf> {
        self.containers().into_iter().find_map(|container| {
            let is_both = |variable: &EnvVar| {
                variable.value_from.is_some() && variable.value.as_deref().is_some_and(|text| !text.is_empty())
            };
            let index = container.env.iter().position(is_both)?;
            Some(container.entry_pointer(EnvIndex::Env(index)).with_trailing_token("valueFrom"))
        })
    }

    /// JSON pointer to the first image or setting with a placeholder that a tool replaces.
    pub(in crate::gateway) fn placeholder(&self) -> Option<PointerBuf> {
        self.containers().into_iter().find_map(|container| {
            let is_setting = |variable: &EnvVar| {
                variable.value.as_deref().is_some_and(is_unrendered) && Setting::of(&variable.name).is_some()
            };
            let of_image = || is_unrendered_outside_env(container.image).then(|| container.pointer_to(["image"]));
            let index = container.env.iter().position(is_setting);
            index.map(|index| container.entry_pointer(EnvIndex::Env(index))).or_else(of_image)
        })
    }

    /// Returns true if an image with a placeholder can be the gateway's: the placeholder stands for its name, or for the
    /// folder of a repository `gateway`.
    pub fn has_unknown_image(&self) -> bool {
        let is_unknown = |image: &str| {
            let name = image.rsplit('/').next().unwrap_or_default();
            is_unrendered_outside_env(image)
                && ["gateway", "${", "$(", "{{", "#{", "%%"].iter().any(|start| name.starts_with(start))
        };
        self.containers().iter().any(|container| is_unknown(container.image))
    }

    /// Returns true if it is only a part of an object, such as a patch of Kustomize: a regular container has no image,
    /// or there is none, and the API server rejects both. Other kinds define themselves whether an image is required.
    pub fn is_partial(&self) -> bool {
        let containers = &self.template.spec.containers;
        let lacks_image = || containers.is_empty() || containers.iter().any(|container| container.image.is_empty());
        !matches!(self.kind, Kind::Other(_)) && lacks_image()
    }

    /// JSON pointer to the field at `tokens` in the pod template.
    pub fn pointer_to<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
        PointerBuf::from_tokens(self.template_pointer().split('/').skip(1).chain(tokens))
    }

    /// JSON pointer to the pod template.
    pub(in crate::gateway) fn template_pointer(&self) -> &'static str {
        self.kind.template().unwrap_or_default()
    }
}

/// Returns true if a controller or the API server sets this label or annotation on the Pods that it creates.
fn is_set_by_kubernetes(key: &str) -> bool {
    matches!(key, "pod-template-hash" | "controller-revision-hash" | "controller-uid" | "job-name")
        || key.split_once('/').is_some_and(|(domain, _)| domain.ends_with(".kubernetes.io"))
}

/// A workload with its pod template at `spec.template`.
#[derive(Deserialize)]
struct Controller {
    #[serde(default, deserialize_with = "mapping_or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "mapping_or_default")]
    spec: ControllerSpec,
}

#[derive(Default, Deserialize)]
struct ControllerSpec {
    #[serde(default, deserialize_with = "mapping_or_default")]
    template: Template,
}

#[derive(Deserialize)]
struct CronJob {
    #[serde(default, deserialize_with = "mapping_or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "mapping_or_default")]
    spec: CronJobSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CronJobSpec {
    #[serde(default, deserialize_with = "mapping_or_default")]
    job_template: JobTemplate,
}

#[derive(Default, Deserialize)]
struct JobTemplate {
    #[serde(default, deserialize_with = "mapping_or_default")]
    spec: ControllerSpec,
}

#[derive(Deserialize)]
struct PodTemplate {
    #[serde(default, deserialize_with = "mapping_or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "mapping_or_default")]
    template: Template,
}

impl Controller {
    fn into_parts(self) -> (Metadata, Template) {
        (self.metadata, self.spec.template)
    }
}

impl CronJob {
    fn into_parts(self) -> (Metadata, Template) {
        (self.metadata, self.spec.job_template.spec.template)
    }
}

impl PodTemplate {
    fn into_parts(self) -> (Metadata, Template) {
        (self.metadata, self.template)
    }
}

impl Template {
    fn into_parts(self) -> (Metadata, Self) {
        (self.metadata.clone(), self)
    }
}

#[cfg(test)]
mod tests {
    use crate::gateway::KubernetesObject;
    use jsonptr::PointerBuf;

    /// What `found` finds in a Pod whose second container has these fields.
    fn pointer(fields: &str, found: fn(&super::Workload) -> Option<PointerBuf>) -> Option<String> {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a"}},{{"name":"b",{fields}}}]}}}}"#
        );
        let object = KubernetesObject::recognize(json, "default").unwrap().unwrap();
        found(object.workload().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_value_beside_a_value_from_is_found() {
        let found = |variable: &str| {
            pointer(&format!(r#""env":[{{"name":"a"}},{variable}]"#), super::Workload::value_beside_value_from)
        };
        let from = r#""valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}"#;
        let at = "/spec/containers/1/env/1/valueFrom".to_owned();
        assert_eq!(found(&format!(r#"{{"name":"b","value":"c",{from}}}"#)), Some(at));
        assert_eq!(found(&format!(r#"{{"name":"b","value":"",{from}}}"#)), None);
        assert_eq!(found(&format!(r#"{{"name":"b",{from}}}"#)), None);
        assert_eq!(found(r#"{"name":"b","value":"c"}"#), None);
    }

    #[test]
    fn a_placeholder_in_a_setting_or_an_image_is_found() {
        let found = |fields: &str| pointer(fields, super::Workload::placeholder);
        let env = |name: &str, value: &str| format!(r#""env":[{{"name":"a"}},{{"name":"{name}","value":"{value}"}}]"#);
        assert_eq!(found(&env("gateway.name", "${NAME}")).as_deref(), Some("/spec/containers/1/env/1"));
        assert_eq!(found(r#""image":"registry.example/a:${TAG}""#).as_deref(), Some("/spec/containers/1/image"));
        assert_eq!(found(&env("LOG_LEVEL", "${LEVEL}")), None);
        assert_eq!(found(&env("gateway.name", "orders")), None);
        assert_eq!(found(r#""image":"registry.example/a:1""#), None);
    }
}
