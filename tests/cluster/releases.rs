//! Upgrades, rollbacks and removals of the chart in a real cluster leave the CA and the caBundles unchanged.

use serde_json::{Value, json};
use std::sync::Arc;
use test_support::control_plane::ControlPlane;
use test_support::helm::{CHART, Helm};
use test_support::webhook::{User, Webhook, eventually};

const SECRET: &str = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";
const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/apim-keyless";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/apim-keyless";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";

/// The name and caBundle of every webhook entry of these configurations; `None` if an entry has no caBundle.
async fn ca_bundles(user: &User, paths: &[&str]) -> Option<Vec<(Value, Value)>> {
    let mut ca_bundles = Vec::new();
    for path in paths {
        for webhook in user.get(path).await.stored()["webhooks"].as_array().unwrap() {
            let ca_bundle = webhook["clientConfig"]["caBundle"].clone();
            ca_bundles.push((webhook["name"].clone(), Some(ca_bundle).filter(Value::is_string)?));
        }
    }
    Some(ca_bundles)
}

/// The CA certificates and keys in the Secret, without its other keys, which are timestamps.
async fn cas(user: &User) -> Vec<(String, Value)> {
    let secret = user.get(SECRET).await.stored();
    let mut data: Vec<(String, Value)> = secret["data"].as_object().unwrap().clone().into_iter().collect();
    data.retain(|(key, _)| [".crt", ".key"].iter().any(|end| key.strip_suffix(end).is_some()));
    data
}

/// Runs a Helm command for the release.
fn release(helm: &Helm, control_plane: &ControlPlane, arguments: &[&str]) {
    let kubeconfig = control_plane.kubeconfig_file();
    let options = ["--namespace", "apim-keyless", "--kubeconfig", kubeconfig.to_str().unwrap()];
    helm.call(&[arguments, &options[..]].concat()).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_and_rollbacks_leave_the_ca_and_the_ca_bundles_unchanged() {
    let (Some(helm), Some(control_plane)) = (Helm::shared(), ControlPlane::own()) else { return };
    let _logs = control_plane.show_logs_on_panic();
    let release = |arguments: &[&str]| release(helm, &control_plane, arguments);
    release(&["install", "apim-keyless", CHART, "--create-namespace"]);
    // the real server, under the ServiceAccount and roles that Helm installed
    let webhook = Webhook::for_existing_installation(Arc::clone(&control_plane));
    let user = webhook.in_namespace("apim-keyless");
    let both = [MUTATING, VALIDATING];
    let trusted = eventually("a caBundle in every entry", || ca_bundles(&user, &both)).await;
    assert_eq!(trusted.len(), 5);
    let kept = cas(&user).await;
    assert_eq!(kept.len(), 2);
    let unchanged = generations(&user, &both).await;

    for (arguments, replicas, cpu) in [
        (&["upgrade", "apim-keyless", CHART, "--set", "replicas=3"][..], 3, "50m"),
        (&["upgrade", "apim-keyless", CHART, "--set", "resources.requests.cpu=1"], 2, "1"),
        (&["rollback", "apim-keyless", "1"], 2, "50m"),
    ] {
        release(arguments);
        let deployment = user.get(DEPLOYMENT).await.stored();
        let requested = &deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"];
        assert_eq!((&deployment["spec"]["replicas"], requested), (&json!(replicas), &json!(cpu)), "{arguments:?}");
        assert_eq!(ca_bundles(&user, &both).await.as_ref(), Some(&trusted), "{arguments:?}");
        assert_eq!(cas(&user).await, kept, "{arguments:?}");
    }
    // they were not overwritten and then restored
    assert_eq!(generations(&user, &both).await, unchanged);

    a_change_of_the_entries_keeps_their_ca_bundles(&user, &release, &trusted).await;
    release(&["uninstall", "apim-keyless"]);
    assert_eq!((user.get(MUTATING).await.status, user.get(VALIDATING).await.status), (404, 404));
    assert_eq!(cas(&user).await, kept, "the CAs are not part of the chart");
}

/// Entries that stay keep their caBundle, and new entries get the same one.
async fn a_change_of_the_entries_keeps_their_ca_bundles(
    user: &User,
    release: &impl Fn(&[&str]),
    trusted: &[(Value, Value)],
) {
    // not by server-side apply: it keeps an entry as long as any manager owns a field of it, and the webhook owns the
    // caBundle (docs/adr/0009)
    release(&["upgrade", "apim-keyless", CHART, "--set", "enforcement=false", "--server-side=false"]);
    assert_eq!(user.get(MUTATING).await.status, 404);
    let kept = ca_bundles(user, &[VALIDATING]).await.unwrap();
    assert_eq!(kept, trusted[3..], "only the audit entry is left, unchanged");
    release(&["upgrade", "apim-keyless", CHART, "--set", "scope=cluster"]);
    let again = eventually("a caBundle in every entry", || ca_bundles(user, &[MUTATING, VALIDATING])).await;
    assert_eq!(again, trusted);
}

/// The `metadata.generation` of each object: the API server increments it at every change of the object.
async fn generations(user: &User, paths: &[&str]) -> Vec<Value> {
    let mut generations = Vec::new();
    for path in paths {
        generations.push(user.get(path).await.stored()["metadata"]["generation"].clone());
    }
    generations
}
