//! Finds problems of an installation of apim-keyless. Pure: `cluster` reads the installation, this module evaluates it.
//!
//! [`diagnose`] runs every check of [`CHECKS`]. A check is a function of the [`CheckInput`]. What could not be read is
//! reported once, as a [`ReadError`](crate::cluster::ReadError); the checks that need it are then unknown.

mod api_server;
mod ca_bundles;
mod check_input;
mod code;
mod diagnostic;
mod namespaces;
mod other_webhooks;
mod outcome;
mod policy;
mod probe;
mod replicas;
mod webhook_entries;

pub(crate) use check_input::grouped;
pub use check_input::{CheckInput, Probe};
pub use code::{CodeEntry, DoctorCode};
pub(crate) use code::{error, warning};
pub(crate) use diagnostic::{Target, of_entry};
pub(crate) use other_webhooks::{is_workload_identity, workload_identity};
pub use outcome::Outcome;
pub(crate) use outcome::report_of;
pub use probe::{namespace_to_probe, probe_deployment};
pub(crate) use replicas::STARTING;

use apim_keyless_report::Report;

/// Looks for one group of problems.
pub struct DoctorCheck {
    /// Its id in the report.
    pub id: &'static str,
    /// What is true if it passes.
    pub title: &'static str,
    run: fn(&CheckInput<'_>) -> Outcome,
}

const fn check(id: &'static str, title: &'static str, run: fn(&CheckInput<'_>) -> Outcome) -> DoctorCheck {
    DoctorCheck { id, title, run }
}

/// Every check, in the order of the report.
pub const CHECKS: &[DoctorCheck] = &[
    check("api-server-version", "Kubernetes is 1.30 or newer", api_server::check_version),
    check("clocks", "the clocks of the API server and of this machine agree", api_server::check_clock),
    check(
        "token-issuer",
        "the issuer of ServiceAccount tokens is public, so that Entra can fetch its keys",
        api_server::check_issuer,
    ),
    check("ready-replicas", "at least two replicas are ready", replicas::check_ready_replicas),
    check("replica-versions", "all replicas run one image, of the version of this binary", replicas::check_versions),
    check("pods", "every Pod of apim-keyless runs", replicas::check_pods),
    check("disruption-budget", "a PodDisruptionBudget selects the replicas", replicas::check_disruption_budget),
    check("webhook-entries", "the webhook configurations have every entry", webhook_entries::check_entries_exist),
    check(
        "webhook-settings",
        "the webhook entries are set as the chart sets them",
        webhook_entries::check_entries_match_chart,
    ),
    check("services", "every webhook entry points to a Service that exists", webhook_entries::check_services),
    check(
        "admissions-enforcer",
        "the webhook configurations opt out of the AKS admissions enforcer",
        other_webhooks::check_admissions_enforcer,
    ),
    check(
        "workload-identity",
        "azure-workload-identity is installed, and its webhook is called after that of apim-keyless",
        other_webhooks::check_workload_identity,
    ),
    check("ca-secret", "the CA Secret holds a valid CA", ca_bundles::check_ca_secret),
    check("ca-bundles", "every caBundle is valid and holds the CAs of the CA Secret", ca_bundles::check_ca_bundles),
    check(
        "policy",
        "the policy document is valid, and none of its exceptions has expired or expires soon",
        policy::check_policy,
    ),
    check(
        "namespace-settings",
        "the labels and annotations of apim-keyless on namespaces are correct",
        namespaces::check_keys,
    ),
    check("evaluated-namespaces", "at least one namespace is enforced or audited", namespaces::check_any_evaluated),
    check("webhook-call", "the API server calls the webhook for a test gateway (a dry run)", probe::check_probe),
];

/// Runs every check. What could not be read is a failure of the report.
pub fn diagnose(input: &CheckInput<'_>) -> Report {
    let outcomes = CHECKS.iter().map(|check| (check.id, check.title, (check.run)(input)));
    Report { objects: input.count_objects(), ..report_of(outcomes, input.read_errors()) }
}
