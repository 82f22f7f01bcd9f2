//! Checks of the webhook entries: whether they exist, match the chart, and point to an existing Service.

use super::check_input::WebhookEntry;
use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, DoctorCode, Outcome};
use apim_keyless_report::Diagnostic;
use k8s_openapi::api::core::v1::{Service, ServiceSpec};

/// Default of `clientConfig.service.port` (Kubernetes, `ServiceReference`).
const DEFAULT_PORT: i32 = 443;

/// Entry of the mutating webhook.
pub(super) const MUTATE: &str = "mutate.apim-keyless.dev";
/// Entry of the validating webhook that gets objects that their image, settings or labels show to be a gateway's.
const ENFORCE: &str = "enforce.apim-keyless.dev";
/// Entry of the validating webhook that gets the other objects of enforced namespaces.
const ENFORCE_OTHERS: &str = "enforce-others.apim-keyless.dev";
/// Entry of the validating webhook for audited namespaces; it denies nothing.
const AUDIT: &str = "audit.apim-keyless.dev";

/// Entry of the validating webhook that gets Namespaces with labels or annotations of apim-keyless; it denies nothing.
pub(super) const NAMESPACES: &str = "namespaces.apim-keyless.dev";

/// What the chart sets in an entry.
struct ChartEntry {
    name: &'static str,
    failure_policy: &'static str,
    timeout: i32,
    /// May an outage block the writes that this entry gets?
    may_block: bool,
}

const CHART_ENTRIES: [ChartEntry; 5] = [
    ChartEntry { name: MUTATE, failure_policy: "Ignore", timeout: 3, may_block: true },
    ChartEntry { name: ENFORCE, failure_policy: "Fail", timeout: 5, may_block: true },
    ChartEntry { name: ENFORCE_OTHERS, failure_policy: "Ignore", timeout: 2, may_block: false },
    ChartEntry { name: AUDIT, failure_policy: "Ignore", timeout: 2, may_block: false },
    ChartEntry { name: NAMESPACES, failure_policy: "Ignore", timeout: 2, may_block: false },
];

/// Do the configurations and their entries exist? With `enforcement=false` the chart renders only the entries that
/// deny nothing.
pub(super) fn check_entries_exist(input: &CheckInput<'_>) -> Outcome {
    let (names, read) = (input.names, input.installation);
    let has = |name: &str| input.entries().any(|entry| entry.webhook.name == name);
    let is_enforced = [MUTATE, ENFORCE, ENFORCE_OTHERS].into_iter().any(has);
    let configurations = [
        ("MutatingWebhookConfiguration", is_enforced && read.mutating.is_ok() && input.mutating().is_none()),
        ("ValidatingWebhookConfiguration", read.validating.is_ok() && input.validating().is_none()),
    ];
    let missing = configurations.into_iter().filter(|(_, is_missing)| *is_missing).map(|(kind, _)| {
        let message = format!("{kind} {} does not exist", names.configurations);
        diagnostic(
            DoctorCode::WebhookConfigurationMissing,
            names,
            Target::in_cluster(kind, &names.configurations),
            message,
        )
    });
    let entries = input.validating().into_iter().flat_map(|configuration| {
        let expected = [(ENFORCE, is_enforced), (ENFORCE_OTHERS, is_enforced), (AUDIT, true), (NAMESPACES, true)];
        let absent = expected.into_iter().filter(|(name, is_required)| *is_required && !has(name));
        absent.map(|(name, _)| {
            let target = Target::in_cluster(configuration.kind, &names.configurations);
            diagnostic(DoctorCode::WebhookEntryMissing, names, target, format!("the entry {name} is missing"))
        })
    });
    Outcome::of(missing.chain(entries).collect(), input.has_all_configurations())
}

/// Do the fields match the chart that decide about outages and about which objects are reviewed?
pub(super) fn check_entries_match_chart(input: &CheckInput<'_>) -> Outcome {
    input.of_entries(input.entries().flat_map(|entry| differences(input, entry)).collect(), true)
}

fn differences(input: &CheckInput<'_>, entry: WebhookEntry<'_>) -> Vec<Diagnostic> {
    let webhook = entry.webhook;
    let found = |code, field, message: String| {
        diagnostic(code, input.names, entry.target(&[field]), format!("{}: {message}", webhook.name))
    };
    let mut findings: Vec<Diagnostic> = CHART_ENTRIES
        .iter()
        .filter(|expected| expected.name == webhook.name)
        .flat_map(|expected| differences_from(expected, entry, &found))
        .collect();
    if webhook.match_policy.as_deref() == Some("Exact") {
        let message = "Exact: the webhook does not get objects that are written in another version of their API";
        findings.push(found(DoctorCode::MatchPolicyExact, "matchPolicy", message.to_owned()));
    }
    if entry.webhook.name == MUTATE && webhook.reinvocation_policy.as_deref() != Some("IfNeeded") {
        let message = "not IfNeeded: what a later webhook changes is denied, and the mutating webhook cannot fix it";
        findings.push(found(DoctorCode::ReinvocationNever, "reinvocationPolicy", message.to_owned()));
    }
    if webhook.side_effects != "None" {
        let message = format!("{}: a review has no side effects", webhook.side_effects);
        findings.push(found(DoctorCode::SideEffectsDeclared, "sideEffects", message));
    }
    findings
}

/// The fields whose values depend on the entry.
fn differences_from(
    expected: &ChartEntry,
    entry: WebhookEntry<'_>,
    found: &impl Fn(DoctorCode, &'static str, String) -> Diagnostic,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let policy = entry.webhook.failure_policy.as_deref().unwrap_or("Fail");
    if policy != expected.failure_policy {
        let (code, effect) = match (expected.may_block, policy) {
            (false, _) => (DoctorCode::FailurePolicyStopsOthers, "an outage blocks writes of non-gateway objects"),
            (true, "Ignore") => (DoctorCode::FailurePolicyDiffers, "an outage admits gateways without evaluation"),
            (true, _) => {
                (DoctorCode::FailurePolicyDiffers, "an outage blocks every write that the mutating webhook gets")
            }
        };
        findings.push(found(code, "failurePolicy", format!("{policy}: {effect}")));
    }
    let seconds = entry.webhook.timeout_seconds.unwrap_or(10);
    if seconds != expected.timeout {
        let message = format!(
            "{seconds} s, and the chart sets {} s: an outage may delay each write by this time",
            expected.timeout
        );
        findings.push(found(DoctorCode::TimeoutDiffers, "timeoutSeconds", message));
    }
    findings
}

/// Does each entry point to a Service of the installation that exists?
pub(super) fn check_services(input: &CheckInput<'_>) -> Outcome {
    let broken = input.entries().filter_map(|entry| Some((entry, service_problem(input, entry)?)));
    let findings = broken.map(|(entry, message)| {
        let message = format!("{}: {message}", entry.webhook.name);
        diagnostic(DoctorCode::ServiceMissing, input.names, entry.target(&["clientConfig"]), message)
    });
    input.of_entries(findings.collect(), input.installation.services.is_ok())
}

/// What is wrong with `clientConfig` of an entry.
fn service_problem(input: &CheckInput<'_>, entry: WebhookEntry<'_>) -> Option<String> {
    let Some(reference) = &entry.webhook.client_config.service else {
        return Some("it points to a URL and not to a Service".to_owned());
    };
    let name = format!("Service {}/{}", reference.namespace, reference.name);
    if reference.namespace != input.names.namespace {
        return Some(format!("it points to {name}, but doctor checks namespace {}", input.names.namespace));
    }
    let services = input.installation.services.as_ref().ok()?;
    let Some(service) = services.iter().find(|one| one.metadata.name.as_ref() == Some(&reference.name)) else {
        return Some(format!("{name} does not exist"));
    };
    let port = reference.port.unwrap_or(DEFAULT_PORT);
    (!has_port(service, port)).then(|| format!("{name} has no port {port}"))
}

/// Does a Service have this port? A Service of type `ExternalName` accepts every port.
fn has_port(service: &Service, port: i32) -> bool {
    let Some(ServiceSpec { type_, ports, .. }) = &service.spec else { return false };
    type_.as_deref() == Some("ExternalName") || ports.iter().flatten().any(|one| one.port == port)
}
