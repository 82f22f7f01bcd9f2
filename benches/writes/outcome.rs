//! What comes of writes: a benchmark of policies that let a key through would be one of nothing.

use crate::set_up::SetUp;
use crate::webhook::User;
use crate::webhook::objects::{BARE, OLD_IMAGE, PORTAL, one};
use crate::write::Write;
use serde_json::Value;

/// What is done at the API server's doors.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AdmissionState {
    mend_what_is_bare: bool,
    refuse_an_old_image: bool,
    refuse_a_key: bool,
}

impl AdmissionState {
    /// What this set-up does.
    pub(crate) fn of(set_up: SetUp) -> Self {
        let guards = set_up.guards();
        Self { mend_what_is_bare: guards, refuse_an_old_image: guards, refuse_a_key: guards }
    }

    /// What happens to gateways that somebody tries to write.
    pub(crate) async fn tried(user: &User) -> Self {
        let old = OLD_IMAGE.replace("gateway:2.10.1", "gateway:2.10.0");
        Self {
            mend_what_is_bare: is_complete(&user.apply_with(&one(BARE, "Deployment"), DRY_RUN).await.body),
            refuse_an_old_image: is_refused(user, &old, "2.11.0").await,
            refuse_a_key: is_refused(user, PORTAL, "Secret").await,
        }
    }
}

const DRY_RUN: &str = "?dryRun=All";

/// Is a Deployment refused, with a word of the reason?
async fn is_refused(user: &User, yaml: &str, reason: &str) -> bool {
    let answer = user.apply_with(&one(yaml, "Deployment"), DRY_RUN).await;
    let message = answer.body["message"].as_str().unwrap_or_default();
    // a webhook's refusal, a policy's refusal
    [403, 422].contains(&answer.status) && message.contains(reason)
}

/// Has a Deployment all that identity needs?
fn is_complete(object: &Value) -> bool {
    let template = &object["spec"]["template"];
    template["metadata"]["labels"]["azure.workload.identity/use"] == "true"
        && template["spec"]["serviceAccountName"].is_string()
        && template["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"].is_string()
}

/// Looks at what was stored of a series: nobody's Deployment is changed, and of gateways only what lacks something.
pub(crate) fn check(stored: &[Value], write: Write, set_up: SetUp) {
    let written = write.object();
    for object in stored {
        let (template, before) = (&object["spec"]["template"], &written["spec"]["template"]);
        let pointers = ["/metadata/labels", "/spec/serviceAccountName", "/spec/containers/0/envFrom"];
        let is_as_written = pointers.iter().all(|pointer| template.pointer(pointer) == before.pointer(pointer));
        let is_applied = set_up.guards() && write == Write::Bare;
        assert_eq!(is_as_written, !is_applied, "{set_up:?} {write:?} {template}");
        assert!(!is_applied || is_complete(object), "{set_up:?} {template}");
    }
}
