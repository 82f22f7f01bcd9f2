//! A real control plane for tests: etcd, kube-apiserver and, if its binary exists, kube-controller-manager. There is no
//! node and no kubelet: Pods are created and stay pending.
//!
//! The first test of a test binary that calls [`ControlPlane::shared`] starts the one that most tests use. A test that
//! sees or changes the whole cluster starts its own. Each ends with its last user, at the latest with the test binary,
//! in whatever way that ends, and leaves no process and no folder (see `supervise.sh`).

mod binaries;
mod commands;
mod credentials;
mod other_version;
mod servers;
mod start;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use kube::Config;
use kube::config::AuthInfo;

use crate::go_tools::{in_continuous_integration, print_to_stderr};
use binaries::Binaries;
use credentials::Credentials;
pub use credentials::WEBHOOK_CLIENT;
use servers::{CONTROLLERS, Servers};

static SHARED: OnceLock<Result<Arc<ControlPlane>, Unavailable>> = OnceLock::new();

/// A running control plane.
pub struct ControlPlane {
    port: u16,
    credentials: Credentials,
    servers: Servers,
    controllers: bool,
    features: Features,
}

impl ControlPlane {
    /// The control plane that the tests of this test binary share. The first call starts it. `None` if its binaries are
    /// not available; then a message on stderr says so once.
    ///
    /// # Panics
    /// If the servers do not start. With `CI=true` also if there are no binaries, because a test that did not run must
    /// not look like a passed one.
    pub fn shared() -> Option<Arc<Self>> {
        available(SHARED.get_or_init(|| start_on_own_thread(Controllers::Run, Features::Default)))
    }

    /// Starts a control plane for one test.
    ///
    /// # Panics
    /// Like [`Self::shared`].
    pub fn own() -> Option<Arc<Self>> {
        available(&start_on_own_thread(Controllers::Run, Features::Default))
    }

    /// The same without controllers, so that only clients write.
    ///
    /// # Panics
    /// Like [`Self::shared`].
    pub fn own_without_controllers() -> Option<Arc<Self>> {
        available(&start_on_own_thread(Controllers::Omitted, Features::Default))
    }

    /// The same, and the API server records a trace of each request. No collector receives it.
    ///
    /// # Panics
    /// Like [`Self::shared`].
    pub fn own_with_traces() -> Option<Arc<Self>> {
        available(&start_on_own_thread(Controllers::Omitted, Features::Traces))
    }

    /// The same with all beta features and beta APIs of the Kubernetes version, also those that are off by default.
    ///
    /// # Panics
    /// Like [`Self::shared`].
    pub fn own_with_beta_features() -> Option<Arc<Self>> {
        available(&start_on_own_thread(Controllers::Omitted, Features::Beta))
    }

    /// The client configuration of an administrator (`system:masters`). Each test creates its own client from it,
    /// because a client must not outlive its runtime.
    pub fn kube_config(&self) -> Config {
        kube_config(self.port, &self.credentials)
    }

    /// The address that the API server listens on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The certificate of the CA that issued the API server's serving certificate, in PEM.
    pub fn ca_pem(&self) -> String {
        fs::read_to_string(credentials::ca_file(self.servers.folder()))
            .expect("it was written when the control plane started")
    }

    /// The file with the certificate of the CA that issued kube-apiserver's client certificate [`WEBHOOK_CLIENT`].
    pub fn client_ca_file(&self) -> PathBuf {
        credentials::ca_file(self.servers.folder())
    }

    /// The administrator's kubeconfig file.
    pub fn kubeconfig_file(&self) -> PathBuf {
        credentials::administrator_kubeconfig_file(self.servers.folder())
    }

    /// Does kube-controller-manager run? Only then are Pods created for Deployments, and the `default` ServiceAccount
    /// for namespaces.
    pub fn has_controllers(&self) -> bool {
        self.controllers && self.servers.ended().iter().all(|name| name != CONTROLLERS)
    }

    /// The process id of a server, for example of `etcd`.
    pub fn pid(&self, server: &str) -> i32 {
        self.servers.pid(server).expect("it was started with the control plane")
    }

    /// The API server's audit log in JSON lines: the metadata of each write, except those of leases and events, and of
    /// each request of the webhook. The line is written before the response is sent.
    pub fn audit_log(&self) -> PathBuf {
        commands::audit_log(self.servers.folder())
    }

    /// Prints the end of each server's log to stderr.
    pub fn show_logs(&self) {
        self.servers.show_logs();
    }

    /// A guard that prints the servers' logs when its test panics.
    pub fn show_logs_on_panic(self: &Arc<Self>) -> LogsOnPanic {
        LogsOnPanic(Arc::clone(self))
    }
}

/// Prints the servers' logs if it is dropped during a panic.
pub struct LogsOnPanic(Arc<ControlPlane>);

impl Drop for LogsOnPanic {
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

/// Does kube-controller-manager run?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Controllers {
    /// It runs, if its binary exists.
    Run,
    /// It does not run.
    Omitted,
}

/// Which features and APIs the API server has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Features {
    /// Those that are on by default.
    Default,
    /// Those that are beta, too.
    Beta,
    /// Those that are on by default, and it records a trace of each request.
    Traces,
}

fn available(result: &Result<Arc<ControlPlane>, Unavailable>) -> Option<Arc<ControlPlane>> {
    match result {
        Ok(control_plane) => Some(Arc::clone(control_plane)),
        Err(Unavailable::NoBinaries(_)) if !in_continuous_integration() => None,
        Err(reason) => panic!("{reason}"),
    }
}

/// Starts a control plane on its own thread, because a test's runtime must not block on another runtime.
fn start_on_own_thread(controllers: Controllers, features: Features) -> Result<Arc<ControlPlane>, Unavailable> {
    let start = move || {
        let mut binaries = binaries()?;
        if controllers == Controllers::Omitted {
            binaries.controllers = None;
        }
        ControlPlane::start(&binaries, features).map_err(|error| {
            let reason = Unavailable::NotStarted(format!("{error:#}"));
            print_to_stderr(&reason.to_string());
            reason
        })
    };
    let result = thread::spawn(start).join();
    result.unwrap_or_else(|_| Err(Unavailable::NotStarted("the start panicked".to_owned()))).map(Arc::new)
}

/// The servers' binaries. The first call builds them if necessary, or prints why they are not available.
fn binaries() -> Result<Binaries, Unavailable> {
    static FOUND: OnceLock<Result<Binaries, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        Binaries::find().map_err(|error| {
            let reason = format!("{error:#}");
            print_to_stderr(&Unavailable::NoBinaries(reason.clone()).to_string());
            reason
        })
    });
    found.clone().map_err(Unavailable::NoBinaries)
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
