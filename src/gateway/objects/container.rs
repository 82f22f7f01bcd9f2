//! A container of a pod template, whichever of the three lists it stands in.

use super::pod_spec::{ContainerSpec, EnvFromSource, EnvVar, PodSpec, VolumeMount};
use crate::gateway::EnvIndex;
use jsonptr::PointerBuf;

/// The list of a `PodSpec` that a container stands in.
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
    /// Its name in a `PodSpec`.
    fn field(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::EphemeralContainers => "ephemeralContainers",
            Self::InitContainers => "initContainers",
        }
    }
}

/// What rules read of a container.
#[derive(Clone, Copy)]
pub struct Container<'a> {
    /// Where its pod template stands in the object.
    template: &'static str,
    /// Its index in its list.
    index: usize,
    /// The list it stands in.
    pub list: ContainerList,
    /// Its name, unique in its Pod.
    pub name: &'a str,
    /// Its image as written; empty if there is none.
    pub image: &'a str,
    /// `env`, in order.
    pub env: &'a [EnvVar],
    /// `envFrom`, in order.
    pub env_from: &'a [EnvFromSource],
    /// `volumeMounts`.
    pub volume_mounts: &'a [VolumeMount],
}

impl<'a> Container<'a> {
    /// Every container of `spec`, of the pod template at the JSON pointer `template`.
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

    /// Where it stands in the object.
    pub fn at(&self) -> PointerBuf {
        let index = self.index.to_string();
        PointerBuf::from_tokens(self.template.split('/').skip(1).chain(["spec", self.list.field(), &index]))
    }

    /// The place of an entry that sets variables.
    pub fn place_of(&self, index: EnvIndex) -> PointerBuf {
        let (list, index) = match index {
            EnvIndex::Env(index) => ("env", index),
            EnvIndex::EnvFrom(index) => ("envFrom", index),
        };
        self.place([list, &index.to_string()])
    }

    /// The place of something inside this container.
    pub fn place<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
        let mut at = self.at();
        for token in tokens {
            at.push_back(token);
        }
        at
    }
}
