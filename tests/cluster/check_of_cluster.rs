//! `check` over what a cluster holds: the pipe from kubectl that `docs/operate.md` shows, with the real kubectl and API
//! server.

use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use test_support::gateways::{OLD_IMAGE, with_container};
use test_support::go_tools::{in_continuous_integration, print_to_stderr};
use test_support::project;
use test_support::webhook::Webhook;

/// The beginning of the pipe in the page.
const PIPE: &str = "kubectl get ";

/// Runs the pipe of `docs/operate.md` in a shell, with this namespace and kubeconfig; its exit code and its output.
fn run_pipe(namespace: &str, kubeconfig: &Path) -> (i32, String) {
    let page = fs::read_to_string(Path::new(project::FOLDER).join("docs/operate.md")).unwrap();
    let pipe =
        page.lines().find(|line| line.starts_with(PIPE) && line.contains("--complete")).expect("the page has it");
    let pipe =
        pipe.replace("--namespace apim ", &format!("--namespace {namespace} ")).replace("--policy policy.yaml", "");
    let folder = project::binary().parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let output =
        Command::new("sh").args(["-c", &pipe]).env("KUBECONFIG", kubeconfig).env("PATH", path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pipe_from_kubectl_is_the_whole_namespace() {
    let Some(webhook) = Webhook::shared() else { return };
    if Command::new("kubectl").arg("help").output().is_err() {
        assert!(!in_continuous_integration(), "there is no kubectl");
        return print_to_stderr("not run: there is no kubectl");
    }
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("check-of-cluster", Some("audit")).await;
    let references = json!([{"configMapRef": {"name": "not-there"}}]);
    let container = json!({"name": "gateway", "image": OLD_IMAGE, "envFrom": references});
    let mut gateway = with_container("Deployment", "containers", container);
    gateway["metadata"]["name"] = "of-cluster".into();
    user.apply(&gateway).await.stored();

    let kubeconfig = webhook.control_plane.kubeconfig_file();
    let (code, report) = run_pipe(&user.namespace, &kubeconfig);
    for rule in ["absent-config-map", "absent-service-account"] {
        assert!(report.contains(&format!("warning[{rule}]")), "{rule}: {report}");
    }
    assert!(report.contains(&format!("in Deployment {}/of-cluster", user.namespace)), "{report}");
    assert!(report.contains("error[unsupported-version]"), "{report}");
    assert_eq!(code, 0, "the Namespace is in the list, and its mode is audit: {report}");

    let account_name = &gateway["spec"]["template"]["spec"]["serviceAccountName"];
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account_name}});
    user.apply(&account).await.stored();
    user.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "not-there"}})).await.stored();
    let (_, report) = run_pipe(&user.namespace, &kubeconfig);
    assert!(!report.contains("[absent-"), "{report}");
}
