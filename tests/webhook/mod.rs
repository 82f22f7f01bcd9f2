//! The webhook of the tests: the real binary, registered in the control plane through a Service as in production, and
//! the calls of a user with all that comes back, `Warning` headers included.

#![allow(dead_code, unused_imports, reason = "each test binary includes this module and uses its own part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "only tests call this, and a fault here is theirs to fail with"
)]

pub(crate) mod account;
pub(crate) mod balancer;
mod image;
mod impostor;
pub(crate) mod measure;
pub(crate) mod objects;
mod policy;
mod registration;
pub(crate) mod relay;
mod server;
pub(crate) mod user;

pub(crate) use user::{User, documents, eventually};

use crate::control_plane::ControlPlane;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use policy::POLICY;
use relay::Relay;
use serde_json::{Value, json};
pub(crate) use server::Server;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::client::TlsStream;

static SHARED: OnceLock<Option<Webhook>> = OnceLock::new();

/// A running apim-keyless that the API server calls.
pub(crate) struct Webhook {
    /// The control plane that calls it.
    pub(crate) control_plane: &'static ControlPlane,
    /// The way from it to the API server.
    pub(crate) relay: Relay,
    server: Server,
}

/// Says something straight to stderr, since a test that passes keeps what it prints to itself.
pub(crate) fn say(what: &str) {
    io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// Says that something did not run.
pub(crate) fn not_run(why: &str) {
    say(&format!("not run: {why}"));
}

impl Webhook {
    /// The webhook of this test binary; `None` where there is no control plane.
    pub(crate) fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// A webhook for a test that stops it, which must be the only test of its binary.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new())
    }

    /// The same with further arguments of `serve`.
    pub(crate) fn start_with(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        // a thread of its own, since a test's runtime can't block on another one
        thread::spawn(move || Self::start_apart(arguments)).join().expect("the webhook starts")
    }

    fn start_apart(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        let control_plane = ControlPlane::shared()?;
        let relay = Relay::start(control_plane.address());
        let server = Runtime::new().unwrap().block_on(async {
            account::make(&User::new(client(control_plane), "apim-keyless")).await;
            let server = start_server((control_plane, &relay), POLICY, &arguments(control_plane)).await;
            server.wait_until_ready();
            registration::register(&User::new(client(control_plane), "apim-keyless"), server.port).await;
            server
        });
        Some(Self { control_plane, relay, server })
    }

    /// A server of what is installed already, by its account; nobody calls it.
    pub(crate) fn of_installed(control_plane: &'static ControlPlane) -> Self {
        let start = move || {
            let relay = Relay::start(control_plane.address());
            let server = Runtime::new().unwrap().block_on(start_server((control_plane, &relay), POLICY, &[]));
            Self { control_plane, relay, server }
        };
        thread::spawn(start).join().expect("the webhook starts")
    }

    /// Puts other webhook configurations in the place of those that are registered, and waits until they count.
    pub(crate) async fn register_instead(&self, rendering: &str) {
        registration::register_instead(&self.in_namespace("apim-keyless"), rendering, self.server.port).await;
    }

    /// Has the API server call another port of this machine, with the patience of a slow one, and waits until it does.
    pub(crate) async fn lead_to(&self, port: u16) {
        let rendering = include_str!("../../deploy/install.yaml");
        let patient = rendering
            .replace("timeoutSeconds: 3", "timeoutSeconds: 15")
            .replace("timeoutSeconds: 5", "timeoutSeconds: 15");
        registration::register_instead(&self.in_namespace("apim-keyless"), &patient, port).await;
    }

    /// Another replica with further arguments of `serve`, which may not have seen the cluster yet.
    pub(crate) async fn replica(&self, arguments: &[String]) -> Server {
        self.replica_of(POLICY, arguments).await
    }

    /// A replica that nobody calls, with a certificate of its own in this folder, for as long as it is to be trusted.
    pub(crate) async fn apart(&self, folder: &Path) -> Server {
        let folder = folder.display().to_string();
        let arguments = ["--certificate-source", "standalone", "--certificates", &folder, "--name", "localhost"];
        let server = self.replica(&arguments.map(str::to_owned)).await;
        server.wait_until_ready();
        server
    }

    /// Stops the server; its registration stays.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
    }

    /// One that judges by another policy, and with further arguments of `serve`.
    async fn replica_of(&self, policy: &str, arguments: &[String]) -> Server {
        start_server((self.control_plane, &self.relay), policy, arguments).await
    }

    /// A user who may do everything, in a new namespace of this mode (`None`: unlabelled).
    pub(crate) async fn user(&self, namespace: &str, mode: Option<&str>) -> User {
        let labels = mode.map_or(json!({}), |mode| json!({"apim-keyless.dev/mode": mode}));
        self.user_of(json!({"name": namespace, "labels": labels})).await
    }

    /// The same in a namespace with annotations.
    pub(crate) async fn annotated_user(&self, namespace: &str, mode: &str, annotations: &Value) -> User {
        let labels = json!({"apim-keyless.dev/mode": mode});
        self.user_of(json!({"name": namespace, "labels": labels, "annotations": annotations})).await
    }

    async fn user_of(&self, metadata: Value) -> User {
        let user = self.in_namespace(metadata["name"].as_str().unwrap());
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        user.post("/api/v1/namespaces", &namespace).await.stored();
        user
    }

    /// A user in a namespace that is there.
    pub(crate) fn in_namespace(&self, namespace: &str) -> User {
        User::new(client(self.control_plane), namespace)
    }

    /// Every event of a review of something in this namespace.
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

    /// Posts a body to one of the server's paths, past the API server.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.server.post(path, body).await
    }

    /// The status of the answer to a body that is posted past the API server.
    pub(crate) async fn status(&self, path: &str, body: &Value) -> u16 {
        self.server.status(path, body).await
    }

    /// The caBundle of every webhook entry, decoded.
    pub(crate) async fn bundles(&self) -> Vec<String> {
        account::bundles(&self.in_namespace("apim-keyless")).await
    }

    /// Does a client that trusts these certificates, and none else, get through?
    pub(crate) async fn is_trusted_by(&self, authorities: &str) -> bool {
        self.server.is_trusted_by(authorities).await
    }

    /// How many events have this message.
    pub(crate) fn count(&self, message: &str) -> usize {
        self.server.events().iter().filter(|event| event["message"] == message).count()
    }

    /// The last event of this message.
    pub(crate) fn last_event(&self, message: &str) -> Value {
        self.server.events().into_iter().rfind(|event| event["message"] == message).unwrap()
    }

    /// A connection to the server, past the API server.
    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        self.server.connect().await
    }

    /// A connection to another replica by a client that trusts what the webhook entries say now.
    pub(crate) async fn connect_to(&self, replica: &Server) -> TlsStream<TcpStream> {
        replica.connect_by(&self.bundles().await.concat()).await
    }

    /// The server's metrics.
    pub(crate) async fn metrics(&self) -> String {
        self.server.metrics().await
    }

    /// A client of the server that is not the API server, and has no certificate.
    pub(crate) fn stranger(&self) -> apim_keyless::server::HttpsClient {
        self.server.client()
    }
}

/// A client of the administrator's.
fn client(control_plane: &ControlPlane) -> Client {
    Client::try_from(control_plane.kube_config()).unwrap()
}

/// Starts a server as the account of `deploy/install.yaml`, which reaches the API server through `relay`.
async fn start_server((control_plane, relay): (&ControlPlane, &Relay), policy: &str, arguments: &[String]) -> Server {
    let user = User::new(client(control_plane), "apim-keyless");
    let address = format!("https://{}", relay.address);
    let authority = STANDARD.encode(control_plane.authority_pem());
    let kubeconfig = account::kubeconfig(&user, "apim-keyless", (&address, &authority)).await;
    let mut server = Server::start(policy, &kubeconfig, arguments);
    server.authority_pem = account::authorities(&user).await;
    server
}
