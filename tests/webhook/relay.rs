//! The network between the webhook and the API server: it passes everything on, or nothing.

use std::net::SocketAddr;
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// They arrive.
    Open,
    /// They stay on their way, and nobody is told.
    Frozen,
}

/// A TCP relay in front of an API server.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Relay {
    /// A relay to `target`.
    pub(crate) fn start(target: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, way) = (listener.local_addr().unwrap(), watch::Sender::new(Way::Open));
        let accepted = accept(listener, target, way.clone());
        // it ends with the tests
        thread::spawn(move || runtime.block_on(accepted));
        Self { address, way }
    }

    /// Changes what becomes of bytes, also on connections that are open.
    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, way: watch::Sender<Way>) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(relay(near, target, way.subscribe()));
    }
}

async fn relay(near: TcpStream, target: SocketAddr, way: watch::Receiver<Way>) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(pump(near_in, far_out, way.clone()), pump(far_in, near_out, way));
}

async fn pump(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, mut way: watch::Receiver<Way>) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes).await.unwrap_or_default();
        let open = way.wait_for(|way| *way == Way::Open).await.is_ok();
        if count == 0 || !open || to.write_all(&bytes[..count]).await.is_err() {
            _ = to.shutdown().await;
            return;
        }
    }
}
