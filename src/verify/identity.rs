//! What azure-workload-identity's webhook adds to a Pod: its four variables (azure-workload-identity,
//! `pkg/webhook/webhook.go`).

use super::gateway::{RunningGateway, RunningPod};
use super::{VerifyCode, VerifyInput, found, of_each_problem};
use crate::cluster::Container;
use crate::doctor::{Outcome, is_workload_identity};
use apim_keyless_core::gateway::Lookup;
use apim_keyless_core::gateway::well_known::{CLIENT_ID, SKIP_CONTAINERS, TENANT_ID, USE};

/// The client id, from the annotation of the `ServiceAccount`.
pub(super) const AZURE_CLIENT_ID: &str = "AZURE_CLIENT_ID";
/// The tenant, from the annotation or from azure-workload-identity's own settings.
pub(super) const AZURE_TENANT_ID: &str = "AZURE_TENANT_ID";
/// The path of the projected token.
pub(super) const AZURE_FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// The address of Entra.
pub(super) const AZURE_AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

const VARIABLES: [&str; 4] = [AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST];

/// Does every gateway container have the variables, with the values of the `ServiceAccount`?
pub(super) fn check_identity(input: &VerifyInput<'_>) -> Outcome {
    if input.with_identity().next().is_none() {
        return Outcome::NotApplicable;
    }
    let of_gateway = |gateway| {
        let pods = containers(gateway);
        let problems = pods.filter_map(|(pod, container)| {
            let (code, message) = problem(input, gateway, pod, container)?;
            Some((code, pod.name().to_owned(), format!("container {}: {message}", container.name)))
        });
        of_each_problem(input, gateway, problems)
    };
    input.of_pods(input.with_identity().flat_map(of_gateway).collect())
}

/// The gateway containers of every Pod.
pub(super) fn containers(gateway: &RunningGateway) -> impl Iterator<Item = (&RunningPod, &Container)> {
    gateway.known_pods().iter().flat_map(|pod| {
        let all = pod.pod.spec.init_containers.iter().chain(&pod.pod.spec.containers);
        let of_gateway = all.filter(|container| gateway.containers.contains(&container.name));
        of_gateway.map(move |container| (pod, container))
    })
}

/// The value of a variable in a container; `None` if it is absent, empty or not written there.
pub(super) fn value<'c>(container: &'c Container, name: &str) -> Option<&'c str> {
    let variable = container.env.iter().rfind(|variable| variable.name == name)?;
    variable.value.as_deref().filter(|value| !value.is_empty())
}

fn problem(
    input: &VerifyInput<'_>,
    gateway: &RunningGateway,
    pod: &RunningPod,
    container: &Container,
) -> Option<(VerifyCode, String)> {
    let has = |name: &str| {
        let mut variables = container.env.iter().filter(|variable| variable.name == name);
        variables.any(|one| one.value_from.is_some() || one.value.as_deref().is_some_and(|value| !value.is_empty()))
    };
    let missing: Vec<&str> = VARIABLES.into_iter().filter(|name| !has(name)).collect();
    let is_token_missing = missing.contains(&AZURE_FEDERATED_TOKEN_FILE);
    let account = found(&gateway.account);
    if is_token_missing && missing.contains(&AZURE_AUTHORITY_HOST) {
        let message = format!("azure-workload-identity added nothing: {}", cause(input, pod, container));
        return Some((VerifyCode::IdentityNotInjected, message));
    }
    if !missing.is_empty() {
        let why = match missing.as_slice() {
            [AZURE_CLIENT_ID] if account.is_some_and(|account| account.client_id.is_some()) => {
                ": the ServiceAccount got its client id after the Pod was created"
            }
            [AZURE_CLIENT_ID] if gateway.account != Lookup::Unknown => {
                ": set annotation azure.workload.identity/client-id on the ServiceAccount"
            }
            [AZURE_TENANT_ID] => {
                ": set annotation azure.workload.identity/tenant-id on the ServiceAccount, or azureTenantID of \
                 azure-workload-identity"
            }
            _ => "",
        };
        return Some((VerifyCode::IdentityVariableMissing, format!("{} is missing{why}", missing.join(", "))));
    }
    let annotations = [
        (AZURE_CLIENT_ID, CLIENT_ID, account.and_then(|account| account.client_id.as_deref())),
        (AZURE_TENANT_ID, TENANT_ID, account.and_then(|account| account.tenant_id.as_deref())),
    ];
    let mut outdated = annotations.into_iter().filter(|(variable, _, annotated)| {
        let annotated = annotated.filter(|text| !text.is_empty());
        matches!((annotated, value(container, variable)), (Some(annotated), Some(injected)) if annotated != injected)
    });
    let (variable, annotation, _) = outdated.next()?;
    let message =
        format!("{variable} differs from annotation {annotation} of ServiceAccount {}", gateway.service_account);
    Some((VerifyCode::IdentityOutdated, message))
}

/// Why azure-workload-identity added nothing to a container, as far as the Pod and the cluster show it.
fn cause(input: &VerifyInput<'_>, running: &RunningPod, container: &Container) -> String {
    let metadata = &running.pod.metadata;
    let label = metadata.labels.as_ref().and_then(|labels| labels.get(USE));
    if label.is_none_or(|value| value != "true") {
        return format!("the Pod has no label {USE}: \"true\"");
    }
    let skipped = metadata.annotations.as_ref().and_then(|annotations| annotations.get(SKIP_CONTAINERS));
    if skipped.is_some_and(|names| names.split(';').any(|name| name.trim() == container.name)) {
        return format!("annotation {SKIP_CONTAINERS} names the container");
    }
    let Ok(mutating) = &input.running.mutating else {
        return "its webhook was not called when the Pod was created".to_owned();
    };
    let mut webhooks = mutating.iter().filter(|configuration| is_workload_identity(configuration)).peekable();
    if webhooks.peek().is_none() {
        return "its webhook is not installed".to_owned();
    }
    let created = metadata.creation_timestamp.as_ref();
    if webhooks.all(|webhook| webhook.metadata.creation_timestamp.as_ref() > created) {
        return "the Pod is older than its webhook".to_owned();
    }
    "its webhook was not called when the Pod was created, or has changed since".to_owned()
}
