//! A proxy for HTTPS (`CONNECT`) that leads every known host to one server. Others cannot be reached through it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A running proxy. Its thread ends with the test process.
pub(super) struct ConnectProxy {
    pub(super) address: SocketAddr,
    hosts: Arc<Mutex<BTreeSet<String>>>,
}

impl ConnectProxy {
    pub(super) fn start(server: SocketAddr, hosts: &[&str]) -> Self {
        let hosts: Arc<Mutex<BTreeSet<String>>> = Arc::new(Mutex::new(hosts.iter().map(ToString::to_string).collect()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::clone(&hosts);
        thread::spawn(move || Runtime::new().unwrap().block_on(accept(listener, server, known)));
        Self { address, hosts }
    }

    pub(super) fn set_reachable(&self, host: &str, is_reachable: bool) {
        let mut hosts = self.hosts.lock().unwrap();
        if is_reachable {
            hosts.insert(host.to_owned())
        } else {
            hosts.remove(host)
        };
    }
}

async fn accept(listener: std::net::TcpListener, server: SocketAddr, hosts: Arc<Mutex<BTreeSet<String>>>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(forward(client, server, Arc::clone(&hosts)));
    }
}

async fn forward(mut client: TcpStream, server: SocketAddr, hosts: Arc<Mutex<BTreeSet<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(':').next()).unwrap_or_default().to_owned();
    let is_known = hosts.lock().unwrap().contains(&host);
    if !is_known {
        _ = client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok() {
        _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
