//! The kinds of object that a gateway is made of: the one place that lists them.

use std::fmt;

/// A kind that the rules look at. Any served version of it counts: the fields that are read are the same in all.
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
    /// `v1`; it is never judged itself, but its annotations tell what its gateways are expected to be
    Namespace,
    /// `v1`
    Pod,
    /// `v1`
    PodTemplate,
    /// `apps`, once `extensions`
    ReplicaSet,
    /// `v1`
    ReplicationController,
    /// `v1`; looked at only for keys of workload identity that nobody reads there
    Service,
    /// `v1`
    ServiceAccount,
    /// `apps`
    StatefulSet,
}

impl Kind {
    /// The kind of an object by its `apiVersion` and `kind`; `None` if no rule looks at it.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Self::of_group(api_version.split_once('/').map_or("", |(group, _)| group), kind)
    }

    /// The kind of an object by its API group and `kind`; `None` if no rule looks at it.
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

    /// Where the pod template stands in an object of this kind (JSON pointer); `None` if it has none. A Pod is its own.
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

    /// May the pod template change after creation? Kubernetes keeps a Pod's and a Job's as they were made.
    pub fn keeps_its_template(self) -> bool {
        matches!(self, Self::Job | Self::Pod)
    }

    /// The user name of the controller in kube-controller-manager that makes objects owned by this kind
    /// (`--use-service-account-credentials`, the default of every distribution we know); `None` if none does.
    pub fn controller(self) -> Option<&'static str> {
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

    /// The kinds that a workload controller makes for an owner of this kind.
    pub fn makes(self) -> Option<Self> {
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
