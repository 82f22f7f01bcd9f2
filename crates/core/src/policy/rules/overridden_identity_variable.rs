//! A variable that azure-workload-identity injects, set by hand in a container's `env`.

use crate::gateway::{Container, ContainerList, EnvIndex, Kind, Workload};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use std::collections::HashSet;
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
    let containers = containers.filter(|container| container.list != ContainerList::EphemeralContainers);
    let containers = containers.map(|container| (container, has_token(workload, container)));
    // azure-workload-identity has already changed this Pod; the finding at the pod template reports earlier variables
    let containers = containers.filter(|(_, has_token)| workload.kind != Kind::Pod || !has_token);
    let variables = containers.flat_map(|(container, has_token)| {
        let variables = container.env.iter().enumerate();
        variables.map(move |(index, variable)| (container, has_token, EnvIndex::Env(index), &variable.name))
    });
    let overridden = variables.filter(|(.., name)| INJECTED.contains(&name.as_str()));
    overridden
        .map(|(container, has_token, index, name)| {
            let container_name = container.name;
            let message = if has_token {
                format!(
                    "Install azure-workload-identity and annotate the ServiceAccount with the client id, then remove env \
                     {name} and the projected token of container \"{container_name}\" together: nothing renews these \
                     settings when the identity changes"
                )
            } else {
                format!(
                    "Remove env {name} from container \"{container_name}\": it silently overrides the value that \
                     azure-workload-identity injects"
                )
            };
            let at = container.entry_pointer(index);
            let fix = (!has_token).then(|| Edit::Remove { at: at.clone() });
            Problem::new(at, message).with_unsafe_fix(fix)
        })
        .collect()
}

/// Whether the token file is in a mounted token volume: azure-workload-identity has changed a Pod so, or a user wrote
/// it by hand into a pod template. Injected variables of a Pod cannot be distinguished from earlier ones.
fn has_token(workload: &Workload, container: &Container<'_>) -> bool {
    let volumes = workload.volumes().iter().filter(|volume| volume.projects_token_with_audience());
    let tokens: HashSet<&str> = volumes.map(|volume| volume.name.as_str()).collect();
    // of several variables of one name, the last one counts
    let file =
        container.env.iter().rfind(|variable| variable.name == TOKEN_FILE).and_then(|file| file.value.as_deref());
    file.is_some_and(|file| {
        let mut mounts = container.volume_mounts.iter().filter(|mount| tokens.contains(mount.name.as_str()));
        mounts.any(|mount| Path::new(file).starts_with(&mount.mount_path))
    })
}
