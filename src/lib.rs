//! apim-keyless takes Azure API Management self-hosted gateways from auth keys to Microsoft Entra workload identity.
//!
//! Three things bring objects (a review, a file, a cluster), one thing judges them, two things speak (a response, a
//! report):
//!
//! ```text
//! admission ─┐                        ┌─ response (admission)
//! manifest  ─┼→ gateway → policy ─────┤
//!            │  what it   what it     └─ report (text, json)
//!            │  is        should be
//!  server, tls: how reviews reach us   cluster: what stands beside them, and our own CA
//!  doctor: what is wrong with an installation
//!  command: where the edges meet the core
//! ```

pub mod admission;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod doctor;
pub mod gateway;
pub mod manifest;
pub mod policy;
pub mod report;
pub mod server;
pub mod telemetry;
pub mod tls;
