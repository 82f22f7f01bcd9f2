//! An installation of the chart by Helm, whose replicas a test starts in place of the Deployment's Pods.

use super::{Server, User, start_binary};
use crate::control_plane::ControlPlane;
use serde_json::{Value, json};
use std::path::Path;

/// The namespace of the installation.
pub const NAMESPACE: &str = "apim-keyless";

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apim-keyless/deployments/apim-keyless";
const POLICY: &str = "/api/v1/namespaces/apim-keyless/configmaps/apim-keyless-policy";
const SERVICE: &str = "/api/v1/namespaces/apim-keyless/services/apim-keyless";

/// Arguments of the Deployment that name ports and files of a Pod. The replicas get others.
const OF_A_POD: [&str; 5] = ["serve", "--listen=", "--health-listen=", "--policy=", "--cluster"];

/// Starts a binary as a Pod of the stored Deployment: with its arguments, its policy document, and under its
/// ServiceAccount. It may not be ready yet.
pub async fn replica(control_plane: &ControlPlane, binary: &Path) -> Server {
    let user = User::administrator_in(control_plane, NAMESPACE);
    let policy = user.get(POLICY).await.stored()["data"]["policy.yaml"].as_str().unwrap().to_owned();
    let deployment = user.get(DEPLOYMENT).await.stored();
    let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    let arguments = arguments.iter().map(|argument| argument.as_str().unwrap().to_owned());
    let is_other = |argument: &String| !OF_A_POD.iter().any(|start| argument.starts_with(start));
    let arguments: Vec<String> = arguments.filter(is_other).collect();
    start_binary(binary, control_plane, control_plane.address(), NAMESPACE, &policy, &arguments).await
}

/// Lets the chart's Service lead to this machine. The chart does not set these fields, so Helm leaves them alone.
pub async fn point_service_to_this_machine(control_plane: &ControlPlane) {
    let service = json!({
        "type": "ExternalName", "externalName": "localhost", "clusterIP": null, "clusterIPs": null,
        "ipFamilies": null, "ipFamilyPolicy": null, "internalTrafficPolicy": null,
    });
    let user = User::administrator_in(control_plane, NAMESPACE);
    let service: Value = user.patch_at(SERVICE, &json!({"spec": service})).await.stored();
    assert_eq!(service["spec"]["type"], "ExternalName");
}
