//! The audit in the webhook, under exactly the rights of the chart: metrics, report objects, Events and the Lease. The
//! definitions of both report APIs are those that their projects publish.

mod rights;
pub(crate) mod scene;

use rights::the_rights_are_those_that_are_used;
use scene::{AUDITED, POLICY_REPORTS, REPORTS, ROLES, SCANNED_AT, Scene, WITH_KEY, another_scan, sample, until_audits};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};
use test_support::webhook::objects::{ARTICLE, PORTAL, one};
use test_support::webhook::{Server, documents, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_of_one_replica_shows_the_cluster_in_metrics_reports_and_events() {
    let Some(scene) = Scene::start().await else { return };
    let _logs = scene.webhook.control_plane.show_logs_on_panic();
    let mut first = scene.replica().await;
    without_rights_only_the_audit_fails(&first).await;
    scene.grant(&[AUDITED]).await;
    until_audits(&first).await;
    assert_eq!(sample(&first, WITH_KEY).await, Some(1.0), "{}", first.metrics().await);
    let duration = sample(&first, "apim_keyless_audit_scan_duration_seconds").await;
    assert!(duration.is_some_and(|seconds| seconds > 0.0));
    let second = scene.replica().await;
    both_report_apis(&scene, &first).await;
    an_unchanged_report_is_not_written_again(&scene, &first).await;
    an_incomplete_scan_changes_nothing(&scene, &first).await;
    transitions_are_events(&scene, &first).await;
    a_report_of_another_client_stays(&scene, &first).await;
    // only the replica with the Lease audits, until it ends
    assert_eq!(sample(&second, SCANNED_AT).await, None);
    assert!(!second.events().iter().any(|event| event["message"] == "audit"));
    let holder = scene.lease_holder().await;
    assert!(holder.is_string(), "{holder}");
    first.stop();
    assert_ne!(scene.lease_holder().await, holder, "a Lease is released before its holder ends");
    until_audits(&second).await;
    a_killed_replica_is_replaced(&scene, second).await;
    the_rights_are_those_that_are_used(&scene);
}

/// The first replica has the rights of a chart without the audit.
async fn without_rights_only_the_audit_fails(replica: &Server) {
    let failures = "apim_keyless_audit_failures_total{part=\"lease\"}";
    eventually("a failure", || async { sample(replica, failures).await }).await;
    assert_eq!(replica.readiness().await.0, 200);
    let events = replica.events();
    let warning = "cannot get or renew the Lease of the audit, trying again; allow get, create and update on \
                   leases.coordination.k8s.io in this namespace";
    assert!(events.iter().any(|event| event["message"] == warning), "{events:#?}");
    assert_eq!(sample(replica, SCANNED_AT).await, None);
}

async fn both_report_apis(scene: &Scene, replica: &Server) {
    let no_api = |event: &Value| event["message"].as_str().unwrap().starts_with("the audit writes no PolicyReports:");
    another_scan(replica).await;
    assert_eq!(replica.events().iter().filter(|event| no_api(event)).count(), 1);
    scene.install("github.com/kyverno/kyverno", "config/crds/policyreport/wgpolicyk8s.io_policyreports.yaml").await;
    let report = scene.until(POLICY_REPORTS, "a PolicyReport", |_| true).await;
    check_report(scene, &report).await;
    what_another_client_changes_is_written_again(scene, POLICY_REPORTS).await;
    scene.install("github.com/openreports/reports-api", "config/crd/openreports.io_reports.yaml").await;
    let report = scene.until(REPORTS, "a Report", |_| true).await;
    check_report(scene, &report).await;
    assert_eq!(report["source"], "apim-keyless");
    let manager = report.pointer("/metadata/managedFields/0/manager");
    assert_eq!(manager.and_then(Value::as_str), Some("apim-keyless"));
    the_page_shows(&report);
    scene.until_absent(POLICY_REPORTS).await;
    for namespace in ["off", "excluded"] {
        scene.until_absent(&REPORTS.replace("team-a", namespace)).await;
    }
}

/// docs/audit.md shows this report, with a single result.
fn the_page_shows(report: &Value) {
    let page = fs::read_to_string("docs/audit.md").unwrap();
    let (_, block) = page.split_once("```yaml\napiVersion: openreports.io/v1alpha1\n").unwrap();
    let shown = &documents(block.split_once("```").unwrap().0)[0];
    let result = |report: &Value| {
        let results = report["results"].as_array().unwrap();
        let mut result = results.iter().find(|result| result["policy"] == "auth-key-reference").unwrap().clone();
        result["timestamp"] = json!(null);
        result["properties"]["resultID"] = json!(null);
        result["resources"][0]["uid"] = json!(null);
        result
    };
    assert_eq!(result(shown), result(report), "{report:#}");
    for key in ["kind", "source", "summary"] {
        assert_eq!(shown[key], report[key], "{key}");
    }
    assert_eq!(shown["metadata"]["labels"], report["metadata"]["labels"]);
}

/// The report of the portal's gateway, in either API.
async fn check_report(scene: &Scene, report: &Value) {
    assert_eq!(report["metadata"]["labels"], json!({"app.kubernetes.io/managed-by": "apim-keyless"}));
    let results = report["results"].as_array().unwrap();
    let count = |outcome: &str| results.iter().filter(|result| result["result"] == outcome).count();
    let summary = json!({"pass": 0, "fail": count("fail"), "warn": count("warn"), "error": 0, "skip": 0});
    assert_eq!(report["summary"], summary, "{report:#}");
    let key = results.iter().find(|result| result["policy"] == "auth-key-reference").unwrap();
    assert_eq!([&key["result"], &key["severity"], &key["source"]], ["fail", "high", "apim-keyless"], "{key:#}");
    assert_eq!(key["category"], "API Management self-hosted gateway");
    let deployment = scene.team_a.read(&one(PORTAL, "Deployment")).await.stored();
    let resource = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "team-a", "name": "payments",
        "uid": deployment["metadata"]["uid"]}]);
    assert_eq!(key["resources"], resource);
    assert!(key["timestamp"]["seconds"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(key["properties"]["level"], "error");
    assert_eq!(key["properties"]["resultID"].as_str().unwrap().len(), 16);
}

async fn an_unchanged_report_is_not_written_again(scene: &Scene, replica: &Server) {
    another_scan(replica).await;
    let before = scene.writes_of_reports();
    another_scan(replica).await;
    assert_eq!(scene.writes_of_reports(), before);
    what_another_client_changes_is_written_again(scene, REPORTS).await;
}

async fn what_another_client_changes_is_written_again(scene: &Scene, path: &str) {
    let report = scene.administrator.get(path).await.stored();
    let other = json!({"results": [], "summary": {"fail": 0}});
    scene.administrator.patch_at(path, &other).await.stored();
    let again = scene.until(path, "the report", |again| again["summary"] == report["summary"]).await;
    assert_eq!(again["results"].as_array().map(Vec::len), report["results"].as_array().map(Vec::len));
}

/// Without one of its rights the scan is not complete: it keeps what the last complete one has shown.
async fn an_incomplete_scan_changes_nothing(scene: &Scene, replica: &Server) {
    let path = format!("{ROLES}/clusterroles/apim-keyless");
    let role = scene.administrator.get(&path).await.stored();
    let mut less = role.clone();
    let rules = less["rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["apiGroups"] != json!(["apps"]));
    scene.administrator.put(&path, &less).await.stored();
    let failures = "apim_keyless_audit_failures_total{part=\"scan\"}";
    eventually("a failure", || async { sample(replica, failures).await }).await;
    let logged = replica.events().into_iter().find(|event| {
        event["error"] == "cannot list deployments.apps: needs list on deployments.apps"
            && event["message"] == "the audit is not complete; the last complete one stays"
    });
    assert!(logged.is_some(), "{:#?}", replica.events());
    assert_eq!(sample(replica, failures).await, Some(1.0), "one for a scan, whatever it could not read");
    assert_eq!(sample(replica, WITH_KEY).await, Some(1.0));
    assert_eq!(scene.administrator.get(REPORTS).await.status, 200);
    assert_eq!(replica.readiness().await.0, 200);
    scene.grant(&[AUDITED]).await;
    another_scan(replica).await;
}

async fn transitions_are_events(scene: &Scene, replica: &Server) {
    for namespace in ["team-a", "team-b"] {
        assert_eq!(scene.events(namespace).await, Vec::<Value>::new(), "the first scan makes no Event");
    }
    // the gateway of team-b gets an older image, that of team-a loses its key
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image",
        "value": "mcr.microsoft.com/azure-api-management/gateway:2.10.0"}]);
    let deployment = one(ARTICLE, "Deployment");
    let changed = scene.team_b.patch_with(&deployment, "application/json-patch+json", &image).await.stored();
    scene.team_a.delete(&one(PORTAL, "Deployment")).await.stored();
    scene.team_a.delete(&one(PORTAL, "ConfigMap")).await.stored();
    for object in documents(ARTICLE) {
        scene.team_a.apply(&object).await.stored();
    }
    another_scan(replica).await;
    let events = scene.events("team-b").await;
    assert_eq!(events.len(), 1, "{events:#?}\n{:#?}", replica.events());
    let event = &events[0];
    assert_eq!([&event["reason"], &event["type"], &event["action"]], ["GatewayHasNewError", "Warning", "Audit"]);
    assert!(event["note"].as_str().unwrap().starts_with("unsupported-version: Use "), "{event:#}");
    // kubectl describe selects by these
    let regarding = &event["regarding"];
    assert_eq!(regarding["uid"], changed["metadata"]["uid"]);
    assert_eq!([&regarding["kind"], &regarding["name"]], ["Deployment", "apim-gateway"]);

    let fixed = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image",
        "value": "mcr.microsoft.com/azure-api-management/gateway:2.11.0"}]);
    scene.team_b.patch_with(&deployment, "application/json-patch+json", &fixed).await.stored();
    becomes_keyless(scene, replica).await;
}

/// A gateway loses its key, and then has no finding any more.
async fn becomes_keyless(scene: &Scene, replica: &Server) {
    let (user, config_map) = (&scene.team_a, one(ARTICLE, "ConfigMap"));
    let method = |method: &str| json!({"data": {"config.service.auth": method}});
    user.patch(&config_map, "", &method("GatewayKey orders&202601010000&canary")).await.stored();
    another_scan(replica).await;
    user.patch(&config_map, "", &method("workloadIdentity")).await.stored();
    another_scan(replica).await;
    let events = scene.events("team-a").await;
    let keyless = events.iter().find(|event| event["reason"] == "GatewayIsKeyless");
    assert!(keyless.is_some_and(|event| event["type"] == "Normal"), "{events:#?}");
    // as the page shows them
    let selected = "/api/v1/namespaces/team-a/events?fieldSelector=reportingComponent=apim-keyless";
    assert_eq!(scene.administrator.list(selected).await.len(), events.len());
    let page = fs::read_to_string("docs/audit.md").unwrap();
    let (_, shown) = page.split_once("\nLAST SEEN ").unwrap();
    let shown = shown.split("\n```").next().unwrap().lines().skip(1);
    let is_real = |line: &str| {
        events.iter().any(|event| {
            ["type", "reason", "note"].iter().all(|key| line.contains(&format!(" {}", event[*key].as_str().unwrap())))
        })
    };
    assert!(shown.clone().count() == 2 && shown.clone().all(is_real), "{:?} {events:#?}", shown.collect::<Vec<_>>());
    let everything = format!("{events:?}{:?}{}", replica.events(), replica.metrics().await);
    assert!(!everything.contains("canary"), "no value is written anywhere");
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image",
        "value": "mcr.microsoft.com/azure-api-management/gateway:2.11.0"}]);
    let deployment = one(ARTICLE, "Deployment");
    user.patch_with(&deployment, "application/json-patch+json", &image).await.stored();
    scene.until_absent(REPORTS).await;
    assert_eq!(sample(replica, WITH_KEY).await, Some(0.0));
}

/// A report of the same name without our label is another client's.
async fn a_report_of_another_client_stays(scene: &Scene, replica: &Server) {
    let other = json!({"apiVersion": "openreports.io/v1alpha1", "kind": "Report",
        "metadata": {"name": "apim-keyless"}, "summary": {"fail": 77}});
    scene.team_b.apply(&other).await.stored();
    let deployment = one(ARTICLE, "Deployment");
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image",
        "value": "mcr.microsoft.com/azure-api-management/gateway:2.10.0"}]);
    scene.team_b.patch_with(&deployment, "application/json-patch+json", &image).await.stored();
    let error = "cannot create Report apim-keyless in namespace team-b: another client writes an object of this name; it \
                 must not, or delete it";
    eventually("an error", || async { replica.events().iter().any(|event| event["error"] == error).then_some(()) })
        .await;
    assert_eq!(scene.team_b.read(&other).await.stored()["summary"]["fail"], 77);
    assert_eq!(replica.readiness().await.0, 200);
}

async fn a_killed_replica_is_replaced(scene: &Scene, mut holder: Server) {
    let next = scene.replica().await;
    holder.kill();
    let start = Instant::now();
    until_audits(&next).await;
    assert!(start.elapsed() > Duration::from_secs(15), "a Lease is not taken before it has expired");
}
