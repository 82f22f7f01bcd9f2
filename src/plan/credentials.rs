//! Compares a plan with the federated credentials that its identities have.

use super::model::{Plan, PlanProblem};
use apim_keyless_core::azure::{ConfiguredCredential, FederatedCredential, MAX_CREDENTIALS, compare};
use apim_keyless_core::policy::Level;

/// The federated credentials of one identity.
#[derive(Clone, Debug)]
pub struct CredentialList {
    /// The client id of the identity; `None` for the only one of a plan.
    pub client_id: Option<String>,
    /// Its federated credentials.
    pub configured: Vec<ConfiguredCredential>,
}

impl Plan {
    /// Compares the credentials, and fills in [`Plan::differences`].
    ///
    /// # Errors
    /// No identity, or more than one, can be meant by a list. The text says what to write.
    pub fn compare(&mut self, lists: &[CredentialList]) -> Result<(), String> {
        let mut differences = Vec::new();
        for list in lists {
            let index = self.identity_of(list)?;
            let Some(identity) = self.identities.get(index) else { continue };
            let needed: Vec<FederatedCredential> = identity.credentials.iter().cloned().collect();
            let found = compare(&needed, &list.configured);
            let to_create = found.iter().filter(|difference| difference.credential.is_none()).count();
            let all = list.configured.len() + to_create;
            if to_create > 0 && all > MAX_CREDENTIALS {
                let message = format!(
                    "Use a second {kind} for some of the gateways, or delete credentials that are no longer used: the \
                     {title} has {count} federated credentials, needs {to_create} more, and can have {MAX_CREDENTIALS}",
                    kind = self.identity.described(),
                    title = self.identity_title(identity),
                    count = list.configured.len(),
                );
                self.problems.push(PlanProblem { level: Level::Error, message });
            }
            differences.extend(found);
        }
        self.differences = Some(differences);
        Ok(())
    }

    fn identity_of(&self, list: &CredentialList) -> Result<usize, String> {
        match (&list.client_id, self.identities.len()) {
            (Some(client_id), _) => {
                let is_meant = |client: &str| client.eq_ignore_ascii_case(client_id);
                let found = self.identities.iter().position(|one| one.client_id.as_deref().is_some_and(is_meant));
                found.ok_or_else(|| format!("no gateway of the input has the client id {client_id}; correct it"))
            }
            (None, 1) => Ok(0),
            (None, 0) => Err("no gateway of the input has an identity to compare with".to_owned()),
            (None, count) => Err(format!("the gateways have {count} identities; write CLIENT-ID=FILE for each file")),
        }
    }
}
