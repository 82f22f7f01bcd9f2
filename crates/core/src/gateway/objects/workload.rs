//! Workloads: objects with a pod template, of every kind.

use super::pod_spec::{PodSpec, Volume};
use super::{Container, Kind, Metadata};
use crate::gateway::json::go_json::mapping_or_default;
use crate::gateway::json::type_meta::RootObject;
use crate::gateway::well_known;
use crate::gateway::well_known::StringMap;
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
            Kind::CronJob => RootObject::<CronJob>::deserialize(deserializer)?.0.into_parts(),
            Kind::Pod => RootObject::<Template>::deserialize(deserializer)?.0.into_parts(),
            Kind::PodTemplate => RootObject::<PodTemplate>::deserialize(deserializer)?.0.into_parts(),
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

    /// The volumes of its Pods.
    pub fn volumes(&self) -> &[Volume] {
        &self.template.spec.volumes
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
