//! A TCP load balancer in place of a Service with endpoints: it assigns new connections to the replicas in turn, and a
//! connection stays with its replica.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// A TCP load balancer over replicas.
pub struct Balancer {
    /// The port that it listens on.
    pub port: u16,
    replicas: Replicas,
}

type Replicas = Arc<Mutex<Vec<Replica>>>;

/// The port of a replica. Every connection to the replica holds a clone, so the reference count shows whether it has
/// connections.
#[derive(Clone)]
struct Replica(Arc<u16>);

impl Balancer {
    /// Starts a balancer without replicas.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (port, replicas) = (listener.local_addr().unwrap().port(), Replicas::default());
        let accepted = accept(listener, replicas.clone());
        // the thread ends with the test binary
        thread::spawn(move || Runtime::new().unwrap().block_on(accepted));
        Self { port, replicas }
    }

    /// Adds the replica on this port.
    pub fn add(&self, port: u16) {
        self.replicas.lock().unwrap().push(Replica(Arc::new(port)));
    }

    /// Removes the replica on this port: it gets no new connections.
    pub fn remove(&self, port: u16) {
        self.replicas.lock().unwrap().retain(|one| *one.0 != port);
    }

    /// Waits until the replica on this port has no connections.
    pub async fn wait_until_left(&self, port: u16) {
        let has_connections = |one: &Replica| *one.0 == port && Arc::strong_count(&one.0) > 1;
        while self.replicas.lock().unwrap().iter().any(has_connections) {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn accept(listener: std::net::TcpListener, replicas: Replicas) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let replicas = {
            let mut replicas = replicas.lock().unwrap();
            // round robin
            if !replicas.is_empty() {
                replicas.rotate_left(1);
            }
            replicas.clone()
        };
        tokio::spawn(forward(client, replicas));
    }
}

async fn forward(mut client: TcpStream, replicas: Vec<Replica>) {
    if let Some((mut server, _replica)) = connect(replicas).await {
        (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
        _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// Connects to the first replica that accepts, like a client that retries.
async fn connect(replicas: Vec<Replica>) -> Option<(TcpStream, Replica)> {
    for replica in replicas {
        if let Ok(server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *replica.0))).await {
            return Some((server, replica));
        }
    }
    None
}
