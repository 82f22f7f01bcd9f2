//! The webhook under test: the real binary, registered in the control plane through a Service as in production, and a
//! user who calls the API server.

#![allow(dead_code, unused_imports, reason = "each test binary includes this module and uses its own part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "only tests call this, and an error here fails the test"
)]

pub(crate) mod account;
pub(crate) mod balancer;
mod image;
pub(crate) mod measure;
pub(crate) mod objects;
mod other_server;
mod policy;
mod registration;
mod server;
pub(crate) mod tcp_proxy;
pub(crate) mod user;

pub(crate) use user::{User, documents, eventually};

use crate::control_plane::ControlPlane;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use policy::POLICY;
use serde_json::{Value, json};
pub(crate) use server::Server;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use tcp_proxy::TcpProxy;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::client::TlsStream;

static SHARED: OnceLock<Option<Webhook>> = OnceLock::new();

/// A running apim-keyless server that the API server calls.
pub(crate) struct Webhook {
    /// The control plane whose API server calls it.
    pub(crate) control_plane: &'static ControlPlane,
    /// The proxy between it and the API server.
    pub(crate) tcp_proxy: TcpProxy,
    server: Server,
}

/// Writes a line directly to stderr. Cargo hides what a passing test prints with `eprintln!`.
pub(crate) fn print_to_stderr(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Prints that a test, or a part of it, did not run.
pub(crate) fn not_run(reason: &str) {
    print_to_stderr(&format!("not run: {reason}"));
}

impl Webhook {
    /// The webhook of this test binary; `None` if there is no control plane.
    pub(crate) fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Starts a webhook for a test that stops it. That test must be the only one of its binary.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new())
    }

    /// The same with further arguments of `serve`.
    pub(crate) fn start_with(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        // on its own thread, because a test's runtime must not block on another runtime
        thread::spawn(move || Self::start_on_this_thread(arguments)).join().expect("the webhook starts")
    }

    fn start_on_this_thread(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        let control_plane = ControlPlane::shared()?;
        let tcp_proxy = TcpProxy::start(control_plane.address());
        let server = Runtime::new().unwrap().block_on(async {
            account::create(&User::new(client(control_plane), "apim-keyless")).await;
            let server = start_server((control_plane, &tcp_proxy), POLICY, &arguments(control_plane)).await;
            server.wait_until_ready();
            registration::register(&User::new(client(control_plane), "apim-keyless"), server.port).await;
            server
        });
        Some(Self { control_plane, tcp_proxy, server })
    }

    /// Starts a server under the ServiceAccount of an existing installation. The API server does not call it.
    pub(crate) fn for_existing_installation(control_plane: &'static ControlPlane) -> Self {
        let start = move || {
            let tcp_proxy = TcpProxy::start(control_plane.address());
            let server = Runtime::new().unwrap().block_on(start_server((control_plane, &tcp_proxy), POLICY, &[]));
            Self { control_plane, tcp_proxy, server }
        };
        thread::spawn(start).join().expect("the webhook starts")
    }

    /// Replaces the registered webhook configurations, and waits until the API server calls the new ones.
    pub(crate) async fn register_instead(&self, rendering: &str) {
        registration::register_instead(&self.in_namespace("apim-keyless"), rendering, self.server.port).await;
    }

    /// Makes the API server call another port of this machine, with a time-out of 15 s, and waits until it does.
    pub(crate) async fn redirect_to(&self, port: u16) {
        let rendering = include_str!("../../deploy/install.yaml");
        let rendering = rendering
            .replace("timeoutSeconds: 3", "timeoutSeconds: 15")
            .replace("timeoutSeconds: 5", "timeoutSeconds: 15");
        registration::register_instead(&self.in_namespace("apim-keyless"), &rendering, port).await;
    }

    /// Starts another replica with further arguments of `serve`. It may not be ready yet.
    pub(crate) async fn replica(&self, arguments: &[String]) -> Server {
        self.replica_with_policy(POLICY, arguments).await
    }

    /// Starts a replica that the API server does not call. It creates its own CA and certificate in `folder`; its CA
    /// certificate is `ca.crt` there.
    pub(crate) async fn standalone_replica(&self, folder: &Path) -> Server {
        let folder = folder.display().to_string();
        let arguments = ["--certificate-source", "standalone", "--certificates", &folder, "--name", "localhost"];
        let server = self.replica(&arguments.map(str::to_owned)).await;
        server.wait_until_ready();
        server
    }

    /// Stops the server. The webhook configurations stay.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts a replica with another policy and further arguments of `serve`.
    async fn replica_with_policy(&self, policy: &str, arguments: &[String]) -> Server {
        start_server((self.control_plane, &self.tcp_proxy), policy, arguments).await
    }

    /// A user with all permissions in a new namespace of this mode (`None`: without the label).
    pub(crate) async fn user(&self, namespace: &str, mode: Option<&str>) -> User {
        let labels = mode.map_or(json!({}), |mode| json!({"apim-keyless.dev/mode": mode}));
        self.user_in(json!({"name": namespace, "labels": labels})).await
    }

    /// The same in a Namespace with annotations.
    pub(crate) async fn annotated_user(&self, namespace: &str, mode: &str, annotations: &Value) -> User {
        let labels = json!({"apim-keyless.dev/mode": mode});
        self.user_in(json!({"name": namespace, "labels": labels, "annotations": annotations})).await
    }

    async fn user_in(&self, metadata: Value) -> User {
        let user = self.in_namespace(metadata["name"].as_str().unwrap());
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        user.post("/api/v1/namespaces", &namespace).await.stored();
        user
    }

    /// A user in an existing namespace.
    pub(crate) fn in_namespace(&self, namespace: &str) -> User {
        User::new(client(self.control_plane), namespace)
    }

    /// The log events of all reviews in this namespace.
    pub(crate) fn events(&self, namespace: &str) -> Vec<Value> {
        self.server
            .events()
            .into_iter()
            .filter(|event| event["message"] == "review" && event["namespace"] == namespace)
            .collect()
    }

    /// The audit annotations that the API server recorded for writes in this namespace.
    pub(crate) fn audit_annotations(&self, namespace: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(self.control_plane.audit_log()).unwrap();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["objectRef"]["namespace"] == namespace)
            .map(|event| event["annotations"].clone())
            .collect()
    }

    /// Posts a body to a path of the server directly, not through the API server.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.server.post(path, body).await
    }

    /// Posts a body directly, not through the API server, and returns the status of the response.
    pub(crate) async fn status(&self, path: &str, body: &Value) -> u16 {
        self.server.status(path, body).await
    }

    /// The decoded caBundle of every webhook entry.
    pub(crate) async fn ca_bundles(&self) -> Vec<String> {
        account::ca_bundles(&self.in_namespace("apim-keyless")).await
    }

    /// Does a client that trusts only these CA certificates get a response?
    pub(crate) async fn is_trusted_by(&self, cas: &str) -> bool {
        self.server.is_trusted_by(cas).await
    }

    /// The number of log events with this message.
    pub(crate) fn count(&self, message: &str) -> usize {
        self.server.events().iter().filter(|event| event["message"] == message).count()
    }

    /// The last log event with this message.
    pub(crate) fn last_event(&self, message: &str) -> Value {
        self.server.events().into_iter().rfind(|event| event["message"] == message).unwrap()
    }

    /// Opens a TLS connection to the server directly, not through the API server.
    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        self.server.connect().await
    }

    /// Opens a TLS connection to another replica as a client that trusts the current caBundles.
    pub(crate) async fn connect_to(&self, replica: &Server) -> TlsStream<TcpStream> {
        replica.connect_with(&self.ca_bundles().await.concat()).await
    }

    /// The server's metrics.
    pub(crate) async fn metrics(&self) -> String {
        self.server.metrics().await
    }

    /// A client of the server that has no client certificate, unlike the API server.
    pub(crate) fn client_without_certificate(&self) -> apim_keyless::server::HttpsClient {
        self.server.client()
    }
}

/// The administrator's Kubernetes client.
fn client(control_plane: &ControlPlane) -> Client {
    Client::try_from(control_plane.kube_config()).unwrap()
}

/// Starts a server under the ServiceAccount of `deploy/install.yaml`. It reaches the API server through `tcp_proxy`.
async fn start_server(
    (control_plane, tcp_proxy): (&ControlPlane, &TcpProxy),
    policy: &str,
    arguments: &[String],
) -> Server {
    let user = User::new(client(control_plane), "apim-keyless");
    let address = format!("https://{}", tcp_proxy.address);
    let ca = STANDARD.encode(control_plane.ca_pem());
    let kubeconfig = account::kubeconfig(&user, "apim-keyless", (&address, &ca)).await;
    let mut server = Server::start(policy, &kubeconfig, arguments);
    server.ca_pem = account::ca_certificates(&user).await;
    server
}
