//! A plan as JSON. The schema is `docs/schemas/plan-v1.schema.json`.

use super::bicep::is_of_deployment;
use super::model::{EntraIdentity, Plan, PlannedGateway};
use super::steps::{Step, StepCheck, steps};
use super::variable::{UsedBy, Variable};
use apim_keyless_core::azure::{AUDIENCE, Difference, FederatedCredential};
use serde_json::{Value, json};

/// The version of the format. It is raised when a field changes its meaning.
const VERSION: u32 = 1;

/// Renders a plan.
pub fn render(plan: &Plan) -> String {
    let json = json!({
        "version": VERSION,
        "cloud": super::model::az_cloud(plan.cloud),
        "scope": plan.scope.name(),
        "identity": plan.identity.name(),
        "audience": AUDIENCE,
        "variables": plan.variables.iter().map(variable).collect::<Vec<_>>(),
        "gateways": plan.gateways.iter().map(|one| gateway(plan, one)).collect::<Vec<_>>(),
        "identities": plan.identities.iter().map(identity).collect::<Vec<_>>(),
        "steps": steps(plan).iter().map(step).collect::<Vec<_>>(),
        "problems": plan.problems.iter().map(|problem| json!({
            "level": problem.level.name(),
            "message": problem.message,
        })).collect::<Vec<_>>(),
        "differences": plan.differences.as_ref().map(|all| all.iter().map(difference).collect::<Vec<_>>()),
    });
    format!("{json:#}\n")
}

fn variable(variable: &Variable) -> Value {
    let outputs = [
        ("sh", variable.used_by != UsedBy::Templates),
        ("bicep", variable.used_by != UsedBy::Script && !is_of_deployment(variable)),
        ("terraform", variable.used_by != UsedBy::Script),
    ];
    let outputs: Vec<&str> = outputs.into_iter().filter_map(|(name, is_used)| is_used.then_some(name)).collect();
    json!({
        "name": variable.shell_name(),
        "description": variable.description,
        "value": variable.value,
        "optional": variable.is_optional,
        "outputs": outputs,
    })
}

fn gateway(plan: &Plan, gateway: &PlannedGateway) -> Value {
    let object = &gateway.object;
    json!({
        "object": {
            "apiVersion": object.api_version,
            "kind": object.kind,
            "namespace": object.namespace,
            "name": object.name,
        },
        "authentication": gateway.authentication.name(),
        "gatewayName": gateway.gateway_name,
        "serviceAccount": gateway.service_account,
        "apiManagement": plan.instances.get(gateway.instance).and_then(|instance| instance.name.clone()),
        "identity": gateway.identity,
    })
}

fn identity(identity: &EntraIdentity) -> Value {
    json!({
        "clientId": identity.client_id,
        "credentials": identity.credentials.iter().map(credential).collect::<Vec<_>>(),
    })
}

fn credential(credential: &FederatedCredential) -> Value {
    json!({
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": [AUDIENCE],
    })
}

fn step(step: &Step) -> Value {
    let check = |check: &StepCheck| json!({"command": check.command, "expected": check.expected});
    json!({"title": step.title, "checks": step.checks.iter().map(check).collect::<Vec<_>>()})
}

fn difference(difference: &Difference) -> Value {
    json!({
        "credential": difference.credential,
        "field": difference.field.name(),
        "cause": difference.cause,
        "expected": difference.expected,
        "configured": difference.configured,
        "code": difference.code,
    })
}
