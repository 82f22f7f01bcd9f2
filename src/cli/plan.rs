//! Arguments of `plan`.

use super::{ConnectionArguments, values};
use crate::plan::{IdentityKind, RoleScope};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Exit codes of `plan`, for its long help.
const EXIT_CODES: &str = "Exit codes:
  0  the plan was printed
  1  a gateway could not authenticate as planned, or a federated credential differs from the needed one
  2  a file or document could not be read, or there is no gateway in the input; or the command could not start";

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct PlanArguments {
    /// YAML or JSON files, folders of them (with subfolders), or - for stdin
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster", value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// Read the gateways from the cluster, and the issuer from its discovery document
    #[arg(long)]
    pub cluster: bool,
    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Namespace of objects without metadata.namespace; with --cluster: read only this namespace. Repeatable with
    /// --cluster
    #[arg(short, long = "namespace", value_name = "NAME", value_parser = values::namespace)]
    pub namespaces: Vec<String>,
    /// Issuer of the cluster's ServiceAccount tokens, as in its discovery document: with its final slash, if it has one.
    /// Default with --cluster: the issuer in the discovery document; else a variable
    #[arg(long, value_name = "URL", value_parser = values::issuer)]
    pub issuer: Option<String>,
    /// Where the role to read the configuration is assigned
    #[arg(long, value_enum, default_value_t = ScopeArgument::Instance)]
    pub scope: ScopeArgument,
    /// What the gateways authenticate as
    #[arg(long, value_enum, default_value_t = IdentityArgument::App)]
    pub identity: IdentityArgument,
    /// Format of the plan
    #[arg(short, long, value_enum, default_value_t = PlanOutput::Text)]
    pub output: PlanOutput,
    /// JSON file with the federated credentials that the identity has, to compare with the needed ones: the output of
    /// `az ad app federated-credential list` or `az identity federated-credential list`. With several identities:
    /// CLIENT-ID=FILE. Repeatable
    #[arg(long, value_name = "[CLIENT-ID=]FILE")]
    pub credentials: Vec<String>,
    /// Id of the subscription that the API Management instance is in. Default: a variable
    #[arg(long, value_name = "ID", value_parser = values::plain_text)]
    pub subscription: Option<String>,
    /// Id of the Entra tenant. Default: that of the ServiceAccounts' annotations, else a variable
    #[arg(long, value_name = "ID", value_parser = values::plain_text)]
    pub tenant: Option<String>,
    /// Resource group of the API Management instance. Default: a variable
    #[arg(long, value_name = "NAME", value_parser = values::plain_text)]
    pub resource_group: Option<String>,
    /// Name of the API Management instance, where the endpoint has a custom host name. Default: a variable
    #[arg(long, value_name = "NAME", value_parser = values::plain_text)]
    pub api_management: Option<String>,
    /// Where the gateways run, as API Management shows it. Default: a variable
    #[arg(long, value_name = "TEXT", value_parser = values::plain_text)]
    pub location: Option<String>,
    /// File with the policy, whose images are recognized as the gateway's too. Default: as for `check`
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// The format of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// Bicep, for the resource group of the API Management instance
    Bicep,
    /// JSON; its schema is `apim-keyless schema plan`
    Json,
    /// A shell script of az commands that creates only what is missing
    Sh,
    /// Terraform, for the providers azurerm and azuread
    Terraform,
    /// Text for people, with a check for each step
    Text,
}

/// The scope of a role assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScopeArgument {
    /// The resource group of the API Management instance
    Group,
    /// The API Management instance
    Instance,
    /// The subscription of the API Management instance
    Subscription,
}

/// What a gateway authenticates as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IdentityArgument {
    /// An Entra app, as in Microsoft's article
    App,
    /// A user-assigned managed identity
    UserAssigned,
}

impl From<ScopeArgument> for RoleScope {
    fn from(scope: ScopeArgument) -> Self {
        match scope {
            ScopeArgument::Group => Self::Group,
            ScopeArgument::Instance => Self::Instance,
            ScopeArgument::Subscription => Self::Subscription,
        }
    }
}

impl From<IdentityArgument> for IdentityKind {
    fn from(identity: IdentityArgument) -> Self {
        match identity {
            IdentityArgument::App => Self::App,
            IdentityArgument::UserAssigned => Self::UserAssigned,
        }
    }
}
