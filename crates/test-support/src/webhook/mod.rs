//! The webhook under test: the real binary, registered in the control plane through a Service as in production, and a
//! user who calls the API server.

pub mod account;
pub mod balancer;
pub mod image;
pub mod installation;
pub mod measure;
pub mod objects;
pub mod old_gateways;
mod other_server;
mod policy;
mod registration;
mod server;
pub mod tcp_proxy;
pub mod user;

pub use crate::go_tools::print_to_stderr;
pub use policy::POLICY;
pub use registration::CONFIGURATIONS;
pub use server::Server;
pub use user::{LONGEST_WAIT, Response, User, documents, eventually};

use crate::control_plane::ControlPlane;
use crate::project;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use registration::Registration;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use tcp_proxy::TcpProxy;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::client::TlsStream;

static SHARED: OnceLock<Option<Webhook>> = OnceLock::new();

/// A running apim-keyless server that the API server calls.
pub struct Webhook {
    /// The control plane whose API server calls it.
    pub control_plane: Arc<ControlPlane>,
    /// The proxy between it and the API server.
    pub tcp_proxy: TcpProxy,
    registration: Registration,
    server: Server,
}

/// Prints that a test, or a part of it, did not run.
pub fn not_run(reason: &str) {
    print_to_stderr(&format!("not run: {reason}"));
}

impl Webhook {
    /// The webhook that the tests of this test binary share, in the control plane that they share; `None` if there is
    /// no control plane.
    pub fn shared() -> Option<&'static Self> {
        let start = || Self::start(ControlPlane::shared, Registration::shared(), POLICY, |_| Vec::new());
        SHARED.get_or_init(start).as_ref()
    }

    /// Starts a webhook of one test in the shared control plane, with further arguments of `serve`. It is registered
    /// only for the namespaces of its own users, so the test may stop it.
    pub fn of_test(test: &str, arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        Self::start(ControlPlane::shared, Registration::of_test(test), POLICY, arguments)
    }

    /// The same with another policy and without further arguments.
    pub fn of_test_with_policy(test: &str, policy: &str) -> Option<Self> {
        Self::start(ControlPlane::shared, Registration::of_test(test), policy, |_| Vec::new())
    }

    /// Starts a control plane of its own and a webhook in it, which is installed exactly as in production.
    pub fn alone(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        Self::start(ControlPlane::own, Registration::alone(), POLICY, arguments)
    }

    /// The same in a control plane without controllers.
    pub fn alone_without_controllers(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        Self::start(ControlPlane::own_without_controllers, Registration::alone(), POLICY, arguments)
    }

    /// The same in a control plane whose API server records a trace of each request.
    pub fn alone_with_traces(arguments: fn(&ControlPlane) -> Vec<String>) -> Option<Self> {
        Self::start(ControlPlane::own_with_traces, Registration::alone(), POLICY, arguments)
    }

    fn start(
        control_plane: fn() -> Option<Arc<ControlPlane>>,
        registration: Registration,
        policy: &str,
        arguments: fn(&ControlPlane) -> Vec<String>,
    ) -> Option<Self> {
        let policy = policy.to_owned();
        // on its own thread, because a test's runtime must not block on another runtime
        let start = move || Some(Self::start_on_this_thread(control_plane()?, registration, &policy, arguments));
        thread::spawn(start).join().expect("the webhook starts")
    }

    fn start_on_this_thread(
        control_plane: Arc<ControlPlane>,
        registration: Registration,
        policy: &str,
        arguments: fn(&ControlPlane) -> Vec<String>,
    ) -> Self {
        let tcp_proxy = TcpProxy::start(control_plane.address());
        let arguments = arguments(&control_plane);
        let server = Runtime::new().unwrap().block_on(async {
            let user = User::new(client(&control_plane), registration.name());
            account::create(&user, &registration).await;
            let server = start_server(&control_plane, &tcp_proxy, &registration, policy, &arguments).await;
            server.wait_until_ready();
            registration.register(&user, server.port).await;
            server
        });
        Self { control_plane, tcp_proxy, registration, server }
    }

    /// Starts a server under the ServiceAccount of an existing installation. The API server does not call it.
    pub fn for_existing_installation(control_plane: Arc<ControlPlane>) -> Self {
        let start = move || {
            let (tcp_proxy, registration) = (TcpProxy::start(control_plane.address()), Registration::alone());
            let server = start_server(&control_plane, &tcp_proxy, &registration, POLICY, &[]);
            let server = Runtime::new().unwrap().block_on(server);
            Self { control_plane, tcp_proxy, registration, server }
        };
        thread::spawn(start).join().expect("the webhook starts")
    }

    /// A user in the namespace that the webhook is installed in.
    pub fn in_own_namespace(&self) -> User {
        self.in_namespace(self.registration.name())
    }

    /// The paths of its webhook configurations: the mutating and the validating one.
    pub fn configurations(&self) -> [String; 2] {
        self.registration.configurations()
    }

    /// The path of the Secret with its CAs.
    pub fn ca_secret(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets/apim-keyless-ca", self.registration.name())
    }

    /// Replaces the registered webhook configurations, and waits until the API server calls the new ones.
    pub async fn register_instead(&self, rendering: &str) {
        self.registration.register_instead(&self.in_own_namespace(), rendering, self.server.port).await;
    }

    /// Makes the API server call another port of this machine, and waits until it does.
    pub async fn redirect_to(&self, port: u16) {
        let rendering = include_str!("../../../../deploy/install.yaml");
        self.registration.register_instead(&self.in_own_namespace(), rendering, port).await;
    }

    /// The same with a timeout of 15 s.
    pub async fn redirect_with_long_timeouts_to(&self, port: u16) {
        let rendering = include_str!("../../../../deploy/install.yaml");
        let rendering = rendering
            .replace("timeoutSeconds: 3", "timeoutSeconds: 15")
            .replace("timeoutSeconds: 5", "timeoutSeconds: 15");
        self.registration.register_instead(&self.in_own_namespace(), &rendering, port).await;
    }

    /// Starts another replica with further arguments of `serve`. It may not be ready yet.
    pub async fn replica(&self, arguments: &[String]) -> Server {
        self.replica_with_policy(POLICY, arguments).await
    }

    /// Starts a replica that the API server does not call. It creates its own CA and certificate in `folder`; its CA
    /// certificate is `ca.crt` there.
    pub async fn standalone_replica(&self, folder: &Path) -> Server {
        let folder = folder.display().to_string();
        let arguments = ["--certificate-source", "standalone", "--certificates", &folder, "--name", "localhost"];
        let server = self.replica(&arguments.map(str::to_owned)).await;
        server.wait_until_ready();
        server
    }

    /// Stops the server. The webhook configurations stay.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts a replica with another policy and further arguments of `serve`.
    async fn replica_with_policy(&self, policy: &str, arguments: &[String]) -> Server {
        start_server(&self.control_plane, &self.tcp_proxy, &self.registration, policy, arguments).await
    }

    /// Does the API server store the image of an image volume? Before Kubernetes 1.35 it drops it by default.
    pub async fn has_image_volumes(&self) -> bool {
        let spec = json!({
            "containers": [{"name": "a", "image": "a"}], "volumes": [{"name": "a", "image": {"reference": "a"}}],
        });
        let metadata = json!({"name": "a"});
        let template = json!({
            "apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": {"spec": spec},
        });
        let stored = self.in_namespace("default").apply_with(&template, "?dryRun=All").await.stored();
        stored.pointer("/template/spec/volumes/0/image/reference").is_some()
    }

    /// A user with all permissions in a new namespace of this mode (`None`: without the label).
    pub async fn user(&self, namespace: &str, mode: Option<&str>) -> User {
        self.user_in(json!({"name": namespace, "labels": self.registration.labels(mode)})).await
    }

    /// The same in a Namespace with annotations.
    pub async fn annotated_user(&self, namespace: &str, mode: &str, annotations: &Value) -> User {
        let labels = self.registration.labels(Some(mode));
        self.user_in(json!({"name": namespace, "labels": labels, "annotations": annotations})).await
    }

    async fn user_in(&self, metadata: Value) -> User {
        let user = self.in_namespace(metadata["name"].as_str().unwrap());
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        user.post("/api/v1/namespaces", &namespace).await.stored();
        user
    }

    /// A user in an existing namespace.
    pub fn in_namespace(&self, namespace: &str) -> User {
        User::new(client(&self.control_plane), namespace)
    }

    /// The log events of all reviews in this namespace.
    pub fn events(&self, namespace: &str) -> Vec<Value> {
        self.server
            .events()
            .into_iter()
            .filter(|event| event["message"] == "review" && event["namespace"] == namespace)
            .collect()
    }

    /// The audit annotations that the API server recorded for writes in this namespace.
    pub fn audit_annotations(&self, namespace: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(self.control_plane.audit_log()).unwrap();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["objectRef"]["namespace"] == namespace)
            .map(|event| event["annotations"].clone())
            .collect()
    }

    /// The paths of the lists that the webhook requested in this namespace.
    pub fn lists_in(&self, namespace: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.control_plane.audit_log()).unwrap();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lists = events.filter(|event| event["verb"] == "list" && event["objectRef"]["namespace"] == namespace);
        lists.map(|event| event["requestURI"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Posts a body to a path of the server directly, not through the API server.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.server.post(path, body).await
    }

    /// Posts a body directly, not through the API server, and returns the status of the response.
    pub async fn status(&self, path: &str, body: &Value) -> u16 {
        self.server.status(path, body).await
    }

    /// The decoded caBundle of every webhook entry.
    pub async fn ca_bundles(&self) -> Vec<String> {
        account::ca_bundles(&self.in_own_namespace(), &self.configurations()).await
    }

    /// Does a client that trusts only these CA certificates get a response?
    pub async fn is_trusted_by(&self, cas: &str) -> bool {
        self.server.is_trusted_by(cas).await
    }

    /// The number of log events with this message.
    pub fn count(&self, message: &str) -> usize {
        self.server.events().iter().filter(|event| event["message"] == message).count()
    }

    /// The log events with this message.
    pub fn events_with(&self, message: &str) -> Vec<Value> {
        self.server.events().into_iter().filter(|event| event["message"] == message).collect()
    }

    /// Opens a TLS connection to the server directly, not through the API server.
    pub async fn connect(&self) -> TlsStream<TcpStream> {
        self.server.connect().await
    }

    /// Opens a TLS connection to the server directly, from this address of the loopback network.
    pub async fn connect_from(&self, source: [u8; 4]) -> io::Result<TlsStream<TcpStream>> {
        self.server.connect_from(&self.server.ca_pem, source).await
    }

    /// Opens a TCP connection to the server directly, from this address of the loopback network.
    pub async fn connect_tcp_from(&self, source: [u8; 4]) -> io::Result<TcpStream> {
        self.server.connect_tcp_from(source).await
    }

    /// Opens a TLS connection to another replica from this address, as a client that trusts the current caBundles.
    pub async fn connect_to(&self, replica: &Server, source: [u8; 4]) -> TlsStream<TcpStream> {
        replica.connect_from(&self.ca_bundles().await.concat(), source).await.unwrap()
    }

    /// Status code and body of `/readyz`.
    pub async fn readiness(&self) -> (u16, String) {
        self.server.readiness().await
    }

    /// The server's metrics.
    pub async fn metrics(&self) -> String {
        self.server.metrics().await
    }

    /// A client of the server that has no client certificate, unlike the API server.
    pub fn client_without_certificate(&self) -> apim_keyless::server::HttpsClient {
        self.server.client()
    }
}

/// The administrator's Kubernetes client.
fn client(control_plane: &ControlPlane) -> Client {
    Client::try_from(control_plane.kube_config()).unwrap()
}

/// Starts the binary under test under the ServiceAccount of `deploy/install.yaml`. It reaches the API server through
/// `tcp_proxy`.
async fn start_server(
    control_plane: &ControlPlane,
    tcp_proxy: &TcpProxy,
    registration: &Registration,
    policy: &str,
    arguments: &[String],
) -> Server {
    start_binary(&project::binary(), control_plane, tcp_proxy.address, registration.name(), policy, arguments).await
}

/// Starts a server under the ServiceAccount of the installation in this namespace. `address` leads to the API server.
async fn start_binary(
    binary: &Path,
    control_plane: &ControlPlane,
    address: SocketAddr,
    namespace: &str,
    policy: &str,
    arguments: &[String],
) -> Server {
    let user = User::new(client(control_plane), namespace);
    let address = format!("https://{address}");
    let ca = STANDARD.encode(control_plane.ca_pem());
    let kubeconfig = account::kubeconfig(&user, "apim-keyless", &address, &ca).await;
    let mut server = Server::start(binary, policy, &kubeconfig, namespace, arguments);
    server.ca_pem = account::ca_certificates(&user).await;
    server
}
