//! A variable of workload identity that is set by hand.

use crate::gateway::ContainerList;
use crate::policy::{Case, Finding, Mode, Rule};

/// A variable of workload identity that is set by hand.
pub(super) static RULE: Rule = Rule {
    id: "overridden-identity-variable",
    page: include_str!("../../../docs/rules/overridden-identity-variable.md"),
    mode: Mode::Audit,
    check,
};

/// What azure-workload-identity adds to every container, unless its `env` has it already.
const INJECTED: [&str; 4] =
    ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"];

fn check(case: &Case<'_>) -> Vec<Finding> {
    // nothing is injected into an ephemeral container
    let containers = case.parts_that_sign_in().map(|part| &part.container);
    let containers = containers.filter(|container| container.list != ContainerList::EphemeralContainers);
    let variables = containers.flat_map(|container| {
        container
            .env
            .iter()
            .enumerate()
            .map(|(index, variable)| (container.place(["env", &index.to_string()]), &variable.name))
    });
    let overridden = variables.filter(|(_, name)| INJECTED.contains(&name.as_str()));
    overridden
        .map(|(at, name)| {
            Finding::new(
                at,
                format!("{name} is set by hand and silently wins over what workload identity injects; remove it"),
            )
        })
        .collect()
}
