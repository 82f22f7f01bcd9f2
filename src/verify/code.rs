//! Every problem of a running gateway that `verify` can report, beside the rules: its id, its level, its summary and its
//! fix, in one table.

use crate::doctor::{CodeEntry, error, warning};
use strum::{IntoStaticStr, VariantArray};

/// A problem of a running gateway. Its id is its name in kebab-case; the variants are in the order of their ids.
#[derive(Clone, Copy, Debug, IntoStaticStr, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "VerifyCode::entry holds the summary of each code")]
pub enum VerifyCode {
    ConfigurationOutdated,
    ContainerRestarted,
    ContainerWaiting,
    EndpointUnreachable,
    EntraRejectsToken,
    EntraUnreachable,
    FederatedCredentialDiffers,
    GatewayScaledToZero,
    GatewayWithoutPods,
    IdentityNotInjected,
    IdentityOutdated,
    IdentityVariableMissing,
    IssuerDocumentDiffers,
    IssuerUnreachable,
    LogsConfigurationForbidden,
    LogsConfigurationUnreachable,
    LogsEntraError,
    LogsNoAuthentication,
    PodNotReady,
    PodUnscheduled,
    RunningImageDiffers,
    RunningImageUnsupported,
    ServiceAccountMissing,
    ServiceAccountOutdated,
    SigningKeyNotPublished,
    TemplateOutdated,
    TokenAlgorithmUnsupported,
    TokenAudienceDiffers,
    TokenExpirationUnusual,
    TokenIssuerDiffers,
    TokenNotMounted,
}

const RESTART: &str = "restart the Pods: kubectl -n NAMESPACE rollout restart KIND NAME";
const READ_EVENTS: &str = "read the events: kubectl -n NAMESPACE describe pods; and the log of the last start: kubectl -n \
                           NAMESPACE logs KIND/NAME --previous";
const PUBLISH_ISSUER: &str = "publish the cluster's own discovery document and keys at the issuer's address: kubectl get --raw \
     /.well-known/openid-configuration, and kubectl get --raw /openid/v1/jwks; on AKS, Arc and EKS the cloud does it";

impl VerifyCode {
    /// The id, for example `identity-not-injected`.
    pub fn id(self) -> &'static str {
        self.into()
    }

    /// Every code, in the order of the ids.
    pub fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// Level, summary and fix. The report fills in `NAMESPACE`, and `KIND` and `NAME` of the gateway.
    #[rustfmt::skip]
    #[allow(clippy::too_many_lines, reason = "a table with one row for each code")]
    pub const fn entry(self) -> CodeEntry {
        match self {
            Self::ConfigurationOutdated => warning(
                "A container started before the last change of a ConfigMap from which it takes its settings, and may run \
                 with older ones",
                RESTART),
            Self::ContainerRestarted => warning("A container of the gateway ended and was restarted", READ_EVENTS),
            Self::ContainerWaiting => error("A container of the gateway does not run", READ_EVENTS),
            Self::EndpointUnreachable => error(
                "The configuration endpoint gives no HTTP answer",
                "correct config.service.endpoint, or open the way to it; this machine asked, so check the same from the \
                 network of the cluster"),
            Self::EntraRejectsToken => error(
                "Entra rejects the token of the ServiceAccount",
                "compare the federated credential with the token, each character, and client id and tenant with those of \
                 the app or identity; a new credential takes minutes to spread"),
            Self::EntraUnreachable => error(
                "Entra's token endpoint gives no usable answer",
                "let this machine, and the cluster, reach Entra; check --authority"),
            Self::FederatedCredentialDiffers => error(
                "No federated credential of --credentials fits the token of the ServiceAccount",
                "correct the credential; its issuer, subject and audience must equal those of the token in each character"),
            Self::GatewayScaledToZero => warning(
                "The gateway has no replicas, so nothing of its Pods can be verified",
                "start it: kubectl -n NAMESPACE scale KIND NAME --replicas=3"),
            Self::GatewayWithoutPods => error(
                "The gateway has no Pods",
                "read why none is created: kubectl -n NAMESPACE describe KIND NAME; a denial of a webhook names its reasons"),
            Self::IdentityNotInjected => error(
                "A gateway container has nothing of azure-workload-identity: neither variables nor token",
                "remove the cause that the message names, and then restart the Pods: kubectl -n NAMESPACE rollout restart \
                 KIND NAME"),
            Self::IdentityOutdated => error(
                "A Pod has another client id or tenant than its ServiceAccount now says",
                "restart the Pods: kubectl -n NAMESPACE rollout restart KIND NAME; if the pod template itself sets the \
                 variable, remove it there"),
            Self::IdentityVariableMissing => error(
                "A gateway container lacks a variable of azure-workload-identity",
                "set what the message names, and then restart the Pods: kubectl -n NAMESPACE rollout restart KIND NAME"),
            Self::IssuerDocumentDiffers => error(
                "The public discovery document of the issuer names another issuer than the token", PUBLISH_ISSUER),
            Self::IssuerUnreachable => warning(
                "The public documents of the token's issuer cannot be read from this machine",
                "check that everybody can read them: Entra does, from the internet; this machine may be behind a firewall"),
            Self::LogsConfigurationForbidden => error(
                "The configuration API denies the gateway: a role is missing",
                "assign \"API Management Gateway Configuration Reader Role\" to the app or identity, and \"API Management \
                 Configuration API Access Validator Service Role\" to the system-assigned identity of the API Management \
                 instance; both are custom roles, and the built-in Service Contributor does not replace the first; assignments take \
                 minutes to spread"),
            Self::LogsConfigurationUnreachable => error(
                "The gateway does not reach its configuration API",
                "correct config.service.endpoint and gateway.name, and let the cluster's network reach the endpoint; read the \
                 status in the log: kubectl -n NAMESPACE logs KIND/NAME"),
            Self::LogsEntraError => error(
                "The gateway got an error from Entra",
                "run this command with --sign-in; apim-keyless explain CODE describes an error of Entra"),
            Self::LogsNoAuthentication => error(
                "The gateway found no valid authentication in its settings",
                "write config.service.auth: workloadIdentity into its ConfigMap, without whitespace, and then restart the \
                 Pods: kubectl -n NAMESPACE rollout restart KIND NAME"),
            Self::PodNotReady => error(
                "A Pod of the gateway is not ready",
                "wait for it; if it stays so, read its log: kubectl -n NAMESPACE logs KIND/NAME"),
            Self::PodUnscheduled => error(
                "A Pod of the gateway has no node",
                "read why: kubectl -n NAMESPACE describe pods; usual causes: too few free resources, taints, a volume"),
            Self::RunningImageDiffers => warning(
                "Pods of one gateway run different images, or not the image that their template names",
                "name a specific version in the template; a rolling tag is whatever each node pulled last"),
            Self::RunningImageUnsupported => error(
                "The image that runs is too old for workload identity, or for the minimum version of the namespace",
                "name a newer version in the template; with a rolling tag, set imagePullPolicy: Always or name the version"),
            Self::ServiceAccountMissing => error(
                "The ServiceAccount of the gateway does not exist",
                "create the ServiceAccount, with its label and annotations: apim-keyless explain absent-service-account"),
            Self::ServiceAccountOutdated => warning(
                "A Pod is older than the last change of the labels or annotations of its ServiceAccount",
                RESTART),
            Self::SigningKeyNotPublished => error(
                "The key that signed the token is not among the published keys of the issuer", PUBLISH_ISSUER),
            Self::TemplateOutdated => warning(
                "A Pod is of an older template than the gateway's: the rollout is not complete",
                "read what it waits for: kubectl -n NAMESPACE rollout status KIND NAME"),
            Self::TokenAlgorithmUnsupported => error(
                "The token is signed with another algorithm than RS256, and Entra accepts no other",
                "start kube-apiserver with an RSA key in --service-account-signing-key-file, and publish the new keys; AKS, \
                 Arc and EKS have such keys"),
            Self::TokenAudienceDiffers => error(
                "The mounted token has another audience than Entra expects",
                "remove the annotation azure.workload.identity/use-identity-binding and hand-written token volumes from the \
                 pod template; azure-workload-identity mounts a token for api://AzureADTokenExchange"),
            Self::TokenExpirationUnusual => warning(
                "The mounted token has a lifetime outside of 3600 to 86400 seconds",
                "set azure.workload.identity/service-account-token-expiration to a number from 3600 to 86400, and remove \
                 hand-written token volumes from the pod template"),
            Self::TokenIssuerDiffers => error(
                "The API server issues tokens with another issuer than its discovery document names",
                "start all kube-apiservers with the same first --service-account-issuer"),
            Self::TokenNotMounted => error(
                "The file of AZURE_FEDERATED_TOKEN_FILE is not a mounted token of the ServiceAccount",
                "remove AZURE_FEDERATED_TOKEN_FILE and hand-written token volumes from the pod template: \
                 azure-workload-identity sets and mounts both; then restart the Pods: kubectl -n NAMESPACE rollout restart \
                 KIND NAME"),
        }
    }
}
