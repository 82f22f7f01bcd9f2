//! The entries of our webhook configurations: there, as the chart makes them, and leading to the Service.

use super::check_input::WebhookEntry;
use super::{CheckInput, Code, DoctorFinding, Location};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};

/// The port of a webhook's Service where none is named (Kubernetes, `ServiceReference`).
const DEFAULT_PORT: i32 = 443;

/// The entry that mends.
pub(super) const MUTATE: &str = "mutate.apim-keyless.dev";
/// The entry that refuses gateways.
const ENFORCE: &str = "enforce.apim-keyless.dev";
/// The entry that refuses what doesn't show itself a gateway.
const ENFORCE_OTHERS: &str = "enforce-others.apim-keyless.dev";
/// The entry that refuses nothing.
const AUDIT: &str = "audit.apim-keyless.dev";

/// An entry of the chart's.
struct Expected {
    name: &'static str,
    failure_policy: &'static str,
    timeout: i32,
    /// May an outage of ours stop what it takes?
    may_fail: bool,
}

const EXPECTED: [Expected; 4] = [
    Expected { name: MUTATE, failure_policy: "Ignore", timeout: 3, may_fail: true },
    Expected { name: ENFORCE, failure_policy: "Fail", timeout: 5, may_fail: true },
    Expected { name: ENFORCE_OTHERS, failure_policy: "Ignore", timeout: 2, may_fail: false },
    Expected { name: AUDIT, failure_policy: "Ignore", timeout: 2, may_fail: false },
];

/// Configurations and entries are there. Where nothing is enforced there is the audit entry alone.
pub(super) fn are_there(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let (names, read) = (input.names, input.installation);
    let has = |name: &str| input.entries().any(|entry| entry.webhook.name == name);
    let is_enforced = [MUTATE, ENFORCE, ENFORCE_OTHERS].into_iter().any(has);
    let configurations = [
        ("MutatingWebhookConfiguration", is_enforced && read.mutating.is_ok() && input.mutating().is_none()),
        ("ValidatingWebhookConfiguration", read.validating.is_ok() && input.validating().is_none()),
    ];
    let missing = configurations.into_iter().filter(|(_, is_missing)| *is_missing).map(|(kind, _)| {
        let message = format!("there is no {kind} {}", names.configurations);
        DoctorFinding::new(
            Code::WebhookConfigurationMissing,
            names,
            Location::in_cluster(kind, &names.configurations),
            message,
        )
    });
    let entries = input.validating().into_iter().flat_map(|configuration| {
        let expected = [(ENFORCE, is_enforced), (ENFORCE_OTHERS, is_enforced), (AUDIT, true)];
        let absent = expected.into_iter().filter(|(name, is_due)| *is_due && !has(name));
        absent.map(|(name, _)| {
            let location = Location::in_cluster(configuration.kind, &names.configurations);
            DoctorFinding::new(Code::WebhookEntryMissing, names, location, format!("it has no entry {name}"))
        })
    });
    missing.chain(entries).collect()
}

/// What decides about outages, and about what is seen.
pub(super) fn are_as_the_chart_makes_them(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    input.entries().flat_map(|entry| differences(input, entry)).collect()
}

fn differences(input: &CheckInput<'_>, entry: WebhookEntry<'_>) -> Vec<DoctorFinding> {
    let webhook = entry.webhook;
    let found = |code, field, message: String| {
        DoctorFinding::new(code, input.names, entry.location(&[field]), format!("{}: {message}", webhook.name))
    };
    let mut findings: Vec<DoctorFinding> = EXPECTED
        .iter()
        .filter(|expected| expected.name == webhook.name)
        .flat_map(|expected| by_name(expected, entry, &found))
        .collect();
    if webhook.match_policy.as_deref() == Some("Exact") {
        let message = "Exact: an object that is written by another version of its API is not seen";
        findings.push(found(Code::MatchPolicyExact, "matchPolicy", message.to_owned()));
    }
    if entry.webhook.name == MUTATE && webhook.reinvocation_policy.as_deref() != Some("IfNeeded") {
        let message = "what a later webhook changes is refused and not mended";
        findings.push(found(Code::ReinvocationNever, "reinvocationPolicy", message.to_owned()));
    }
    if webhook.side_effects != "None" {
        let message = format!("{}: a review has no effects beside its answer", webhook.side_effects);
        findings.push(found(Code::SideEffectsDeclared, "sideEffects", message));
    }
    findings
}

/// What differs from entry to entry.
fn by_name(
    expected: &Expected,
    entry: WebhookEntry<'_>,
    found: &impl Fn(Code, &'static str, String) -> DoctorFinding,
) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let policy = entry.webhook.failure_policy.as_deref().unwrap_or("Fail");
    if policy != expected.failure_policy {
        let (code, effect) = match (expected.may_fail, policy) {
            (false, _) => (Code::FailurePolicyStopsOthers, "an outage stops what is no gateway's"),
            (true, "Ignore") => (Code::FailurePolicyDiffers, "in an outage gateways are let through unjudged"),
            (true, _) => (Code::FailurePolicyDiffers, "an outage stops whatever is sent to be mended"),
        };
        findings.push(found(code, "failurePolicy", format!("{policy}: {effect}")));
    }
    let seconds = entry.webhook.timeout_seconds.unwrap_or(10);
    if seconds != expected.timeout {
        let message =
            format!("{seconds} s, where the chart has {}: an outage may delay each write by so much", expected.timeout);
        findings.push(found(Code::TimeoutDiffers, "timeoutSeconds", message));
    }
    findings
}

/// Each entry leads to a Service that is there.
pub(super) fn lead_to_the_service(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let broken = input.entries().filter_map(|entry| Some((entry, astray(input, entry)?)));
    broken
        .map(|(entry, message)| {
            let message = format!("{}: {message}", entry.webhook.name);
            DoctorFinding::new(Code::ServiceMissing, input.names, entry.location(&["clientConfig"]), message)
        })
        .collect()
}

/// What is wrong with where an entry leads.
fn astray(input: &CheckInput<'_>, entry: WebhookEntry<'_>) -> Option<String> {
    let Some(reference) = &entry.webhook.client_config.service else {
        return Some("it leads to a URL, and not to the Service".to_owned());
    };
    let name = format!("Service {}/{}", reference.namespace, reference.name);
    if reference.namespace != input.names.namespace {
        return Some(format!(
            "it leads to {name}, and apim-keyless is looked for in namespace {}",
            input.names.namespace
        ));
    }
    let services = input.installation.services.as_ref().ok()?;
    let Some(service) = services.iter().find(|one| one.metadata.name.as_ref() == Some(&reference.name)) else {
        return Some(format!("there is no {name}"));
    };
    let port = reference.port.unwrap_or(DEFAULT_PORT);
    (!serves(service, port)).then(|| format!("{name} has no port {port}"))
}

/// Has a Service this port? A name for something elsewhere takes any.
fn serves(service: &Service, port: i32) -> bool {
    let Some(ServiceSpec { type_, ports, .. }) = &service.spec else { return false };
    type_.as_deref() == Some("ExternalName") || ports.iter().flatten().any(|one| one.port == port)
}
