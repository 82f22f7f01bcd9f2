//! The auth setting in a command or an argument of a gateway container.

use crate::gateway::{AuthAssignment, GatewayContainer, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The rule `auth-setting-in-command`.
pub(super) static RULE: Rule = Rule {
    id: "auth-setting-in-command",
    page: include_str!("../../../../../docs/rules/auth-setting-in-command.md"),
    mode: Mode::Enforce,
    check,
};

/// Also evaluates ingress-only gateways: a command can make them authenticate.
fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let containers = input.gateway().map(|gateway| gateway.containers.as_slice()).unwrap_or_default();
    containers.iter().flat_map(problems).collect()
}

fn problems(gateway_container: &GatewayContainer<'_>) -> impl Iterator<Item = Problem> {
    let container = &gateway_container.container;
    let assignments = gateway_container.auth_assignments.iter();
    let harmful = assignments.filter(|(_, assignment)| *assignment != AuthAssignment::WorkloadIdentity);
    harmful.map(|(field, assignment)| {
        Problem::new(container.pointer_to(field.iter().copied()), message(container.name, *assignment))
    })
}

fn message(container: &str, assignment: AuthAssignment) -> String {
    let name = Setting::Auth.name();
    match assignment {
        AuthAssignment::UnknownName => format!(
            "Write the options of the commands of container \"{container}\" without $(...) in their names: the text \
             that it stands for is not known, so it can set {name} to an auth key"
        ),
        AuthAssignment::Other | AuthAssignment::WorkloadIdentity => format!(
            "Remove {name} from the commands of container \"{container}\" and set {name}: {WORKLOAD_IDENTITY} in its \
             ConfigMap: a command can pass an auth key"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_which_part_of_the_commands_to_change() {
        let of = |assignment| message("orders", assignment);
        let unknown = "Write the options of the commands of container \"orders\" without $(...) in their names:";
        assert!(of(AuthAssignment::UnknownName).starts_with(unknown));
        let set = "Remove config.service.auth from the commands of container \"orders\" and set config.service.auth: \
                   workloadIdentity in its ConfigMap:";
        assert!(of(AuthAssignment::Other).starts_with(set));
    }
}
