//! A plan as text for people: the values to set, the gateways, the steps with their checks, and what is wrong.

use super::model::{Plan, PlannedGateway};
use super::steps::steps;
use super::variable::Variable;
use apim_keyless_core::azure::{AUDIENCE, Difference};
use apim_keyless_core::policy::printable;
use apim_keyless_report::counted;
use apim_keyless_report::text::columns;

/// Renders a plan.
pub fn render(plan: &Plan) -> String {
    let mut text = format!("{}\n\n", heading(plan));
    text += &variables(plan);
    text += &gateways(plan);
    for (index, step) in steps(plan).iter().enumerate().filter(|(_, step)| !step.checks.is_empty()) {
        text += &format!("{}. {}\n", index + 1, step.title);
        for check in &step.checks {
            text += &format!("   $ {}\n   expected: {}\n", printable(&check.command), printable(&check.expected));
        }
        text += "\n";
    }
    for line in findings(plan) {
        text += &format!("{line}\n");
    }
    text
}

fn heading(plan: &Plan) -> String {
    format!(
        "{}, {}, {}; nothing was run",
        counted(plan.gateways.len(), "gateway"),
        counted(plan.instances.len(), "API Management instance"),
        match plan.identities.len() {
            1 => "1 identity".to_owned(),
            count => format!("{count} identities"),
        },
    )
}

fn variables(plan: &Plan) -> String {
    let row = |variable: &Variable| {
        let value = match &variable.value {
            Some(value) => printable(value).into_owned(),
            None if variable.is_optional => "(optional)".to_owned(),
            None => "(to set)".to_owned(),
        };
        [variable.shell_name(), value, variable.description.clone()]
    };
    let head = ["VARIABLE", "VALUE", "WHAT IT IS"].map(str::to_owned);
    columns(&std::iter::once(head).chain(plan.variables.iter().map(row)).collect::<Vec<_>>()) + "\n"
}

fn gateways(plan: &Plan) -> String {
    let head =
        ["GATEWAY", "AUTHENTICATION", "GATEWAY RESOURCE", "CLIENT ID", "FEDERATED CREDENTIAL"].map(str::to_owned);
    let row = |gateway: &PlannedGateway| {
        let client_id = plan.identities.get(gateway.identity).and_then(|identity| identity.client_id.clone());
        let credential = gateway.service_account.as_deref().and_then(|account| {
            let subject = format!("system:serviceaccount:{}:{account}", gateway.object.namespace);
            let identity = plan.identities.get(gateway.identity)?;
            identity.credentials.iter().find(|credential| credential.subject == subject)
        });
        let or_dash = |text: Option<String>| text.map_or_else(|| "-".to_owned(), |text| printable(&text).into_owned());
        [
            gateway.title(),
            gateway.authentication.name().to_owned(),
            or_dash(gateway.gateway_name.clone()),
            or_dash(client_id),
            or_dash(credential.map(|credential| credential.name.clone())),
        ]
    };
    let rows = std::iter::once(head).chain(plan.gateways.iter().map(row)).collect::<Vec<_>>();
    columns(&rows) + &format!("\naudience of every federated credential: {AUDIENCE}\n\n")
}

/// One line for each problem, and some for each difference between needed and configured credentials: the cause first.
pub fn findings(plan: &Plan) -> Vec<String> {
    let problem = |problem: &super::PlanProblem| format!("{}: {}", problem.level.name(), printable(&problem.message));
    let mut lines: Vec<String> = plan.problems.iter().map(problem).collect();
    match plan.differences.as_deref() {
        Some([]) => lines.push("every needed federated credential is configured, and no character differs".to_owned()),
        Some(differences) => lines.extend(differences.iter().map(difference)),
        None => {}
    }
    lines
}

fn difference(difference: &Difference) -> String {
    let (what, fix) = match &difference.credential {
        Some(name) => (
            format!("federated credential {}", printable(name)),
            format!("set its {} to the expected value", difference.field.name()),
        ),
        None => ("missing federated credential".to_owned(), "create it: --output sh prints the command".to_owned()),
    };
    let shown = |text: &str| if text.is_empty() { "(nothing)".to_owned() } else { quoted(text) };
    format!(
        "error: {what}: {}; {fix} (Entra answers {})\n  expected:   {}\n  configured: {}",
        difference.cause,
        difference.code,
        shown(&difference.expected),
        shown(&difference.configured),
    )
}

/// A text in quotes, so that whitespace at its ends is visible.
fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text))
}
