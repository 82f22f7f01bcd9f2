//! A plan as a Bicep file for the resource group of the API Management instance.
//!
//! An Entra app is not a resource of Azure: for it the file has a parameter, and comments with the `az` commands. Resource
//! types and versions: Azure Resource Manager's template reference.

use super::model::{EntraIdentity, IdentityKind, Instance, Plan, RoleScope};
use super::steps::{API_VERSION, list_credentials, steps};
use super::variable::{UsedBy, Variable};
use apim_keyless_core::azure::{
    AUDIENCE, CONFIGURATION_READER, ConfigurationRole, FederatedCredential, RBAC_VALIDATOR,
};
use apim_keyless_core::policy::{printable, shell_quoted};
use serde_json::json;

/// The version of identities and their federated credentials.
const IDENTITY_VERSION: &str = "2023-01-31";
/// The version of roles and their assignments.
const AUTHORIZATION_VERSION: &str = "2022-04-01";

/// Renders a plan.
///
/// # Errors
/// One file cannot hold the plan: a file is deployed into one resource group. The text says what to use instead.
pub fn render(plan: &Plan) -> Result<String, String> {
    let [instance] = plan.instances.as_slice() else {
        return Err(format!(
            "plan the gateways of each API Management instance by themselves, or write --output terraform: a Bicep file is \
             deployed into one resource group, and these gateways have {} instances",
            plan.instances.len()
        ));
    };
    if plan.scope == RoleScope::Subscription {
        return Err(
            "write --scope group or --scope instance, or --output terraform: a Bicep file for a resource group \
                    cannot assign roles on the subscription"
                .to_owned(),
        );
    }
    let titles: Vec<&str> = steps(plan).iter().map(|step| step.title).collect();
    let bodies = [
        existing_instance(),
        String::new(),
        instance.gateways.iter().enumerate().map(|(index, name)| gateway(index, name)).collect(),
        String::new(),
        role("validator", RBAC_VALIDATOR) + "\n" + &role("reader", CONFIGURATION_READER),
        assignment("validator", "", "instance.identity.principalId", plan.scope.of_validator()),
        plan.identities.iter().map(|one| identity(plan, one)).collect(),
        plan.identities.iter().map(|one| credentials(plan, one)).collect(),
        plan.identities.iter().map(|one| reader(plan, one)).collect(),
    ];
    let mut file = header(plan, instance) + &parameters(plan);
    for (index, ((step, title), body)) in steps(plan).iter().zip(titles).zip(bodies).enumerate() {
        file += &format!("\n// {}. {title}\n", index + 1);
        // the other steps are what this file creates
        if index < 4 && index != 2 {
            for check in &step.checks {
                file +=
                    &format!("// check: {}\n// expected: {}\n", printable(&check.command), printable(&check.expected));
            }
        }
        file += &body;
    }
    Ok(file)
}

fn header(plan: &Plan, instance: &Instance) -> String {
    let group = plan.word(&format!("resource_group{}", instance.suffix));
    let mut header = format!(
        "// What Azure needs so that these gateways authenticate with workload identity. Deploy it into the resource group \
         of the\n// API Management instance:\n//   az deployment group create --subscription {} --resource-group {group} \
         --template-file FILE\n//\n",
        plan.word("subscription"),
    );
    for gateway in &plan.gateways {
        header += &format!("// {}\n", gateway.title());
    }
    header + "\ntargetScope = 'resourceGroup'\n"
}

/// The values that the deployment itself has.
pub(super) fn is_of_deployment(variable: &Variable) -> bool {
    ["subscription", "tenant"].contains(&variable.name.as_str())
        || variable.name.starts_with("resource_group")
        || variable.name.starts_with("identity_resource_group")
        || variable.name.starts_with("app_name")
}

fn parameters(plan: &Plan) -> String {
    let parameter = |variable: &Variable| {
        let default = variable.value.as_deref().map(|value| format!(" = {}", quoted(value))).unwrap_or_default();
        format!("\n@description({})\nparam {} string{default}\n", quoted(&variable.description), variable.camel_name())
    };
    let used =
        plan.variables.iter().filter(|variable| variable.used_by != UsedBy::Script && !is_of_deployment(variable));
    let mut text: String = used.map(parameter).collect();
    if plan.identity == IdentityKind::App {
        for identity in &plan.identities {
            let of = plan.identity_title(identity);
            text += &format!(
                "\n@description('the object id of the service principal of the {of}')\nparam {} string\n",
                principal_parameter(identity)
            );
        }
    }
    for role in ["validator", "reader"] {
        text += &format!(
            "\n@description('the id of the {role} role, if the tenant has it; empty to create it: its name is unique in the \
             tenant')\nparam {role}RoleId string = ''\n"
        );
    }
    text
}

fn principal_parameter(identity: &EntraIdentity) -> String {
    format!("gatewayPrincipalId{}", symbol_suffix(identity))
}

/// The end of the names that belong to an identity: `1` for `_1`.
fn symbol_suffix(identity: &EntraIdentity) -> String {
    identity.suffix.replace('_', "")
}

fn existing_instance() -> String {
    format!(
        "resource instance 'Microsoft.ApiManagement/service@{API_VERSION}' existing = {{\n  name: apiManagement\n}}\n"
    )
}

fn gateway(index: usize, name: &str) -> String {
    format!(
        "resource gateway{} 'Microsoft.ApiManagement/service/gateways@{API_VERSION}' = {{\n  parent: instance\n  name: \
         {}\n  properties: {{\n    locationData: {{\n      name: location\n    }}\n  }}\n}}\n",
        index + 1,
        quoted(name)
    )
}

fn role(symbol: &str, role: ConfigurationRole) -> String {
    let list = |items: &[&str]| {
        if items.is_empty() {
            return "[]".to_owned();
        }
        let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
        format!("[\n          {}\n        ]", items.join("\n          "))
    };
    format!(
        "resource {symbol}Role 'Microsoft.Authorization/roleDefinitions@{AUTHORIZATION_VERSION}' = if \
         (empty({symbol}RoleId)) {{\n  name: guid(resourceGroup().id, {name})\n  properties: {{\n    roleName: {name}\n    \
         description: {description}\n    type: 'CustomRole'\n    permissions: [\n      {{\n        actions: {actions}\n        \
         notActions: []\n        dataActions: {data_actions}\n        notDataActions: []\n      }}\n    ]\n    \
         assignableScopes: [\n      resourceGroup().id\n    ]\n  }}\n}}\n",
        name = quoted(role.name),
        description = quoted(role.description),
        actions = list(role.actions),
        data_actions = list(role.data_actions),
    )
}

fn assignment(role: &str, suffix: &str, principal: &str, scope: RoleScope) -> String {
    // a deployment needs the name before it knows the principal
    let (line, id) = match scope {
        RoleScope::Instance => ("  scope: instance\n", "instance.id"),
        RoleScope::Group | RoleScope::Subscription => ("", "resourceGroup().id"),
    };
    format!(
        "resource {role}Assignment{suffix} 'Microsoft.Authorization/roleAssignments@{AUTHORIZATION_VERSION}' = {{\n{line}  \
         name: guid({id}, apiManagement, '{role}{suffix}')\n  properties: {{\n    roleDefinitionId: empty({role}RoleId) ? \
         {role}Role.id : {role}RoleId\n    principalId: {principal}\n    principalType: 'ServicePrincipal'\n  }}\n}}\n"
    )
}

fn identity(plan: &Plan, identity: &EntraIdentity) -> String {
    let suffix = symbol_suffix(identity);
    match (plan.identity, &identity.client_id) {
        (IdentityKind::App, Some(client_id)) => format!(
            "// An Entra app is no resource of Azure. Get the value of {}:\n//   az ad sp show --id {client_id} --query id \
             --output tsv\n// If it has no service principal: az ad sp create --id {client_id}\n",
            principal_parameter(identity)
        ),
        (IdentityKind::App, None) => {
            let name = plan.word(&format!("app_name{}", identity.suffix));
            format!(
                "// An Entra app is no resource of Azure. Create it, and write its client id into the ServiceAccounts:\n//   \
                 az ad app create --display-name {name} --query appId --output tsv\n//   az ad sp create --id CLIENT_ID \
                 --query id --output tsv   # the value of {}\n",
                principal_parameter(identity)
            )
        }
        (IdentityKind::UserAssigned, client_id) => {
            let is_new = client_id.is_none();
            let (existing, location) =
                if is_new { ("", "  location: resourceGroup().location\n") } else { (" existing", "") };
            let output = if is_new {
                format!("\noutput clientId{suffix} string = identity{suffix}.properties.clientId\n")
            } else {
                String::new()
            };
            let name = format!("identityName{suffix}");
            format!(
                "resource identity{suffix} 'Microsoft.ManagedIdentity/userAssignedIdentities@{IDENTITY_VERSION}'{existing} = \
                 {{\n  name: {name}\n{location}}}\n{output}"
            )
        }
    }
}

fn credentials(plan: &Plan, identity: &EntraIdentity) -> String {
    match plan.identity {
        IdentityKind::App => app_credentials(plan, identity),
        IdentityKind::UserAssigned => identity_credentials(identity),
    }
}

/// The commands for the credentials of an app.
fn app_credentials(plan: &Plan, identity: &EntraIdentity) -> String {
    let issuer = plan.word("oidc_issuer");
    let client_id = identity.client_id.as_deref().unwrap_or("CLIENT_ID");
    let mut text = format!("// check: {}\n", printable(&list_credentials(plan, identity)));
    for credential in &identity.credentials {
        let parameters = json!({
            "name": credential.name,
            "issuer": credential.issuer.as_deref().unwrap_or("ISSUER"),
            "subject": credential.subject,
            "audiences": [AUDIENCE],
        });
        if credential.issuer.is_none() {
            text += &format!("// ISSUER: {issuer}\n");
        }
        text += &format!(
            "// az ad app federated-credential create --id {client_id} --parameters {}\n",
            printable(&shell_quoted(&parameters.to_string()))
        );
    }
    text
}

/// The credentials of a user-assigned identity, each after the one before: Azure answers concurrent writes with 409.
fn identity_credentials(identity: &EntraIdentity) -> String {
    let suffix = symbol_suffix(identity);
    let symbol = |index: usize| {
        let separator = if suffix.is_empty() { "" } else { "_" };
        format!("credential{suffix}{separator}{index}")
    };
    let one = |(index, credential): (usize, &FederatedCredential)| {
        let after = match index {
            0 => String::new(),
            _ => format!("  dependsOn: [\n    {}\n  ]\n", symbol(index)),
        };
        format!(
            "resource {} 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@{IDENTITY_VERSION}' = \
             {{\n  parent: identity{suffix}\n  name: {}\n  properties: {{\n    issuer: oidcIssuer\n    subject: {}\n    \
             audiences: [\n      {}\n    ]\n  }}\n{after}}}\n",
            symbol(index + 1),
            quoted(&credential.name),
            quoted(&credential.subject),
            quoted(AUDIENCE),
        )
    };
    identity.credentials.iter().enumerate().map(one).collect()
}

fn reader(plan: &Plan, identity: &EntraIdentity) -> String {
    let suffix = symbol_suffix(identity);
    let principal = match plan.identity {
        IdentityKind::App => principal_parameter(identity),
        IdentityKind::UserAssigned => format!("identity{suffix}.properties.principalId"),
    };
    assignment("reader", &suffix, &principal, plan.scope)
}

/// A text as a string of Bicep.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace("${", "\\${");
    format!("'{}'", escaped.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_string_ends_where_it_should_and_interpolates_nothing() {
        for (text, expected) in
            [("a'b", r"'a\'b'"), (r"a\", r"'a\\'"), ("${x}", r"'\${x}'"), ("$a", "'$a'"), ("a\nb", r"'a\nb'")]
        {
            assert_eq!(quoted(text), expected);
        }
    }
}
