//! The auth setting in a command or an argument of a gateway container.

use crate::gateway::{AuthAssignment, Gateway, Setting, WORKLOAD_IDENTITY};
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
    let containers = input.gateway().into_iter().flat_map(Gateway::all_containers);
    let fields = containers.flat_map(|container| {
        let at = move |(field, assignment): (&'static [&'static str], _)| {
            (container.name, container.pointer_to(field.iter().copied()), assignment)
        };
        container.fields_with_auth_setting().map(at)
    });
    fields.map(|(container, at, assignment)| Problem::new(at, message(container, assignment))).collect()
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
