//! The step about identities: their roles and federated credentials.

use super::{Checklist, Steps};
use crate::command::migrate::deployed::DeployedGateway;
use apim_keyless_core::azure::{AUDIENCE, FederatedCredential, MAX_CREDENTIALS};
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::policy::{printable, shell_quoted, shell_word};
use apim_keyless_report::counted;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Microsoft's article, with the roles that the API Management instance and the identity need.
const ARTICLE: &str = "https://learn.microsoft.com/azure/api-management/self-hosted-gateway-enable-workload-identity";

/// An app or a managed identity.
#[derive(Default)]
struct Identity {
    /// The `ServiceAccount`s that use it, each with its namespace before it.
    subjects: BTreeSet<(String, String)>,
    /// Whether it did not authenticate a gateway before.
    is_new: bool,
}

impl Checklist<'_> {
    /// The apps and managed identities of the migrated gateways, by their client ids.
    fn identities_of_gateways(&self) -> BTreeMap<String, Identity> {
        let mut identities: BTreeMap<String, Identity> = BTreeMap::new();
        let gateways = self.planned.changed_gateways();
        let deployed =
            gateways.flat_map(|gateway| self.deployed.gateways(gateway).into_iter().map(move |at| (gateway, at)));
        for (gateway, DeployedGateway { namespace, service_account, client_id, .. }) in deployed {
            let Some(client_id) = client_id else { continue };
            let is_old = |old: &str| old.eq_ignore_ascii_case(&client_id);
            let is_old_app = gateway.old_client_id.as_deref().is_some_and(is_old);
            let identity = identities.entry(client_id).or_default();
            identity.subjects.insert((namespace, service_account));
            identity.is_new |= gateway.from != Authentication::EntraApp || !is_old_app;
        }
        for gateway in self.other_gateways() {
            let identity =
                identities.entry(gateway.client_id.clone().unwrap_or_else(|| "CLIENT_ID".to_owned())).or_default();
            let namespace = gateway.namespace.as_deref().unwrap_or("NAMESPACE");
            identity.subjects.insert((namespace.to_owned(), gateway.service_account.clone()));
            let old = gateway.old_client_id.as_ref().filter(|_| gateway.from == Authentication::EntraApp);
            identity.is_new |= old.is_none() || old != gateway.client_id.as_ref();
        }
        identities
    }

    pub(super) fn identities(&self, steps: &mut Steps) {
        let identities = self.identities_of_gateways();
        let unknown = unknown_names(&identities);
        steps.step("Give each identity its role and its federated credentials, before anything is applied");
        steps.line("ISSUER is the OIDC issuer of the cluster, with its final slash. On AKS:");
        steps.line("  az aks show -g GROUP -n CLUSTER --query oidcIssuerProfile.issuerUrl -o tsv");
        steps.line("Each cluster has its own issuer. A second cluster needs a second credential, with another name.");
        for (client_id, Identity { subjects, is_new }) in identities {
            let role = if is_new {
                format!("needs the right to read the gateway's configuration: {ARTICLE}")
            } else {
                "has its role already, as the old Entra app".to_owned()
            };
            steps.line(&format!("Client {client_id} {role}"));
            if subjects.len() > MAX_CREDENTIALS {
                steps.line(&format!(
                    "- it would need {}, and an identity has at most {MAX_CREDENTIALS}: use more identities",
                    counted(subjects.len(), "credential")
                ));
            }
            for (namespace, account) in subjects {
                let credential = FederatedCredential::new(None, &namespace, &account);
                let parameters = json!({
                    "name": credential.name,
                    "issuer": "ISSUER",
                    "subject": credential.subject,
                    "audiences": [AUDIENCE],
                });
                let (id, parameters) = (shell_word(&client_id), shell_quoted(&printable(&parameters.to_string())));
                steps.line(&format!("  az ad app federated-credential create --id {id} --parameters \\"));
                steps.line(&format!("    {parameters}"));
            }
        }
        for line in unknown {
            steps.line(line);
        }
        steps.line("For a managed identity, with the same names and subjects:");
        steps.line("  az identity federated-credential create --resource-group GROUP --identity-name IDENTITY \\");
        steps.line(&format!("    --name NAME --issuer ISSUER --subject SUBJECT --audiences {AUDIENCE}"));
        // it reads manifests
        if self.planned.changed_gateways().next().is_some() {
            steps.line(
                "`apim-keyless plan` writes these commands and those for the roles as a script, Bicep or Terraform.",
            );
        }
    }
}

/// What to write in place of the words in capitals.
fn unknown_names(identities: &BTreeMap<String, Identity>) -> Vec<&'static str> {
    let subjects = || identities.values().flat_map(|identity| &identity.subjects);
    let lines = [
        (
            subjects().any(|(namespace, _)| namespace == "NAMESPACE"),
            "Replace NAMESPACE by the namespace of the gateway: it could not be read from a file.",
        ),
        (
            subjects().any(|(_, account)| account.contains("RELEASE")),
            "Replace RELEASE by the name of the Helm release: it could not be read from a file.",
        ),
        (
            subjects().any(|(_, account)| account == "SERVICE_ACCOUNT"),
            "Replace SERVICE_ACCOUNT by the name of the ServiceAccount: it is in a variable or a template.",
        ),
    ];
    lines.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, line)| line).collect()
}
