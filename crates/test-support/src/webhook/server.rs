//! The binary as a child process that ends when the test binary ends, in whatever way that happens.

use super::image::environment;
use super::user::LONGEST_WAIT;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

use apim_keyless::server::HttpsClient;
use apim_keyless::tls::{provider, root_store};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Kills the server and removes its folder when stdin ends, that is, when the test binary ends.
const SUPERVISE: &str =
    r#"folder=$1; shift; "$@" & echo $! >"$folder/pid"; cat >/dev/null; kill $!; wait; rm -rf "$folder""#;

/// A running server.
pub struct Server {
    /// The port for reviews.
    pub port: u16,
    health: SocketAddr,
    /// The DNS name in its certificate: that of the Service in front of it.
    name: String,
    /// The CA certificates that its clients trust.
    pub(super) ca_pem: String,
    log: PathBuf,
    supervisor: Child,
}

impl Server {
    /// Starts a binary on free ports, with a policy, a kubeconfig and further arguments, and waits until it listens.
    /// `installation` is its namespace and the name of its webhook configurations.
    pub(super) fn start(
        binary: &Path,
        policy: &str,
        kubeconfig: &Value,
        installation: &str,
        arguments: &[String],
    ) -> Self {
        let folder = TempDir::new().unwrap().keep();
        let (policy_file, log) = (folder.join("policy.yaml"), folder.join("log"));
        fs::write(&policy_file, policy).unwrap();
        let kubeconfig_file = folder.join("kubeconfig");
        fs::write(&kubeconfig_file, kubeconfig.to_string()).unwrap();
        let supervisor = Command::new("sh")
            .args(["-c", SUPERVISE, "sh"])
            .arg(&folder)
            .arg(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--policy"])
            .arg(&policy_file)
            .args(["--cluster", "--kubeconfig"])
            .arg(&kubeconfig_file)
            .args(["--webhook-configurations", installation])
            .args(arguments)
            .envs(environment())
            // reviews without a finding are logged at debug
            .env("RUST_LOG", "info,apim_keyless::admission=debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let listening = event(&log, "listening");
        let address = |port: &str| listening[port].as_str().unwrap().parse::<SocketAddr>().unwrap();
        let (port, health) = (address("reviews").port(), address("health"));
        let name = format!("apim-keyless.{installation}.svc");
        Self { port, health, name, ca_pem: String::new(), log, supervisor }
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().unwrap();
    }

    /// Kills the server, as when its node fails.
    pub fn kill(&mut self) {
        assert!(Command::new("kill").args(["-9", &self.pid()]).status().unwrap().success());
        self.stop();
    }

    /// Its process id.
    pub fn pid(&self) -> String {
        fs::read_to_string(self.log.with_file_name("pid")).unwrap().trim().to_owned()
    }

    /// Its resident memory (`VmRSS`) in KiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until it has listed the cluster's objects and is ready.
    pub fn wait_until_ready(&self) {
        event(&self.log, "ready");
    }

    /// Opens a TLS connection to it.
    pub(super) async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_from(&self.ca_pem, [127, 0, 0, 1]).await.unwrap()
    }

    /// Opens a TLS connection from this address of the loopback network, as a client that trusts these CA certificates.
    pub(super) async fn connect_from(&self, cas: &str, source: [u8; 4]) -> io::Result<TlsStream<TcpStream>> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(root_store(cas).unwrap())
            .with_no_client_auth();
        let stream = self.connect_tcp_from(source).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(self.name.clone()).unwrap(), stream).await
    }

    /// Opens a TCP connection from this address of the loopback network.
    pub async fn connect_tcp_from(&self, source: [u8; 4]) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((source, 0).into())?;
        socket.connect(([127, 0, 0, 1], self.port).into()).await
    }

    /// The address of the health port, which serves the metrics.
    pub fn health(&self) -> SocketAddr {
        self.health
    }

    /// Its metrics.
    pub async fn metrics(&self) -> String {
        self.get("/metrics").await
    }

    /// Status code and body of `/readyz`.
    pub async fn readiness(&self) -> (u16, String) {
        let response = self.get("/readyz").await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The response of the health port to a GET.
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.health).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    /// All log events so far.
    pub fn events(&self) -> Vec<Value> {
        events(&self.log)
    }

    /// A client that trusts the server's CA and has no certificate.
    pub(super) fn client(&self) -> HttpsClient {
        HttpsClient::new(&self.ca_pem, SocketAddr::from(([127, 0, 0, 1], self.port)), &self.name).unwrap()
    }

    /// Posts a body directly, not through the API server. Fails if the response is not a success.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, body) = self.exchange(path, body).await;
        assert!(status.is_success(), "{path}: {status}");
        serde_json::from_slice(&body).unwrap()
    }

    /// Does a client that trusts only these CA certificates get a response?
    pub(super) async fn is_trusted_by(&self, cas: &str) -> bool {
        let client = HttpsClient::new(cas, SocketAddr::from(([127, 0, 0, 1], self.port)), &self.name);
        match client {
            Ok(client) => client.post("/enforce/validate", "application/json", Vec::new()).await.is_ok(),
            Err(_) => false,
        }
    }

    /// Does it answer a review from a client without a certificate?
    pub async fn answers(&self, path: &str, body: &Value) -> bool {
        let posted = self.client().post(path, "application/json", serde_json::to_vec(body).unwrap()).await;
        posted.is_ok_and(|(status, _)| status.is_success())
    }

    /// Posts a body directly, not through the API server, and returns the status of the response.
    pub async fn status(&self, path: &str, body: &Value) -> u16 {
        self.exchange(path, body).await.0.as_u16()
    }

    async fn exchange(&self, path: &str, body: &Value) -> (StatusCode, Bytes) {
        self.client().post(path, "application/json", serde_json::to_vec(body).unwrap()).await.unwrap()
    }
}

fn events(log: &PathBuf) -> Vec<Value> {
    fs::read_to_string(log)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("this line of the log is not JSON: {line}")))
        .collect()
}

/// Waits for the first event with this message, for at most [`LONGEST_WAIT`].
fn event(log: &PathBuf, message: &str) -> Value {
    let start = Instant::now();
    loop {
        if let Some(event) = events(log).into_iter().find(|event| event["message"] == message) {
            return event;
        }
        assert!(
            start.elapsed() < LONGEST_WAIT,
            "no event {message:?} within {LONGEST_WAIT:?}: {}",
            fs::read_to_string(log).unwrap()
        );
        thread::sleep(Duration::from_millis(20));
    }
}
