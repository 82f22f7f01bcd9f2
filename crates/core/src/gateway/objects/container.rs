//! A container of a pod template, from any of the three lists of a `PodSpec`.

use super::pod_spec::{ContainerSpec, EnvFromSource, EnvVar, Handler, Lifecycle, PodSpec, VolumeMount};
use crate::gateway::command_line::{References, auth_assignment};
use crate::gateway::{AuthAssignment, EnvIndex};
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
    spec: &'a ContainerSpec,
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
            spec: container,
            list,
            name: &container.name,
            image: &container.image,
            env: &container.env,
            env_from: &container.env_from,
            volume_mounts: &container.volume_mounts,
        }
    }

    /// The fields whose command sets the auth setting, or can set it: the tokens of a JSON pointer in this container, and
    /// what the command does. Those that set it to `workloadIdentity` are included.
    pub(in crate::gateway) fn auth_assignments(&self) -> Vec<(&'static [&'static str], AuthAssignment)> {
        let references = References::new(self.env, self.env_from);
        // the arguments follow the command, so that the first of them can be the value of its last word
        let first_argument = self.spec.args.first();
        let assignment = |(field, words): (&'static [&'static str], &[String])| {
            let after = first_argument.filter(|_| field == ["command"]);
            Some((field, auth_assignment(words, after, &references)?))
        };
        self.commands().into_iter().filter_map(assignment).collect()
    }

    /// The words of all its commands.
    pub(in crate::gateway) fn words(&self) -> impl Iterator<Item = &'a str> {
        self.commands().into_iter().flat_map(|(_, words)| words).map(String::as_str)
    }

    /// Every command that runs in the container, with the tokens of the JSON pointer to its field.
    fn commands(&self) -> [(&'static [&'static str], &'a [String]); 7] {
        let spec = self.spec;
        let lifecycle = spec.lifecycle.as_deref();
        let hook = |hook: fn(&'a Lifecycle) -> &'a Option<Handler>| {
            exec(lifecycle.and_then(|lifecycle| hook(lifecycle).as_ref()))
        };
        [
            (&["command"], &spec.command),
            (&["args"], &spec.args),
            (&["lifecycle", "postStart", "exec", "command"], hook(|lifecycle| &lifecycle.post_start)),
            (&["lifecycle", "preStop", "exec", "command"], hook(|lifecycle| &lifecycle.pre_stop)),
            (&["livenessProbe", "exec", "command"], exec(spec.liveness_probe.as_deref())),
            (&["readinessProbe", "exec", "command"], exec(spec.readiness_probe.as_deref())),
            (&["startupProbe", "exec", "command"], exec(spec.startup_probe.as_deref())),
        ]
    }

    /// Returns true if both have the same commands.
    pub(in crate::gateway) fn has_same_commands(&self, other: &Container<'_>) -> bool {
        self.commands() == other.commands()
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

/// The words of a hook or a probe; none if it runs no command.
fn exec(handler: Option<&Handler>) -> &[String] {
    handler.and_then(|handler| handler.exec.as_ref()).map(|exec| exec.command.as_slice()).unwrap_or_default()
}
