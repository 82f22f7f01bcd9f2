//! Which values a plan names, and those that are known.

use super::build::PlanOptions;
use super::model::{EntraIdentity, IdentityKind, Instance, Plan};
use super::variable::{UsedBy, Variable};

/// The values that the outputs of a plan name, in the order in which they are listed. `tenant`: that of the
/// `ServiceAccount`s' annotations.
pub(super) fn variables(plan: &Plan, options: &PlanOptions, tenant: Option<&String>) -> Vec<Variable> {
    let mut all = Vec::new();
    let mut add = |name: String, description: &str, value: Option<String>, used_by| {
        let (description, is_optional) = (description.to_owned(), false);
        all.push(Variable { name, description, value, is_optional, used_by });
    };
    add(
        "subscription".to_owned(),
        "the id of the subscription that the API Management instance is in",
        options.subscription.clone(),
        UsedBy::All,
    );
    let tenant = options.tenant.clone().or_else(|| tenant.cloned());
    add(
        "tenant".to_owned(),
        "the id of the Entra tenant in which azure-workload-identity of the cluster authenticates",
        tenant,
        UsedBy::All,
    );
    for Instance { name, suffix, .. } in &plan.instances {
        let of = match name {
            _ if suffix.is_empty() => "the API Management instance".to_owned(),
            Some(name) => format!("the API Management instance {name}"),
            None => "the API Management instance whose endpoint has a custom host name".to_owned(),
        };
        add(format!("api_management{suffix}"), &format!("the name of {of}"), name.clone(), UsedBy::All);
        let group = options.resource_group.clone();
        add(format!("resource_group{suffix}"), &format!("the resource group of {of}"), group, UsedBy::All);
    }
    if plan.instances.iter().any(|instance| !instance.gateways.is_empty()) {
        add(
            "location".to_owned(),
            "where the gateways run, as API Management shows it, such as a city or the name of the cluster",
            options.location.clone(),
            UsedBy::All,
        );
    }
    let issuer = "the issuer of the cluster's ServiceAccount tokens, with its final slash if it has one";
    add("oidc_issuer".to_owned(), issuer, options.issuer.clone(), UsedBy::All);
    for identity in &plan.identities {
        identity_variables(options.identity, identity, &mut add);
    }
    all.extend(optional_variables());
    all
}

/// The variables of an identity.
fn identity_variables(
    kind: IdentityKind,
    identity: &EntraIdentity,
    add: &mut impl FnMut(String, &str, Option<String>, UsedBy),
) {
    let suffix = &identity.suffix;
    let of = match &identity.client_id {
        Some(client_id) => format!("with the client id {client_id}"),
        None => "to create".to_owned(),
    };
    match (kind, &identity.client_id) {
        (IdentityKind::App, Some(_)) => {}
        (IdentityKind::App, None) => {
            add(format!("app_name{suffix}"), "the display name of the Entra app to create", None, UsedBy::All);
        }
        (IdentityKind::UserAssigned, client_id) => {
            // the script finds an identity by its client id
            let used_by = if client_id.is_some() { UsedBy::Templates } else { UsedBy::All };
            add(
                format!("identity_name{suffix}"),
                &format!("the name of the user-assigned identity {of}"),
                None,
                used_by,
            );
            let group = format!("the resource group of the user-assigned identity {of}");
            add(format!("identity_resource_group{suffix}"), &group, None, used_by);
        }
    }
}

/// The variables for a cluster of AKS.
fn optional_variables() -> impl Iterator<Item = Variable> {
    let variable = |(name, description): (&str, &str)| Variable {
        name: name.to_owned(),
        description: description.to_owned(),
        value: None,
        is_optional: true,
        used_by: UsedBy::Script,
    };
    [
        ("aks_cluster", "the name of the AKS cluster; empty for another cluster"),
        ("aks_resource_group", "the resource group of the AKS cluster"),
        ("aks_subscription", "the id of the subscription of the AKS cluster; empty if it is that of API Management"),
    ]
    .into_iter()
    .map(variable)
}
