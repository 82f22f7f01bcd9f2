//! A subject with a pod template, of any kind.

use super::pod_spec::{PodSpec, Volume};
use super::{Container, Kind, Metadata};
use crate::gateway::json::go_json::or_default;
use crate::gateway::json::type_meta::RootObject;
use crate::gateway::well_known;
use crate::gateway::well_known::Keys;
use jsonptr::PointerBuf;
use serde::Deserialize;

/// An object that makes Pods, or is one.
pub struct Workload {
    /// Its kind.
    pub kind: Kind,
    /// Its own metadata.
    pub metadata: Metadata,
    template: Template,
}

/// A pod template; of a Pod, its own metadata and spec.
#[derive(Default, Deserialize)]
struct Template {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: PodSpec,
}

impl Workload {
    /// Reads a workload of `kind`, each by the shape of its own.
    pub(in crate::gateway) fn read<'de, D: serde::Deserializer<'de>>(
        kind: Kind,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let (metadata, template) = match kind {
            Kind::CronJob => RootObject::<CronJob>::deserialize(deserializer)?.0.split(),
            Kind::Pod => RootObject::<Template>::deserialize(deserializer)?.0.split(),
            Kind::PodTemplate => RootObject::<PodTemplate>::deserialize(deserializer)?.0.split(),
            _ => RootObject::<Controller>::deserialize(deserializer)?.0.split(),
        };
        Ok(Self { kind, metadata, template })
    }

    /// Does it say to be the kubelet's picture of a static Pod?
    pub fn is_mirror(&self) -> bool {
        self.kind == Kind::Pod && self.metadata.annotations.contains_key(well_known::MIRROR)
    }

    /// Labels of the pod template.
    pub fn template_labels(&self) -> &Keys {
        &self.template.metadata.labels
    }

    /// Annotations of the pod template.
    pub fn template_annotations(&self) -> &Keys {
        &self.template.metadata.annotations
    }

    /// Every container, of all three lists.
    pub fn containers(&self) -> Vec<Container<'_>> {
        Container::all(&self.template.spec, self.template_pointer())
    }

    /// The `ServiceAccount` that its Pods name; the deprecated alias counts, as it does for Kubernetes.
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

    /// The place of something inside the pod template.
    pub fn place<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
        PointerBuf::from_tokens(self.template_pointer().split('/').skip(1).chain(tokens))
    }

    pub(in crate::gateway) fn template_pointer(&self) -> &'static str {
        self.kind.template().unwrap_or_default()
    }
}

/// Everything that keeps its pod template at `spec.template`.
#[derive(Deserialize)]
struct Controller {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: ControllerSpec,
}

#[derive(Default, Deserialize)]
struct ControllerSpec {
    #[serde(default, deserialize_with = "or_default")]
    template: Template,
}

#[derive(Deserialize)]
struct CronJob {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: CronJobSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CronJobSpec {
    #[serde(default, deserialize_with = "or_default")]
    job_template: JobTemplate,
}

#[derive(Default, Deserialize)]
struct JobTemplate {
    #[serde(default, deserialize_with = "or_default")]
    spec: ControllerSpec,
}

#[derive(Deserialize)]
struct PodTemplate {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    template: Template,
}

impl Controller {
    fn split(self) -> (Metadata, Template) {
        (self.metadata, self.spec.template)
    }
}

impl CronJob {
    fn split(self) -> (Metadata, Template) {
        (self.metadata, self.spec.job_template.spec.template)
    }
}

impl PodTemplate {
    fn split(self) -> (Metadata, Template) {
        (self.metadata, self.template)
    }
}

impl Template {
    fn split(self) -> (Metadata, Self) {
        (self.metadata.clone(), self)
    }
}
