//! The command line of each server. All servers run in the folder of their control plane, so the sockets of etcd have
//! short relative names.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::credentials::{
    Identity, SERVICE_ACCOUNT_KEY, SERVICE_ACCOUNT_PUBLIC_KEY, admission_configuration_file, ca_file, kubeconfig_file,
};

/// The sockets of etcd. etcd requires a port even for a Unix socket; it becomes part of the socket's name. Because
/// there is no network port, a client cannot reach the etcd of another control plane by mistake.
const CLIENTS: &str = "unix://clients:0";
const PEERS: &str = "unix://peers:0";

/// The command of etcd. Its data need not survive a crash of the machine, so it does not call `fsync`.
pub(super) fn etcd(binary: &Path, folder: &Path) -> Vec<String> {
    command(
        binary,
        vec![
            format!("--data-dir={}", folder.join("etcd").display()),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
            format!("--listen-client-urls={CLIENTS}"),
            format!("--advertise-client-urls={CLIENTS}"),
            format!("--listen-peer-urls={PEERS}"),
            format!("--initial-advertise-peer-urls={PEERS}"),
            format!("--initial-cluster=default={PEERS}"),
        ],
    )
}

/// The command of kube-apiserver, with the default admission plugins.
pub(super) fn api_server(binary: &Path, folder: &Path, port: u16, controllers: bool) -> Vec<String> {
    let serving = Identity::of(folder, "kube-apiserver");
    let mut arguments = vec![
        format!("--etcd-servers={CLIENTS}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", serving.certificate.display()),
        format!("--tls-private-key-file={}", serving.key.display()),
        format!("--client-ca-file={}", ca_file(folder).display()),
        format!("--admission-control-config-file={}", admission_configuration_file(folder).display()),
        "--authorization-mode=RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", folder.join(SERVICE_ACCOUNT_PUBLIC_KEY).display()),
        format!("--service-account-signing-key-file={}", folder.join(SERVICE_ACCOUNT_KEY).display()),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // no client connects through the Service `kubernetes`
        "--endpoint-reconciler-type=none".to_owned(),
        // a few clients need no fair queuing, and its configuration slows down the start
        "--enable-priority-and-fairness=false".to_owned(),
        format!("--audit-policy-file={}", audit_policy_file(folder).display()),
        format!("--audit-log-path={}", audit_log(folder).display()),
        "--audit-log-mode=blocking".to_owned(),
    ];
    if !controllers {
        // the plugin rejects Pods whose ServiceAccount is missing, and without controllers no account is created
        arguments.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    command(binary, arguments)
}

/// The arguments with which kube-apiserver has all beta features and serves all beta APIs. Every version knows them.
pub(super) const BETA_FEATURES: [&str; 2] = ["--feature-gates=AllBeta=true", "--runtime-config=api/beta=true"];

/// The command of kube-controller-manager, with all default controllers, each under its own ServiceAccount.
pub(super) fn controllers(binary: &Path, folder: &Path) -> Vec<String> {
    command(
        binary,
        vec![
            format!("--kubeconfig={}", kubeconfig_file(folder).display()),
            "--controllers=*".to_owned(),
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={}", folder.join(SERVICE_ACCOUNT_KEY).display()),
            format!("--root-ca-file={}", ca_file(folder).display()),
            "--leader-elect=false".to_owned(),
            // no port, because nothing reads its metrics
            "--secure-port=0".to_owned(),
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ],
    )
}

pub(super) fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

pub(super) fn audit_policy_file(folder: &Path) -> PathBuf {
    folder.join("audit-policy.json")
}

pub(super) fn tracing_file(folder: &Path) -> PathBuf {
    folder.join("tracing.json")
}

/// Records a trace of each request, for a collector that does not exist.
pub(super) fn tracing() -> Value {
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1beta1",
        "kind": "TracingConfiguration",
        "endpoint": "127.0.0.1:1",
        "samplingRatePerMillion": 1_000_000,
    })
}

/// The user name of the webhook's ServiceAccount.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:apim-keyless:apim-keyless";

/// Logs the metadata of writes, and of all requests of the webhook. Other leases and events are left out, because components
/// write them all the time.
pub(super) fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            { "level": "Metadata", "users": [SERVICE_ACCOUNT] },
            { "level": "None", "verbs": ["get", "list", "watch"] },
            {
                "level": "None",
                "resources": [
                    { "group": "coordination.k8s.io", "resources": ["leases"] },
                    { "group": "", "resources": ["events"] },
                    { "group": "events.k8s.io", "resources": ["events"] },
                ],
            },
            { "level": "Metadata" },
        ],
    })
}

fn command(binary: &Path, mut arguments: Vec<String>) -> Vec<String> {
    arguments.insert(0, binary.display().to_string());
    arguments
}
