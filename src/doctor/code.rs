//! Everything that an installation may suffer from: the list, how grave it is, and what cures it.

use clap::ValueEnum;
use std::fmt;

/// A fault of an installation. Its id is its name in kebab-case, its sentence the first one of its page here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Code {
    /// AKS is not told to leave the namespace selectors alone
    AdmissionsEnforcer,
    /// There is no Secret with the CAs, or none in it that is valid
    CaMissing,
    /// No certificate of a caBundle is valid any more
    CaBundleExpired,
    /// A caBundle holds none of the CAs that the replicas' certificates come from
    CaBundleUnexpected,
    /// A caBundle lacks one of the CAs that are kept
    CaBundleIncomplete,
    /// A webhook entry has no caBundle
    CaBundleMissing,
    /// A caBundle holds something that is no certificate, or none that is valid yet
    CaBundleMalformed,
    /// The caBundles of the webhook entries are not the same
    CaBundlesDiffer,
    /// The clocks of the API server and of this machine differ by more than 30 seconds
    ClockDrifting,
    /// The clocks of the API server and of this machine differ by more than 5 minutes
    ClockSkewed,
    /// There is no Deployment of apim-keyless
    DeploymentMissing,
    /// No `PodDisruptionBudget` keeps a replica while nodes are drained
    DisruptionBudgetMissing,
    /// What an outage does to gateways is not what the chart does by default
    FailurePolicyDiffers,
    /// An outage of apim-keyless would stop writes that are no gateway's
    FailurePolicyStopsOthers,
    /// Entra can't fetch the keys of the cluster's tokens: their issuer is no public https address
    IssuerNotPublic,
    /// A webhook entry is left out when an object is written by another version of its API
    MatchPolicyExact,
    /// Replicas run different images
    MixedImages,
    /// A namespace has a mode, but the webhook configurations leave it out
    NamespaceExcluded,
    /// A label or annotation of a namespace is read by nobody
    NamespaceKeyUnknown,
    /// The mode of a namespace is none
    NamespaceModeMisspelled,
    /// A namespace selector was changed by the admissions enforcer of AKS, so that a label is a way out
    NamespaceSelectorRewritten,
    /// An annotation of a namespace can't be understood, and doesn't count
    NamespaceValueMalformed,
    /// No namespace is judged
    NoNamespaceEvaluated,
    /// No replica is ready
    NoReadyReplica,
    /// One replica alone is ready
    OneReadyReplica,
    /// A Pod of apim-keyless doesn't run
    PodFailing,
    /// What other webhooks change after apim-keyless is not mended
    ReinvocationNever,
    /// The API server is older than what is supported
    ServerTooOld,
    /// A webhook entry leads to no Service of apim-keyless
    ServiceMissing,
    /// A webhook entry says that a review has effects beside its answer
    SideEffectsDeclared,
    /// A webhook entry waits longer or shorter than the chart has it
    TimeoutDiffers,
    /// The replicas' version is not that of this binary
    VersionDiffers,
    /// A webhook configuration is missing
    WebhookConfigurationMissing,
    /// A webhook entry is missing
    WebhookEntryMissing,
    /// Pods get to azure-workload-identity's webhook before they are mended
    WebhookOrder,
    /// A gateway was written in a judged namespace, and nobody mended it or remarked on it
    WebhookNotCalled,
    /// The API server can't call the webhook
    WebhookUnreachable,
    /// There is no webhook of azure-workload-identity, so no gateway gets a token
    WorkloadIdentityMissing,
}

/// How grave a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something doesn't work, or can be got round.
    Error,
    /// It works, and could be better or was chosen otherwise.
    Warning,
}

impl Severity {
    /// Its name, as reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Code {
    /// Every fault, by the alphabet of their ids.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its sentence.
    pub fn sentence(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// How grave it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::AdmissionsEnforcer
            | Self::CaBundleIncomplete
            | Self::CaBundlesDiffer
            | Self::ClockDrifting
            | Self::DisruptionBudgetMissing
            | Self::FailurePolicyDiffers
            | Self::MixedImages
            | Self::NamespaceExcluded
            | Self::NamespaceKeyUnknown
            | Self::NoNamespaceEvaluated
            | Self::OneReadyReplica
            | Self::ReinvocationNever
            | Self::SideEffectsDeclared
            | Self::TimeoutDiffers
            | Self::VersionDiffers
            | Self::WorkloadIdentityMissing => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Code {
    /// Writes its id.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        formatter.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}
