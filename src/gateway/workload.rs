//! A subject with a pod template, of any kind.

use super::metadata::Metadata;
use super::well_known::Keys;
use super::{Container, Kind};
use jsonptr::PointerBuf;
use k8s_openapi::api::core::v1::{PodSpec, Volume};
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
#[derive(Clone, Default, PartialEq, Deserialize)]
struct Template {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    spec: Option<PodSpec>,
}

impl Workload {
    /// Reads a workload of `kind`, each by the shape of its own.
    pub(super) fn read<'de, D: serde::Deserializer<'de>>(kind: Kind, deserializer: D) -> Result<Self, D::Error> {
        let (metadata, template) = match kind {
            Kind::CronJob => CronJob::deserialize(deserializer)?.split(),
            Kind::Pod => Template::deserialize(deserializer)?.split(),
            Kind::PodTemplate => PodTemplate::deserialize(deserializer)?.split(),
            _ => Controller::deserialize(deserializer)?.split(),
        };
        Ok(Self { kind, metadata, template })
    }

    /// Labels of the pod template.
    pub fn template_labels(&self) -> &Keys {
        self.template.metadata.as_ref().map_or(&NO_KEYS, |metadata| &metadata.labels)
    }

    /// Annotations of the pod template.
    pub fn template_annotations(&self) -> &Keys {
        self.template.metadata.as_ref().map_or(&NO_KEYS, |metadata| &metadata.annotations)
    }

    /// The spec of its Pods, if there is one.
    pub fn spec(&self) -> Option<&PodSpec> {
        self.template.spec.as_ref()
    }

    /// Every container, of all three lists.
    pub fn containers(&self) -> Vec<Container<'_>> {
        self.spec().map(|spec| Container::all(spec, &format!("{}/spec", self.template_pointer()))).unwrap_or_default()
    }

    /// The `ServiceAccount` that its Pods name; the deprecated alias counts, as it does for Kubernetes.
    pub fn service_account(&self) -> Option<&str> {
        let spec = self.spec()?;
        [&spec.service_account_name, &spec.service_account]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|name| !name.is_empty())
    }

    /// The volumes of its Pods.
    pub fn volumes(&self) -> &[Volume] {
        self.spec().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default()
    }

    /// The place of something inside the pod template.
    pub fn place<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
        PointerBuf::from_tokens(self.template_pointer().split('/').skip(1).chain(tokens))
    }

    /// Is the pod template the same in both?
    pub(super) fn has_template_of(&self, other: &Self) -> bool {
        self.template == other.template
    }

    fn template_pointer(&self) -> &'static str {
        self.kind.template().unwrap_or_default()
    }
}

static NO_KEYS: Keys = Keys::new();

/// Everything that keeps its pod template at `spec.template`.
#[derive(Deserialize)]
struct Controller {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    spec: Option<ControllerSpec>,
}

#[derive(Deserialize)]
struct ControllerSpec {
    #[serde(default)]
    template: Option<Template>,
}

#[derive(Deserialize)]
struct CronJob {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    spec: Option<CronJobSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CronJobSpec {
    #[serde(default)]
    job_template: Option<JobTemplate>,
}

#[derive(Deserialize)]
struct JobTemplate {
    #[serde(default)]
    spec: Option<ControllerSpec>,
}

#[derive(Deserialize)]
struct PodTemplate {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    template: Option<Template>,
}

impl Controller {
    fn split(self) -> (Metadata, Template) {
        (self.metadata.unwrap_or_default(), self.spec.and_then(|spec| spec.template).unwrap_or_default())
    }
}

impl CronJob {
    fn split(self) -> (Metadata, Template) {
        let job = self.spec.and_then(|spec| spec.job_template).and_then(|job| job.spec);
        (self.metadata.unwrap_or_default(), job.and_then(|spec| spec.template).unwrap_or_default())
    }
}

impl PodTemplate {
    fn split(self) -> (Metadata, Template) {
        (self.metadata.unwrap_or_default(), self.template.unwrap_or_default())
    }
}

impl Template {
    fn split(self) -> (Metadata, Self) {
        (self.metadata.clone().unwrap_or_default(), self)
    }
}
