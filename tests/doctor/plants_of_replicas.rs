//! Faults of the replicas.

use crate::installed::running;
use crate::plants::{How, Plant, change};
use apim_keyless::doctor::Code;
use serde_json::json;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";
const BUDGET: &str = "/apis/policy/v1/namespaces/apim-keyless/poddisruptionbudgets/apim-keyless";

/// Faults of the replicas.
pub(crate) fn all() -> Vec<Plant> {
    let (deployment, ready) =
        ("Deployment apim-keyless/apim-keyless", "Deployment apim-keyless/apim-keyless /status/readyReplicas");
    vec![
        Plant::new(Code::OneReadyReplica, &[ready], How::Pods(1, |status| *status = running("False"))),
        Plant::new(Code::NoReadyReplica, &[ready], How::Pods(2, |status| *status = running("False"))),
        Plant::new(Code::MixedImages, &[deployment], How::PodImage("apim-keyless:0.0.9")),
        Plant::new(
            Code::VersionDiffers,
            &["Deployment apim-keyless/apim-keyless /spec/template/spec/containers/0/image"],
            // paused, so that the Pods stay as they are
            change(DEPLOYMENT, |deployment| {
                deployment["spec"]["paused"] = json!(true);
                deployment["spec"]["template"]["spec"]["containers"][0]["image"] =
                    json!("registry.example/apim-keyless:v0.0.9");
            }),
        ),
        Plant::new(
            Code::VersionDiffers,
            &["Deployment apim-keyless/apim-keyless /spec/template/spec/containers/0/image"],
            change(DEPLOYMENT, |deployment| {
                let template = &mut deployment["spec"]["template"];
                template["spec"]["containers"][0]["image"] = json!("registry.example/apim-keyless:production");
                template["metadata"]["labels"]["app.kubernetes.io/version"] = json!("0.0.9");
                deployment["spec"]["paused"] = json!(true);
            }),
        ),
        Plant::new(
            Code::DisruptionBudgetMissing,
            &["PodDisruptionBudget apim-keyless/apim-keyless"],
            change(BUDGET, |budget| budget["spec"]["selector"]["matchLabels"] = json!({"app": "other"})),
        ),
        Plant::new(
            Code::PodFailing,
            &["Pod apim-keyless/apim-keyless-* /status/containerStatuses"],
            How::Pods(1, |status| {
                *status = running("True");
                status["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
            }),
        ),
        Plant::new(Code::DeploymentMissing, &[deployment], How::Remove(DEPLOYMENT)),
    ]
}
