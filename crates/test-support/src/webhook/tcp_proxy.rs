//! A TCP proxy between the webhook and the API server. It can stop forwarding while the connections stay open.

use std::net::SocketAddr;
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// It forwards them.
    Forwarded,
    /// It holds them back without closing the connection, so neither side gets an error.
    Held,
}

/// A TCP proxy in front of an API server.
pub struct TcpProxy {
    /// The address that it listens on.
    pub address: SocketAddr,
    traffic: watch::Sender<Traffic>,
}

impl TcpProxy {
    /// Starts a proxy to `target`.
    pub fn start(target: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, traffic) = (listener.local_addr().unwrap(), watch::Sender::new(Traffic::Forwarded));
        let accepted = accept(listener, target, traffic.clone());
        // the thread ends with the test binary
        thread::spawn(move || runtime.block_on(accepted));
        Self { address, traffic }
    }

    /// Changes what it does with bytes, also on open connections.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, traffic: watch::Sender<Traffic>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(forward(client, target, traffic.subscribe()));
    }
}

async fn forward(client: TcpStream, target: SocketAddr, traffic: watch::Receiver<Traffic>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
    tokio::join!(copy(client_in, server_out, traffic.clone()), copy(server_in, client_out, traffic));
}

async fn copy(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut traffic: watch::Receiver<Traffic>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes).await.unwrap_or_default();
        let is_forwarded = traffic.wait_for(|traffic| *traffic == Traffic::Forwarded).await.is_ok();
        if count == 0 || !is_forwarded || to.write_all(&bytes[..count]).await.is_err() {
            _ = to.shutdown().await;
            return;
        }
    }
}
