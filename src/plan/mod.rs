//! What Azure needs so that gateways authenticate with workload identity: the model, and one renderer a file. Nothing is
//! run. Pure, like `doctor`.
//!
//! The steps and their order are those of Microsoft's article "Use Microsoft Entra workload identity authentication for
//! the self-hosted gateway" (MicrosoftDocs/azure-docs, self-hosted-gateway-enable-workload-identity.md, 02/19/2026).

pub mod bicep;
mod build;
mod credentials;
pub mod json;
mod model;
pub mod sh;
mod steps;
pub mod terraform;
pub mod text;
mod variable;
mod variables;

pub use build::PlanOptions;
pub use credentials::CredentialList;
pub use model::{EntraIdentity, IdentityKind, Instance, Plan, PlanProblem, PlannedGateway, RoleScope};
pub use sh::percent_encoded;
pub use steps::{API_VERSION, Step, StepCheck, steps};
pub use variable::{UsedBy, Variable};
