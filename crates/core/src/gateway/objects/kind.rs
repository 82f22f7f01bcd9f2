//! The kinds of objects that rules evaluate. This is the only list of them.

use super::metadata::api_group;
use crate::gateway::json::pointer_seed::text_at;
use jsonptr::Pointer;
use std::fmt;

/// A kind that rules evaluate. Every served version counts, because the fields that rules read are the same in all of
/// them.
///
/// Each variant names its API group. Any other kind with a pod template is [`Kind::Other`].
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
    /// A kind of any other group with a pod template, recognized by its shape: a Rollout (`argoproj.io`), a `CloneSet`
    /// (`apps.kruise.io`), a `DeploymentConfig` (`apps.openshift.io`), a Service (`serving.knative.dev`), ...
    Other(TemplateAt),
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

/// Where an object of another kind has its pod template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateAt {
    /// `spec.template`, like a Deployment.
    Spec,
    /// `spec.jobTemplate.spec.template`, like a `CronJob`.
    JobTemplate,
    /// `template`, like a `PodTemplate`.
    Root,
}

impl TemplateAt {
    const ALL: [Self; 3] = [Self::Spec, Self::JobTemplate, Self::Root];

    fn template(self) -> &'static str {
        match self {
            Self::Spec => "/spec/template",
            Self::JobTemplate => "/spec/jobTemplate/spec/template",
            Self::Root => "/template",
        }
    }

    fn containers(self) -> &'static Pointer {
        match self {
            Self::Spec => Pointer::from_static("/spec/template/spec/containers"),
            Self::JobTemplate => Pointer::from_static("/spec/jobTemplate/spec/template/spec/containers"),
            Self::Root => Pointer::from_static("/template/spec/containers"),
        }
    }
}

impl Kind {
    /// The kind of an object from its `apiVersion` and `kind`; `None` if no rule evaluates it.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Self::of_group(api_group(api_version), kind)
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

    /// The kind of an object that [`Kind::of_group`] does not know, from its JSON; `None` if it has no pod template with
    /// a list of containers.
    pub fn by_shape(json: &str) -> Option<Self> {
        let has_containers = |at: &TemplateAt| text_at(json, at.containers()).is_some_and(|text| text.starts_with('['));
        TemplateAt::ALL.into_iter().find(has_containers).map(Self::Other)
    }

    /// JSON pointer to the pod template in an object of this kind; `None` if it has none. A Pod is its own template.
    pub fn template(self) -> Option<&'static str> {
        match self {
            Self::ConfigMap | Self::Namespace | Self::Service | Self::ServiceAccount => None,
            Self::CronJob => Some(TemplateAt::JobTemplate.template()),
            Self::Other(at) => Some(at.template()),
            Self::Pod => Some(""),
            Self::PodTemplate => Some(TemplateAt::Root.template()),
            Self::DaemonSet
            | Self::Deployment
            | Self::Job
            | Self::ReplicaSet
            | Self::ReplicationController
            | Self::StatefulSet => Some(TemplateAt::Spec.template()),
        }
    }

    /// Returns true for a Pod and a Job: Kubernetes keeps their pod template unchanged after creation.
    pub fn has_immutable_template(self) -> bool {
        matches!(self, Self::Job | Self::Pod)
    }

    /// The `ServiceAccount` name of the controller in kube-controller-manager that creates objects owned by this kind
    /// (with `--use-service-account-credentials`, the default of every distribution we know); `None` if none does, or if
    /// the policy document names it (`controllers`).
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
            | Self::Other(_)
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
            | Self::Other(_)
            | Self::Pod
            | Self::PodTemplate
            | Self::Service
            | Self::ServiceAccount => None,
        }
    }
}

/// The name of the kind; `other` for every other kind, so that a metric has few labels.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(_) => formatter.write_str("other"),
            kind => fmt::Debug::fmt(kind, formatter),
        }
    }
}
