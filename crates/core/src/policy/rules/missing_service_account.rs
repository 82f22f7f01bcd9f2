//! A gateway that runs under no `ServiceAccount` of its own.

use super::listed;
use crate::policy::{Candidates, Edit, Mode, Problem, Rule, RuleInput};

/// The gateway names no `ServiceAccount`, an empty one, or `default` where that is not expected.
pub(super) static RULE: Rule = Rule {
    id: "missing-service-account",
    page: include_str!("../../../../../docs/rules/missing-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(gateway) = input.authenticating_gateway().filter(|_| input.own_service_account().is_none()) else {
        return Vec::new();
    };
    let at = gateway.workload.pointer_to(["spec", "serviceAccountName"]);
    let cause = "the gateway runs under ServiceAccount default, which every Pod of the namespace can use";
    vec![match input.expectations.service_account_to_set(input.related) {
        Candidates::One(name) => Problem::new(at.clone(), format!("Set serviceAccountName to \"{name}\": {cause}"))
            .with_fix([Edit::set(at, name)]),
        Candidates::None => Problem::new(
            at,
            format!(
                "Set serviceAccountName, or spec.namespaces.{}.serviceAccount in the policy{}: the gateway runs under \
                 ServiceAccount default",
                input.namespace,
                input.expectations.or_annotation("apim-keyless.dev/service-account")
            ),
        ),
        Candidates::Several(names) => {
            let source =
                if input.expectations.service_accounts.is_empty() { "of a gateway in" } else { "configured for" };
            let names = listed(&names);
            Problem::new(at, format!("Set serviceAccountName to one {source} the namespace ({names}): {cause}"))
        }
    }]
}
