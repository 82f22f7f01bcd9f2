//! The set-ups of the API server's admission.

use crate::outcome::Behavior;
use crate::write::Write;
use serde_json::Value;
use test_support::helm::Helm;
use test_support::webhook::{User, Webhook, documents, eventually};

const NATIVE: &str = include_str!("native.yaml");
const OPT_IN: &str = include_str!("../../deploy/install.yaml");

/// A set-up of the API server's admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetUp {
    /// No webhook and no policy.
    NoWebhook,
    /// The webhook configurations of scope `opt-in`, with one replica.
    OptIn,
    /// The webhook configurations of scope `cluster`, with one replica.
    Cluster,
    /// Kubernetes' own admission policies.
    Native,
}

impl SetUp {
    /// Its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoWebhook => "no webhook",
            Self::OptIn => "apim-keyless",
            Self::Cluster => "apim-keyless, scope cluster",
            Self::Native => "native",
        }
    }

    /// Does it set and deny?
    pub(crate) fn enforces(self) -> bool {
        self != Self::NoWebhook
    }

    /// The namespace for all objects except the chart's gateway. It is an enforced one if the set-up enforces.
    pub(crate) fn namespace(self) -> &'static str {
        if self == Self::Cluster { UNLABELED } else { ENFORCED }
    }

    /// The writes in this set-up. In scope `cluster` a gateway is sent to the webhook as in scope `opt-in`, so only
    /// other applications are measured.
    pub(crate) fn writes(self) -> &'static [Write] {
        if self == Self::Cluster { &[Write::OtherApplication] } else { &Write::ALL }
    }
}

/// A namespace with the mode label `enforce`.
pub(crate) const ENFORCED: &str = "enforced";
/// A namespace without the mode label.
pub(crate) const UNLABELED: &str = "unlabeled";

/// Installs and removes set-ups.
pub(crate) struct Installer<'a> {
    webhook: &'a Webhook,
    cluster: String,
    administrator: User,
}

impl<'a> Installer<'a> {
    pub(crate) fn new(webhook: &'a Webhook, helm: &Helm) -> Self {
        let cluster = helm.template(&["scope=\"cluster\"", "defaultMode=\"enforce\""]).success();
        Self { webhook, cluster, administrator: webhook.in_namespace("default") }
    }

    /// Does this Kubernetes version have `MutatingAdmissionPolicy`? It is stable since 1.36.
    pub(crate) async fn has_native(&self) -> bool {
        let served = self.administrator.get("/apis/admissionregistration.k8s.io/v1").await.stored();
        let mut resources = served["resources"].as_array().into_iter().flatten();
        resources.any(|resource| resource["name"] == "mutatingadmissionpolicies")
    }

    /// Removes all other set-ups, installs this one, and waits until it takes effect.
    pub(crate) async fn install(&self, set_up: SetUp) {
        self.webhook.unregister().await;
        for object in documents(NATIVE) {
            let response = self.administrator.remove(&format!("{}/native", collection(&object))).await;
            assert!([200, 404].contains(&response.status), "{}", response.body);
        }
        self.wait_until(SetUp::NoWebhook, set_up.namespace()).await;
        match set_up {
            SetUp::NoWebhook => return,
            SetUp::OptIn => self.webhook.register_instead(OPT_IN).await,
            SetUp::Cluster => self.webhook.register_instead(&self.cluster).await,
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
            (Behavior::observed(&user).await == Behavior::expected(set_up)).then_some(())
        })
        .await;
    }
}

/// The path of the resource of an object of the admission API.
fn collection(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |kind| format!("{kind}ies"));
    format!("/apis/{}/{plural}", object["apiVersion"].as_str().unwrap())
}
