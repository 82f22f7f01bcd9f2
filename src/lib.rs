//! apim-keyless moves Azure API Management self-hosted gateways from auth keys to Microsoft Entra workload identity and
//! keeps them there.
//!
//! Objects come from three sources: admission reviews, files and a cluster. The same rules evaluate all of them. The
//! results are admission responses or reports:
//!
//! ```text
//! admission ─┐                        ┌─ response (admission)
//! manifest  ─┼→ gateway → policy ─────┤
//! cluster   ─┘  what it   what it     └─ report (text, json, sarif, junit, github, html, policy_report)
//!               is        should be
//!
//! core: gateway, policy, migration (from a key to workload identity), azure (what Azure needs)
//! cli, command: the flags; each command combines the other modules
//! server, tls, telemetry: the HTTPS server; certificates; the log and the metrics
//! cluster: all that talks to the API server: the cache of related objects, the CA and the caBundles, the inventory of
//!          gateways, and of the webhook's audit the Lease, the reports and the Events
//! audit: the gateways of a cluster, and what changed since an earlier report
//! doctor, verify: why an installation, or a gateway, does not work
//! entra: the servers of Azure that verify asks
//! migration_sources: what changes in Helm values, Terraform, Kustomize and scripts
//! native: Kubernetes' own admission policies
//! plan: what Azure needs, as text, JSON, script, Bicep or Terraform
//! ```

pub mod admission;
pub mod audit;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod doctor;
pub mod entra;
pub mod migration_sources;
pub mod native;
pub mod plan;
pub mod server;
pub mod telemetry;
pub mod tls;
pub mod verify;
