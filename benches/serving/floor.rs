//! The floors: the same certificate, TLS, HTTP/1.1 and runtime as the webhook's, without limits, log and judgement.

use apim_keyless::tls::{CertificateResolver, certificate_in, everyone};
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
    /// Doesn't look at the body.
    Constant,
    /// Parses the body as nobody in particular would.
    Value,
}

impl Floor {
    /// The floor that this argument of the benchmark means.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "floor-constant" => Some(Self::Constant),
            "floor-value" => Some(Self::Value),
            _ => None,
        }
    }

    /// Serves until it is killed, and says on which port as the webhook does.
    pub(crate) fn serve(self, certificates: &Path) {
        let served = CertificateResolver::of(&certificate_in(certificates).unwrap());
        let acceptor = TlsAcceptor::from(Arc::new(served.server_config(everyone()).unwrap()));
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
        // a client that is gone is no fault of the server
        if let Ok(stream) = acceptor.accept(stream).await {
            let service = service_fn(move |request| self.answer(request));
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    }

    async fn answer(self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let body = request.into_body().collect().await?.to_bytes();
        let answer = match self {
            Self::Constant => Bytes::from_static(CONSTANT.as_bytes()),
            Self::Value => allow(&body).into(),
        };
        let response = Response::builder().header(CONTENT_TYPE, "application/json");
        Ok(response.body(Full::new(answer)).unwrap())
    }
}

fn allow(body: &[u8]) -> String {
    let review: Value = serde_json::from_slice(body).unwrap();
    let response = json!({"uid": review["request"]["uid"], "allowed": true});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}
