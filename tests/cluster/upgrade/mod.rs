//! From the chart of an earlier release to today's and back, by Helm on a real API server, while users write gateways. No
//! review is lost, and the CA stays (docs/upgrade.md).
//!
//! The test cannot build the binary of the earlier release in its time, so by default today's binary also runs in the
//! place of the earlier one: it answers everything that either chart registers. With `EARLIER_BINARY` naming a build of
//! that release, the replicas of the earlier release run it.

mod cert_manager;
mod charts;
mod rollout;
mod writes;

use charts::Charts;
use rollout::{LAG, Replicas};
use serde_json::{Value, json};
use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use test_support::control_plane::ControlPlane;
use test_support::helm::{Helm, HelmOutput};
use test_support::project;
use test_support::webhook::balancer::Balancer;
use test_support::webhook::installation::{NAMESPACE, point_service_to_this_machine};
use test_support::webhook::{CONFIGURATIONS, User, eventually, print_to_stderr};
use tokio::time::sleep;
use writes::{AUDITED, ENFORCED, Writes};

const SECRET: &str = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";
const VALUES: &str = "
drainSeconds: 3
policy:
  defaults:
    clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
    serviceAccount: apim-gateway-workload-identity
    configMap: apim-gateway-env
";

/// The webhook entries of today's chart. The earlier one has all but the last.
const ENTRIES: [&str; 5] = ["mutate", "enforce", "enforce-others", "audit", "namespaces"];

/// How many writes there are at least with each pair of chart and binary.
const WRITES: usize = 100;

fn earlier_binary() -> PathBuf {
    env::var_os("EARLIER_BINARY").map_or_else(project::binary, PathBuf::from)
}

/// An installation that is upgraded while users write.
struct Installation<'a> {
    helm: &'a Helm,
    control_plane: &'a ControlPlane,
    user: User,
    replicas: Replicas<'a>,
}

/// The names of the entries of a configuration, if each has a caBundle.
fn trusted(configuration: &Value) -> Option<Vec<String>> {
    let entries = configuration["webhooks"].as_array().unwrap().iter();
    let name = |entry: &Value| entry["name"].as_str().unwrap().trim_end_matches(".apim-keyless.dev").to_owned();
    entries.map(|entry| entry["clientConfig"]["caBundle"].as_str().map(|_| name(entry))).collect()
}

impl Installation<'_> {
    fn helm(&self, arguments: &[&str]) -> HelmOutput {
        let kubeconfig = self.control_plane.kubeconfig_file();
        let options = ["--namespace", NAMESPACE, "--kubeconfig", kubeconfig.to_str().unwrap()];
        self.helm.call(&[arguments, &options[..]].concat())
    }

    async fn create_namespaces(&self) {
        for (name, mode) in [(ENFORCED, "enforce"), (AUDITED, "audit")] {
            User::administrator(self.control_plane, &json!({"name": name, "labels": {"apim-keyless.dev/mode": mode}}))
                .await;
        }
    }

    /// Waits until every entry has a caBundle, and returns the names of the entries.
    async fn trusted_entries(&self) -> Vec<String> {
        eventually("a caBundle in every entry", || async {
            let mut names = Vec::new();
            for path in CONFIGURATIONS {
                let configuration = self.user.get(path).await.stored();
                names.extend(trusted(&configuration)?);
            }
            Some(names)
        })
        .await
    }

    async fn ca(&self) -> Value {
        self.user.get(SECRET).await.stored()["data"].clone()
    }

    /// Creates a Namespace with a label of ours, which today's chart sends to the replicas, in a dry run. Returns how long
    /// it took.
    async fn create_namespace(&self) -> Duration {
        let metadata = json!({"name": "upgrade-new", "labels": {"apim-keyless.dev/mode": "enforce"}});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        let start = Instant::now();
        self.user.post("/api/v1/namespaces?dryRun=All", &namespace).await.stored();
        start.elapsed()
    }

    /// Lets users write with this state, and checks that no review was lost since the start.
    async fn observe(&self, writes: &Writes, step: &str, before: usize) -> usize {
        // the API server notices changed webhook configurations a moment later
        sleep(LAG).await;
        writes.wait_for(WRITES).await;
        let count = writes.count() - before;
        writes.assert_none_lost(step);
        let ready = self.replicas.until_ready().await;
        let delay = self.create_namespace().await;
        print_to_stderr(&format!(
            "upgrade: {step}: {count} writes, none without its review; all ready after {ready:?}; \
             a new Namespace took {delay:?}"
        ));
        writes.count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_review_is_lost_on_the_way_to_todays_release_and_back() {
    let balancer = Balancer::start();
    let Some(charts) = Charts::with_port(balancer.port) else { return };
    let (Some(helm), Some(control_plane)) = (Helm::shared(), ControlPlane::own()) else { return };
    let _logs = control_plane.show_logs_on_panic();
    let (earlier, today) = (earlier_binary(), project::binary());
    let replicas = Replicas::of(&control_plane, balancer);
    let user = User::administrator_in(&control_plane, NAMESPACE);
    let mut release = Installation { helm, control_plane: &control_plane, user, replicas };
    let (chart, values) = (charts.earlier(), charts.write("values.yaml", VALUES));
    let values = ["--values", values.to_str().unwrap(), "--create-namespace"];
    release.helm(&[&["install", "apim-keyless", chart.to_str().unwrap()], &values[..]].concat()).success();
    point_service_to_this_machine(&control_plane).await;
    for _ in 0..2 {
        release.replicas.add(&earlier).await;
    }
    release.create_namespaces().await;
    assert_eq!(release.trusted_entries().await, ENTRIES[..4]);
    writes::until_reviewed(&control_plane).await;
    let ca = release.ca().await;

    let writes = Writes::start(&control_plane);
    let count = release.observe(&writes, "the earlier release", 0).await;
    upgrade(&release, &charts);
    assert_eq!(release.trusted_entries().await, ENTRIES);
    let count = release.observe(&writes, "today's chart, replicas of the earlier release", count).await;
    release.replicas.replace_all(&today).await;
    let count = release.observe(&writes, "replaced by today's replicas", count).await;
    roll_back(&release);
    assert_eq!(release.trusted_entries().await, ENTRIES[..4]);
    let count = release.observe(&writes, "the earlier chart, today's replicas", count).await;
    release.replicas.replace_all(&earlier).await;
    release.observe(&writes, "replaced by replicas of the earlier release", count).await;
    writes.stop().await;
    assert_eq!(release.ca().await, ca);
    a_failed_rollback_can_be_repeated(&release, &charts).await;
}

fn upgrade(release: &Installation<'_>, charts: &Charts) {
    let chart = charts.today();
    let upgrade = ["upgrade", "apim-keyless", chart.to_str().unwrap()];
    // with the earlier defaults a template has no value for what is new, so Helm changes nothing
    let output = release.helm(&[&upgrade[..], &["--reuse-values"]].concat());
    assert!(!output.is_success && output.stderr.contains("nil pointer"), "{}", output.stderr);
    release.helm(&[&upgrade[..], &["--reset-then-reuse-values"]].concat()).success();
}

/// The earlier chart has an entry less, which server-side apply cannot remove (docs/adr/0009).
fn roll_back(release: &Installation<'_>) {
    release.helm(&["rollback", "apim-keyless", "1", "--server-side=false"]).success();
}

/// After a rollback that failed for lack of the flag, Helm takes the failed revision for the present state, and would
/// not remove the entry. So the way leads through the revision before.
async fn a_failed_rollback_can_be_repeated(release: &Installation<'_>, charts: &Charts) {
    upgrade(release, charts);
    assert_eq!(release.trusted_entries().await, ENTRIES);
    let output = release.helm(&["rollback", "apim-keyless", "1"]);
    assert!(!output.is_success && output.stderr.contains("server-side apply failed"), "{}", output.stderr);
    assert_eq!(release.trusted_entries().await, ENTRIES);
    // revision 4 is the upgrade, and 5 the rollback that failed
    release.helm(&["rollback", "apim-keyless", "4"]).success();
    roll_back(release);
    assert_eq!(release.trusted_entries().await, ENTRIES[..4]);
}
