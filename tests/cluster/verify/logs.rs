//! Logs that the API server gets from a kubelet.

use super::scene::{Objects, Scene};
use std::sync::Arc;
use test_support::azure::Kubelet;
use test_support::control_plane::ControlPlane;

/// Each known line is found, with nothing else of the log, and a log without one is a passed check.
pub(crate) async fn each_known_line_is_found(control_plane: &Arc<ControlPlane>, kubelet: &Kubelet) {
    let mut objects = Objects::correct();
    objects.pod()["metadata"]["name"] = "orders-logs".into();
    let scene = Scene::write(control_plane, "logs", &objects).await;
    let not_available = "[Warning] [ConfigurationApiV2NotAvailable] The configuration V2 API is not reachable on \
                         https://canary/gateways/orders/events\nApiException: canary StatusCode: ";
    let at_work = "{\"eventType\": \"NoNewEvents\"}\n";
    for (log, expected) in [
        ("canary: nothing that is known\n".to_owned(), None),
        (
            format!("{not_available}Forbidden\n"),
            Some((
                "logs-configuration-forbidden",
                "the log shows ConfigurationApiV2NotAvailable with status Forbidden",
            )),
        ),
        (
            format!("{at_work}{not_available}ServiceUnavailable\n"),
            Some(("logs-configuration-unreachable", "the log shows ConfigurationApiV2NotAvailable")),
        ),
        (format!("{not_available}Forbidden\n{at_work}"), None),
        (
            "[GatewayStartup] canary No valid authentication was configured for the configuration API: canary\n"
                .to_owned(),
            Some(("logs-no-authentication", "No valid authentication was configured for the configuration API")),
        ),
        (
            "canary AADSTS700213: canary\n".to_owned(),
            Some((
                "logs-entra-error",
                "the log shows AADSTS700213: No federated credential has the subject of the token",
            )),
        ),
    ] {
        kubelet.set_log("orders-logs", &log);
        let found = scene.found(&[], &[]);
        let found: Vec<(&str, &str)> = found.iter().map(|(id, message)| (id.as_str(), message.as_str())).collect();
        match (found.as_slice(), expected) {
            ([], None) => {}
            ([(id, message)], Some((expected, part))) if *id == expected && message.contains(part) => {}
            _ => panic!("{log}: {found:?}, expected {expected:?}"),
        }
        let text = scene.run(&[]).everything();
        assert!(!text.contains("canary"), "{text}");
        assert!(expected.is_some() || text.contains("\u{221a} the logs show no known failure\n"), "{text}");
    }
}
