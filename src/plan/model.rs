//! The model of a plan: the gateways, the API Management instances and identities that they share, and the values that
//! nobody knows yet.

use super::variable::Variable;
use apim_keyless_core::azure::{Difference, FederatedCredential};
use apim_keyless_core::gateway::{Authentication, Cloud, ObjectReference};
use apim_keyless_core::policy::{Level, printable};
use std::collections::BTreeSet;
use strum::IntoStaticStr;

/// What the gateways of an input need.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cloud of their endpoints.
    pub cloud: Cloud,
    /// Where the configuration reader's role is assigned.
    pub scope: RoleScope,
    /// What the gateways authenticate as.
    pub identity: IdentityKind,
    /// The values that the outputs name, in the order in which they are listed.
    pub variables: Vec<Variable>,
    /// The gateways that authenticate to the configuration API, in the order of the input.
    pub gateways: Vec<PlannedGateway>,
    /// The API Management instances.
    pub instances: Vec<Instance>,
    /// The Entra apps or user-assigned identities.
    pub identities: Vec<EntraIdentity>,
    /// What is wrong with the input.
    pub problems: Vec<PlanProblem>,
    /// How the configured credentials differ from the needed ones; `None` if none were given.
    pub differences: Option<Vec<Difference>>,
}

/// A gateway of the input.
#[derive(Clone, Debug)]
pub struct PlannedGateway {
    /// Its workload.
    pub object: ObjectReference,
    /// How it authenticates today.
    pub authentication: Authentication,
    /// The name of its gateway resource, if it is known and possible.
    pub gateway_name: Option<String>,
    /// Its `ServiceAccount`, if it names one other than `default`.
    pub service_account: Option<String>,
    /// The index of its API Management instance.
    pub instance: usize,
    /// The index of its identity.
    pub identity: usize,
}

impl PlannedGateway {
    /// `Deployment shop/orders`, on one line.
    pub fn title(&self) -> String {
        printable(&self.object.to_string()).into_owned()
    }
}

/// An API Management instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its name, if the endpoint contains it.
    pub name: Option<String>,
    /// The end of the names of its variables; empty if there is only one instance.
    pub suffix: String,
    /// The names of its gateway resources.
    pub gateways: BTreeSet<String>,
}

/// An Entra app or a user-assigned identity.
#[derive(Clone, Debug)]
pub struct EntraIdentity {
    /// Its client id, if a `ServiceAccount` of the input has one.
    pub client_id: Option<String>,
    /// The end of the names of its variables; empty if there is only one identity.
    pub suffix: String,
    /// The federated credentials that it needs, each once.
    pub credentials: BTreeSet<FederatedCredential>,
    /// The indexes of the instances whose configuration it reads.
    pub instances: BTreeSet<usize>,
}

/// What a gateway authenticates as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum IdentityKind {
    /// An Entra app, as in Microsoft's article.
    App,
    /// A user-assigned managed identity.
    UserAssigned,
}

/// The scope of a role assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum RoleScope {
    /// The API Management instance.
    Instance,
    /// Its resource group.
    Group,
    /// Its subscription.
    Subscription,
}

impl IdentityKind {
    /// As the flag `--identity` writes it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// For a message.
    pub fn described(self) -> &'static str {
        match self {
            Self::App => "Entra app",
            Self::UserAssigned => "user-assigned identity",
        }
    }
}

impl RoleScope {
    /// As the flag `--scope` writes it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The scope of the validator's role, which Microsoft's article assigns on a resource group or a subscription.
    #[must_use]
    pub fn of_validator(self) -> Self {
        match self {
            Self::Instance | Self::Group => Self::Group,
            Self::Subscription => Self::Subscription,
        }
    }
}

/// Something that is wrong with the input of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// [`Level::Error`]: the gateway could not authenticate, or the plan cannot be carried out.
    pub level: Level,
    /// What to do first, then why.
    pub message: String,
}

impl Plan {
    /// The variable of this name. Every plan has those that the renderers ask for.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The value of a variable as one word of a shell command.
    pub(super) fn word(&self, name: &str) -> String {
        self.variable(name).map_or_else(|| format!("\"${}\"", name.to_ascii_uppercase()), Variable::shell_word)
    }

    /// The problems that keep a script or template from being written.
    pub fn errors(&self) -> impl Iterator<Item = &PlanProblem> {
        self.problems.iter().filter(|problem| problem.level == Level::Error)
    }

    /// Whether something is wrong: an error, or a difference between the needed and the configured credentials.
    pub fn has_error(&self) -> bool {
        self.errors().next().is_some() || self.differences.as_ref().is_some_and(|differences| !differences.is_empty())
    }

    /// The name of an identity for a message: its client id, if it is known.
    pub(super) fn identity_title(&self, identity: &EntraIdentity) -> String {
        match &identity.client_id {
            Some(client_id) => format!("{} {client_id}", self.identity.described()),
            None => format!("new {}", self.identity.described()),
        }
    }
}

/// The name of a cloud in `az cloud`.
pub(super) fn az_cloud(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::China => "AzureChinaCloud",
        Cloud::Public => "AzureCloud",
        Cloud::UsGovernment => "AzureUSGovernment",
    }
}

/// The name of a cloud in Terraform's providers.
pub(super) fn terraform_cloud(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::China => "china",
        Cloud::Public => "public",
        Cloud::UsGovernment => "usgovernment",
    }
}
