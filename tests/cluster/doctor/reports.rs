//! The reports and exit codes of `doctor`.

use super::api_server_proxy::public_issuer;
use super::ca_problems::SECRET;
use super::injection::{Injection, change, restore};
use super::installation::Installation;
use apim_keyless::doctor::CHECKS;
use serde_json::{Value, json};
use test_support::report_schema::assert_valid;
use test_support::webhook::CONFIGURATIONS;
use test_support::webhook::{User, Webhook};

/// The whole text of a report without problems.
fn no_problems() -> String {
    checks(&[]) + "\nno findings; 18 of 18 checks passed\n"
}

/// The lines of all checks, of which these have another mark than the one of a passed check.
fn checks(marks: &[(&str, char)]) -> String {
    let mark = |id| marks.iter().find(|(other, _)| *other == id).map_or('\u{221a}', |(_, mark)| *mark);
    CHECKS.iter().fold(String::new(), |text, check| text + &format!("{} {}\n", mark(check.id), check.title))
}

/// What follows the lines of the checks.
fn without_checks(text: &str) -> &str {
    text.split_once("\n\n").unwrap().1
}

/// Text, JSON and exit codes.
pub(crate) fn text_json_and_exit_codes(installation: &Installation<'_>) {
    let ran = installation.run(&["--strict"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, no_problems().as_str(), ""));
    let mut report = valid_report(installation);
    assert!(report["summary"]["objects"].take().as_u64().is_some_and(|objects| objects > 10));
    let summary = json!({
        "objects": null, "gateways": 0, "errors": 0, "fixable": 0, "warnings": 0, "suppressed": 0, "skipped": 0, "leftovers": 0,
        "failures": 0, "goneFromBaseline": null,
    });
    let checks_of_report = report["checks"].take();
    let expected = CHECKS.iter().map(|check| json!({"id": check.id, "title": check.title, "status": "passed"}));
    assert_eq!(checks_of_report, expected.collect::<Value>());
    assert_eq!(
        report,
        json!({"version": 1, "changes": null, "checks": null, "findings": [], "gateways": [], "leftovers": [], "skipped": [], "failures": [], "summary": summary})
    );

    // the API server of the tests without changes by the proxy
    installation.proxy.alter(|_, _, _| {});
    let ran = installation.run(&[]);
    let text = format!("{}\n{ISSUER}", checks(&[("token-issuer", '\u{d7}')]));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, text.as_str(), ""));
    let report = valid_report(installation);
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "issuer-not-public");
    assert_eq!((&finding["level"], &finding["object"]), (&json!("error"), &json!(null)));
    assert_eq!(finding["location"]["apiPath"], "/.well-known/openid-configuration");
    assert!(finding["fixes"][0]["title"].as_str().is_some_and(|title| title.starts_with("AKS: az aks update")));
    assert_eq!(counts(&report), [1, 0, 0]);

    installation.proxy.alter(|path, headers, body| {
        public_issuer(path, headers, body);
        if path == "/version" {
            headers.insert("date", httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH).parse().unwrap());
            body["minor"] = json!("9");
        }
        if path == "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations" {
            body["items"] = json!([]);
        }
    });
    assert_eq!(counts(&valid_report(installation)), [3, 1, 0]);
    installation.proxy.alter(public_issuer);
}

/// The JSON report, which fits its schema.
fn valid_report(installation: &Installation<'_>) -> Value {
    let report = installation.run(&["--output", "json"]).json();
    assert_valid(&report);
    report
}

/// The numbers of errors, warnings and failures in the summary.
fn counts(report: &Value) -> [u64; 3] {
    ["errors", "warnings", "failures"].map(|count| report["summary"][count].as_u64().unwrap())
}

/// A warning makes `doctor` fail with `--strict` only.
pub(crate) async fn warnings_fail_with_strict_only(installation: &Installation<'_>) {
    let undo = change(CONFIGURATIONS[0], |it| it["webhooks"][0]["timeoutSeconds"] = json!(10));
    let undo = undo.inject(installation).await;
    let ran = installation.run(&[]);
    let text = format!("{}\n{TIMEOUT}", checks(&[("webhook-settings", '\u{203c}')]));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, text.as_str()));
    assert_eq!(installation.run(&["--strict"]).code, 1);
    installation.proxy.alter(|_, _, _| {});
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, shown) = readme.split_once("$ apim-keyless doctor\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert_eq!(installation.run(&[]).stdout, shown, "the README must show this report");
    restore(installation, undo).await;
}

/// The dry run finds out whether the webhook is called, in namespaces of every mode.
pub(crate) async fn the_dry_run_shows_whether_the_webhook_is_called(
    installation: &Installation<'_>,
    webhook: &Webhook,
) {
    let probed = |namespace: &str| installation.run(&["--probe-namespace", namespace]);
    let audited: User = webhook.user("audited", Some("audit")).await;
    assert_eq!(probed("audited").stdout, no_problems());
    // a denial shows it too
    let annotations = json!({"apim-keyless.dev/minimum-version": "2.12.0"});
    webhook.annotated_user("denying", "enforce", &annotations).await;
    assert_eq!(probed("denying").stdout, no_problems());
    for (namespace, reason) in [
        ("default", "no webhook entry is known to select namespace default"),
        ("nowhere", "the API server responded 404: namespaces \"nowhere\" not found"),
    ] {
        let error = format!("error: cannot check whether the webhook is called: {reason}");
        let ran = probed(namespace);
        assert!(ran.code == 2 && ran.stderr.starts_with(&error), "{}", ran.everything());
    }
    let rule = json!([{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]);
    let undo =
        change(CONFIGURATIONS[1], move |it| it["webhooks"][2]["rules"] = rule.clone()).inject(installation).await;
    test_support::webhook::eventually("an audit entry without Deployments", || async {
        let ran = probed("audited");
        let location = "--> ValidatingWebhookConfiguration apim-keyless: webhooks[2]\n";
        (without_checks(&ran.stdout).starts_with("error[webhook-not-called]") && ran.stdout.contains(location))
            .then_some(())
    })
    .await;
    restore(installation, undo).await;
    assert_eq!(
        installation.user.list("/apis/apps/v1/namespaces/audited/deployments").await.len(),
        0,
        "a dry run stores nothing"
    );
    for namespace in [&audited.namespace, "denying"] {
        installation.user.remove(&format!("/api/v1/namespaces/{namespace}")).await.stored();
    }
}

/// An installation with `enforcement=false` differs from the chart's default and has no problem.
pub(crate) async fn an_audit_only_installation_has_no_problem(installation: &Installation<'_>) {
    let audit_only = change(CONFIGURATIONS[1], |it| {
        let webhooks = it["webhooks"].as_array_mut().unwrap();
        // the entries for audited namespaces and for Namespaces stay
        webhooks.drain(..2);
        let modes = json!(["audit", "enforce"]);
        webhooks[0]["namespaceSelector"]["matchExpressions"][0]["values"] = modes;
    });
    let mut undo = audit_only.inject(installation).await;
    undo.extend(Injection::Remove(CONFIGURATIONS[0]).inject(installation).await);
    installation.wait_until_found("nothing is enforced", &[]).await;
    restore(installation, undo).await;
    installation.wait_until_found("everything is restored", &[]).await;
}

/// With certificate source `files` a missing CA Secret is not a problem. No replica runs that would create it.
pub(crate) async fn other_certificate_sources_need_no_ca_secret(
    installation: &Installation<'_>,
    permanent: &[(&str, &str)],
) {
    let deployment = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";
    let files = change(deployment, |it| {
        it["spec"]["paused"] = json!(true);
        let arguments = &mut it["spec"]["template"]["spec"]["containers"][0]["args"];
        arguments.as_array_mut().unwrap().push(json!("--certificate-source=files"));
    });
    let mut undo = files.inject(installation).await;
    undo.extend(Injection::Remove(SECRET).inject(installation).await);
    installation.wait_until_found("the CA Secret is missing", permanent).await;
    restore(installation, undo).await;
}

/// The report of the issuer of the tests' control plane.
const ISSUER: &str = "\
error[issuer-not-public]: ServiceAccount tokens are issued by https://kubernetes.default.svc, which Entra cannot reach
--> API server: /.well-known/openid-configuration
 = fix: AKS: az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer; other clusters: start \
kube-apiserver with --service-account-issuer=https://ADDRESS and publish its discovery document and keys there

1 finding (1 error); 17 of 18 checks passed
";

/// The report of a timeout that is not the chart's.
const TIMEOUT: &str = "\
warning[timeout-differs]: mutate.apim-keyless.dev: 10 s, and the chart sets 3 s: an outage may delay each write by this time
--> MutatingWebhookConfiguration apim-keyless: webhooks[0].timeoutSeconds
 = fix: set webhooks[0].timeoutSeconds as the chart does (3 for mutate, 5 for enforce, 2 for the others): \
kubectl edit mutatingwebhookconfiguration apim-keyless

1 finding (1 warning); 17 of 18 checks passed
";
