//! What the error codes mean with which Entra answers a gateway, and what to change.
//!
//! Sources: azure-workload-identity, docs/book/src/troubleshooting.md; Microsoft's page "Troubleshoot an Azure Resource
//! Manager workload identity service connection" (azure-devops-docs, errors-workload-identity.md, 03/26/2026);
//! Azure/login issues 517 and 573. Microsoft says that codes may change and that programs must not depend on them: they
//! explain here, and nothing is decided by them.

/// Microsoft's caution about the codes.
pub const CAUTION: &str = "Microsoft may change these codes at any time: use them to find the cause, and let no program \
                           depend on them.";

/// An error code of Entra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInError {
    /// The code, such as `AADSTS700213`.
    pub code: &'static str,
    /// What is wrong, in one sentence without its full stop.
    pub summary: &'static str,
    /// What to change, in one or more sentences.
    pub fix: &'static str,
}

const WRONG_CLOUD: &str = "Use one cloud for everything: the gateway's endpoint, `config.service.auth.tokenAudience`, the \
                           cluster's `AZURE_AUTHORITY_HOST`, the tenant and the app. `apim-keyless explain \
                           mismatched-cloud` lists the values of each cloud.";

const ENTRA_TOKEN: &str = "Use the token of the ServiceAccount: remove `AZURE_FEDERATED_TOKEN_FILE` from the gateway's own \
                           settings, and let azure-workload-identity mount the token.";

const CLIENT_SECRET: &str = "Set `config.service.auth` to `workloadIdentity` and remove the client secret: the gateway still \
                             authenticates as an Entra app with a secret. To keep the secret, create a new one and update it \
                             in the gateway's Secret.";

const fn error(code: &'static str, summary: &'static str, fix: &'static str) -> SignInError {
    SignInError { code, summary, fix }
}

/// Every known code, in the order of their numbers.
pub const ERRORS: &[SignInError] = &[
    error(
        "AADSTS50005",
        "Conditional Access blocks the identity",
        "Exclude the app from the policy, or make the cluster's addresses meet its conditions: Entra admin center, \
         Protection, Conditional Access.",
    ),
    error(
        "AADSTS50027",
        "The token is not a valid JWT",
        "Check that the gateway's Pod has the projected token of azure-workload-identity, and that nothing else writes its \
         file. Restart the Pod.",
    ),
    error(
        "AADSTS53003",
        "Conditional Access blocks the token",
        "Exclude the app from the policy, or make the cluster's addresses meet its conditions: Entra admin center, \
         Protection, Conditional Access.",
    ),
    error(
        "AADSTS70021",
        "No federated credential matches the token",
        "Wait some minutes if the credential is new: it takes \
         that long to spread. Else create the credential, or correct its issuer, subject and audience. List what is \
         configured, and compare each character: `az ad app federated-credential list --id CLIENT_ID`, or `az identity \
         federated-credential list --identity-name NAME --resource-group GROUP`. `apim-keyless plan PATH --issuer URL \
         --credentials FILE` compares such a list with the manifests.",
    ),
    error(
        "AADSTS70025",
        "The app or identity has no federated credential at all",
        "Create the federated credential. `apim-keyless plan PATH --issuer URL --output sh` prints the commands. Check also \
         that the annotation azure.workload.identity/client-id of the ServiceAccount names the identity that is meant.",
    ),
    error(
        "AADSTS90002",
        "The tenant does not exist, or it is in another cloud",
        "Correct the annotation \
         azure.workload.identity/tenant-id of the ServiceAccount, or else the tenant with which azure-workload-identity was \
         installed, and use the cloud of this tenant.",
    ),
    error("AADSTS90038", "The request belongs to another cloud", WRONG_CLOUD),
    error(
        "AADSTS90061",
        "Entra cannot reach the issuer of the cluster's tokens",
        "Make the discovery document and the keys of the issuer public: \
         ISSUER/.well-known/openid-configuration must be readable from the internet, with a certificate that everybody \
         trusts.",
    ),
    error(
        "AADSTS500011",
        "The tenant does not know the resource that the gateway asks for",
        "Correct `config.service.auth.tokenAudience`: it is another one in each cloud. `apim-keyless explain \
         mismatched-cloud` lists them.",
    ),
    error(
        "AADSTS700016",
        "The tenant has no app with this client id",
        "Correct the annotation azure.workload.identity/client-id of the ServiceAccount, or add the annotation \
         azure.workload.identity/tenant-id if the app is in another tenant than the cluster. Then restart the Pods.",
    ),
    error(
        "AADSTS700024",
        "The token is outside of its time",
        "Synchronize the clocks of the cluster's nodes. If the token had expired, restart the Pod, and check that nothing \
         copies the token.",
    ),
    error(
        "AADSTS700211",
        "No federated credential has the issuer of the token",
        "Set the issuer of the credential to that of \
         the cluster, with its final slash if it has one, and without whitespace. `kubectl get --raw \
         /.well-known/openid-configuration` shows it. After a new cluster or a new issuer, create a new credential.",
    ),
    error(
        "AADSTS700212",
        "No federated credential has the audience of the token",
        "Set the audience of the credential to \
         api://AzureADTokenExchange, which azure-workload-identity requests.",
    ),
    error(
        "AADSTS700213",
        "No federated credential has the subject of the token",
        "Set the subject of the credential to \
         system:serviceaccount:NAMESPACE:NAME, with the namespace and the ServiceAccount of the Pod. After either was renamed, \
         create a new credential. There are no wildcards: every ServiceAccount needs its own credential.",
    ),
    error("AADSTS700222", "An Entra token was used in place of the cluster's token", ENTRA_TOKEN),
    error(
        "AADSTS700223",
        "The tenant forbids federation with this issuer",
        "Ask the administrators of the tenant to allow the issuer in their policy for workload identity federation.",
    ),
    error("AADSTS700226", "An Entra token was used in place of the cluster's token", ENTRA_TOKEN),
    error("AADSTS700227", "An Entra token was used in place of the cluster's token", ENTRA_TOKEN),
    error("AADSTS700236", "An Entra token was used in place of the cluster's token", ENTRA_TOKEN),
    error(
        "AADSTS700238",
        "The tenant forbids federation with this issuer",
        "Ask the administrators of the tenant to allow the issuer in their policy for workload identity federation.",
    ),
    error("AADSTS900382", "The request belongs to another cloud", WRONG_CLOUD),
    error("AADSTS900432", "The request belongs to another cloud", WRONG_CLOUD),
    error(
        "AADSTS5002727",
        "The token is not a valid JWT",
        "Check that the gateway's Pod has the projected token of azure-workload-identity, and that nothing else writes its \
         file. Restart the Pod.",
    ),
    error("AADSTS7000215", "The client secret is wrong", CLIENT_SECRET),
    error("AADSTS7000222", "The client secret has expired", CLIENT_SECRET),
    error(
        "AADSTS7000229",
        "The app has no service principal in this tenant",
        "Create it: `az ad sp create --id CLIENT_ID`.",
    ),
    error(
        "AADSTS7002138",
        "The subject of the federated credential differs only in upper and lower case",
        "Write the subject \
         of the credential as the cluster does: names of namespaces and ServiceAccounts are lower case.",
    ),
];

/// Finds a code. `AADSTS700213`, `aadsts700213` and `700213` are the same.
pub fn find(code: &str) -> Option<&'static SignInError> {
    let number = |code: &str| code.trim().to_ascii_uppercase().trim_start_matches("AADSTS").to_owned();
    let wanted = number(code);
    ERRORS.iter().find(|error| number(error.code) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_the_order_of_their_numbers() {
        let numbers: Vec<u64> =
            ERRORS.iter().filter_map(|error| error.code.strip_prefix("AADSTS")?.parse().ok()).collect();
        assert_eq!(numbers.len(), ERRORS.len());
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }

    #[test]
    fn a_code_is_found_in_every_spelling() {
        for code in ["AADSTS700213", "aadsts700213", "700213", " AADSTS700213 "] {
            assert_eq!(find(code).map(|error| error.code), Some("AADSTS700213"), "{code}");
        }
        assert_eq!(find("AADSTS1"), None);
        assert_eq!(find(""), None);
    }
}
