//! What stands for a Service and its endpoints: connections go to the replicas in turn, and stay with theirs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// A TCP balancer over replicas.
pub(crate) struct Balancer {
    /// Its port.
    pub(crate) port: u16,
    replicas: Replicas,
}

type Replicas = Arc<Mutex<Vec<Replica>>>;

/// Every connection to it holds a copy.
#[derive(Clone)]
struct Replica(Arc<u16>);

impl Balancer {
    /// A balancer over no replica yet.
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (port, replicas) = (listener.local_addr().unwrap().port(), Replicas::default());
        let accepted = accept(listener, replicas.clone());
        // it ends with the tests
        thread::spawn(move || Runtime::new().unwrap().block_on(accepted));
        Self { port, replicas }
    }

    /// From now on new connections go to the replica on this port, too.
    pub(crate) fn add(&self, port: u16) {
        self.replicas.lock().unwrap().push(Replica(Arc::new(port)));
    }

    /// From now on they don't.
    pub(crate) fn remove(&self, port: u16) {
        self.replicas.lock().unwrap().retain(|one| *one.0 != port);
    }

    /// Returns once no connection leads to the replica on this port any more.
    pub(crate) async fn wait_until_left(&self, port: u16) {
        let is_held = |one: &Replica| *one.0 == port && Arc::strong_count(&one.0) > 1;
        while self.replicas.lock().unwrap().iter().any(is_held) {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn accept(listener: std::net::TcpListener, replicas: Replicas) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((near, _)) = listener.accept().await {
        let replicas = {
            let mut replicas = replicas.lock().unwrap();
            // the next one's turn
            if !replicas.is_empty() {
                replicas.rotate_left(1);
            }
            replicas.clone()
        };
        tokio::spawn(pass(near, replicas));
    }
}

async fn pass(mut near: TcpStream, replicas: Vec<Replica>) {
    if let Some((mut far, _replica)) = connect(replicas).await {
        (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
        _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

/// To the first replica that takes the connection, as a client would that tries again.
async fn connect(replicas: Vec<Replica>) -> Option<(TcpStream, Replica)> {
    for replica in replicas {
        if let Ok(far) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *replica.0))).await {
            return Some((far, replica));
        }
    }
    None
}
