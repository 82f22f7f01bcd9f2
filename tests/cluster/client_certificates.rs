//! With `--client-ca` the API server authenticates with a certificate, and other clients are rejected.

use apim_keyless::server::HttpsClientError;
use serde_json::json;
use test_support::control_plane::{ControlPlane, WEBHOOK_CLIENT};
use test_support::webhook::Webhook;
use test_support::webhook::objects::{BARE, PORTAL, one, review};

/// Flags that admit the API server only.
fn only_the_api_server(control_plane: &ControlPlane) -> Vec<String> {
    let ca = control_plane.client_ca_file().display().to_string();
    ["--client-ca", &ca, "--client-name", WEBHOOK_CLIENT].map(str::to_owned).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_is_admitted_by_its_certificate_and_a_client_without_one_is_not() {
    let Some(webhook) = Webhook::of_test("client-certificates", only_the_api_server) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("guarded", Some("enforce")).await;
    let mutated = user.apply(&one(BARE, "Deployment")).await.stored();
    assert_eq!(mutated["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], json!("true"));
    let denied = user.apply(&one(PORTAL, "Deployment")).await;
    assert_eq!(denied.status, 403, "{}", denied.body);

    let body = serde_json::to_vec(&review(&one(BARE, "Deployment"))).unwrap();
    let error =
        webhook.client_without_certificate().post("/enforce/mutate", "application/json", body).await.unwrap_err();
    assert!(matches!(error, HttpsClientError::Exchange(_) | HttpsClientError::Handshake { .. }), "{error}");
}
