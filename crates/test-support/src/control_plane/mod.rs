//! A real control plane for tests: etcd, kube-apiserver and, if its binary exists, kube-controller-manager. There is no
//! node and no kubelet: Pods are created and stay pending.
//!
//! The first test of a test binary that calls [`ControlPlane::shared`] starts it. It ends with the binary, in whatever
//! way that ends, and leaves no process and no folder (see `supervise.sh`).

#![allow(dead_code, unused_imports, reason = "each test binary includes this module and uses its own part of it")]
#![allow(clippy::expect_used, clippy::panic, reason = "only tests call this, and an error here fails the test")]

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
use go_tools::{in_continuous_integration, print_to_stderr};
use servers::{CONTROLLERS, Servers};

static SHARED: OnceLock<Result<ControlPlane, Unavailable>> = OnceLock::new();

/// A running control plane.
pub(crate) struct ControlPlane {
    port: u16,
    credentials: Credentials,
    servers: Servers,
    controllers: bool,
}

impl ControlPlane {
    /// The control plane of this test binary. The first call starts it. `None` if its binaries are not available; then
    /// a message on stderr says so once.
    ///
    /// # Panics
    ///
    /// If the servers do not start. With `CI=true` also if there are no binaries, because a test that did not run must
    /// not look like a passed one.
    pub(crate) fn shared() -> Option<&'static Self> {
        Self::available(SHARED.get_or_init(|| start_on_own_thread(Binaries::find)))
    }

    /// The same without controllers, so that only clients write. It must be the first call in the test binary.
    pub(crate) fn shared_without_controllers() -> Option<&'static Self> {
        let find = || Binaries::find().map(|binaries| Binaries { controllers: None, ..binaries });
        Self::available(SHARED.get_or_init(|| start_on_own_thread(find)))
    }

    fn available(result: &Result<Self, Unavailable>) -> Option<&Self> {
        match result {
            Ok(control_plane) => Some(control_plane),
            Err(Unavailable::NoBinaries(_)) if !in_continuous_integration() => None,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// The client configuration of an administrator (`system:masters`). Each test creates its own client from it,
    /// because a client must not outlive its runtime.
    pub(crate) fn kube_config(&self) -> Config {
        kube_config(self.port, &self.credentials)
    }

    /// The address that the API server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The certificate of the CA that issued the API server's serving certificate, in PEM.
    pub(crate) fn ca_pem(&self) -> String {
        fs::read_to_string(credentials::ca_file(self.servers.folder()))
            .expect("it was written when the control plane started")
    }

    /// The file with the certificate of the CA that issued kube-apiserver's client certificate [`WEBHOOK_CLIENT`].
    pub(crate) fn client_ca_file(&self) -> PathBuf {
        credentials::ca_file(self.servers.folder())
    }

    /// The administrator's kubeconfig file.
    pub(crate) fn kubeconfig_file(&self) -> PathBuf {
        credentials::administrator_kubeconfig_file(self.servers.folder())
    }

    /// Does kube-controller-manager run? Only then are Pods created for Deployments, and the `default` ServiceAccount
    /// for namespaces.
    pub(crate) fn has_controllers(&self) -> bool {
        self.controllers && self.servers.ended().iter().all(|name| name != CONTROLLERS)
    }

    /// The process id of a server, for example of `etcd`.
    pub(crate) fn pid(&self, server: &str) -> i32 {
        self.servers.pid(server).expect("it was started with the control plane")
    }

    /// The API server's audit log in JSON lines: the metadata of each write, except those of leases and events. The
    /// line is written before the response is sent.
    pub(crate) fn audit_log(&self) -> PathBuf {
        commands::audit_log(self.servers.folder())
    }

    /// Prints the end of each server's log to stderr.
    pub(crate) fn show_logs(&self) {
        self.servers.show_logs();
    }

    /// A guard that prints the servers' logs when its test panics.
    pub(crate) fn show_logs_on_panic(&self) -> LogsOnPanic<'_> {
        LogsOnPanic(self)
    }
}

/// Prints the servers' logs if it is dropped during a panic.
pub(crate) struct LogsOnPanic<'a>(&'a ControlPlane);

impl Drop for LogsOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.show_logs();
        }
    }
}

/// The reason why there is no control plane.
enum Unavailable {
    NoBinaries(String),
    NotStarted(String),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBinaries(reason) => {
                write!(formatter, "The tests on a real control plane did NOT run: {reason}.")
            }
            Self::NotStarted(reason) => write!(formatter, "The control plane did not start: {reason}."),
        }
    }
}

/// Starts the control plane on its own thread, because a test's runtime must not block on another runtime.
fn start_on_own_thread(find: fn() -> anyhow::Result<Binaries>) -> Result<ControlPlane, Unavailable> {
    let result = thread::spawn(move || {
        let binaries = find().map_err(|error| Unavailable::NoBinaries(format!("{error:#}")))?;
        ControlPlane::start(&binaries).map_err(|error| Unavailable::NotStarted(format!("{error:#}")))
    })
    .join()
    .unwrap_or_else(|_| Err(Unavailable::NotStarted("the start panicked".to_owned())));
    if let Err(reason) = &result {
        print_to_stderr(&reason.to_string());
    }
    result
}

fn kube_config(port: u16, credentials: &Credentials) -> Config {
    let address = format!("https://127.0.0.1:{port}").parse().expect("the address is a valid URI");
    let path = |path: &Path| Some(path.to_string_lossy().into_owned());
    let mut config = Config::new(address);
    config.root_cert = Some(vec![credentials.ca.clone()]);
    config.auth_info = AuthInfo {
        client_certificate: path(&credentials.administrator.certificate),
        client_key: path(&credentials.administrator.key),
        ..AuthInfo::default()
    };
    config
}
