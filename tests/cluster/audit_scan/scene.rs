//! A cluster with gateways, and replicas that audit it.

use crate::chart::definitions;
use serde_json::{Value, json};
use std::fs;
use test_support::helm::Helm;
use test_support::webhook::objects::{ARTICLE, PORTAL};
use test_support::webhook::{Server, User, Webhook, documents, eventually};

/// The values of the chart.
pub(crate) const AUDITED: &str = "audit.interval=\"1h\"";
pub(crate) const INTERVAL: &str = "--audit-interval=1s";
pub(crate) const EXCLUDED: &str = "--audit-excluded-namespaces=kube-system,excluded";
pub(crate) const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1";
pub(crate) const REPORTS: &str = "/apis/openreports.io/v1alpha1/namespaces/team-a/reports/apim-keyless";
pub(crate) const POLICY_REPORTS: &str = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/team-a/policyreports/apim-keyless";
pub(crate) const ACCOUNT: &str = "system:serviceaccount:apim-keyless:apim-keyless";

/// A cluster with two namespaces with a gateway each, one of mode off and an excluded one.
pub(crate) struct Scene {
    pub(crate) webhook: Webhook,
    pub(crate) administrator: User,
    pub(crate) team_a: User,
    pub(crate) team_b: User,
}

impl Scene {
    /// The identity of the replica that holds the Lease of the audit; null if none does.
    pub(crate) async fn lease_holder(&self) -> Value {
        let namespace = &self.administrator.namespace;
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/apim-keyless-audit");
        self.administrator.get(&path).await.stored()["spec"]["holderIdentity"].clone()
    }

    pub(crate) async fn start() -> Option<Self> {
        Helm::shared()?;
        let webhook = Webhook::alone_without_controllers(|_| Vec::new())?;
        let administrator = webhook.in_own_namespace();
        let team_a = webhook.user("team-a", None).await;
        let team_b = webhook.user("team-b", None).await;
        let (off, excluded) = (webhook.user("off", Some("off")).await, webhook.user("excluded", None).await);
        // a ConfigMap without a setting of a gateway, which is not kept from the list
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"A": "b"}});
        team_a.apply(&other).await.stored();
        for mut object in documents(PORTAL) {
            if object["kind"] == "Deployment" {
                let container = &mut object["spec"]["template"]["spec"]["containers"][0];
                container["envFrom"].as_array_mut().unwrap().push(json!({"configMapRef": {"name": "other"}}));
            }
            for user in [&team_a, &off, &excluded] {
                user.apply(&object).await.stored();
            }
        }
        for object in documents(ARTICLE) {
            team_b.apply(&object).await.stored();
        }
        Some(Self { webhook, administrator, team_a, team_b })
    }

    /// Replaces the roles of the ServiceAccount by those of the chart with these values.
    pub(crate) async fn grant(&self, values: &[&str]) {
        for object in documents(&Helm::shared().unwrap().template(values).success()) {
            let path = match object["kind"].as_str().unwrap() {
                "ClusterRole" => format!("{ROLES}/clusterroles/apim-keyless"),
                "Role" => format!("{ROLES}/namespaces/apim-keyless/roles/apim-keyless"),
                _ => continue,
            };
            self.administrator.put(&path, &object).await.stored();
        }
    }

    pub(crate) async fn replica(&self) -> Server {
        let replica = self.webhook.replica(&[INTERVAL, EXCLUDED].map(str::to_owned)).await;
        replica.wait_until_ready();
        replica
    }

    pub(crate) async fn install(&self, module: &str, file: &str) {
        for definition in definitions::from_module(module, file) {
            definitions::create(&self.administrator, &definition).await;
        }
    }

    /// The object at a path once it fulfills a condition.
    pub(crate) async fn until(&self, path: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || async {
            let object = self.administrator.get(path).await;
            (object.status == 200 && condition(&object.body)).then_some(object.body)
        })
        .await
    }

    pub(crate) async fn until_absent(&self, path: &str) {
        eventually(path, || async { (self.administrator.get(path).await.status == 404).then_some(()) }).await;
    }

    /// The requests of the webhook's account.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.webhook.control_plane.audit_log()).unwrap();
        let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["user"]["username"] == ACCOUNT).collect()
    }

    /// How many requests of the webhook were to write a report. A write that changes nothing leaves no trace in the object.
    pub(crate) fn writes_of_reports(&self) -> usize {
        let is_write = |event: &&Value| event["objectRef"]["resource"] == "reports" && event["verb"] == "update";
        self.requests().iter().filter(is_write).count()
    }

    /// The Events of apim-keyless in a namespace.
    pub(crate) async fn events(&self, namespace: &str) -> Vec<Value> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let events = self.administrator.list(&path).await;
        events.into_iter().filter(|event| event["reportingController"] == "apim-keyless").collect()
    }
}

/// The value of a sample; `None` if it is not exported.
pub(crate) async fn sample(server: &Server, sample: &str) -> Option<f64> {
    let metrics = server.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

pub(crate) const WITH_KEY: &str = "apim_keyless_gateways{authentication=\"key\",level=\"error\"}";
pub(crate) const SCANNED_AT: &str = "apim_keyless_audit_scan_timestamp_seconds";

/// Waits until a replica has completed another scan.
pub(crate) async fn another_scan(server: &Server) {
    let events = |server: &Server| server.events().iter().filter(|event| event["message"] == "audit").count();
    let before = events(server);
    // one scan may have begun before what is waited for
    eventually("two scans", || async { (events(server) > before + 1).then_some(()) }).await;
}

pub(crate) async fn until_audits(server: &Server) {
    eventually("the gauges", || async { sample(server, SCANNED_AT).await }).await;
}
