//! Problems of the replicas.

use super::injection::{InjectedProblem, Injection, change};
use super::installation::running;
use apim_keyless::doctor::DoctorCode;
use serde_json::json;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";
const BUDGET: &str = "/apis/policy/v1/namespaces/apim-keyless/poddisruptionbudgets/apim-keyless";

/// Every problem of the replicas.
pub(crate) fn all() -> Vec<InjectedProblem> {
    let (deployment, ready) =
        ("Deployment apim-keyless/apim-keyless", "Deployment apim-keyless/apim-keyless /status/readyReplicas");
    vec![
        InjectedProblem::new(
            DoctorCode::OneReadyReplica,
            &[ready],
            Injection::Pods(1, |status| *status = running("False")),
        ),
        InjectedProblem::new(
            DoctorCode::NoReadyReplica,
            &[ready],
            Injection::Pods(2, |status| *status = running("False")),
        ),
        InjectedProblem::new(DoctorCode::MixedImages, &[deployment], Injection::PodImage("apim-keyless:0.0.9")),
        InjectedProblem::new(
            DoctorCode::VersionDiffers,
            &["Deployment apim-keyless/apim-keyless /spec/template/spec/containers/0/image"],
            // paused, so that the Pods keep their image
            change(DEPLOYMENT, |deployment| {
                deployment["spec"]["paused"] = json!(true);
                deployment["spec"]["template"]["spec"]["containers"][0]["image"] =
                    json!("registry.example/apim-keyless:v0.0.9");
            }),
        ),
        InjectedProblem::new(
            DoctorCode::VersionDiffers,
            &["Deployment apim-keyless/apim-keyless /spec/template/spec/containers/0/image"],
            change(DEPLOYMENT, |deployment| {
                let template = &mut deployment["spec"]["template"];
                template["spec"]["containers"][0]["image"] = json!("registry.example/apim-keyless:production");
                template["metadata"]["labels"]["app.kubernetes.io/version"] = json!("0.0.9");
                deployment["spec"]["paused"] = json!(true);
            }),
        ),
        InjectedProblem::new(
            DoctorCode::DisruptionBudgetMissing,
            &["PodDisruptionBudget apim-keyless/apim-keyless"],
            change(BUDGET, |budget| budget["spec"]["selector"]["matchLabels"] = json!({"app": "other"})),
        ),
        InjectedProblem::new(
            DoctorCode::PodFailing,
            &["Pod apim-keyless/apim-keyless-* /status/containerStatuses"],
            Injection::Pods(1, |status| {
                *status = running("True");
                status["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
            }),
        ),
        InjectedProblem::new(DoctorCode::DeploymentMissing, &[deployment], Injection::Remove(DEPLOYMENT)),
    ]
}
