//! The arguments of `generate`.

use super::values;
use clap::{Args, Subcommand, ValueEnum};

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// What is written.
    #[command(subcommand)]
    pub what: Generated,
}

/// What `generate` writes.
#[derive(Debug, Subcommand)]
pub enum Generated {
    /// Write the objects of a first gateway with workload identity to stdout, or values for Microsoft's Helm chart
    Gateway(GatewayArguments),
}

/// Arguments of `generate gateway`.
#[derive(Debug, Args)]
pub struct GatewayArguments {
    /// Name of the gateway resource in API Management; the objects are named after it
    #[arg(long, value_name = "NAME", value_parser = values::gateway_name)]
    pub name: String,
    /// Namespace of the objects
    #[arg(short, long, value_name = "NAME", value_parser = values::namespace)]
    pub namespace: String,
    /// Client id of the Entra app or the managed identity
    #[arg(long, value_name = "GUID", value_parser = values::guid)]
    pub client_id: String,
    /// Address of the configuration API
    #[arg(long, value_name = "ADDRESS", value_parser = values::endpoint)]
    pub endpoint: String,
    /// Tenant id, if it is not that of the cluster
    #[arg(long, value_name = "GUID", value_parser = values::guid)]
    pub tenant_id: Option<String>,
    /// Name of the ServiceAccount. Default: that of Microsoft's article
    #[arg(long, value_name = "NAME", value_parser = values::object_name)]
    pub service_account: Option<String>,
    /// Tag of the gateway's image. Default: the newest patch of 2.11 that this version knows
    #[arg(long, value_name = "TAG", value_parser = values::image_tag)]
    pub image_tag: Option<String>,
    /// What is written
    #[arg(short, long, value_enum, default_value_t)]
    pub output: GatewayOutput,
}

/// The form of a generated gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GatewayOutput {
    /// Kubernetes objects
    #[default]
    Manifests,
    /// Values of Microsoft's chart, version 1.15.0 or newer
    HelmValues,
}
