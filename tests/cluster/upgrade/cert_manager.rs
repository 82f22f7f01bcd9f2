//! With cert-manager, an upgrade keeps the CA that the chart let cert-manager make.

use super::charts::Charts;
use crate::chart::definitions;
use serde_json::{Value, json};
use test_support::control_plane::ControlPlane;
use test_support::helm::Helm;
use test_support::webhook::User;
use test_support::webhook::installation::NAMESPACE;

const CA: &str = "apim-keyless-authority";

async fn certificates(user: &User) -> Vec<Value> {
    let mut objects = Vec::new();
    for resource in ["certificates", "issuers"] {
        let path = format!("/apis/cert-manager.io/v1/namespaces/{NAMESPACE}/{resource}");
        objects.extend(user.list(&path).await.into_iter().map(|object| {
            json!({"uid": object["metadata"]["uid"], "name": object["metadata"]["name"], "spec": object["spec"]})
        }));
    }
    objects
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_keeps_the_ca_that_cert_manager_made() {
    let Some(charts) = Charts::with_port(443) else { return };
    let (Some(helm), Some(control_plane)) = (Helm::shared(), ControlPlane::own_without_controllers()) else { return };
    let _logs = control_plane.show_logs_on_panic();
    let user = User::administrator_in(&control_plane, NAMESPACE);
    definitions::install(&user).await;
    let kubeconfig = control_plane.kubeconfig_file();
    let release = |arguments: &[&str]| {
        let options = ["--namespace", NAMESPACE, "--kubeconfig", kubeconfig.to_str().unwrap()];
        helm.call(&[arguments, &options[..]].concat()).success()
    };
    let (earlier, today) = (charts.earlier(), charts.today());
    let source = ["--set", "certificates.source=cert-manager", "--create-namespace"];
    release(&[&["install", "apim-keyless", earlier.to_str().unwrap()], &source[..]].concat());
    let before = certificates(&user).await;
    assert_eq!(before.len(), 4, "{before:#?}");
    // as cert-manager writes it
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": CA}, "type": "Opaque"});
    user.apply(&secret).await.stored();
    release(&["upgrade", "apim-keyless", today.to_str().unwrap(), "--reset-then-reuse-values"]);
    assert_eq!(certificates(&user).await, before);
    release(&["rollback", "apim-keyless", "1", "--server-side=false"]);
    assert_eq!(certificates(&user).await, before);
}
