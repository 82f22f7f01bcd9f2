//! A plan as Terraform configuration for the providers azurerm and azuread, formatted as `terraform fmt` does.
//!
//! Resources and arguments: the documentation of azurerm 4 and azuread 3.

use super::model::{EntraIdentity, IdentityKind, Instance, Plan, RoleScope, terraform_cloud};
use super::steps::{instances_of, steps};
use super::variable::{UsedBy, Variable};
use apim_keyless_core::azure::{
    AUDIENCE, CONFIGURATION_READER, ConfigurationRole, FederatedCredential, RBAC_VALIDATOR,
};
use apim_keyless_core::policy::printable;
use std::collections::BTreeSet;

/// Renders a plan.
pub fn render(plan: &Plan) -> String {
    let bodies = [
        plan.instances.iter().map(instance).collect(),
        String::new(),
        plan.instances.iter().map(gateways).collect(),
        String::new(),
        role("validator", RBAC_VALIDATOR) + "\n" + &role("reader", CONFIGURATION_READER),
        plan.instances.iter().map(|one| validator(plan, one)).collect::<Vec<_>>().join("\n"),
        plan.identities.iter().map(|one| identity(plan, one)).collect::<Vec<_>>().join("\n"),
        plan.identities.iter().map(|one| credentials(plan, one)).collect::<Vec<_>>().join("\n"),
        plan.identities.iter().map(|one| reader(plan, one)).collect::<Vec<_>>().join("\n"),
    ];
    let mut file = header(plan) + &variables(plan) + &providers(plan);
    for (index, (step, body)) in steps(plan).iter().zip(bodies).enumerate() {
        file += &format!("\n# {}. {}\n", index + 1, step.title);
        // the instance is checked by its conditions; the cluster belongs to another configuration
        if index == 1 {
            for check in &step.checks {
                file +=
                    &format!("# check: {}\n# expected: {}\n", printable(&check.command), printable(&check.expected));
            }
        }
        if index == 3 {
            file += "# checked by the condition of the data source of the instance\n";
        }
        file += &body;
    }
    file
}

fn header(plan: &Plan) -> String {
    let mut header =
        "# What Azure needs so that these gateways authenticate with workload identity. What exists has to be imported \
         first:\n# terraform import ADDRESS ID\n#\n"
            .to_owned();
    for gateway in &plan.gateways {
        header += &format!("# {}\n", gateway.title());
    }
    header
}

fn variables(plan: &Plan) -> String {
    let variable = |variable: &Variable| {
        let description = quoted(&variable.description);
        let mut attributes = vec![("type", "string".to_owned()), ("description", description)];
        attributes.extend(variable.value.as_deref().map(|value| ("default", quoted(value))));
        block(&["variable", &variable.name], &attributes, "")
    };
    let used = plan.variables.iter().filter(|variable| variable.used_by != UsedBy::Script);
    used.map(|one| "\n".to_owned() + &variable(one)).collect()
}

fn providers(plan: &Plan) -> String {
    let cloud = quoted(terraform_cloud(plan.cloud));
    let azurerm = [
        ("environment", cloud.clone()),
        ("subscription_id", "var.subscription".to_owned()),
        ("tenant_id", "var.tenant".to_owned()),
    ];
    let azuread = [("environment", cloud), ("tenant_id", "var.tenant".to_owned())];
    let mut required =
        "\nterraform {\n  required_providers {\n    azurerm = {\n      source  = \"hashicorp/azurerm\"\n      \
                        version = \"~> 4.0\"\n    }\n"
            .to_owned();
    if plan.identity == IdentityKind::App {
        required += "    azuread = {\n      source  = \"hashicorp/azuread\"\n      version = \"~> 3.0\"\n    }\n";
    }
    required += "  }\n}\n\n";
    required += &block(&["provider", "azurerm"], &azurerm, "  features {}\n");
    if plan.identity == IdentityKind::App {
        required += "\n";
        required += &block(&["provider", "azuread"], &azuread, "");
    }
    required
}

/// A block: its attributes with aligned equals signs, then `inner`, which is indented already.
fn block(labels: &[&str], attributes: &[(&str, String)], inner: &str) -> String {
    let mut labels = labels.iter();
    let mut text = labels.next().copied().unwrap_or_default().to_owned();
    for label in labels {
        text += &format!(" \"{label}\"");
    }
    text += " {\n";
    text += &aligned(attributes, 2);
    text + inner + "}\n"
}

fn aligned(attributes: &[(&str, String)], indent: usize) -> String {
    let width = attributes.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in attributes {
        text += &format!("{:indent$}{name:width$} = {value}\n", "");
    }
    text
}

fn data_instance(suffix: &str) -> String {
    format!("data.azurerm_api_management.instance{suffix}")
}

fn instance(instance: &Instance) -> String {
    let suffix = &instance.suffix;
    let attributes = [
        ("name", format!("var.api_management{suffix}")),
        ("resource_group_name", format!("var.resource_group{suffix}")),
    ];
    let condition = |condition: &str, message: &str| {
        let attributes = [("condition", condition.to_owned()), ("error_message", quoted(message))];
        format!("    postcondition {{\n{}    }}\n", aligned(&attributes, 6))
    };
    let tier = condition(
        "can(regex(\"^(Developer|Premium)_\", self.sku_name))",
        "Use an API Management instance of the tier Developer or Premium.",
    );
    let identity = condition(
        "length([for one in self.identity : one if can(regex(\"SystemAssigned\", one.type))]) > 0",
        "Enable the system-assigned managed identity of the API Management instance.",
    );
    let lifecycle = format!("\n  lifecycle {{\n{tier}{identity}  }}\n");
    block(&["data", "azurerm_api_management", &format!("instance{suffix}")], &attributes, &lifecycle)
}

/// A name as a label: letters, digits and `_`, of which the first is a letter. `taken` keeps it unique.
fn label(name: &str, taken: &mut BTreeSet<String>) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let plain: String = name.chars().map(letter).collect();
    let plain = if plain.starts_with(|first: char| first.is_ascii_alphabetic()) { plain } else { format!("g_{plain}") };
    let mut unique = plain.clone();
    let mut number = 1;
    while !taken.insert(unique.clone()) {
        number += 1;
        unique = format!("{plain}_{number}");
    }
    unique
}

fn gateways(instance: &Instance) -> String {
    let mut taken = BTreeSet::new();
    let gateway = |name: &String| {
        let label = format!("{}{}", label(name, &mut taken), instance.suffix);
        let attributes =
            [("name", quoted(name)), ("api_management_id", format!("{}.id", data_instance(&instance.suffix)))];
        let location = "\n  location_data {\n    name = var.location\n  }\n";
        block(&["resource", "azurerm_api_management_gateway", &label], &attributes, location)
    };
    instance.gateways.iter().map(gateway).collect::<Vec<_>>().join("\n")
}

fn role(label: &str, role: ConfigurationRole) -> String {
    let scope = quoted_raw("/subscriptions/${var.subscription}");
    let list = |items: &[&str]| format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "));
    let attributes = [
        ("name", quoted(role.name)),
        ("scope", scope.clone()),
        ("description", quoted(role.description)),
        ("assignable_scopes", format!("[{scope}]")),
    ];
    let permissions = [("actions", list(role.actions)), ("data_actions", list(role.data_actions))];
    let permissions = format!("\n  permissions {{\n{}  }}\n", aligned(&permissions, 4));
    block(&["resource", "azurerm_role_definition", label], &attributes, &permissions)
}

fn scope(scope: RoleScope, instance: &Instance) -> String {
    let suffix = &instance.suffix;
    match scope {
        RoleScope::Instance => format!("{}.id", data_instance(suffix)),
        RoleScope::Group => {
            quoted_raw(&format!("/subscriptions/${{var.subscription}}/resourceGroups/${{var.resource_group{suffix}}}"))
        }
        RoleScope::Subscription => quoted_raw("/subscriptions/${var.subscription}"),
    }
}

fn assignment(label: &str, role: &str, scope: String, principal: String) -> String {
    let attributes = [
        ("scope", scope),
        ("role_definition_id", format!("azurerm_role_definition.{role}.role_definition_resource_id")),
        ("principal_id", principal),
        ("principal_type", quoted("ServicePrincipal")),
    ];
    block(&["resource", "azurerm_role_assignment", label], &attributes, "")
}

fn validator(plan: &Plan, instance: &Instance) -> String {
    let suffix = &instance.suffix;
    let principal = format!("{}.identity[0].principal_id", data_instance(suffix));
    let scope = scope(plan.scope.of_validator(), instance);
    assignment(&format!("validator{suffix}"), "validator", scope, principal)
}

fn identity(plan: &Plan, identity: &EntraIdentity) -> String {
    match plan.identity {
        IdentityKind::App => app(identity),
        IdentityKind::UserAssigned => user_assigned(plan, identity),
    }
}

/// The address of the app of an identity.
fn app_address(identity: &EntraIdentity) -> String {
    let data = if identity.client_id.is_some() { "data." } else { "" };
    format!("{data}azuread_application.gateway{}", identity.suffix)
}

fn app(identity: &EntraIdentity) -> String {
    let label = format!("gateway{}", identity.suffix);
    let app = if let Some(client_id) = &identity.client_id {
        block(&["data", "azuread_application", &label], &[("client_id", quoted(client_id))], "")
    } else {
        let name = format!("var.app_name{}", identity.suffix);
        block(&["resource", "azuread_application", &label], &[("display_name", name)], "")
    };
    let client_id = format!("{}.client_id", app_address(identity));
    let mut attributes = vec![("client_id", client_id.clone())];
    if identity.client_id.is_some() {
        attributes.push(("use_existing", "true".to_owned()));
    }
    let principal = block(&["resource", "azuread_service_principal", &label], &attributes, "");
    format!("{app}\n{principal}{}", client_id_output(identity, &client_id))
}

/// The client id of a new identity, which the `ServiceAccount`s need.
fn client_id_output(identity: &EntraIdentity, address: &str) -> String {
    if identity.client_id.is_some() {
        return String::new();
    }
    let description = quoted("for the annotation azure.workload.identity/client-id of the ServiceAccounts");
    let attributes = [("description", description), ("value", address.to_owned())];
    "\n".to_owned() + &block(&["output", &format!("client_id{}", identity.suffix)], &attributes, "")
}

/// The address of a user-assigned identity.
fn identity_address(identity: &EntraIdentity) -> String {
    let data = if identity.client_id.is_some() { "data." } else { "" };
    format!("{data}azurerm_user_assigned_identity.gateway{}", identity.suffix)
}

fn user_assigned(plan: &Plan, identity: &EntraIdentity) -> String {
    let suffix = &identity.suffix;
    let label = format!("gateway{suffix}");
    let mut attributes = vec![
        ("name", format!("var.identity_name{suffix}")),
        ("resource_group_name", format!("var.identity_resource_group{suffix}")),
    ];
    let Some(client_id) = &identity.client_id else {
        let location = instances_of(plan, identity).next().map(|one| data_instance(&one.suffix)).unwrap_or_default();
        attributes.push(("location", format!("{location}.location")));
        let created = block(&["resource", "azurerm_user_assigned_identity", &label], &attributes, "");
        return created + &client_id_output(identity, &format!("{}.client_id", identity_address(identity)));
    };
    let condition = [
        ("condition", format!("self.client_id == {}", quoted(client_id))),
        (
            "error_message",
            quoted("Correct the name of the identity: it has another client id than the ServiceAccounts."),
        ),
    ];
    let lifecycle = format!("\n  lifecycle {{\n    postcondition {{\n{}    }}\n  }}\n", aligned(&condition, 6));
    block(&["data", "azurerm_user_assigned_identity", &label], &attributes, &lifecycle)
}

fn credentials(plan: &Plan, identity: &EntraIdentity) -> String {
    let mut taken = BTreeSet::new();
    let mut previous: Option<String> = None;
    let mut credential = |credential: &FederatedCredential| {
        let label = format!("{}{}", label(&credential.name, &mut taken), identity.suffix);
        match plan.identity {
            IdentityKind::App => app_credential(identity, credential, &label),
            IdentityKind::UserAssigned => {
                let text = identity_credential(identity, credential, &label, previous.as_deref());
                previous = Some(format!("azurerm_federated_identity_credential.{label}"));
                text
            }
        }
    };
    identity.credentials.iter().map(&mut credential).collect::<Vec<_>>().join("\n")
}

fn app_credential(identity: &EntraIdentity, credential: &FederatedCredential, label: &str) -> String {
    let attributes = [
        ("application_id", format!("{}.id", app_address(identity))),
        ("display_name", quoted(&credential.name)),
        ("audiences", format!("[{}]", quoted(AUDIENCE))),
        ("issuer", "var.oidc_issuer".to_owned()),
        ("subject", quoted(&credential.subject)),
    ];
    block(&["resource", "azuread_application_federated_identity_credential", label], &attributes, "")
}

/// A credential of a user-assigned identity, after the one before: Azure answers concurrent writes with 409.
fn identity_credential(
    identity: &EntraIdentity,
    credential: &FederatedCredential,
    label: &str,
    previous: Option<&str>,
) -> String {
    let attributes = [
        ("name", quoted(&credential.name)),
        ("resource_group_name", format!("var.identity_resource_group{}", identity.suffix)),
        ("parent_id", format!("{}.id", identity_address(identity))),
        ("audience", format!("[{}]", quoted(AUDIENCE))),
        ("issuer", "var.oidc_issuer".to_owned()),
        ("subject", quoted(&credential.subject)),
    ];
    let after = previous.map(|previous| format!("\n  depends_on = [{previous}]\n")).unwrap_or_default();
    block(&["resource", "azurerm_federated_identity_credential", label], &attributes, &after)
}

fn reader(plan: &Plan, identity: &EntraIdentity) -> String {
    let principal = match plan.identity {
        IdentityKind::App => format!("azuread_service_principal.gateway{}.object_id", identity.suffix),
        IdentityKind::UserAssigned => format!("{}.principal_id", identity_address(identity)),
    };
    let assign = |instance: &Instance| {
        let label = format!("reader{}{}", identity.suffix, instance.suffix);
        assignment(&label, "reader", scope(plan.scope, instance), principal.clone())
    };
    instances_of(plan, identity).map(assign).collect::<Vec<_>>().join("\n")
}

/// A text as a string of HCL that interpolates nothing.
fn quoted(text: &str) -> String {
    quoted_raw(&text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{"))
}

/// A text in quotes, whose `${...}` are evaluated.
fn quoted_raw(text: &str) -> String {
    format!("\"{}\"", text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_where_it_should_and_interpolates_nothing() {
        for (text, expected) in [
            (r#"a"b"#, r#""a\"b""#),
            (r"a\", r#""a\\""#),
            ("${x}", r#""$${x}""#),
            ("%{x}", r#""%%{x}""#),
            ("a\nb", r#""a\nb""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn labels_are_valid_and_unique() {
        let mut taken = BTreeSet::new();
        let labels = ["orders", "Orders", "1-a", "orders"].map(|name| label(name, &mut taken));
        assert_eq!(labels, ["orders", "orders_2", "g_1_a", "orders_3"]);
    }
}
