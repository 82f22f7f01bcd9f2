//! The alerts and the dashboard of the chart: promtool tests the alerts, and a real Prometheus that scrapes a real webhook
//! answers every query of the dashboard.

use crate::audit_scan::scene::{AUDITED, Scene, until_audits};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use test_support::gateways::{container_with_auth_key, valid, with_container};
use test_support::helm::Helm;
use test_support::npm::not_run;
use test_support::run::Folder;
use test_support::webhook::{documents, eventually};

const ALERTS: &str = "monitoring.prometheusRule.enabled=true";
/// The values for which tests/monitoring/alerts.yaml tests the alerts.
const INTERVAL: &str = "audit.interval=\"90m\"";
const DASHBOARD: &str = "deploy/chart/dashboards/apim-keyless.json";

/// Metrics that have no sample as long as nothing has failed, so that their queries have no result.
const WITHOUT_SAMPLES: [&str; 4] = [
    "apim_keyless_audit_failures_total",
    "apim_keyless_deferred_reviews_total",
    "apim_keyless_invalid_reviews_total",
    "apim_keyless_rejected_requests_total",
];

/// Runs promtool; `None` if Debian's package prometheus is not installed. With `CI=true` it panics instead.
fn promtool(folder: &Folder, arguments: &[&str]) -> Option<Output> {
    let output = Command::new("promtool").args(arguments).current_dir(folder.path("")).output();
    output.map_err(|_| not_run("the alerts and the dashboard", "promtool (package prometheus) is not installed")).ok()
}

/// The alerts of the chart as a file of rules.
fn rules(helm: &Helm) -> Value {
    let objects = documents(&helm.template(&[ALERTS, INTERVAL]).success());
    let rule = objects.into_iter().find(|object| object["kind"] == "PrometheusRule").unwrap();
    rule["spec"].clone()
}

#[test]
fn each_alert_is_raised_by_what_it_is_for_and_by_nothing_else() {
    let Some(helm) = Helm::shared() else { return };
    let tests = fs::read_to_string("tests/monitoring/alerts.yaml").unwrap();
    let rules = rules(helm);
    let folder = Folder::with(&[("rules.yaml", &rules.to_string()), ("alerts.yaml", &tests)]);
    let Some(tested) = promtool(&folder, &["test", "rules", "alerts.yaml"]) else { return };
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
    let alerts = rules["groups"][0]["rules"].as_array().unwrap().iter().map(|rule| rule["alert"].as_str().unwrap());
    for alert in alerts {
        let is_of = |test: &&Value| test["alertname"] == alert;
        let all = documents(&tests);
        let cases =
            all[0]["tests"].as_array().unwrap().iter().flat_map(|test| test["alert_rule_test"].as_array().unwrap());
        let (raised, silent): (Vec<&Value>, Vec<&Value>) =
            cases.filter(is_of).partition(|test| test["exp_alerts"].is_array());
        assert!(
            !raised.is_empty() && !silent.is_empty(),
            "tests/monitoring/alerts.yaml does not test {alert} in both ways"
        );
        assert!(fs::read_to_string("docs/metrics.md").unwrap().contains(&format!("| `{alert}` |")), "{alert}");
    }
    // the tests can fail
    let shifted = rules.to_string().replace("< 86400", "< 1").replace("16200", "1");
    folder.write("rules.yaml", shifted.as_bytes());
    assert!(!promtool(&folder, &["test", "rules", "alerts.yaml"]).unwrap().status.success());
}

/// A Prometheus that scrapes one webhook every second.
struct Prometheus {
    process: Child,
    address: SocketAddr,
    folder: Folder,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // it may have ended already
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Prometheus {
    fn start(target: SocketAddr) -> Option<Self> {
        let configuration = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: apim-keyless\n  static_configs:\n  - targets: \
             ['{target}']\n    labels: {{namespace: apim-keyless, pod: apim-keyless-0}}\n"
        );
        let folder = Folder::with(&[("prometheus.yml", &configuration)]);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = process.map_err(|_| not_run("the dashboard", "prometheus is not installed")).ok()?;
        Some(Self { process, address, folder })
    }

    /// The result of a query; an error is the text of promtool.
    fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let server = format!("http://{}", self.address);
        let output = promtool(&self.folder, &["query", "instant", "--format=json", &server, expression]).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(text(&output.stderr))
        }
    }
}

/// The queries of the dashboard, with values for Grafana's variables.
fn queries() -> BTreeSet<String> {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(DASHBOARD).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions = targets.map(|target| target["expr"].as_str().unwrap());
    let variables = [("$namespace", ".*"), ("$__rate_interval", "1m"), ("$__range", "1h")];
    let replaced = |text: &str| variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    expressions.map(replaced).collect()
}

/// Each review is one more sample.
async fn send_reviews(scene: &Scene) {
    for object in [with_container("Deployment", "containers", container_with_auth_key()), valid("Deployment")] {
        scene.team_a.apply_with(&object, "?dryRun=All").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_has_a_result() {
    let Some(scene) = Scene::start().await else { return };
    scene.grant(&[AUDITED]).await;
    let replica = scene.replica().await;
    until_audits(&replica).await;
    scene.webhook.redirect_to(replica.port).await;
    let Some(prometheus) = Prometheus::start(replica.health()) else { return };
    // a rate needs two scrapes, and a counter of a kind exists only after the first review
    scene
        .team_a
        .patch_namespace(&serde_json::json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}}))
        .await
        .stored();
    let queries = queries();
    assert!(queries.len() > 20, "{queries:?}");
    for query in &queries {
        let may_be_empty = WITHOUT_SAMPLES.iter().any(|metric| query.contains(metric));
        eventually(query, || async {
            send_reviews(&scene).await;
            match prometheus.query(query) {
                Ok(result) => (may_be_empty || !result.is_empty()).then_some(()),
                // it has not started yet
                Err(error) if ["connection refused", " 503 "].iter().any(|cause| error.contains(cause)) => None,
                Err(error) => panic!("{query}: {error}"),
            }
        })
        .await;
    }
    let with_key = prometheus.query("sum(apim_keyless_gateways{authentication=\"key\"})").unwrap();
    assert_eq!(with_key[0]["value"][1], "1", "{with_key:?}");
    assert!(prometheus.query("sum(").is_err(), "a wrong query is an error");
}
