//! What whoever runs `doctor` gets to see.

use crate::front::issues_publicly;
use crate::installed::Installed;
use crate::plants::{How, change, put_all_back};
use crate::plants_of_bundles::SECRET;
use crate::run::Folder;
use crate::webhook::account::CONFIGURATIONS;
use crate::webhook::{User, Webhook};
use serde_json::json;

const NOTHING: &str = "nothing wrong was found\n";

#[test]
fn a_cluster_that_cannot_be_asked_is_told_and_exits_with_2() {
    let folder = Folder::with(&[("broken", "users: [")]);
    let told = "error: cannot use the cluster: the kubeconfig broken cannot be used: it is no kubeconfig in YAML\n";
    folder.run(&["doctor", "--kubeconfig", "broken"]).failed_with(told);
    let nobody = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {}}], "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    });
    folder.write("nobody", nobody.to_string().as_bytes());
    let told = "error: cannot use the cluster: get on /version failed: the API server was not reached: ServiceError: client \
                error (Connect)\n";
    folder.run(&["doctor", "--kubeconfig", "nobody"]).failed_with(told);
}

/// Text, JSON and exit codes.
pub(crate) fn as_an_operator_reads_it(installed: &Installed<'_>) {
    let ran = installed.examine(&["--strict"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, NOTHING, ""));
    let report = installed.examine(&["--output", "json"]).json();
    let summary = json!({"error": 0, "warning": 0, "unexamined": 0});
    assert_eq!(report, json!({"version": 1, "findings": [], "errors": [], "summary": summary}));

    // a server of the tests as it is
    installed.front.alter(|_, _, _| {});
    let ran = installed.examine(&[]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, ISSUER, ""));
    let report = installed.examine(&["--output", "json"]).json();
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "issuer-not-public");
    assert_eq!((&finding["severity"], &finding["object"]), (&json!("error"), &json!(null)));
    assert_eq!(report["summary"], json!({"error": 1, "warning": 0, "unexamined": 0}));

    installed.front.alter(|path, headers, body| {
        issues_publicly(path, headers, body);
        if path == "/version" {
            headers.insert("date", httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH).parse().unwrap());
            body["minor"] = json!("9");
        }
        if path == "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations" {
            body["items"] = json!([]);
        }
    });
    let report = installed.examine(&["--output", "json"]).json();
    assert_eq!(report["summary"], json!({"error": 3, "warning": 1, "unexamined": 0}));
    installed.front.alter(issues_publicly);
}

/// A warning is no failure, unless it is asked for.
pub(crate) async fn warnings_fail_where_they_are_to(installed: &Installed<'_>) {
    let undo = change(CONFIGURATIONS[0], |it| it["webhooks"][0]["timeoutSeconds"] = json!(10));
    let undo = undo.carry_out(installed).await;
    let ran = installed.examine(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, TIMEOUT));
    assert_eq!(installed.examine(&["--strict"]).code, 1);
    installed.front.alter(|_, _, _| {});
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, shown) = readme.split_once("$ apim-keyless doctor --kubeconfig ~/.kube/config\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert_eq!(installed.examine(&[]).stdout, shown, "the README shows what is seen");
    put_all_back(installed, undo).await;
}

/// What a write that stores nothing tells, wherever it goes.
pub(crate) async fn wherever_a_gateway_is_written(installed: &Installed<'_>, webhook: &Webhook) {
    let probed = |namespace: &str| installed.examine(&["--probe-namespace", namespace]);
    let silent: User = webhook.user("audited", Some("audit")).await;
    assert_eq!(probed("audited").stdout, NOTHING);
    // what is refused was answered too
    let demanding = json!({"apim-keyless.dev/minimum-version": "2.12.0"});
    webhook.annotated_user("demanding", "enforce", &demanding).await;
    assert_eq!(probed("demanding").stdout, NOTHING);
    for (namespace, told) in [
        ("default", "no webhook entry is known to take namespace default"),
        ("nowhere", "the API server says 404: namespaces \"nowhere\" not found"),
    ] {
        let (ran, note) =
            (probed(namespace), format!("note: whether the webhook is called could not be examined: {told}"));
        assert!(ran.code == 2 && ran.stdout.starts_with(&note), "{}", ran.stdout);
    }
    let rule = json!([{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]);
    let undo =
        change(CONFIGURATIONS[1], move |it| it["webhooks"][2]["rules"] = rule.clone()).carry_out(installed).await;
    crate::webhook::eventually("an audit that sees no Deployment", || async {
        let ran = probed("audited");
        let place = "--> ValidatingWebhookConfiguration apim-keyless: webhooks[2]\n";
        (ran.stdout.starts_with("error[webhook-not-called]") && ran.stdout.contains(place)).then_some(())
    })
    .await;
    put_all_back(installed, undo).await;
    assert_eq!(installed.user.list("/apis/apps/v1/namespaces/audited/deployments").await.len(), 0, "nothing is stored");
    for namespace in [&silent.namespace, "demanding"] {
        installed.user.remove(&format!("/api/v1/namespaces/{namespace}")).await.stored();
    }
}

/// What isn't the chart's default, and is right all the same.
pub(crate) async fn where_values_are_others(installed: &Installed<'_>) {
    let audit_only = change(CONFIGURATIONS[1], |it| {
        let webhooks = it["webhooks"].as_array_mut().unwrap();
        webhooks.drain(..2);
        let modes = json!(["audit", "enforce"]);
        webhooks[0]["namespaceSelector"]["matchExpressions"][0]["values"] = modes;
    });
    let mut undo = audit_only.carry_out(installed).await;
    undo.extend(How::Remove(CONFIGURATIONS[0]).carry_out(installed).await);
    installed.until_found("nothing is enforced", &[]).await;
    put_all_back(installed, undo).await;
    installed.until_found("everything is as before", &[]).await;
}

/// Where others make the certificates, nobody misses the Secret with the CAs. Nobody is there who would make it.
pub(crate) async fn where_others_make_certificates(installed: &Installed<'_>, always: &[(&str, &str)]) {
    let deployment = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";
    let files = change(deployment, |it| {
        it["spec"]["paused"] = json!(true);
        let arguments = &mut it["spec"]["template"]["spec"]["containers"][0]["args"];
        arguments.as_array_mut().unwrap().push(json!("--certificate-source=files"));
    });
    let mut undo = files.carry_out(installed).await;
    undo.extend(How::Remove(SECRET).carry_out(installed).await);
    installed.until_found("no Secret is missed", always).await;
    put_all_back(installed, undo).await;
}

/// The issuer of the tests' control plane, found.
const ISSUER: &str = "\
error[issuer-not-public]: tokens are issued by https://kubernetes.default.svc, which Entra can't reach
--> API server: /.well-known/openid-configuration
 = help: AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer; elsewhere: kube-apiserver \
--service-account-issuer=https://ADDRESS, and publish its discovery document and keys there

1 error
";

/// A time-out that is not the chart's, found.
const TIMEOUT: &str = "\
warning[timeout-differs]: mutate.apim-keyless.dev: 10 s, where the chart has 3: an outage may delay each write by so much
--> MutatingWebhookConfiguration apim-keyless: webhooks[0].timeoutSeconds
 = help: set webhooks[0].timeoutSeconds as the chart does, to 3 to mutate, 5 to enforce and 2 for the others: kubectl edit \
mutatingwebhookconfiguration apim-keyless

1 warning
";
