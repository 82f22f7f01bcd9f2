//! Warns about a gateway whose `ServiceAccount` does not exist in its namespace.

use crate::gateway::{Lookup, well_known::USE};
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The rule `absent-service-account`.
pub(super) static RULE: Rule = Rule {
    id: "absent-service-account",
    page: include_str!("../../../../../docs/rules/absent-service-account.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some((workload, name)) = input.own_service_account() else { return Vec::new() };
    if input.related.service_account(name) != Lookup::Absent {
        return Vec::new();
    }
    let message = format!(
        "Create ServiceAccount \"{name}\" with label {USE}: \"true\" and a client id: it does not exist in this \
         namespace, so Kubernetes creates no Pods"
    );
    // Only a warning: the cache lags behind the cluster, so a ServiceAccount that was just created may look absent.
    vec![Problem { only_warned: true, ..Problem::new(workload.pointer_to(["spec", "serviceAccountName"]), message) }]
}
