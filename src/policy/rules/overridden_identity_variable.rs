//! A variable of workload identity that is set by hand.

use crate::gateway::{Container, ContainerList, EnvIndex, Kind, Workload};
use crate::policy::{Mode, Problem, Rule, RuleInput};
use std::path::Path;

/// A variable of workload identity that is set by hand.
pub(super) static RULE: Rule = Rule {
    id: "overridden-identity-variable",
    page: include_str!("../../../docs/rules/overridden-identity-variable.md"),
    mode: Mode::Audit,
    check,
};

/// What azure-workload-identity adds to every container, unless its `env` has it already.
const INJECTED: [&str; 4] = ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", TOKEN_FILE, "AZURE_TENANT_ID"];

/// The one of them that tells where the token is mounted.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(workload) = input.gateway().map(|gateway| gateway.workload) else { return Vec::new() };
    // nothing is injected into an ephemeral container
    let containers = input.authenticating_containers().map(|part| &part.container);
    let containers = containers
        .filter(|container| container.list != ContainerList::EphemeralContainers && !is_injected(workload, container));
    let variables = containers.flat_map(|container| {
        container.env.iter().enumerate().map(move |(index, variable)| (container, EnvIndex::Env(index), &variable.name))
    });
    let overridden = variables.filter(|(.., name)| INJECTED.contains(&name.as_str()));
    overridden
        .map(|(container, index, name)| {
            let message = "is set by hand and silently wins over what workload identity injects; remove it";
            Problem::new(container.place_of(index), format!("{name} {message}"))
        })
        .collect()
}

/// Was azure-workload-identity at this container of a Pod? Then it points at a token that is mounted for it. What was added
/// can't be told from what was there before, and that is said where the template stands.
fn is_injected(workload: &Workload, container: &Container<'_>) -> bool {
    let has_token =
        |name: &str| workload.volumes().iter().any(|volume| volume.name == name && volume.projects_a_token());
    let files = container.env.iter().filter(|variable| variable.name == TOKEN_FILE);
    workload.kind == Kind::Pod
        && files.filter_map(|file| file.value.as_deref()).any(|file| {
            let mut mounts = container.volume_mounts.iter();
            mounts.any(|mount| Path::new(file).starts_with(&mount.mount_path) && has_token(&mount.name))
        })
}
