//! Replicas that are replaced like the Pods of a Deployment with `maxSurge: 1` and `maxUnavailable: 0`.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};
use test_support::control_plane::ControlPlane;
use test_support::webhook::balancer::Balancer;
use test_support::webhook::installation::replica;
use test_support::webhook::{Server, eventually};
use tokio::time::sleep;

/// How late the endpoints of a Service change after its replicas, and an API server notices a changed object.
pub(super) const LAG: Duration = Duration::from_secs(1);

/// The replicas behind the Service, oldest first.
pub(super) struct Replicas<'a> {
    control_plane: &'a ControlPlane,
    balancer: Balancer,
    running: VecDeque<Server>,
}

impl<'a> Replicas<'a> {
    pub(super) fn of(control_plane: &'a ControlPlane, balancer: Balancer) -> Self {
        Self { control_plane, balancer, running: VecDeque::new() }
    }

    /// Starts one more replica, and sends it requests once it is ready.
    pub(super) async fn add(&mut self, binary: &Path) {
        let server = replica(self.control_plane, binary).await;
        server.wait_until_ready();
        self.balancer.add(server.port);
        self.running.push_back(server);
    }

    /// Replaces all replicas, one after the other. An old one drains while clients can still reach it.
    pub(super) async fn replace_all(&mut self, binary: &Path) {
        for _ in 0..self.running.len() {
            self.add(binary).await;
            let mut old = self.running.pop_front().unwrap();
            let port = old.port;
            let draining = tokio::task::spawn_blocking(move || old.stop());
            sleep(LAG).await;
            self.balancer.remove(port);
            draining.await.unwrap();
        }
    }

    /// Waits until every replica is ready. A replica is not while it does not know that every entry trusts its CA; it
    /// answers all the same.
    pub(super) async fn until_ready(&self) -> Duration {
        let start = Instant::now();
        for server in &self.running {
            eventually("a ready replica", || async { (server.readiness().await.0 == 200).then_some(()) }).await;
        }
        start.elapsed()
    }
}
