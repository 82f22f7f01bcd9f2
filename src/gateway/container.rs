//! A container of a pod template, whichever of the three lists it stands in.

use super::Entry;
use super::pod_spec::{ContainerSpec, EnvFromSource, EnvVar, PodSpec, VolumeMount};
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
    pub(super) fn all(spec: &'a PodSpec, at: &str) -> Vec<Self> {
        let lists = [
            (ContainerList::Containers, &spec.containers),
            (ContainerList::InitContainers, &spec.init_containers),
            (ContainerList::EphemeralContainers, &spec.ephemeral_containers),
        ];
        let of_list = |(list, containers): (ContainerList, &'a Vec<ContainerSpec>)| {
            let placed = containers.iter().enumerate();
            placed.map(move |(index, container)| Self::of(container, list, place(at, list, index)))
        };
        lists.into_iter().flat_map(of_list).collect()
    }

    fn of(container: &'a ContainerSpec, list: ContainerList, at: PointerBuf) -> Self {
        Self {
            at,
            list,
            name: &container.name,
            image: &container.image,
            env: &container.env,
            env_from: &container.env_from,
            volume_mounts: &container.volume_mounts,
        }
    }

    /// The place of an entry that sets variables.
    pub fn place_of(&self, entry: Entry) -> PointerBuf {
        let (list, index) = match entry {
            Entry::Env(index) => ("env", index),
            Entry::EnvFrom(index) => ("envFrom", index),
        };
        self.place([list, &index.to_string()])
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
