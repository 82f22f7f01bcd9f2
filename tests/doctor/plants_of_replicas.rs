//! Faults of the replicas.

use crate::installed::running;
use crate::plants::{How, Plant, change};
use apim_keyless::doctor::Fault;
use serde_json::json;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";
const BUDGET: &str = "/apis/policy/v1/namespaces/apim-keyless/poddisruptionbudgets/apim-keyless";

/// Faults of the replicas.
pub(crate) fn all() -> Vec<Plant> {
    let (deployment, ready) =
        ("Deployment apim-keyless/apim-keyless", "Deployment apim-keyless/apim-keyless /status/readyReplicas");
    vec![
        Plant::new(Fault::OneReadyReplica, &[ready], How::Pods(1, |status| *status = running("False"))),
        Plant::new(Fault::NoReadyReplica, &[ready], How::Pods(2, |status| *status = running("False"))),
        Plant::new(Fault::MixedImages, &[deployment], How::PodImage("apim-keyless:0.0.9")),
        Plant::new(
            Fault::VersionDiffers,
            &["Deployment apim-keyless/apim-keyless /spec/template/spec/containers/0/image"],
            // paused, so that the Pods stay as they are
            change(DEPLOYMENT, |deployment| {
                deployment["spec"]["paused"] = json!(true);
                deployment["spec"]["template"]["spec"]["containers"][0]["image"] =
                    json!("registry.example/apim-keyless:v0.0.9");
            }),
        ),
        Plant::new(
            Fault::VersionDiffers,
            &["Deployment apim-keyless/apim-keyless /spec/template/spec/containers/0/image"],
            change(DEPLOYMENT, |deployment| {
                let template = &mut deployment["spec"]["template"];
                template["spec"]["containers"][0]["image"] = json!("registry.example/apim-keyless:production");
                template["metadata"]["labels"]["app.kubernetes.io/version"] = json!("0.0.9");
                deployment["spec"]["paused"] = json!(true);
            }),
        ),
        Plant::new(
            Fault::DisruptionBudgetMissing,
            &["PodDisruptionBudget apim-keyless/apim-keyless"],
            change(BUDGET, |budget| budget["spec"]["selector"]["matchLabels"] = json!({"app": "other"})),
        ),
        Plant::new(
            Fault::PodFailing,
            &["Pod apim-keyless/apim-keyless-* /status/containerStatuses"],
            How::Pods(1, |status| {
                *status = running("True");
                status["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
            }),
        ),
        Plant::new(Fault::DeploymentMissing, &[deployment], How::Remove(DEPLOYMENT)),
    ]
}
