//! Verifies the results of writes: a set-up that allows a key would make the benchmark meaningless.

use crate::set_up::SetUp;
use crate::write::Write;
use serde_json::Value;
use test_support::webhook::User;
use test_support::webhook::objects::{BARE, OLD_IMAGE, PORTAL, one};

/// What the API server's admission does with test objects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Behavior {
    fixes_a_bare_gateway: bool,
    denies_an_old_image: bool,
    denies_a_key: bool,
}

impl Behavior {
    /// The expected behavior of a set-up.
    pub(crate) fn expected(set_up: SetUp) -> Self {
        let enforces = set_up.enforces();
        Self { fixes_a_bare_gateway: enforces, denies_an_old_image: enforces, denies_a_key: enforces }
    }

    /// The current behavior, tested with dry runs.
    pub(crate) async fn observed(user: &User) -> Self {
        let old = OLD_IMAGE.replace("gateway:2.10.1", "gateway:2.10.0");
        Self {
            fixes_a_bare_gateway: is_complete(&user.apply_with(&one(BARE, "Deployment"), DRY_RUN).await.body),
            denies_an_old_image: is_denied(user, &old, "2.11.0").await,
            denies_a_key: is_denied(user, PORTAL, "Secret").await,
        }
    }
}

const DRY_RUN: &str = "?dryRun=All";

/// Is a Deployment denied with a message that contains `reason`?
async fn is_denied(user: &User, yaml: &str, reason: &str) -> bool {
    let response = user.apply_with(&one(yaml, "Deployment"), DRY_RUN).await;
    let message = response.body["message"].as_str().unwrap_or_default();
    // the status of a denial by a webhook, and by an admission policy
    [403, 422].contains(&response.status) && message.contains(reason)
}

/// Does a Deployment have all fields that workload identity needs?
fn is_complete(object: &Value) -> bool {
    let template = &object["spec"]["template"];
    template["metadata"]["labels"]["azure.workload.identity/use"] == "true"
        && template["spec"]["serviceAccountName"].is_string()
        && template["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"].is_string()
}

/// Verifies the stored Deployments of a series: only a bare gateway is changed, and only if the set-up enforces.
pub(crate) fn check(stored: &[Value], write: Write, set_up: SetUp) {
    let written = write.object();
    for object in stored {
        let (template, before) = (&object["spec"]["template"], &written["spec"]["template"]);
        let pointers = ["/metadata/labels", "/spec/serviceAccountName", "/spec/containers/0/envFrom"];
        let is_as_written = pointers.iter().all(|pointer| template.pointer(pointer) == before.pointer(pointer));
        let is_fixed = set_up.enforces() && write == Write::Bare;
        assert_eq!(is_as_written, !is_fixed, "{set_up:?} {write:?} {template}");
        assert!(!is_fixed || is_complete(object), "{set_up:?} {template}");
    }
}
