//! Who stands at the API server's doors.

use crate::helm::Helm;
use crate::outcome::Doors;
use crate::webhook::{User, Webhook, documents, eventually};
use serde_json::Value;

const NATIVE: &str = include_str!("native.yaml");
const OPT_IN: &str = include_str!("../../deploy/install.yaml");

/// Who stands at the doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetUp {
    /// Nobody.
    Nothing,
    /// Our webhooks, and one replica behind them.
    Ours,
    /// Admission policies of Kubernetes' own.
    Native,
}

/// Which namespaces our webhooks are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those with our label.
    OptIn,
    /// All.
    Cluster,
}

impl Scope {
    /// A namespace that is enforced under this scope.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::OptIn => "enforced",
            Self::Cluster => "unlabelled",
        }
    }
}

impl SetUp {
    /// What a reader of the tables calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Ours => "apim-keyless",
            Self::Native => "native",
        }
    }

    /// Does it mend and refuse?
    pub(crate) fn guards(self) -> bool {
        self != Self::Nothing
    }
}

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
    pub(crate) async fn install(&self, set_up: SetUp, scope: Scope) {
        self.webhook.unregister().await;
        for object in documents(NATIVE) {
            let answer = self.administrator.remove(&format!("{}/native", collection(&object))).await;
            assert!([200, 404].contains(&answer.status), "{}", answer.body);
        }
        self.wait_until(SetUp::Nothing, scope).await;
        match set_up {
            SetUp::Nothing => return,
            SetUp::Ours if scope == Scope::OptIn => self.webhook.register_instead(OPT_IN).await,
            SetUp::Ours => self.webhook.register_instead(&self.cluster).await,
            SetUp::Native => {
                for object in documents(NATIVE) {
                    self.administrator.post(&collection(&object), &object).await.stored();
                }
            }
        }
        self.wait_until(set_up, scope).await;
    }

    async fn wait_until(&self, set_up: SetUp, scope: Scope) {
        let user = self.webhook.in_namespace(scope.namespace());
        eventually(set_up.name(), || async { (Doors::tried(&user).await == Doors::of(set_up)).then_some(()) }).await;
    }
}

/// The path of the resource that an object of the admission API belongs to.
fn collection(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |kind| format!("{kind}ies"));
    format!("/apis/{}/{plural}", object["apiVersion"].as_str().unwrap())
}
