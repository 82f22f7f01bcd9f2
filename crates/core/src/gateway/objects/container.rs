//! A container of a pod template, from any of the three lists of a `PodSpec`.

use super::pod_spec::{ContainerSpec, EnvFromSource, EnvVar, PodSpec, VolumeMount};
use crate::gateway::EnvIndex;
use jsonptr::PointerBuf;

/// The list of a `PodSpec` that contains a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContainerList {
    /// `containers`
    Containers,
    /// `ephemeralContainers`, added to a running Pod
    EphemeralContainers,
    /// `initContainers`, sidecars included
    InitContainers,
}

impl ContainerList {
    /// The name of the list's field in a `PodSpec`.
    fn field(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::EphemeralContainers => "ephemeralContainers",
            Self::InitContainers => "initContainers",
        }
    }
}

/// The fields of a container that rules read, and its location in the object.
#[derive(Clone, Copy)]
pub struct Container<'a> {
    /// JSON pointer to its pod template in the object.
    template: &'static str,
    /// Its index in its list.
    index: usize,
    /// The list that contains it.
    pub list: ContainerList,
    /// `name`, unique in its Pod.
    pub name: &'a str,
    /// `image` as written; empty if absent.
    pub image: &'a str,
    /// `env`, in order.
    pub env: &'a [EnvVar],
    /// `envFrom`, in order.
    pub env_from: &'a [EnvFromSource],
    /// `volumeMounts`.
    pub volume_mounts: &'a [VolumeMount],
}

impl<'a> Container<'a> {
    /// Every container of `spec`, the `PodSpec` of the pod template at the JSON pointer `template`.
    pub(in crate::gateway) fn all(spec: &'a PodSpec, template: &'static str) -> Vec<Self> {
        let lists = [
            (ContainerList::Containers, &spec.containers),
            (ContainerList::InitContainers, &spec.init_containers),
            (ContainerList::EphemeralContainers, &spec.ephemeral_containers),
        ];
        let mut all = Vec::with_capacity(lists.iter().map(|(_, containers)| containers.len()).sum());
        for (list, containers) in lists {
            all.extend(
                containers.iter().enumerate().map(|(index, container)| Self::of(container, list, template, index)),
            );
        }
        all
    }

    fn of(container: &'a ContainerSpec, list: ContainerList, template: &'static str, index: usize) -> Self {
        Self {
            template,
            index,
            list,
            name: &container.name,
            image: &container.image,
            env: &container.env,
            env_from: &container.env_from,
            volume_mounts: &container.volume_mounts,
        }
    }

    /// JSON pointer to this container in the object.
    pub fn at(&self) -> PointerBuf {
        let index = self.index.to_string();
        PointerBuf::from_tokens(self.template.split('/').skip(1).chain(["spec", self.list.field(), &index]))
    }

    /// JSON pointer to an entry of this container's `env` or `envFrom`.
    pub fn entry_pointer(&self, index: EnvIndex) -> PointerBuf {
        let (list, index) = match index {
            EnvIndex::Env(index) => ("env", index),
            EnvIndex::EnvFrom(index) => ("envFrom", index),
        };
        self.pointer_to([list, &index.to_string()])
    }

    /// JSON pointer to the field at `tokens` in this container.
    pub fn pointer_to<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
        let mut at = self.at();
        for token in tokens {
            at.push_back(token);
        }
        at
    }
}
