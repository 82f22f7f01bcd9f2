//! Starts a control plane, and waits until it works.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hyper::Request;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::time::{sleep, timeout};

use super::binaries::Binaries;
use super::credentials::Credentials;
use super::servers::{CONTROLLERS, Servers};
use super::{ControlPlane, Features, commands, print_to_stderr};

/// Time limit of the start. It is long because test machines are shared and slow; usually 3 s are enough.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// Time limit of one request to the API server.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Number of ports to try: another process may take a free port before the API server does.
const PORTS_TO_TRY: u32 = 5;

impl ControlPlane {
    pub(super) fn start(binaries: &Binaries, features: Features) -> anyhow::Result<Self> {
        for _ in 1..PORTS_TO_TRY {
            match Self::start_on(free_port()?, binaries, features) {
                Err(error) if error.is::<PortTaken>() => {
                    print_to_stderr("Another process took the API server's port. Trying another port.");
                }
                result => return result,
            }
        }
        Self::start_on(free_port()?, binaries, features)
    }

    fn start_on(port: u16, binaries: &Binaries, features: Features) -> anyhow::Result<Self> {
        let servers = Servers::start_supervisor()?;
        let credentials = Credentials::write(servers.folder(), port)?;
        let control_plane = Self { port, credentials, servers, controllers: binaries.controllers.is_some(), features };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match runtime.block_on(control_plane.start_servers(binaries)) {
            Ok(()) => Ok(control_plane),
            Err(error) if error.is::<PortTaken>() => Err(error),
            Err(error) => {
                control_plane.show_logs();
                Err(error)
            }
        }
    }

    async fn start_servers(&self, binaries: &Binaries) -> anyhow::Result<()> {
        let folder = self.servers.folder();
        let deadline = Instant::now() + START_TIMEOUT;
        let client = Client::try_from(self.kube_config())?;
        fs::write(commands::audit_policy_file(folder), commands::audit_policy().to_string())?;
        self.servers.start("etcd", &commands::etcd(&binaries.etcd, folder))?;
        let mut api_server = commands::api_server(&binaries.api_server, folder, self.port, self.controllers);
        if self.features == Features::Beta {
            api_server.extend(commands::BETA_FEATURES.map(str::to_owned));
        }
        if self.features == Features::Traces {
            fs::write(commands::tracing_file(folder), commands::tracing().to_string())?;
            api_server.push(format!("--tracing-config-file={}", commands::tracing_file(folder).display()));
        }
        self.servers.start("kube-apiserver", &api_server)?;
        self.wait_until(deadline, || is_ready(&client)).await?;
        // not earlier: kube-controller-manager exits if the API server is not ready within ten seconds
        if let Some(controllers) = &binaries.controllers {
            self.servers.start(CONTROLLERS, &commands::controllers(controllers, folder))?;
            self.wait_until(deadline, || has_default_account(&client)).await?;
        }
        Ok(())
    }

    async fn wait_until(&self, deadline: Instant, condition: impl AsyncFn() -> bool) -> anyhow::Result<()> {
        // if another process took the port, it may accept the connection and never answer
        while !timeout(REQUEST_TIMEOUT, condition()).await.unwrap_or(false) {
            if self.servers.port_is_taken() {
                return Err(PortTaken.into());
            }
            if let Some(name) = self.servers.ended().first() {
                bail!("{name} ended while the control plane started");
            }
            if Instant::now() > deadline {
                bail!("the control plane was not ready within {} s", START_TIMEOUT.as_secs());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// Another process took the port that was free.
#[derive(Debug, thiserror::Error)]
#[error("another process took the API server's port")]
struct PortTaken;

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on the loopback interface")?;
    Ok(listener.local_addr()?.port())
}

async fn is_ready(client: &Client) -> bool {
    let request = Request::get("/readyz").body(Vec::new()).expect("the request is valid");
    client.request_text(request).await.is_ok()
}

/// Does the `default` ServiceAccount exist? It is the first object that the controllers create.
async fn has_default_account(client: &Client) -> bool {
    Api::<ServiceAccount>::namespaced(client.clone(), "default").get("default").await.is_ok()
}
