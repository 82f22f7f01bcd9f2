//! `apim-keyless doctor` finds every problem of an installation: the tests inject one at a time into an installation
//! on a real API server and run the real binary.

mod api_server_proxy;
mod ca_problems;
mod cluster_problems;
mod connection;
mod docs;
mod injection;
mod installation;
mod permissions;
mod replica_problems;
mod reports;
mod webhook_problems;

pub(crate) use api_server_proxy::ApiServerProxy;
use apim_keyless::doctor::DoctorCode;
use injection::{InjectedProblem, assert_found_alone};
use installation::Installation;
pub(crate) use installation::{MUTATING, workload_identity};
use test_support::webhook::Webhook;

/// Every problem that is injected while the webhook runs.
fn problems() -> Vec<InjectedProblem> {
    [cluster_problems::all(), replica_problems::all(), webhook_problems::all()].into_iter().flatten().collect()
}

#[test]
fn every_code_has_an_injected_problem() {
    let mut codes: Vec<DoctorCode> = problems()
        .iter()
        .chain(&ca_problems::all(""))
        .map(|problem| problem.code)
        .chain([DoctorCode::WebhookUnreachable])
        .collect();
    codes.sort();
    codes.dedup();
    assert_eq!(codes, DoctorCode::all());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_problem_is_found_alone_and_a_correct_installation_has_none() {
    let Some(mut webhook) = Webhook::alone(|_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let proxy = ApiServerProxy::start(webhook.control_plane.kube_config());
    let installation = Installation::complete(&webhook, &proxy).await;
    installation.wait_until_found("nothing is wrong", &[]).await;

    reports::text_json_and_exit_codes(&installation);
    reports::warnings_fail_with_strict_only(&installation).await;
    permissions::missing_permissions_are_named(&webhook).await;
    reports::the_dry_run_shows_whether_the_webhook_is_called(&installation, &webhook).await;
    reports::an_audit_only_installation_has_no_problem(&installation).await;
    for problem in problems() {
        assert_found_alone(&installation, &problem, &[]).await;
    }
    // a running webhook repairs CAs and caBundles at once
    webhook.stop();
    let unreachable = [("webhook-unreachable", "ValidatingWebhookConfiguration apim-keyless /webhooks/0")];
    installation.wait_until_found("the webhook is stopped", &unreachable).await;
    reports::other_certificate_sources_need_no_ca_secret(&installation, &unreachable).await;
    let secret = webhook.in_namespace("apim-keyless").get(ca_problems::SECRET).await.stored();
    for problem in ca_problems::all(&ca_problems::certificates(&secret)) {
        assert_found_alone(&installation, &problem, &[DoctorCode::WebhookUnreachable]).await;
    }
}
