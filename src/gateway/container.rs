//! A container of a pod template, whichever of the three lists it stands in.

use jsonptr::PointerBuf;
use k8s_openapi::api::core::v1::{self, EnvFromSource, EnvVar, PodSpec, VolumeMount};

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

/// What rules read of a container.
#[derive(Clone, PartialEq)]
pub struct Container<'a> {
    /// Where it stands in the object.
    pub at: PointerBuf,
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
    /// Every container of `spec`, which stands at the JSON pointer `at`.
    pub fn all(spec: &'a PodSpec, at: &str) -> Vec<Self> {
        let ephemeral = spec.ephemeral_containers.as_deref().unwrap_or_default();
        let init = spec.init_containers.as_deref().unwrap_or_default();
        let place = |list, index| place(at, list, index);
        let mut all = Vec::with_capacity(spec.containers.len() + init.len() + ephemeral.len());
        for (list, containers) in
            [(ContainerList::Containers, spec.containers.as_slice()), (ContainerList::InitContainers, init)]
        {
            all.extend(
                containers.iter().enumerate().map(|(index, container)| Self::of(container, list, place(list, index))),
            );
        }
        all.extend(
            ephemeral.iter().enumerate().map(|(index, container)| {
                Self::of_ephemeral(container, place(ContainerList::EphemeralContainers, index))
            }),
        );
        all
    }

    fn of(container: &'a v1::Container, list: ContainerList, at: PointerBuf) -> Self {
        Self {
            at,
            list,
            name: &container.name,
            image: container.image.as_deref().unwrap_or_default(),
            env: container.env.as_deref().unwrap_or_default(),
            env_from: container.env_from.as_deref().unwrap_or_default(),
            volume_mounts: container.volume_mounts.as_deref().unwrap_or_default(),
        }
    }

    fn of_ephemeral(container: &'a v1::EphemeralContainer, at: PointerBuf) -> Self {
        Self {
            at,
            list: ContainerList::EphemeralContainers,
            name: &container.name,
            image: container.image.as_deref().unwrap_or_default(),
            env: container.env.as_deref().unwrap_or_default(),
            env_from: container.env_from.as_deref().unwrap_or_default(),
            volume_mounts: container.volume_mounts.as_deref().unwrap_or_default(),
        }
    }

    /// The place of something inside this container.
    pub fn place<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
        let mut at = self.at.clone();
        for token in tokens {
            at.push_back(token);
        }
        at
    }
}

fn place(spec: &str, list: ContainerList, index: usize) -> PointerBuf {
    let list = match list {
        ContainerList::Containers => "containers",
        ContainerList::EphemeralContainers => "ephemeralContainers",
        ContainerList::InitContainers => "initContainers",
    };
    PointerBuf::from_tokens(spec.split('/').skip(1).chain([list, index.to_string().as_str()]))
}
