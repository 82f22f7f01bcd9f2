//! A stand-in of a kubelet for what the API server asks of it: the logs of containers. No Pod runs.

use super::https::HttpsServer;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Logs = Arc<Mutex<BTreeMap<String, String>>>;

/// A running kubelet.
pub struct Kubelet {
    port: u16,
    logs: Logs,
}

impl Kubelet {
    /// Starts it.
    pub fn start() -> Self {
        let logs = Logs::default();
        let router = Router::new().fallback(log).with_state(Arc::clone(&logs));
        let server = HttpsServer::start(router, &["127.0.0.1"]);
        Self { port: server.address.port(), logs }
    }

    /// The node that it runs on, and its status.
    pub fn node(&self, name: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            },
        })
    }

    /// Sets the log of every container of a Pod.
    pub fn set_log(&self, pod: &str, text: &str) {
        self.logs.lock().unwrap().insert(pod.to_owned(), text.to_owned());
    }
}

/// `/containerLogs/NAMESPACE/POD/CONTAINER`
async fn log(State(logs): State<Logs>, uri: Uri) -> String {
    let pod = uri.path().split('/').nth(3).unwrap_or_default();
    logs.lock().unwrap().get(pod).cloned().unwrap_or_default()
}
