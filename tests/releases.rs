//! Releases of the chart come and go in a real cluster, and the CA and the caBundles stay as they are.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod control_plane;
mod helm;
mod webhook;

use control_plane::ControlPlane;
use helm::{CHART, Helm};
use serde_json::{Value, json};
use webhook::{User, Webhook, eventually};

const SECRET: &str = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";
const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/apim-keyless";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/apim-keyless";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";

/// The caBundle of every webhook entry of these configurations, by its name; `None` while one has none.
async fn bundles(user: &User, paths: &[&str]) -> Option<Vec<(Value, Value)>> {
    let mut bundles = Vec::new();
    for path in paths {
        for webhook in user.get(path).await.stored()["webhooks"].as_array().unwrap() {
            let bundle = webhook["clientConfig"]["caBundle"].clone();
            bundles.push((webhook["name"].clone(), Some(bundle).filter(Value::is_string)?));
        }
    }
    Some(bundles)
}

/// The CAs in the Secret and their keys; what else it holds is when they were seen.
async fn authorities(user: &User) -> Vec<(String, Value)> {
    let secret = user.get(SECRET).await.stored();
    let mut data: Vec<(String, Value)> = secret["data"].as_object().unwrap().clone().into_iter().collect();
    data.retain(|(key, _)| [".crt", ".key"].iter().any(|end| key.strip_suffix(end).is_some()));
    data
}

/// Calls Helm about the release.
fn release(helm: &Helm, control_plane: &ControlPlane, words: &[&str]) {
    let kubeconfig = control_plane.kubeconfig_file();
    let about = ["--namespace", "apim-keyless", "--kubeconfig", kubeconfig.to_str().unwrap()];
    helm.call(&[words, &about[..]].concat()).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_and_rollbacks_leave_the_ca_and_the_bundles_alone() {
    let (Some(helm), Some(control_plane)) = (Helm::shared(), ControlPlane::shared()) else { return };
    let _logs = control_plane.show_logs_on_panic();
    let release = |words: &[&str]| release(helm, control_plane, words);
    release(&["install", "apim-keyless", CHART, "--create-namespace"]);
    // the real server, by the account and the roles that Helm installed
    let webhook = Webhook::of_installed(control_plane);
    let user = webhook.in_namespace("apim-keyless");
    let both = [MUTATING, VALIDATING];
    let trusted = eventually("a caBundle in every entry", || bundles(&user, &both)).await;
    assert_eq!(trusted.len(), 4);
    let kept = authorities(&user).await;
    assert_eq!(kept.len(), 2);
    let versions = generations(&user, &both).await;

    for (words, replicas, cpu) in [
        (&["upgrade", "apim-keyless", CHART, "--set", "replicas=3"][..], 3, "50m"),
        (&["upgrade", "apim-keyless", CHART, "--set", "resources.requests.cpu=1"], 2, "1"),
        (&["rollback", "apim-keyless", "1"], 2, "50m"),
    ] {
        release(words);
        let deployment = user.get(DEPLOYMENT).await.stored();
        let requested = &deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"];
        assert_eq!((&deployment["spec"]["replicas"], requested), (&json!(replicas), &json!(cpu)), "{words:?}");
        assert_eq!(bundles(&user, &both).await.as_ref(), Some(&trusted), "{words:?}");
        assert_eq!(authorities(&user).await, kept, "{words:?}");
    }
    // nobody wrote over them and put them right again
    assert_eq!(generations(&user, &both).await, versions);

    a_change_of_the_entries_keeps_what_was_trusted(&user, &release, &trusted).await;
    release(&["uninstall", "apim-keyless"]);
    assert_eq!((user.get(MUTATING).await.status, user.get(VALIDATING).await.status), (404, 404));
    assert_eq!(authorities(&user).await, kept, "they are not the chart's");
}

/// Entries that stay keep their caBundle, new ones get the same.
async fn a_change_of_the_entries_keeps_what_was_trusted(
    user: &User,
    release: &impl Fn(&[&str]),
    trusted: &[(Value, Value)],
) {
    // by server-side apply an entry stays as long as somebody owns a field of it, and the caBundle is the webhook's
    release(&["upgrade", "apim-keyless", CHART, "--set", "enforcement=false", "--server-side=false"]);
    assert_eq!(user.get(MUTATING).await.status, 404);
    let kept = bundles(user, &[VALIDATING]).await.unwrap();
    assert_eq!(kept, trusted[3..], "only audit is left, as it was");
    release(&["upgrade", "apim-keyless", CHART, "--set", "scope=cluster"]);
    let again = eventually("a caBundle in every entry", || bundles(user, &[MUTATING, VALIDATING])).await;
    assert_eq!(again, trusted);
}

/// How often what somebody wants of an object was written.
async fn generations(user: &User, paths: &[&str]) -> Vec<Value> {
    let mut generations = Vec::new();
    for path in paths {
        generations.push(user.get(path).await.stored()["metadata"]["generation"].clone());
    }
    generations
}
