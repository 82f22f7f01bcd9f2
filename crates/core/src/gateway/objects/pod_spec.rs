//! The fields of a `PodSpec` that rules read. Names and meanings are those of the Kubernetes API (`core/v1`).
//!
//! The generated types of `k8s-openapi` contain every field, so that a variable of 24 bytes takes 500.

use crate::gateway::ExceededLimit;
use crate::gateway::json::go_json::{list, mapping, text, texts};
use serde::Deserialize;

/// Most containers of a list that are read.
pub(in crate::gateway) const CONTAINERS: usize = 256;

/// Most elements of `env`, and most words of a command, that are read.
pub(in crate::gateway) const ELEMENTS: usize = 1000;

/// Most elements of `volumeMounts` that are read. An element takes 30 times the bytes of its shortest JSON.
pub(in crate::gateway) const MOUNTS: usize = 512;

/// Most elements of `envFrom` that are read.
pub(in crate::gateway) const ENV_SOURCES: usize = 128;

/// Most volumes that are read.
pub(in crate::gateway) const VOLUMES: usize = 256;

/// Most sources of a projected volume, and most items of a source, that are read.
pub(in crate::gateway) const VOLUME_SOURCES: usize = 64;

/// The fields of a `PodSpec` that rules read.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::gateway) struct PodSpec {
    #[serde(deserialize_with = "list::<CONTAINERS, _, _>")]
    pub(in crate::gateway) containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "list::<CONTAINERS, _, _>")]
    pub(in crate::gateway) init_containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "list::<CONTAINERS, _, _>")]
    pub(in crate::gateway) ephemeral_containers: Vec<ContainerSpec>,
    pub(in crate::gateway) service_account_name: Option<String>,
    pub(in crate::gateway) service_account: Option<String>,
    #[serde(deserialize_with = "list::<VOLUMES, _, _>")]
    pub(in crate::gateway) volumes: Vec<Volume>,
}

/// The fields of a container that rules read; the same for all three lists.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::gateway) struct ContainerSpec {
    #[serde(deserialize_with = "text")]
    pub(in crate::gateway) name: String,
    #[serde(deserialize_with = "text")]
    pub(in crate::gateway) image: String,
    #[serde(deserialize_with = "list::<ELEMENTS, _, _>")]
    pub(in crate::gateway) env: Vec<EnvVar>,
    #[serde(deserialize_with = "list::<ENV_SOURCES, _, _>")]
    pub(in crate::gateway) env_from: Vec<EnvFromSource>,
    #[serde(deserialize_with = "list::<MOUNTS, _, _>")]
    pub(in crate::gateway) volume_mounts: Vec<VolumeMount>,
    #[serde(deserialize_with = "texts::<ELEMENTS, _>")]
    pub(in crate::gateway) command: Vec<String>,
    #[serde(deserialize_with = "texts::<ELEMENTS, _>")]
    pub(in crate::gateway) args: Vec<String>,
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) lifecycle: Option<Box<Lifecycle>>,
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) liveness_probe: Option<Box<Handler>>,
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) readiness_probe: Option<Box<Handler>>,
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) startup_probe: Option<Box<Handler>>,
}

/// The lifecycle hooks of a container.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::gateway) struct Lifecycle {
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) post_start: Option<Handler>,
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) pre_stop: Option<Handler>,
}

/// A lifecycle hook or a probe: of its kinds, only `exec` has words of a command.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gateway) struct Handler {
    #[serde(deserialize_with = "mapping")]
    pub(in crate::gateway) exec: Option<Exec>,
}

/// A command that the kubelet runs in the container.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gateway) struct Exec {
    #[serde(deserialize_with = "texts::<ELEMENTS, _>")]
    pub(in crate::gateway) command: Vec<String>,
}

/// An element of `env`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVar {
    /// Name of the variable.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// `value`; an empty string counts as absent.
    pub value: Option<String>,
    /// `valueFrom`: the source of the value if `value` is absent.
    #[serde(deserialize_with = "mapping")]
    pub value_from: Option<Box<EnvVarSource>>,
}

/// The source of a variable's value. At most one field is set; no field is set for `resourceFieldRef`, which no rule
/// reads.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "these are the API's names")]
pub struct EnvVarSource {
    /// A key of a `ConfigMap`.
    #[serde(deserialize_with = "mapping")]
    pub config_map_key_ref: Option<KeySelector>,
    /// A field of the Pod.
    #[serde(deserialize_with = "mapping")]
    pub field_ref: Option<FieldSelector>,
    /// A key of a file that an init container writes.
    #[serde(deserialize_with = "mapping")]
    pub file_key_ref: Option<FileKeySelector>,
    /// A key of a Secret.
    #[serde(deserialize_with = "mapping")]
    pub secret_key_ref: Option<KeySelector>,
}

/// A key of a `ConfigMap` or Secret.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct KeySelector {
    /// Name of the `ConfigMap` or Secret.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The key.
    #[serde(deserialize_with = "text")]
    pub key: String,
    /// True if the object or the key may be absent.
    pub optional: Option<bool>,
}

/// A field of a Pod.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldSelector {
    /// Path of the field, such as `metadata.annotations['key']`.
    #[serde(deserialize_with = "text")]
    pub field_path: String,
}

/// A key of a file in a volume.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileKeySelector {
    /// Name of the volume.
    #[serde(deserialize_with = "text")]
    pub volume_name: String,
    /// The key.
    #[serde(deserialize_with = "text")]
    pub key: String,
}

/// An element of `envFrom`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvFromSource {
    /// Prepended to each key to form the name of the variable.
    pub prefix: Option<String>,
    /// A `ConfigMap` whose every key becomes a variable.
    #[serde(deserialize_with = "mapping")]
    pub config_map_ref: Option<WholeSource>,
    /// A Secret whose every key becomes a variable.
    #[serde(deserialize_with = "mapping")]
    pub secret_ref: Option<WholeSource>,
}

/// A reference to a `ConfigMap` or Secret whose every key becomes a variable.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WholeSource {
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// True if the object may be absent.
    pub optional: Option<bool>,
}

/// A volume that is mounted into a container.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeMount {
    /// Name of the volume.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Path in the container.
    #[serde(deserialize_with = "text")]
    pub mount_path: String,
    /// Path in the volume; its root if absent.
    pub sub_path: Option<String>,
    /// Like `sub_path`, with references to environment variables.
    pub sub_path_expr: Option<String>,
}

/// The fields of a volume that show whether it can contain a Secret, a `ServiceAccount` token or a gateway.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// Its name, unique in its Pod.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// A CSI volume: its driver can put anything into it.
    #[serde(deserialize_with = "mapping")]
    pub csi: Option<Ignored>,
    /// An image volume: the files of an image (Kubernetes API, `ImageVolumeSource`).
    #[serde(deserialize_with = "mapping")]
    pub image: Option<ImageVolume>,
    /// A projected volume: several sources in one directory.
    #[serde(deserialize_with = "mapping")]
    pub projected: Option<Projected>,
    /// A Secret.
    #[serde(deserialize_with = "mapping")]
    pub secret: Option<SecretFiles>,
}

/// The image of an image volume.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ImageVolume {
    /// The name of the image, as written; empty if absent.
    #[serde(deserialize_with = "text")]
    pub reference: String,
}

/// A Secret in a volume: of its keys, only those in `items` if there are any.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SecretFiles {
    /// `items`: which keys become which files.
    #[serde(deserialize_with = "list::<VOLUME_SOURCES, _, _>")]
    pub items: Vec<KeyToPath>,
}

/// A key of a Secret and the file that it becomes.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct KeyToPath {
    /// Path of the file in the volume.
    #[serde(deserialize_with = "text")]
    pub path: String,
}

/// The sources of a projected volume.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Projected {
    /// `sources`, in order.
    #[serde(deserialize_with = "list::<VOLUME_SOURCES, _, _>")]
    pub sources: Vec<ProjectedSource>,
}

/// A source of a projected volume.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectedSource {
    /// A Secret.
    #[serde(deserialize_with = "mapping")]
    pub secret: Option<SecretFiles>,
    /// A token of the Pod's `ServiceAccount`.
    #[serde(deserialize_with = "mapping")]
    pub service_account_token: Option<TokenSource>,
}

/// A token of a `ServiceAccount`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TokenSource {
    /// `audience`: who accepts the token; the API server itself if absent.
    pub audience: Option<String>,
}

/// A mapping whose presence matters and whose content does not.
#[derive(Deserialize)]
pub struct Ignored {}

impl PodSpec {
    /// The limit that a list exceeds. The list is then read in part.
    pub(in crate::gateway) fn exceeded_list(&self) -> Option<ExceededLimit> {
        let lists = [&self.containers, &self.init_containers, &self.ephemeral_containers];
        let is_too_long = |volume: &Volume| {
            let sources = volume.projected.iter().map(|projected| projected.sources.len());
            sources.chain(volume.secrets().map(|secret| secret.items.len())).any(|length| length > VOLUME_SOURCES)
        };
        match () {
            () if lists.iter().any(|list| list.len() > CONTAINERS) => Some(ExceededLimit::CONTAINERS),
            () if lists.into_iter().flatten().any(ContainerSpec::is_too_long) => Some(ExceededLimit::ELEMENTS),
            () if self.volumes.len() > VOLUMES => Some(ExceededLimit::VOLUMES),
            () if self.volumes.iter().any(is_too_long) => Some(ExceededLimit::VOLUME_SOURCES),
            () => None,
        }
    }
}

impl ContainerSpec {
    fn is_too_long(&self) -> bool {
        let lifecycle = self.lifecycle.as_deref();
        let hooks = lifecycle.into_iter().flat_map(|lifecycle| [&lifecycle.post_start, &lifecycle.pre_stop]).flatten();
        let probes = [&self.liveness_probe, &self.readiness_probe, &self.startup_probe].into_iter().flatten();
        let handlers = hooks.chain(probes.map(Box::as_ref));
        let commands = handlers.filter_map(|handler| Some(handler.exec.as_ref()?.command.len()));
        commands.chain([self.env.len(), self.command.len(), self.args.len()]).any(|length| length > ELEMENTS)
            || self.env_from.len() > ENV_SOURCES
            || self.volume_mounts.len() > MOUNTS
    }
}

impl Volume {
    /// Returns true if the volume can contain a Secret: a Secret, CSI or projected Secret volume.
    pub fn may_hold_secret(&self) -> bool {
        self.csi.is_some() || self.secrets().next().is_some()
    }

    /// The paths that the volume gives to keys of its Secrets. Without `items` the names of the keys are the paths, and
    /// those are unknown.
    pub fn secret_paths(&self) -> impl Iterator<Item = &str> {
        self.secrets().flat_map(|secret| &secret.items).map(|item| item.path.as_str())
    }

    fn secrets(&self) -> impl Iterator<Item = &SecretFiles> {
        let sources = self.projected.iter().flat_map(|projected| &projected.sources);
        self.secret.iter().chain(sources.filter_map(|source| source.secret.as_ref()))
    }

    /// Returns true if the volume projects a `ServiceAccount` token with an explicit audience, such as Entra's: a token
    /// that is not for the API server.
    pub fn projects_token_with_audience(&self) -> bool {
        let sources = self.projected.iter().flat_map(|projected| &projected.sources);
        let mut tokens = sources.filter_map(|source| source.service_account_token.as_ref());
        tokens.any(|token| token.audience.is_some())
    }
}
