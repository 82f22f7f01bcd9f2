//! A variable that azure-workload-identity injects, set by hand in a container's `env`.

use crate::gateway::{Container, ContainerList, EnvIndex, Kind, Workload};
use crate::policy::{Mode, Problem, Rule, RuleInput};
use std::path::Path;

/// A container sets a variable itself that azure-workload-identity would inject.
pub(super) static RULE: Rule = Rule {
    id: "overridden-identity-variable",
    page: include_str!("../../../../../docs/rules/overridden-identity-variable.md"),
    mode: Mode::Audit,
    check,
};

/// Variables that azure-workload-identity adds to a container, each unless the container's `env` already has it.
const INJECTED: [&str; 4] = ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", TOKEN_FILE, "AZURE_TENANT_ID"];

/// The variable that holds the path of the mounted token.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(workload) = input.gateway().map(|gateway| gateway.workload) else { return Vec::new() };
    // azure-workload-identity injects nothing into ephemeral containers
    let containers = input.authenticating_containers().map(|gateway_container| &gateway_container.container);
    let containers = containers
        .filter(|container| container.list != ContainerList::EphemeralContainers && !is_injected(workload, container));
    let variables = containers.flat_map(|container| {
        container.env.iter().enumerate().map(move |(index, variable)| (container, EnvIndex::Env(index), &variable.name))
    });
    let overridden = variables.filter(|(.., name)| INJECTED.contains(&name.as_str()));
    overridden
        .map(|(container, index, name)| {
            let message = format!(
                "Remove env {name} from container \"{}\": it silently overrides the value that \
                 azure-workload-identity injects",
                container.name
            );
            Problem::new(container.entry_pointer(index), message)
        })
        .collect()
}

/// Whether azure-workload-identity has already changed this container of a Pod: its token file is in a mounted token
/// volume. Injected variables cannot be distinguished from earlier ones; the finding at the pod template reports those.
fn is_injected(workload: &Workload, container: &Container<'_>) -> bool {
    let has_token = |name: &str| {
        workload.volumes().iter().any(|volume| volume.name == name && volume.projects_token_with_audience())
    };
    let files = container.env.iter().filter(|variable| variable.name == TOKEN_FILE);
    workload.kind == Kind::Pod
        && files.filter_map(|file| file.value.as_deref()).any(|file| {
            let mut mounts = container.volume_mounts.iter();
            mounts.any(|mount| Path::new(file).starts_with(&mount.mount_path) && has_token(&mount.name))
        })
}
