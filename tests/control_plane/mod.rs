//! A real control plane for tests: etcd, kube-apiserver and, where there is one,
//! kube-controller-manager. No node and no kubelet: Pods are made, and stay pending.
//!
//! One is started for each test binary, by the first test that asks. It ends with the binary,
//! however that ends, and leaves neither a process nor a folder behind (see `supervise.sh`).

#![allow(dead_code, unused_imports, reason = "each test binary includes this module and uses its own part of it")]
#![allow(clippy::expect_used, clippy::panic, reason = "only tests call this, and a fault here is theirs to fail with")]

mod binaries;
mod commands;
mod credentials;
#[path = "../go_tools/mod.rs"]
pub(crate) mod go_tools;
mod other_version;
mod servers;
mod start;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use kube::Config;
use kube::config::AuthInfo;

use binaries::Binaries;
use credentials::Credentials;
pub(crate) use credentials::WEBHOOK_CLIENT;
use go_tools::{in_continuous_integration, say};
use servers::{CONTROLLERS, Servers};

static SHARED: OnceLock<Result<ControlPlane, Absence>> = OnceLock::new();

/// A running control plane.
pub(crate) struct ControlPlane {
    port: u16,
    credentials: Credentials,
    servers: Servers,
    controllers: bool,
}

impl ControlPlane {
    /// The control plane of this test binary, started by the first test that asks. `None` where its
    /// binaries cannot be had, which standard error says once.
    ///
    /// # Panics
    ///
    /// When the servers do not start, and under `CI=true` also where there are no binaries: there a
    /// test that did not run must not look like one that passed.
    pub(crate) fn shared() -> Option<&'static Self> {
        Self::given(SHARED.get_or_init(|| start_apart(Binaries::find)))
    }

    /// The same, but nothing happens in it by itself: it has no controllers. Whoever wants it so must be the first that
    /// asks in its binary.
    pub(crate) fn shared_without_controllers() -> Option<&'static Self> {
        let find = || Binaries::find().map(|binaries| Binaries { controllers: None, ..binaries });
        Self::given(SHARED.get_or_init(|| start_apart(find)))
    }

    fn given(outcome: &Result<Self, Absence>) -> Option<&Self> {
        match outcome {
            Ok(control_plane) => Some(control_plane),
            Err(Absence::Binaries(_)) if !in_continuous_integration() => None,
            Err(absence) => panic!("{absence}"),
        }
    }

    /// How an administrator (`system:masters`) reaches the API server. Each test makes its own client
    /// of it, as a client must not outlive the runtime it was made in.
    pub(crate) fn kube_config(&self) -> Config {
        kube_config(self.port, &self.credentials)
    }

    /// Where the API server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The certificate of the authority that the API server's own is signed by.
    pub(crate) fn authority_pem(&self) -> String {
        fs::read_to_string(credentials::authority_file(self.servers.folder()))
            .expect("it was written when the control plane started")
    }

    /// The certificate of the CA that issued what kube-apiserver shows to webhooks as [`WEBHOOK_CLIENT`].
    pub(crate) fn client_authority(&self) -> PathBuf {
        credentials::authority_file(self.servers.folder())
    }

    /// The file by which tools of an administrator reach the API server.
    pub(crate) fn kubeconfig_file(&self) -> PathBuf {
        credentials::administrator_kubeconfig_file(self.servers.folder())
    }

    /// Whether kube-controller-manager runs: only then do Deployments become Pods, and do namespaces
    /// get their `default` ServiceAccount.
    pub(crate) fn has_controllers(&self) -> bool {
        self.controllers && self.servers.ended().iter().all(|name| name != CONTROLLERS)
    }

    /// The number of a server's process, such as that of `etcd`.
    pub(crate) fn pid(&self, server: &str) -> i32 {
        self.servers.pid(server).expect("it was started with the control plane")
    }

    /// The API server's audit log, JSON lines: the metadata of each write but those of leases and
    /// events. A request's line is there before its response.
    pub(crate) fn audit_log(&self) -> PathBuf {
        commands::audit_log(self.servers.folder())
    }

    /// Shows the end of each server's log on standard error.
    pub(crate) fn show_logs(&self) {
        self.servers.show_logs();
    }

    /// A guard that shows the servers' logs when its test panics.
    pub(crate) fn show_logs_on_panic(&self) -> LogsOnPanic<'_> {
        LogsOnPanic(self)
    }
}

/// Shows the servers' logs when dropped by a panic.
pub(crate) struct LogsOnPanic<'a>(&'a ControlPlane);

impl Drop for LogsOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.show_logs();
        }
    }
}

/// Why there is no control plane.
enum Absence {
    Binaries(String),
    Start(String),
}

impl fmt::Display for Absence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binaries(reason) => {
                write!(formatter, "The tests on a real control plane did NOT run: {reason}.")
            }
            Self::Start(reason) => write!(formatter, "The control plane did not start: {reason}."),
        }
    }
}

/// On a thread of its own, as the test that asks may be inside a runtime, where no other may block.
fn start_apart(find: fn() -> anyhow::Result<Binaries>) -> Result<ControlPlane, Absence> {
    let outcome = thread::spawn(move || {
        let binaries = find().map_err(|fault| Absence::Binaries(format!("{fault:#}")))?;
        ControlPlane::start(&binaries).map_err(|fault| Absence::Start(format!("{fault:#}")))
    })
    .join()
    .unwrap_or_else(|_| Err(Absence::Start("its start panicked".to_owned())));
    if let Err(absence) = &outcome {
        say(&absence.to_string());
    }
    outcome
}

fn kube_config(port: u16, credentials: &Credentials) -> Config {
    let address = format!("https://127.0.0.1:{port}").parse().expect("an address of digits is well formed");
    let path = |path: &Path| Some(path.to_string_lossy().into_owned());
    let mut config = Config::new(address);
    config.root_cert = Some(vec![credentials.authority.clone()]);
    config.auth_info = AuthInfo {
        client_certificate: path(&credentials.administrator.certificate),
        client_key: path(&credentials.administrator.key),
        ..AuthInfo::default()
    };
    config
}
