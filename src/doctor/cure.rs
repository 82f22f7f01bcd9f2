//! What cures each fault, once: the report puts names in, docs/doctor.md shows it as it is.

use super::Code;

/// A running replica looks after the CAs, and says why it can't.
const REPLICA: &str = "a running replica sees to it within a minute, and its log tells what hinders it: kubectl -n NAMESPACE logs \
                       deployment/apim-keyless; with certificates of others (certificates.source), whoever issues them does";
const CHART: &str =
    "bring back what the chart makes: helm upgrade apim-keyless deploy/chart -n NAMESPACE --reuse-values";
const CLOCK: &str = "let NTP set the clocks of this machine and of the API server's";

impl Code {
    /// What cures it: a command or a field. NAMESPACE stands for the namespace of apim-keyless, KIND, NAME and PLACE for
    /// the object at fault and the place in it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::CaMissing
            | Self::CaBundleExpired
            | Self::CaBundleUnexpected
            | Self::CaBundleIncomplete
            | Self::CaBundleMissing
            | Self::CaBundleMalformed
            | Self::CaBundlesDiffer => REPLICA,
            Self::ClockDrifting | Self::ClockSkewed => CLOCK,
            Self::DisruptionBudgetMissing | Self::ServiceMissing | Self::WebhookEntryMissing => CHART,
            Self::NamespaceExcluded
            | Self::NamespaceKeyUnknown
            | Self::NamespaceModeMisspelled
            | Self::NamespaceValueMalformed
            | Self::NoNamespaceEvaluated => self.cure_of_namespace(),
            Self::DeploymentMissing
            | Self::MixedImages
            | Self::NoReadyReplica
            | Self::OneReadyReplica
            | Self::PodFailing
            | Self::VersionDiffers => self.cure_of_replicas(),
            Self::IssuerNotPublic | Self::ServerTooOld | Self::WorkloadIdentityMissing => self.cure_of_cluster(),
            _ => self.cure_of_webhook(),
        }
    }

    fn cure_of_namespace(self) -> &'static str {
        match self {
            Self::NamespaceExcluded => {
                "take the label away, it does nothing: kubectl label namespace NAME apim-keyless.dev/mode-"
            }
            Self::NamespaceKeyUnknown => "write it as it is read, or take it away: kubectl edit namespace NAME",
            Self::NamespaceModeMisspelled => {
                "kubectl label namespace NAME apim-keyless.dev/mode=audit --overwrite; or enforce, or off"
            }
            Self::NamespaceValueMalformed => "correct PLACE, or take it away: kubectl edit namespace NAME",
            _ => {
                "let one be looked at, which changes and refuses nothing: kubectl label namespace ONE apim-keyless.dev/mode=audit"
            }
        }
    }

    fn cure_of_replicas(self) -> &'static str {
        match self {
            Self::DeploymentMissing => {
                "helm install apim-keyless deploy/chart -n NAMESPACE; if it is in another namespace, name that: --namespace"
            }
            Self::MixedImages => "wait for the rollout: kubectl -n NAMESPACE rollout status deployment apim-keyless",
            Self::NoReadyReplica => {
                "kubectl -n NAMESPACE describe pods -l app.kubernetes.io/name=apim-keyless, and kubectl -n NAMESPACE logs \
                 deployment/apim-keyless"
            }
            Self::OneReadyReplica => {
                "run two at least (the chart's replicas): kubectl -n NAMESPACE scale deployment apim-keyless --replicas=2"
            }
            Self::PodFailing => "kubectl -n NAMESPACE describe pod NAME, and kubectl -n NAMESPACE logs NAME --previous",
            _ => "take the binary of the version that is installed, or install this one: the chart's image.tag",
        }
    }

    fn cure_of_cluster(self) -> &'static str {
        match self {
            Self::IssuerNotPublic => {
                "AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer; elsewhere: kube-apiserver \
                 --service-account-issuer=https://ADDRESS, and publish its discovery document and keys there"
            }
            Self::ServerTooOld => {
                "upgrade the cluster to Kubernetes 1.30 or newer: matchConditions of webhooks are stable since then"
            }
            _ => {
                "AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer --enable-workload-identity; \
                 elsewhere: helm install workload-identity-webhook workload-identity-webhook --repo \
                 https://azure.github.io/azure-workload-identity/charts -n azure-workload-identity-system --create-namespace \
                 --set azureTenantID=TENANT"
            }
        }
    }

    fn cure_of_webhook(self) -> &'static str {
        match self {
            Self::AdmissionsEnforcer => "kubectl annotate KIND NAME admissions.enforcer/disabled=true --overwrite",
            Self::FailurePolicyDiffers => {
                "unless it is meant so, leave the chart's failurePolicies at mutate: Ignore and enforce: Fail"
            }
            Self::FailurePolicyStopsOthers => "set PLACE to Ignore, as the chart does: kubectl edit KIND NAME",
            Self::MatchPolicyExact => "set PLACE to Equivalent, as the chart does: kubectl edit KIND NAME",
            Self::NamespaceSelectorRewritten => {
                "kubectl annotate KIND NAME admissions.enforcer/disabled=true --overwrite, then take the terms on control-plane \
                 and kubernetes.azure.com/managedby out of PLACE: kubectl edit KIND NAME"
            }
            Self::ReinvocationNever => "set PLACE to IfNeeded, as the chart does: kubectl edit KIND NAME",
            Self::SideEffectsDeclared => "set PLACE to None, as the chart does: kubectl edit KIND NAME",
            Self::TimeoutDiffers => {
                "set PLACE as the chart does, to 3 to mutate, 5 to enforce and 2 for the others: kubectl edit KIND NAME"
            }
            Self::WebhookConfigurationMissing => {
                "helm upgrade --install apim-keyless deploy/chart -n NAMESPACE; if it has another name, say so: \
                 --webhook-configurations"
            }
            Self::WebhookOrder => {
                "webhooks are called in the order of the names of their configurations: register under the chart's, apim-keyless"
            }
            Self::WebhookNotCalled => {
                "the log says whether it was called: kubectl -n NAMESPACE logs deployment/apim-keyless; if not, compare PLACE with \
                 the chart's: rules, selectors and matchConditions of its entries"
            }
            _ => {
                "the API server's message tells what failed: no Pod behind the Service (kubectl -n NAMESPACE get pods), a caBundle \
                 that doesn't fit, or a network that lets no call through, from the control plane to port 8443 of the Pods"
            }
        }
    }
}
