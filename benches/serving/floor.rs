//! The floors: minimal servers with the same certificate, TLS, HTTP/1.1 and runtime as the webhook, but without limits,
//! log and evaluation.

use apim_keyless::tls::{CertificateResolver, allow_any_client, read_serving_certificate};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

const CONSTANT: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}"#;

/// A server that allows everything.
#[derive(Clone, Copy)]
pub(crate) enum Floor {
    /// Does not read the body.
    Constant,
    /// Parses the body into a `serde_json::Value`.
    Value,
}

impl Floor {
    /// The floor with this name on the command line.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "floor-constant" => Some(Self::Constant),
            "floor-value" => Some(Self::Value),
            _ => None,
        }
    }

    /// Serves until it is killed. It logs its port like the webhook.
    pub(crate) fn serve(self, certificates: &Path) {
        let served = CertificateResolver::of(&read_serving_certificate(certificates).unwrap());
        let acceptor = TlsAcceptor::from(Arc::new(served.server_config(allow_any_client()).unwrap()));
        Runtime::new().unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let listening = json!({"message": "listening", "reviews": listener.local_addr().unwrap().to_string()});
            eprintln!("{listening}");
            tokio::spawn(self.accept(listener, acceptor)).await.unwrap();
        });
    }

    async fn accept(self, listener: TcpListener, acceptor: TlsAcceptor) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(self.connection(stream, acceptor.clone()));
        }
    }

    async fn connection(self, stream: TcpStream, acceptor: TlsAcceptor) {
        // a client may close the connection during the handshake
        if let Ok(stream) = acceptor.accept(stream).await {
            let service = service_fn(move |request| self.respond(request));
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    }

    async fn respond(self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let body = request.into_body().collect().await?.to_bytes();
        let review = match self {
            Self::Constant => Bytes::from_static(CONSTANT.as_bytes()),
            Self::Value => allow(&body).into(),
        };
        let response = Response::builder().header(CONTENT_TYPE, "application/json");
        Ok(response.body(Full::new(review)).unwrap())
    }
}

fn allow(body: &[u8]) -> String {
    let review: Value = serde_json::from_slice(body).unwrap();
    let response = json!({"uid": review["request"]["uid"], "allowed": true});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}
