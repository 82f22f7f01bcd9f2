//! The part of a `PodSpec` that rules read, in types of our own: the generated ones hold every field that there is, so
//! that the 24 bytes of a variable become 500. Names and meanings are the Kubernetes API's (`core/v1`).

use crate::gateway::json::go_json::{list, mapping, text};
use serde::Deserialize;

/// What rules read of a `PodSpec`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::gateway) struct PodSpec {
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) init_containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) ephemeral_containers: Vec<ContainerSpec>,
    pub(in crate::gateway) service_account_name: Option<String>,
    pub(in crate::gateway) service_account: Option<String>,
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) volumes: Vec<Volume>,
}

/// What rules read of a container, in whichever list it stands.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::gateway) struct ContainerSpec {
    #[serde(deserialize_with = "text")]
    pub(in crate::gateway) name: String,
    #[serde(deserialize_with = "text")]
    pub(in crate::gateway) image: String,
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) env: Vec<EnvVar>,
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) env_from: Vec<EnvFromSource>,
    #[serde(deserialize_with = "list")]
    pub(in crate::gateway) volume_mounts: Vec<VolumeMount>,
}

/// An entry of `env`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVar {
    /// Name of the variable.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Its text; an empty one counts as none.
    pub value: Option<String>,
    /// Where else it is taken from.
    #[serde(deserialize_with = "mapping")]
    pub value_from: Option<Box<EnvVarSource>>,
}

/// What a variable is taken from; one field at most is set, and none of a source that nothing is read of.
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
    /// May it be missing?
    pub optional: Option<bool>,
}

/// A field of a Pod.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldSelector {
    /// `metadata.annotations['key']`, say.
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

/// An entry of `envFrom`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvFromSource {
    /// What each variable's name begins with.
    pub prefix: Option<String>,
    /// A `ConfigMap` that is taken whole.
    #[serde(deserialize_with = "mapping")]
    pub config_map_ref: Option<WholeSource>,
    /// A Secret that is taken whole.
    #[serde(deserialize_with = "mapping")]
    pub secret_ref: Option<WholeSource>,
}

/// A `ConfigMap` or Secret that is taken whole.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WholeSource {
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// May it be missing?
    pub optional: Option<bool>,
}

/// A volume where a container sees it.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeMount {
    /// Name of the volume.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Path in the container.
    #[serde(deserialize_with = "text")]
    pub mount_path: String,
}

/// A volume, as far as it may hold a Secret or a token.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// Its name, unique in its Pod.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// A driver's volume: it may hold anything.
    #[serde(deserialize_with = "mapping")]
    pub csi: Option<Ignored>,
    /// Several sources in one.
    #[serde(deserialize_with = "mapping")]
    pub projected: Option<Projected>,
    /// A Secret.
    #[serde(deserialize_with = "mapping")]
    pub secret: Option<Ignored>,
}

/// The sources of a projected volume.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Projected {
    /// In order.
    #[serde(deserialize_with = "list")]
    pub sources: Vec<ProjectedSource>,
}

/// A source of a projected volume.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectedSource {
    /// A Secret.
    #[serde(deserialize_with = "mapping")]
    pub secret: Option<Ignored>,
    /// A token of the Pod's `ServiceAccount`.
    #[serde(deserialize_with = "mapping")]
    pub service_account_token: Option<TokenSource>,
}

/// A token of a `ServiceAccount`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TokenSource {
    /// Whom it is for; the API server itself, if it says nothing.
    pub audience: Option<String>,
}

/// A mapping that is there, whatever it says.
#[derive(Deserialize)]
pub struct Ignored {}

impl Volume {
    /// May it hold a Secret?
    pub(in crate::gateway) fn may_hold_a_secret(&self) -> bool {
        let mut sources = self.projected.iter().flat_map(|projected| &projected.sources);
        self.secret.is_some() || self.csi.is_some() || sources.any(|source| source.secret.is_some())
    }

    /// Does it hold a token for somebody else than the API server, as the one for Entra is?
    pub fn projects_a_token(&self) -> bool {
        let sources = self.projected.iter().flat_map(|projected| &projected.sources);
        let mut tokens = sources.filter_map(|source| source.service_account_token.as_ref());
        tokens.any(|token| token.audience.is_some())
    }
}
