//! The steps of a plan in the order and with the names of Microsoft's article, each with checks that change nothing.

use super::model::{EntraIdentity, IdentityKind, Instance, Plan, RoleScope};
use apim_keyless_core::azure::{AUDIENCE, CONFIGURATION_READER, ConfigurationRole, RBAC_VALIDATOR};
use apim_keyless_core::policy::shell_word;

/// The version of the API of gateway resources (Azure Resource Manager, `Microsoft.ApiManagement/service/gateways`).
pub const API_VERSION: &str = "2022-08-01";

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub title: &'static str,
    /// How to see whether it is done.
    pub checks: Vec<StepCheck>,
}

/// A command that changes nothing, and what it prints when the step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCheck {
    /// The command.
    pub command: String,
    /// What it prints.
    pub expected: String,
}

impl StepCheck {
    fn new(command: String, expected: impl Into<String>) -> Self {
        Self { command, expected: expected.into() }
    }
}

/// The steps of a plan.
pub fn steps(plan: &Plan) -> Vec<Step> {
    let step = |title, checks| Step { title, checks };
    vec![
        step("API Management instance in the Developer or Premium service tier", tier(plan)),
        step("Kubernetes cluster with workload identity and OIDC issuer enabled", cluster(plan)),
        step("Gateway resource on the instance", gateways(plan)),
        step("System-assigned managed identity enabled on the instance", instance_identity(plan)),
        step("Create custom roles", roles(plan)),
        step("Assign API Management Configuration API Access Validator Service role", validator(plan)),
        match plan.identity {
            IdentityKind::App => step("Register the Microsoft Entra app", apps(plan)),
            IdentityKind::UserAssigned => step("Create the user-assigned managed identity", identities(plan)),
        },
        step("Configure federated identity credentials", credentials(plan)),
        step("Assign API Management Gateway Configuration Reader role", reader(plan)),
    ]
}

/// `az apim show` for an instance, with a query.
fn show(plan: &Plan, instance: &Instance, query: &str) -> String {
    format!(
        "az apim show --subscription {} --resource-group {} --name {} --query {query} --output tsv",
        plan.word("subscription"),
        plan.word(&format!("resource_group{}", instance.suffix)),
        plan.word(&format!("api_management{}", instance.suffix)),
    )
}

fn tier(plan: &Plan) -> Vec<StepCheck> {
    let check = |instance| StepCheck::new(show(plan, instance, "sku.name"), "Developer or Premium");
    plan.instances.iter().map(check).collect()
}

fn cluster(plan: &Plan) -> Vec<StepCheck> {
    let aks = |query: &str| {
        let (group, cluster) = (plan.word("aks_resource_group"), plan.word("aks_cluster"));
        format!("az aks show --resource-group {group} --name {cluster} --query {query} --output tsv")
    };
    let issuer = plan.variable("oidc_issuer").and_then(|variable| variable.value.clone());
    vec![
        StepCheck::new(aks("oidcIssuerProfile.issuerUrl"), issuer.unwrap_or_else(|| "the issuer".to_owned())),
        StepCheck::new(aks("securityProfile.workloadIdentity.enabled"), "true"),
    ]
}

/// The id of an instance in the words of a shell. Words of a shell can be joined.
fn instance_id(plan: &Plan, instance: &Instance) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}",
        plan.word("subscription"),
        plan.word(&format!("resource_group{}", instance.suffix)),
        plan.word(&format!("api_management{}", instance.suffix)),
    )
}

fn gateways(plan: &Plan) -> Vec<StepCheck> {
    let of_instance = |instance: &Instance| {
        let id = instance_id(plan, instance);
        let check = |name: &String| {
            let name_word = shell_word(name);
            StepCheck::new(
                format!(
                    "az resource show --ids {id}/gateways/{name_word} --api-version {API_VERSION} --query name --output \
                     tsv"
                ),
                name.clone(),
            )
        };
        instance.gateways.iter().map(check).collect::<Vec<_>>()
    };
    plan.instances.iter().flat_map(of_instance).collect()
}

fn instance_identity(plan: &Plan) -> Vec<StepCheck> {
    let check =
        |instance| StepCheck::new(show(plan, instance, "identity.type"), "SystemAssigned, alone or with UserAssigned");
    plan.instances.iter().map(check).collect()
}

fn roles(plan: &Plan) -> Vec<StepCheck> {
    let check = |role: ConfigurationRole| {
        let subscription = plan.word("subscription");
        let name = shell_word(role.name);
        let command = format!(
            "az role definition list --subscription {subscription} --scope /subscriptions/{subscription} \
             --custom-role-only true --name {name} --query \"[].roleName\" --output tsv"
        );
        StepCheck::new(command, role.name)
    };
    [RBAC_VALIDATOR, CONFIGURATION_READER].map(check).to_vec()
}

/// The address of a scope in the words of a shell.
fn scope(plan: &Plan, scope: RoleScope, instance: &Instance) -> String {
    let subscription = plan.word("subscription");
    match scope {
        RoleScope::Instance => instance_id(plan, instance),
        RoleScope::Group => {
            let group = plan.word(&format!("resource_group{}", instance.suffix));
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        }
        RoleScope::Subscription => format!("/subscriptions/{subscription}"),
    }
}

fn assignment(plan: &Plan, role: ConfigurationRole, principal: &str, scope: &str) -> StepCheck {
    let command = format!(
        "az role assignment list --subscription {} --assignee {principal} --role {} --scope {scope} --include-inherited \
         --query \"[].roleDefinitionName\" --output tsv",
        plan.word("subscription"),
        shell_word(role.name),
    );
    StepCheck::new(command, role.name)
}

fn validator(plan: &Plan) -> Vec<StepCheck> {
    let check = |instance| {
        let principal = format!("\"$({})\"", show(plan, instance, "identity.principalId"));
        assignment(plan, RBAC_VALIDATOR, &principal, &scope(plan, plan.scope.of_validator(), instance))
    };
    plan.instances.iter().map(check).collect()
}

fn apps(plan: &Plan) -> Vec<StepCheck> {
    let of_identity = |identity: &EntraIdentity| {
        let Some(client_id) = &identity.client_id else {
            let name = plan.word(&format!("app_name{}", identity.suffix));
            return vec![StepCheck::new(
                format!("az ad app list --display-name {name} --query \"[].appId\" --output tsv"),
                "the client id, for the annotation of the ServiceAccounts",
            )];
        };
        let show = |what| format!("az ad {what} show --id {client_id} --query appId --output tsv");
        vec![StepCheck::new(show("app"), client_id.clone()), StepCheck::new(show("sp"), client_id.clone())]
    };
    plan.identities.iter().flat_map(of_identity).collect()
}

/// `az identity show` for an identity, with a query.
fn show_identity(plan: &Plan, identity: &EntraIdentity, query: &str) -> String {
    format!(
        "az identity show --subscription {} --resource-group {} --name {} --query {query} --output tsv",
        plan.word("subscription"),
        plan.word(&format!("identity_resource_group{}", identity.suffix)),
        plan.word(&format!("identity_name{}", identity.suffix)),
    )
}

fn identities(plan: &Plan) -> Vec<StepCheck> {
    let check = |identity: &EntraIdentity| {
        let expected = identity.client_id.clone();
        let expected =
            expected.unwrap_or_else(|| "the client id, for the annotation of the ServiceAccounts".to_owned());
        StepCheck::new(show_identity(plan, identity, "clientId"), expected)
    };
    plan.identities.iter().map(check).collect()
}

/// The client id of an app in the words of a shell.
fn client_id_word(plan: &Plan, identity: &EntraIdentity) -> String {
    let name = || plan.word(&format!("app_name{}", identity.suffix));
    let found = || format!("\"$(az ad app list --display-name {} --query \"[0].appId\" --output tsv)\"", name());
    identity.client_id.clone().unwrap_or_else(found)
}

/// The command that lists the federated credentials of an identity.
pub(super) fn list_credentials(plan: &Plan, identity: &EntraIdentity) -> String {
    match plan.identity {
        IdentityKind::App => format!("az ad app federated-credential list --id {}", client_id_word(plan, identity)),
        IdentityKind::UserAssigned => format!(
            "az identity federated-credential list --subscription {} --resource-group {} --identity-name {}",
            plan.word("subscription"),
            plan.word(&format!("identity_resource_group{}", identity.suffix)),
            plan.word(&format!("identity_name{}", identity.suffix)),
        ),
    }
}

fn credentials(plan: &Plan) -> Vec<StepCheck> {
    let of_identity = |identity: &EntraIdentity| {
        let list = list_credentials(plan, identity);
        let check = |credential: &apim_keyless_core::azure::FederatedCredential| {
            let subject = &credential.subject;
            let command =
                format!("{list} --query \"[?subject=='{subject}'].[issuer, subject, audiences[0]]\" --output tsv");
            let issuer = credential.issuer.as_deref().unwrap_or("the issuer");
            StepCheck::new(command, format!("{issuer} {subject} {AUDIENCE}"))
        };
        identity.credentials.iter().map(check).collect::<Vec<_>>()
    };
    plan.identities.iter().flat_map(of_identity).collect()
}

fn reader(plan: &Plan) -> Vec<StepCheck> {
    let of_identity = |identity: &EntraIdentity| {
        let principal = match plan.identity {
            IdentityKind::App => client_id_word(plan, identity),
            IdentityKind::UserAssigned => {
                format!("\"$({})\"", show_identity(plan, identity, "principalId"))
            }
        };
        let check = |instance| assignment(plan, CONFIGURATION_READER, &principal, &scope(plan, plan.scope, instance));
        instances_of(plan, identity).map(check).collect::<Vec<_>>()
    };
    plan.identities.iter().flat_map(of_identity).collect()
}

/// The instances whose configuration an identity reads.
pub(super) fn instances_of<'p>(plan: &'p Plan, identity: &'p EntraIdentity) -> impl Iterator<Item = &'p Instance> {
    identity.instances.iter().filter_map(|index| plan.instances.get(*index))
}
