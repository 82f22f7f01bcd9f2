//! apim-keyless moves Azure API Management self-hosted gateways from auth keys to Microsoft Entra workload identity and
//! keeps them there.
//!
//! Objects come from three sources: admission reviews, files and a cluster. The same rules evaluate all of them. The
//! results are admission responses or reports:
//!
//! ```text
//! admission ─┐                        ┌─ response (admission)
//! manifest  ─┼→ gateway → policy ─────┤
//!            │  what it   what it     └─ report (text, json)
//!            │  is        should be
//!  server, tls: the HTTPS server   cluster: the cache of related objects, and the CA
//!  doctor: checks of an installation   plan: what Azure needs
//!  native: Kubernetes' own admission policies   migration_sources: what changes in sources that are no manifests
//!  command: combines the modules
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
