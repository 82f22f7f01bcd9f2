//! The kinds of objects that rules evaluate. This is the only list of them.

use std::fmt;

/// A kind that rules evaluate. Every served version counts, because the fields that rules read are the same in all of
/// them.
///
/// Each variant names its API group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `v1`
    ConfigMap,
    /// `batch`
    CronJob,
    /// `apps`, once `extensions`
    DaemonSet,
    /// `apps`, once `extensions`
    Deployment,
    /// `batch`
    Job,
    /// `v1`; not evaluated itself, but its annotations set the expectations for its gateways
    Namespace,
    /// `v1`
    Pod,
    /// `v1`
    PodTemplate,
    /// `apps`, once `extensions`
    ReplicaSet,
    /// `v1`
    ReplicationController,
    /// `v1`; evaluated only for misplaced workload identity labels and annotations, which have no effect there
    Service,
    /// `v1`
    ServiceAccount,
    /// `apps`
    StatefulSet,
}

impl Kind {
    /// The kind of an object from its `apiVersion` and `kind`; `None` if no rule evaluates it.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Self::of_group(api_version.split_once('/').map_or("", |(group, _)| group), kind)
    }

    /// The kind of an object from its API group (empty for the core group) and `kind`; `None` if no rule evaluates it.
    pub fn of_group(group: &str, kind: &str) -> Option<Self> {
        Some(match (group, kind) {
            ("", "ConfigMap") => Self::ConfigMap,
            ("", "Namespace") => Self::Namespace,
            ("", "Pod") => Self::Pod,
            ("", "PodTemplate") => Self::PodTemplate,
            ("", "ReplicationController") => Self::ReplicationController,
            ("", "Service") => Self::Service,
            ("", "ServiceAccount") => Self::ServiceAccount,
            ("apps" | "extensions", "DaemonSet") => Self::DaemonSet,
            ("apps" | "extensions", "Deployment") => Self::Deployment,
            ("apps" | "extensions", "ReplicaSet") => Self::ReplicaSet,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("batch", "CronJob") => Self::CronJob,
            ("batch", "Job") => Self::Job,
            _ => return None,
        })
    }

    /// JSON pointer to the pod template in an object of this kind; `None` if it has none. A Pod is its own template.
    pub fn template(self) -> Option<&'static str> {
        match self {
            Self::ConfigMap | Self::Namespace | Self::Service | Self::ServiceAccount => None,
            Self::CronJob => Some("/spec/jobTemplate/spec/template"),
            Self::Pod => Some(""),
            Self::PodTemplate => Some("/template"),
            Self::DaemonSet
            | Self::Deployment
            | Self::Job
            | Self::ReplicaSet
            | Self::ReplicationController
            | Self::StatefulSet => Some("/spec/template"),
        }
    }

    /// Returns true for a Pod and a Job: Kubernetes keeps their pod template unchanged after creation.
    pub fn has_immutable_template(self) -> bool {
        matches!(self, Self::Job | Self::Pod)
    }

    /// The `ServiceAccount` name of the controller in kube-controller-manager that creates objects owned by this kind
    /// (with `--use-service-account-credentials`, the default of every distribution we know); `None` if none does.
    pub fn controller_name(self) -> Option<&'static str> {
        match self {
            Self::CronJob => Some("cronjob-controller"),
            Self::DaemonSet => Some("daemon-set-controller"),
            Self::Deployment => Some("deployment-controller"),
            Self::Job => Some("job-controller"),
            Self::ReplicaSet => Some("replicaset-controller"),
            Self::ReplicationController => Some("replication-controller"),
            Self::StatefulSet => Some("statefulset-controller"),
            Self::ConfigMap
            | Self::Namespace
            | Self::Pod
            | Self::PodTemplate
            | Self::Service
            | Self::ServiceAccount => None,
        }
    }

    /// The kind of the objects that a workload controller creates for an owner of this kind.
    pub fn created_kind(self) -> Option<Self> {
        match self {
            Self::CronJob => Some(Self::Job),
            Self::Deployment => Some(Self::ReplicaSet),
            Self::DaemonSet | Self::Job | Self::ReplicaSet | Self::ReplicationController | Self::StatefulSet => {
                Some(Self::Pod)
            }
            Self::ConfigMap
            | Self::Namespace
            | Self::Pod
            | Self::PodTemplate
            | Self::Service
            | Self::ServiceAccount => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}
