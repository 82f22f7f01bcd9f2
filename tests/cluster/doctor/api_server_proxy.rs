//! A proxy for the API server that can change its responses: another version, another clock, another issuer. The
//! control plane of the tests does not have these itself.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, header};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use kube::{Client, Config};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::runtime::Runtime;

/// Changes the response to a request for a path.
pub(crate) type Alteration = fn(&str, &mut HeaderMap, &mut Value);

/// A plain HTTP server that forwards requests to an API server as the administrator.
pub(crate) struct ApiServerProxy {
    address: SocketAddr,
    alteration: Arc<Mutex<Alteration>>,
}

/// Makes the issuer of tokens public, as in clouds. The control plane of the tests has
/// `https://kubernetes.default.svc`.
pub(crate) fn public_issuer(path: &str, _: &mut HeaderMap, body: &mut Value) {
    if path == "/.well-known/openid-configuration" {
        body["issuer"] = json!("https://issuer.example/tests/");
    }
}

impl ApiServerProxy {
    /// Starts a proxy for this API server, with a public issuer.
    pub(crate) fn start(config: Config) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let alteration: Arc<Mutex<Alteration>> = Arc::new(Mutex::new(public_issuer));
        let shared = alteration.clone();
        // the thread ends with the test process
        thread::spawn(move || Runtime::new().unwrap().block_on(serve(listener, config, shared)));
        Self { address, alteration }
    }

    /// Changes responses from now on.
    pub(crate) fn alter(&self, alteration: Alteration) {
        *self.alteration.lock().unwrap() = alteration;
    }

    /// A kubeconfig for this proxy.
    pub(crate) fn kubeconfig(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "tests", "user": {}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        })
    }
}

async fn serve(listener: std::net::TcpListener, config: Config, alteration: Arc<Mutex<Alteration>>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let state = (Client::try_from(config).unwrap(), alteration);
    let service = TowerToHyperService::new(Router::new().fallback(forward).with_state(state));
    while let Ok((stream, _)) = listener.accept().await {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async { _ = connection.await });
    }
}

async fn forward(
    State((client, alteration)): State<(Client, Arc<Mutex<Alteration>>)>,
    request: Request,
) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    head.uri = head.uri.path_and_query().unwrap().as_str().parse().unwrap();
    head.headers.remove(header::HOST);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let request = axum::http::Request::from_parts(head, kube::client::Body::from(body.to_vec()));
    let (mut head, body) = client.send(request).await.unwrap().into_parts();
    let mut value: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
    let alter = *alteration.lock().unwrap();
    alter(&path, &mut head.headers, &mut value);
    for framing in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        head.headers.remove(framing);
    }
    Response::from_parts(head, Body::from(value.to_string()))
}
