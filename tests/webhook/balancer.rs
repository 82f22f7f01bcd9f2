//! What stands for a Service and its endpoints: connections go to the replicas in turn, and stay with theirs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A TCP balancer over replicas.
pub(crate) struct Balancer {
    /// Its port.
    pub(crate) port: u16,
    replicas: Arc<Mutex<Vec<u16>>>,
}

impl Balancer {
    /// A balancer over no replica yet.
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (port, replicas) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<u16>>>::default());
        let accepted = accept(listener, replicas.clone());
        // it ends with the tests
        thread::spawn(move || Runtime::new().unwrap().block_on(accepted));
        Self { port, replicas }
    }

    /// From now on new connections go to the replica on this port, too.
    pub(crate) fn add(&self, port: u16) {
        self.replicas.lock().unwrap().push(port);
    }

    /// From now on they don't.
    pub(crate) fn remove(&self, port: u16) {
        self.replicas.lock().unwrap().retain(|one| *one != port);
    }
}

async fn accept(listener: std::net::TcpListener, replicas: Arc<Mutex<Vec<u16>>>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((near, _)) = listener.accept().await {
        let ports = {
            let mut replicas = replicas.lock().unwrap();
            // the next one's turn
            if !replicas.is_empty() {
                replicas.rotate_left(1);
            }
            replicas.clone()
        };
        tokio::spawn(pass(near, ports));
    }
}

/// To the first replica that takes the connection, as a client would that tries again.
async fn pass(mut near: TcpStream, ports: Vec<u16>) {
    for port in ports {
        if let Ok(mut far) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await {
            (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
            _ = copy_bidirectional(&mut near, &mut far).await;
            return;
        }
    }
}
