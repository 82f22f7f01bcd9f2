//! The arguments of `generate`.

use super::values;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    /// Write Kubernetes' own mutating admission policies to stdout: they set what is missing without the webhook
    Map(MutatingPolicyArguments),
    /// Write Kubernetes' own validating admission policies to stdout for rules about keys and identity, or with --guard one
    /// that protects the labels of Namespaces
    Vap(ValidatingPolicyArguments),
}

/// Arguments of `generate map` and `generate vap`: what the policies depend on.
#[derive(Debug, Args)]
pub struct NativePolicyArguments {
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart. Default: as
    /// for `check`
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Beginning of the names of the policies
    #[arg(long, value_name = "NAME", default_value = NAME, value_parser = values::object_name)]
    pub name: String,
    /// Namespace of the installation, which the policies exclude
    #[arg(short, long, value_name = "NAME", default_value = NAME, value_parser = values::namespace)]
    pub namespace: String,
    /// Exclude this namespace, too, as excludedNamespaces of the chart. Repeatable
    #[arg(long = "exclude-namespace", value_name = "NAME", value_parser = values::namespace)]
    pub excluded: Vec<String>,
    /// No gateway of the cluster is ingress-only (k8s.ingress.enabled): cover also gateways whose ConfigMap could say so
    #[arg(long)]
    pub no_ingress_only: bool,
}

/// Arguments of `generate map`.
#[derive(Debug, Args)]
pub struct MutatingPolicyArguments {
    /// What the policies depend on.
    #[command(flatten)]
    pub common: NativePolicyArguments,
    /// Version of the API: v1 since Kubernetes 1.36; v1beta1 for 1.34 and 1.35, where kube-apiserver must enable it
    #[arg(long, value_name = "VERSION", default_value = "v1", value_parser = ["v1", "v1beta1"])]
    pub api_version: String,
}

/// Arguments of `generate vap`.
#[derive(Debug, Args)]
pub struct ValidatingPolicyArguments {
    /// What the policies depend on.
    #[command(flatten)]
    pub common: NativePolicyArguments,
    /// List the rules instead: which are covered, in which mode, and what is not covered
    #[arg(long, conflicts_with = "guard")]
    pub list_rules: bool,
    /// Write the policy that lets only the named users and groups change labels and annotations apim-keyless.dev/* of
    /// Namespaces, the webhook configurations and the policy document
    #[arg(long)]
    pub guard: bool,
    /// With --guard: a user who may change these. Repeatable
    #[arg(long = "user", value_name = "NAME", requires = "guard", value_parser = values::plain_text)]
    pub users: Vec<String>,
    /// With --guard: a group whose members may change these. Repeatable
    #[arg(long = "group", value_name = "NAME", requires = "guard", value_parser = values::plain_text)]
    pub groups: Vec<String>,
    /// With --guard: a user who may change only caBundles. Default: the ServiceAccount of the installation. Repeatable
    #[arg(long = "ca-bundle-user", value_name = "NAME", requires = "guard", value_parser = values::plain_text)]
    pub ca_bundle_users: Vec<String>,
    /// With --guard: name of both webhook configurations
    #[arg(long, value_name = "NAME", default_value = NAME, value_parser = values::object_name)]
    pub configurations: String,
}

/// The name of an installation and of its namespace.
const NAME: &str = "apim-keyless";

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
    #[arg(long, value_name = "NAME", value_parser = values::service_account)]
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
