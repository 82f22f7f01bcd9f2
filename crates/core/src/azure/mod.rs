//! What Azure and Microsoft Entra need so that a gateway authenticates with workload identity: the federated credential,
//! the roles, and what Entra's error codes mean. Pure, like `gateway`.
//!
//! ```
//! use apim_keyless_core::azure::{FederatedCredential, sign_in_error};
//!
//! let credential = FederatedCredential::new(Some("https://issuer.example/"), "shop", "orders-identity");
//! assert_eq!(credential.subject, "system:serviceaccount:shop:orders-identity");
//! assert_eq!(sign_in_error::find("AADSTS700213").map(|error| error.code), Some("AADSTS700213"));
//! ```

mod configured_credential;
mod federated_credential;
mod issuer;
mod role;
pub mod sign_in_error;

pub use configured_credential::{ConfiguredCredential, CredentialField, Difference, compare, parse_credentials};
pub use federated_credential::{AUDIENCE, FederatedCredential, MAX_CREDENTIALS, NAME_LENGTH};
pub use issuer::{is_public_issuer, issuer_problem};
pub use role::{CONFIGURATION_READER, ConfigurationRole, RBAC_VALIDATOR};
pub use sign_in_error::SignInError;
