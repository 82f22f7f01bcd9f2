//! Lines of the gateway's log whose meaning is known.
//!
//! Sources: Azure/api-management-self-hosted-gateway, issues 371 (`ConfigurationApiV2NotAvailable`, with the status of the
//! `ApiException`), 269 ("No valid authentication was configured") and 328 (`GettingEventsFromApi`, `NoNewEvents` at
//! work); the codes of Entra as in `azure::sign_in_error`. Nothing of a line is shown but such a word.

use super::gateway::RunningGateway;
use super::{EvaluatedNamespace, VerifyCode, VerifyInput, of_each_problem};
use crate::doctor::Outcome;
use crate::entra::codes_in;
use apim_keyless_core::azure::sign_in_error;

/// Pods of a gateway whose logs are read: all of them have the same settings.
const PODS: usize = 3;

/// The configuration API answered with an error, or not at all.
const NOT_AVAILABLE: &str = "ConfigurationApiV2NotAvailable";
/// How many lines after it can hold its status.
const LINES_AFTER: usize = 10;
/// The status in its exception.
const FORBIDDEN: &str = "Forbidden";
/// No auth setting is valid.
const NO_AUTHENTICATION: &str = "No valid authentication was configured for the configuration API";
/// The gateway reads its configuration.
const AT_WORK: [&str; 2] = ["GettingEventsFromApi", "NoNewEvents"];

/// The Pods and containers whose logs are worth reading, newest Pods first.
pub fn logs_to_read(evaluated: &EvaluatedNamespace) -> Vec<(String, String)> {
    evaluated.gateways.iter().flat_map(of_gateway).collect()
}

fn of_gateway(gateway: &RunningGateway) -> Vec<(String, String)> {
    let mut started: Vec<_> = gateway
        .known_pods()
        .iter()
        .filter_map(|pod| {
            let statuses = pod.pod.status.iter().flat_map(|status| &status.container_statuses);
            let has_log = statuses.filter(|status| {
                let is_started = status.state.running.is_some() || status.state.terminated.is_some();
                gateway.containers.contains(&status.name) && (is_started || status.restart_count > 0)
            });
            let containers: Vec<String> = has_log.map(|status| status.name.clone()).collect();
            (!containers.is_empty()).then_some((pod, containers))
        })
        .collect();
    started.sort_by(|(left, _), (right, _)| {
        right.pod.metadata.creation_timestamp.cmp(&left.pod.metadata.creation_timestamp)
    });
    let of_pods = started.into_iter().take(PODS);
    of_pods.flat_map(|(pod, containers)| containers.into_iter().map(|one| (pod.name().to_owned(), one))).collect()
}

/// Do the logs show no known failure?
pub(super) fn check_logs(input: &VerifyInput<'_>) -> Outcome {
    if input.logs.is_empty() {
        return Outcome::NotApplicable;
    }
    let of_gateway = |gateway: &RunningGateway| {
        let pods: Vec<&str> = gateway.known_pods().iter().map(super::RunningPod::name).collect();
        let logs = input.logs.iter().filter(|log| pods.contains(&log.pod.as_str()));
        let problems = logs.flat_map(|log| {
            let lines = log.text.as_deref().map(problems).unwrap_or_default().into_iter();
            lines.map(|(code, message)| (code, log.pod.clone(), message))
        });
        of_each_problem(input, gateway, problems)
    };
    let findings = input.gateways().flat_map(of_gateway).collect();
    Outcome::of(findings, input.logs.iter().all(|log| log.text.is_ok()))
}

/// The failures since the gateway last worked, each once.
fn problems(text: &str) -> Vec<(VerifyCode, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let worked = lines.iter().rposition(|line| AT_WORK.iter().any(|word| line.contains(word)));
    let since = lines.get(worked.map_or(0, |index| index + 1)..).unwrap_or_default();
    let mut found: Vec<(VerifyCode, String)> = Vec::new();
    let mut add = |code, message: String| {
        if !found.iter().any(|(_, other)| *other == message) {
            found.push((code, message));
        }
    };
    for (index, line) in since.iter().enumerate() {
        if line.contains(NOT_AVAILABLE) {
            let status = since.iter().skip(index).take(LINES_AFTER);
            let status = status.enumerate().take_while(|(at, line)| *at == 0 || !line.contains(NOT_AVAILABLE));
            if status.into_iter().any(|(_, line)| line.contains(FORBIDDEN)) {
                let message = format!("the log shows {NOT_AVAILABLE} with status {FORBIDDEN}");
                add(VerifyCode::LogsConfigurationForbidden, message);
            } else {
                add(VerifyCode::LogsConfigurationUnreachable, format!("the log shows {NOT_AVAILABLE}"));
            }
        }
        if line.contains(NO_AUTHENTICATION) {
            add(VerifyCode::LogsNoAuthentication, format!("the log shows \"{NO_AUTHENTICATION}\""));
        }
        for code in codes_in(line) {
            let meaning = sign_in_error::find(&code).map(|error| format!(": {}", error.summary)).unwrap_or_default();
            add(VerifyCode::LogsEntraError, format!("the log shows {code}{meaning}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<VerifyCode> {
        problems(text).into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn each_known_line_is_found_and_nothing_else_of_it_is_shown() {
        use VerifyCode::{
            LogsConfigurationForbidden, LogsConfigurationUnreachable, LogsEntraError, LogsNoAuthentication,
        };
        let not_available = "[Warning] ConfigurationApiV2NotAvailable canary https://a/gateways/b/events\n";
        for (text, expected) in [
            (format!("{not_available}ApiException: canary StatusCode: Forbidden"), vec![LogsConfigurationForbidden]),
            (format!("{not_available}ApiException: canary StatusCode: NotFound"), vec![LogsConfigurationUnreachable]),
            (not_available.replace('\n', " StatusCode: Forbidden\n"), vec![LogsConfigurationForbidden]),
            (
                format!("{not_available}{not_available}Forbidden"),
                vec![LogsConfigurationUnreachable, LogsConfigurationForbidden],
            ),
            (format!("[GatewayStartup] canary {NO_AUTHENTICATION}: canary"), vec![LogsNoAuthentication]),
            ("canary AADSTS700213: canary".to_owned(), vec![LogsEntraError]),
            ("Forbidden canary".to_owned(), vec![]),
            (String::new(), vec![]),
        ] {
            assert_eq!(codes(&text), expected, "{text}");
            assert!(problems(&text).iter().all(|(_, message)| !message.contains("canary")), "{:?}", problems(&text));
        }
    }

    #[test]
    fn a_failure_before_the_gateway_worked_is_over() {
        let failed = "ConfigurationApiV2NotAvailable\nForbidden\n";
        assert_eq!(codes(&format!("{failed}NoNewEvents\n")), []);
        assert_eq!(codes(&format!("NoNewEvents\n{failed}")), [VerifyCode::LogsConfigurationForbidden]);
    }
}
