//! Who stands at the API server's doors.

use crate::helm::Helm;
use crate::outcome::AdmissionState;
use crate::webhook::{User, Webhook, documents, eventually};
use crate::write::Write;
use serde_json::Value;

const NATIVE: &str = include_str!("native.yaml");
const OPT_IN: &str = include_str!("../../deploy/install.yaml");

/// Who stands at the doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetUp {
    /// Nobody.
    Nothing,
    /// Our webhooks for namespaces with our label, and one replica behind them.
    Ours,
    /// The same for all namespaces.
    OursInCluster,
    /// Admission policies of Kubernetes' own.
    Native,
}

impl SetUp {
    /// What a reader of the tables calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Ours => "apim-keyless",
            Self::OursInCluster => "apim-keyless, scope cluster",
            Self::Native => "native",
        }
    }

    /// Does it mend and refuse?
    pub(crate) fn guards(self) -> bool {
        self != Self::Nothing
    }

    /// Where somebody writes who is neither the chart nor us: a namespace that it guards, if any.
    pub(crate) fn namespace(self) -> &'static str {
        if self == Self::OursInCluster { UNLABELLED } else { ENFORCED }
    }

    /// What is written under it. In a whole cluster a gateway is sent to us as it is elsewhere, and others' writes aren't.
    pub(crate) fn writes(self) -> &'static [Write] {
        if self == Self::OursInCluster { &[Write::Foreign] } else { &Write::ALL }
    }
}

/// A namespace with our label.
pub(crate) const ENFORCED: &str = "enforced";
/// One without.
pub(crate) const UNLABELLED: &str = "unlabelled";

/// What opens and closes the doors.
pub(crate) struct Doorkeeper<'a> {
    webhook: &'a Webhook,
    cluster: String,
    administrator: User,
}

impl<'a> Doorkeeper<'a> {
    pub(crate) fn new(webhook: &'a Webhook, helm: &Helm) -> Self {
        let cluster = helm.template(&["scope=\"cluster\"", "defaultMode=\"enforce\""]).done();
        Self { webhook, cluster, administrator: webhook.in_namespace("default") }
    }

    /// Has Kubernetes such policies? They are stable since 1.36.
    pub(crate) async fn has_native(&self) -> bool {
        let served = self.administrator.get("/apis/admissionregistration.k8s.io/v1").await.stored();
        let mut resources = served["resources"].as_array().into_iter().flatten();
        resources.any(|resource| resource["name"] == "mutatingadmissionpolicies")
    }

    /// Has this set-up stand at the doors and nobody else, and waits until it does.
    pub(crate) async fn install(&self, set_up: SetUp) {
        self.webhook.unregister().await;
        for object in documents(NATIVE) {
            let answer = self.administrator.remove(&format!("{}/native", collection(&object))).await;
            assert!([200, 404].contains(&answer.status), "{}", answer.body);
        }
        self.wait_until(SetUp::Nothing, set_up.namespace()).await;
        match set_up {
            SetUp::Nothing => return,
            SetUp::Ours => self.webhook.register_instead(OPT_IN).await,
            SetUp::OursInCluster => self.webhook.register_instead(&self.cluster).await,
            SetUp::Native => {
                for object in documents(NATIVE) {
                    self.administrator.post(&collection(&object), &object).await.stored();
                }
            }
        }
        self.wait_until(set_up, set_up.namespace()).await;
    }

    async fn wait_until(&self, set_up: SetUp, namespace: &str) {
        let user = self.webhook.in_namespace(namespace);
        eventually(set_up.name(), || async {
            (AdmissionState::tried(&user).await == AdmissionState::of(set_up)).then_some(())
        })
        .await;
    }
}

/// The path of the resource that an object of the admission API belongs to.
fn collection(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |kind| format!("{kind}ies"));
    format!("/apis/{}/{plural}", object["apiVersion"].as_str().unwrap())
}
