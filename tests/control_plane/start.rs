//! The start of a control plane, up to the moment it works.

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
use super::{ControlPlane, commands, say};

/// Long, because the machines that run tests are shared and slow. Three seconds are usual.
const READY_WITHIN: Duration = Duration::from_mins(2);

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How often another port is tried when the one that was free has been taken meanwhile.
const PORTS_TO_TRY: u32 = 5;

impl ControlPlane {
    pub(super) fn start(binaries: &Binaries) -> anyhow::Result<Self> {
        for _ in 1..PORTS_TO_TRY {
            match Self::start_on(free_port()?, binaries) {
                Err(fault) if fault.is::<PortTaken>() => {
                    say("The API server's port was taken meanwhile, another is tried.");
                }
                outcome => return outcome,
            }
        }
        Self::start_on(free_port()?, binaries)
    }

    fn start_on(port: u16, binaries: &Binaries) -> anyhow::Result<Self> {
        let servers = Servers::start_supervisor()?;
        let credentials = Credentials::write(servers.folder(), port)?;
        let control_plane = Self { port, credentials, servers, controllers: binaries.controllers.is_some() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match runtime.block_on(control_plane.start_servers(binaries)) {
            Ok(()) => Ok(control_plane),
            Err(fault) if fault.is::<PortTaken>() => Err(fault),
            Err(fault) => {
                control_plane.show_logs();
                Err(fault)
            }
        }
    }

    async fn start_servers(&self, binaries: &Binaries) -> anyhow::Result<()> {
        let folder = self.servers.folder();
        let deadline = Instant::now() + READY_WITHIN;
        let client = Client::try_from(self.kube_config())?;
        fs::write(commands::audit_policy_file(folder), commands::audit_policy().to_string())?;
        self.servers.start("etcd", &commands::etcd(&binaries.etcd, folder))?;
        let api_server = commands::api_server(&binaries.api_server, folder, self.port, self.controllers);
        self.servers.start("kube-apiserver", &api_server)?;
        self.wait_until(deadline, || is_ready(&client)).await?;
        // Not before: it gives up when the API server takes more than ten seconds.
        if let Some(controllers) = &binaries.controllers {
            self.servers.start(CONTROLLERS, &commands::controllers(controllers, folder))?;
            self.wait_until(deadline, || has_default_account(&client)).await?;
        }
        Ok(())
    }

    async fn wait_until(&self, deadline: Instant, is_so: impl AsyncFn() -> bool) -> anyhow::Result<()> {
        // Whoever took the port may accept connections and never answer.
        while !timeout(ANSWER_WITHIN, is_so()).await.unwrap_or(false) {
            if self.servers.port_is_taken() {
                return Err(PortTaken.into());
            }
            if let Some(name) = self.servers.ended().first() {
                bail!("{name} ended while the control plane started");
            }
            if Instant::now() > deadline {
                bail!("the control plane was not ready within {} s", READY_WITHIN.as_secs());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// The port that was free is no longer.
#[derive(Debug, thiserror::Error)]
#[error("another process took the API server's port")]
struct PortTaken;

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on the loopback interface")?;
    Ok(listener.local_addr()?.port())
}

async fn is_ready(client: &Client) -> bool {
    let request = Request::get("/readyz").body(Vec::new()).expect("a constant request is well formed");
    client.request_text(request).await.is_ok()
}

/// The first sign that the controllers work.
async fn has_default_account(client: &Client) -> bool {
    Api::<ServiceAccount>::namespaced(client.clone(), "default").get("default").await.is_ok()
}
