//! Every problem that `doctor` can report: its id, its severity, its summary and its fix, in one table.

use apim_keyless_report::Level;
use strum::{IntoStaticStr, VariantArray};

/// A problem of an installation. Its id is its name in kebab-case; the variants are in the order of their ids.
#[derive(Clone, Copy, Debug, IntoStaticStr, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "DoctorCode::entry holds the summary of each code")]
pub enum DoctorCode {
    AdmissionsEnforcer,
    CaBundleExpired,
    CaBundleIncomplete,
    CaBundleMalformed,
    CaBundleMissing,
    CaBundleUnexpected,
    CaBundlesDiffer,
    CaMissing,
    ClockDrifting,
    ClockSkewed,
    DeploymentMissing,
    DisruptionBudgetMissing,
    ExceptionExpired,
    ExceptionExpiring,
    FailurePolicyDiffers,
    FailurePolicyStopsOthers,
    IssuerNotPublic,
    MalformedNamespaceSetting,
    MatchPolicyExact,
    MixedImages,
    NamespaceExcluded,
    NamespaceSelectorRewritten,
    NoNamespaceEvaluated,
    NoReadyReplica,
    OneReadyReplica,
    PodFailing,
    PolicyInvalid,
    ReinvocationNever,
    ServerTooOld,
    ServiceMissing,
    SideEffectsDeclared,
    TimeoutDiffers,
    VersionDiffers,
    WebhookConfigurationMissing,
    WebhookEntryMissing,
    WebhookNotCalled,
    WebhookOrder,
    WebhookUnreachable,
    WorkloadIdentityMissing,
}

/// What is known of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// [`Level::Error`]: something does not work, or a check can be bypassed. [`Level::Warning`]: it works, but it can be
    /// improved, or its configuration is not the chart's default.
    pub level: Level,
    /// One sentence that says what is wrong.
    pub summary: &'static str,
    /// What to do, with the command. The report fills in `NAMESPACE` (the namespace of apim-keyless), `KIND` and `NAME`
    /// (the object with the problem) and `FIELD` (the dotted path in the object). The user fills in the others.
    pub fix: &'static str,
}

pub(crate) const fn error(summary: &'static str, fix: &'static str) -> CodeEntry {
    CodeEntry { level: Level::Error, summary, fix }
}

pub(crate) const fn warning(summary: &'static str, fix: &'static str) -> CodeEntry {
    CodeEntry { level: Level::Warning, summary, fix }
}

const REPAIR_CA: &str = "wait a minute: a running replica repairs it; if it does not, read the reason in its log: \
                         kubectl -n NAMESPACE logs deployment/apim-keyless; if certificates.source is files or \
                         cert-manager, repair the issuer of the certificates instead";
const RESTORE_CHART: &str =
    "restore the chart's objects: helm upgrade apim-keyless deploy/chart -n NAMESPACE --reset-then-reuse-values";
const SYNCHRONIZE_CLOCKS: &str =
    "synchronize the clocks of this machine and of the control plane with NTP: timedatectl set-ntp true";

impl DoctorCode {
    /// The id, for example `ca-missing`.
    pub fn id(self) -> &'static str {
        self.into()
    }

    /// Every code, in the order of the ids.
    pub fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// Level, summary and fix.
    #[rustfmt::skip]
    #[allow(clippy::too_many_lines, reason = "a table with one row for each code")]
    pub const fn entry(self) -> CodeEntry {
        match self {
            Self::AdmissionsEnforcer => warning(
                "A webhook configuration does not opt out of the AKS admissions enforcer, which rewrites namespace \
                 selectors",
                "opt out: kubectl annotate KIND NAME admissions.enforcer/disabled=true --overwrite"),
            Self::CaBundleExpired => error("Every certificate of a caBundle has expired", REPAIR_CA),
            Self::CaBundleIncomplete => warning("A caBundle lacks a CA of the CA Secret", REPAIR_CA),
            Self::CaBundleMalformed => error(
                "A caBundle holds something that is not a certificate, or no certificate that is valid yet",
                REPAIR_CA),
            Self::CaBundleMissing => error("A webhook entry has no caBundle", REPAIR_CA),
            Self::CaBundleUnexpected => error(
                "A caBundle holds none of the CAs that issue the replicas' certificates", REPAIR_CA),
            Self::CaBundlesDiffer => warning("The webhook entries have different caBundles", REPAIR_CA),
            Self::CaMissing => error("The CA Secret is missing or holds no valid CA", REPAIR_CA),
            Self::ClockDrifting => warning(
                "The clocks of the API server and of this machine differ by more than 30 seconds",
                SYNCHRONIZE_CLOCKS),
            Self::ClockSkewed => error(
                "The clocks of the API server and of this machine differ by more than 5 minutes", SYNCHRONIZE_CLOCKS),
            Self::DeploymentMissing => error(
                "The Deployment of apim-keyless is missing",
                "install it: helm install apim-keyless deploy/chart -n NAMESPACE; if it is installed in another \
                 namespace, run: apim-keyless doctor --namespace OTHER"),
            Self::DisruptionBudgetMissing => warning(
                "No PodDisruptionBudget keeps a replica running while nodes are drained", RESTORE_CHART),
            Self::ExceptionExpired => warning(
                "An exception of the policy document has expired and has no effect",
                "remove it from the value policy.exceptions, or set a later date: helm upgrade apim-keyless deploy/chart \
                 -n NAMESPACE --reset-then-reuse-values --values FILE"),
            Self::ExceptionExpiring => warning(
                "An exception of the policy document expires within 14 days; then its rule has its own mode again",
                "fix the objects, or set a later date in the value policy.exceptions: helm upgrade apim-keyless \
                 deploy/chart -n NAMESPACE --reset-then-reuse-values --values FILE"),
            Self::FailurePolicyDiffers => warning(
                "The failurePolicy of a webhook entry for gateways is not the chart's default",
                "restore the defaults unless the change is intended: helm upgrade apim-keyless deploy/chart -n \
                 NAMESPACE --reset-then-reuse-values --set failurePolicies.mutate=Ignore,failurePolicies.enforce=Fail"),
            Self::FailurePolicyStopsOthers => error(
                "An outage of apim-keyless would block writes of non-gateway objects",
                "set FIELD to Ignore, as the chart does: kubectl edit KIND NAME"),
            Self::IssuerNotPublic => error(
                "Entra cannot fetch the signing keys of ServiceAccount tokens: their issuer is not a public https \
                 address",
                "AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer; other clusters: \
                 start kube-apiserver with --service-account-issuer=https://ADDRESS and publish its discovery \
                 document and keys there"),
            Self::MalformedNamespaceSetting => warning(
                "A label or annotation of apim-keyless on a namespace is misspelled or malformed and has no effect",
                "correct or remove FIELD as the message says: kubectl edit namespace NAME"),
            Self::MatchPolicyExact => error(
                "A webhook entry does not get objects that are written in another version of their API",
                "set FIELD to Equivalent, as the chart does: kubectl edit KIND NAME"),
            Self::MixedImages => warning(
                "The replicas run different images",
                "wait for the rollout: kubectl -n NAMESPACE rollout status deployment apim-keyless"),
            Self::NamespaceExcluded => warning(
                "A namespace has a mode, but no webhook entry selects the namespace",
                "remove the label, which has no effect: kubectl label namespace NAME apim-keyless.dev/mode-"),
            Self::NamespaceSelectorRewritten => error(
                "The AKS admissions enforcer changed a namespace selector: a label of a namespace now excludes it",
                "opt out: kubectl annotate KIND NAME admissions.enforcer/disabled=true --overwrite; then remove the \
                 terms on control-plane and kubernetes.azure.com/managedby from FIELD: kubectl edit KIND NAME"),
            Self::NoNamespaceEvaluated => warning(
                "No namespace is enforced or audited",
                "audit a namespace, which changes and denies nothing: kubectl label namespace TEAM \
                 apim-keyless.dev/mode=audit"),
            Self::NoReadyReplica => error(
                "No replica is ready",
                "read why: kubectl -n NAMESPACE describe pods -l app.kubernetes.io/name=apim-keyless, and kubectl \
                 -n NAMESPACE logs deployment/apim-keyless"),
            Self::OneReadyReplica => warning(
                "Only one replica is ready",
                "run at least two, the chart's default: kubectl -n NAMESPACE scale deployment apim-keyless \
                 --replicas=2"),
            Self::PodFailing => error(
                "A Pod of apim-keyless does not run",
                "read why: kubectl -n NAMESPACE describe pod NAME, and kubectl -n NAMESPACE logs NAME --previous"),
            Self::PolicyInvalid => error(
                "The policy document is invalid: a running replica uses the previous one, and a new replica does not \
                 start",
                "correct it at the line and column of the message: helm upgrade apim-keyless deploy/chart -n NAMESPACE \
                 --reset-then-reuse-values --values FILE"),
            Self::ReinvocationNever => warning(
                "The mutating webhook does not see what later webhooks change",
                "set FIELD to IfNeeded, as the chart does: kubectl edit KIND NAME"),
            Self::ServerTooOld => error(
                "The API server is older than the oldest supported version",
                "upgrade the cluster to Kubernetes 1.30 or newer, where matchConditions of webhooks are stable"),
            Self::ServiceMissing => error(
                "A webhook entry does not point to a Service of apim-keyless",
                RESTORE_CHART),
            Self::SideEffectsDeclared => warning(
                "A webhook entry declares side effects, but a review has none",
                "set FIELD to None, as the chart does: kubectl edit KIND NAME"),
            Self::TimeoutDiffers => warning(
                "The timeout of a webhook entry is longer or shorter than the chart's",
                "set FIELD as the chart does (3 for mutate, 5 for enforce, 2 for the others): kubectl \
                 edit KIND NAME"),
            Self::VersionDiffers => warning(
                "The version of the replicas is not the version of this binary",
                "use the binary of the installed version, or install the version of this binary: helm upgrade \
                 apim-keyless deploy/chart -n NAMESPACE --reset-then-reuse-values --set image.tag=VERSION"),
            Self::WebhookConfigurationMissing => error(
                "A webhook configuration is missing",
                "install it: helm upgrade --install apim-keyless deploy/chart -n NAMESPACE; if it has another name, \
                 run: apim-keyless doctor --webhook-configurations OTHER"),
            Self::WebhookEntryMissing => error("A webhook entry is missing", RESTORE_CHART),
            Self::WebhookNotCalled => error(
                "A test gateway in an enforced or audited namespace got neither a change nor a warning nor a denial",
                "read in the log whether the webhook was called: kubectl -n NAMESPACE logs deployment/apim-keyless; \
                 if it was not, compare rules, selectors and matchConditions of FIELD with the chart's: kubectl get \
                 KIND NAME -o yaml"),
            Self::WebhookOrder => error(
                "The webhook of azure-workload-identity gets Pods before apim-keyless sets their labels",
                "register the webhook configuration under the name apim-keyless: helm upgrade --install apim-keyless \
                 deploy/chart -n NAMESPACE; then delete this one: kubectl delete KIND NAME; the API server calls \
                 mutating webhooks in the alphabetical order of the names of their configurations"),
            Self::WebhookUnreachable => error(
                "The API server cannot call the webhook",
                "read the API server's message; usual causes: no Pod behind the Service (kubectl -n NAMESPACE get \
                 pods), a caBundle that does not match, or a network that blocks calls from the control plane to \
                 port 8443 of the Pods (if it reaches nodes only: chart value hostNetwork)"),
            Self::WorkloadIdentityMissing => warning(
                "The webhook of azure-workload-identity is missing, so no gateway gets a token",
                "AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer \
                 --enable-workload-identity; other clusters: helm install workload-identity-webhook \
                 workload-identity-webhook --repo https://azure.github.io/azure-workload-identity/charts -n \
                 azure-workload-identity-system --create-namespace --set azureTenantID=TENANT"),
        }
    }
}
