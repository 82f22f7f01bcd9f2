//! The binary as a child process that ends with the tests, however they end.

use super::image::environment;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::Value;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

use apim_keyless::server::HttpsClient;
use apim_keyless::tls::{provider, trust};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name that the certificate is for.
const NAME: &str = "apim-keyless.apim-keyless.svc";

/// Ends the server and removes its folder when its stdin ends, which it does when the test binary is gone.
const SUPERVISE: &str =
    r#"folder=$1; shift; "$@" & echo $! >"$folder/pid"; cat >/dev/null; kill $!; wait; rm -rf "$folder""#;

/// A running server.
pub(crate) struct Server {
    /// Its port for reviews.
    pub(crate) port: u16,
    health: SocketAddr,
    /// What its clients trust.
    pub(super) authority_pem: String,
    log: PathBuf,
    supervisor: Child,
}

impl Server {
    /// Starts the server with a policy on free ports, in the cluster of a kubeconfig and with further arguments, and waits
    /// until it listens.
    pub(super) fn start(policy: &str, kubeconfig: &Value, arguments: &[String]) -> Self {
        let folder = TempDir::new().unwrap().keep();
        let (policy_file, log) = (folder.join("policy.yaml"), folder.join("log"));
        fs::write(&policy_file, policy).unwrap();
        let kubeconfig_file = folder.join("kubeconfig");
        fs::write(&kubeconfig_file, kubeconfig.to_string()).unwrap();
        let supervisor = Command::new("sh")
            .args(["-c", SUPERVISE, "sh"])
            .arg(&folder)
            .arg(env!("CARGO_BIN_EXE_apim-keyless"))
            .args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--policy"])
            .arg(&policy_file)
            .args(["--cluster", "--kubeconfig"])
            .arg(&kubeconfig_file)
            .args(arguments)
            .envs(environment())
            // a review that nothing is said of is an event, too
            .env("RUST_LOG", "info,apim_keyless::admission=debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let listening = event(&log, "listening");
        let address = |port: &str| listening[port].as_str().unwrap().parse::<SocketAddr>().unwrap();
        let (port, health) = (address("reviews").port(), address("health"));
        Self { port, health, authority_pem: String::new(), log, supervisor }
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().unwrap();
    }

    /// Kills it, as a node that fails does.
    pub(crate) fn kill(&mut self) {
        assert!(Command::new("kill").args(["-9", &self.pid()]).status().unwrap().success());
        self.stop();
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> String {
        fs::read_to_string(self.log.with_file_name("pid")).unwrap().trim().to_owned()
    }

    /// The memory that it has in RAM, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until it has seen the cluster.
    pub(crate) fn wait_until_ready(&self) {
        event(&self.log, "ready");
    }

    /// A connection to it.
    pub(super) async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_by(&self.authority_pem).await
    }

    /// A connection to it by a client that trusts these certificates.
    pub(super) async fn connect_by(&self, authorities: &str) -> TlsStream<TcpStream> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trust(authorities).unwrap())
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap()
    }

    /// Its metrics.
    pub(crate) async fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.health).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Every event so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.log)
    }

    /// A client that trusts the server.
    pub(super) fn client(&self) -> HttpsClient {
        HttpsClient::new(&self.authority_pem, SocketAddr::from(([127, 0, 0, 1], self.port)), NAME).unwrap()
    }

    /// Posts a body past the API server.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, body) = self.exchange(path, body).await;
        assert!(status.is_success(), "{path}: {status}");
        serde_json::from_slice(&body).unwrap()
    }

    /// Does a client that trusts these certificates, and none else, get through?
    pub(super) async fn is_trusted_by(&self, authorities: &str) -> bool {
        let client = HttpsClient::new(authorities, SocketAddr::from(([127, 0, 0, 1], self.port)), NAME);
        match client {
            Ok(client) => client.post("/enforce/validate", "application/json", Vec::new()).await.is_ok(),
            Err(_) => false,
        }
    }

    /// Does it answer a body with a review, whoever asks? Without a certificate it can't.
    pub(crate) async fn answers(&self, path: &str, body: &Value) -> bool {
        let posted = self.client().post(path, "application/json", serde_json::to_vec(body).unwrap()).await;
        posted.is_ok_and(|(status, _)| status.is_success())
    }

    /// The status of the answer to a body that is posted past the API server.
    pub(crate) async fn status(&self, path: &str, body: &Value) -> u16 {
        self.exchange(path, body).await.0.as_u16()
    }

    async fn exchange(&self, path: &str, body: &Value) -> (StatusCode, Bytes) {
        let client =
            HttpsClient::new(&self.authority_pem, SocketAddr::from(([127, 0, 0, 1], self.port)), NAME).unwrap();
        client.post(path, "application/json", serde_json::to_vec(body).unwrap()).await.unwrap()
    }
}

fn events(log: &PathBuf) -> Vec<Value> {
    fs::read_to_string(log)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("every line of the log is JSON: {line}")))
        .collect()
}

/// Waits for the event of this message.
fn event(log: &PathBuf, message: &str) -> Value {
    let start = Instant::now();
    loop {
        if let Some(event) = events(log).into_iter().find(|event| event["message"] == message) {
            return event;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{message:?} never comes: {}",
            fs::read_to_string(log).unwrap()
        );
        thread::sleep(Duration::from_millis(20));
    }
}
