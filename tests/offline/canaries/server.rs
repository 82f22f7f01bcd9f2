//! The endpoints with all their outputs: answers, the router, the log in both formats, metrics.

use apim_keyless::admission::routes::{AdmissionState, router};
use apim_keyless::admission::{Endpoint, MessageOptions, Request, answer, answer_or_failure};
use apim_keyless::telemetry::{LogFormat, Metrics, log_to};
use apim_keyless_core::gateway::RelatedObjects;
use apim_keyless_core::policy::Policy;
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request as Call, StatusCode};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex};
use test_support::TODAY;
use test_support::generate::review::sent_patch;
use test_support::generate::world::DOCUMENTS;
use tokio::runtime::{Builder, Runtime};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Both log formats.
const FORMATS: [LogFormat; 2] = [LogFormat::Json, LogFormat::Text];

/// The endpoints under one policy.
pub(crate) struct ReviewServer {
    /// The policy under test.
    pub(crate) policy: Policy,
    document: &'static str,
    router: Router,
    metrics: Metrics,
    logs: Vec<(Dispatch, Lines)>,
    calls: Cell<usize>,
    runtime: Runtime,
}

/// Log lines since the last call.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

/// One server for each policy document.
pub(crate) struct ReviewServers(Vec<ReviewServer>);

impl ReviewServers {
    /// Creates a server for each policy document.
    pub(crate) fn open() -> Self {
        Self(DOCUMENTS.iter().map(|document| ReviewServer::open(document)).collect())
    }

    /// The server with this policy document.
    pub(crate) fn of(&self, document: &str) -> &ReviewServer {
        self.0.iter().find(|server| server.document == document).unwrap()
    }
}

impl ReviewServer {
    fn open(document: &'static str) -> Self {
        let (parse, metrics) = (|| Policy::parse(document).unwrap(), Metrics::default());
        let observer = Box::new(metrics.clone());
        let state = AdmissionState {
            policy: ArcSwap::from_pointee(parse()),
            related: Arc::default(),
            messages: MessageOptions::default(),
            second_look: apim_keyless::admission::SecondLook::default(),
            observer,
        };
        let logs = FORMATS.into_iter().map(|format| {
            let lines = Lines::default();
            let writer = lines.clone();
            // debug events must not leak values either
            (log_to(move || writer.clone(), format, false, Targets::new().with_default(LevelFilter::DEBUG)), lines)
        });
        Self {
            policy: parse(),
            document,
            router: router(Arc::new(state)),
            metrics,
            logs: logs.collect(),
            calls: Cell::new(0),
            runtime: Builder::new_current_thread().build().unwrap(),
        }
    }

    /// The answer to a body with related objects: the whole response, and its decoded patch.
    pub(crate) fn answer(&self, endpoint: Endpoint, body: &[u8], related: &RelatedObjects) -> String {
        let answered = Request::read(body).map(|request| {
            answer_or_failure(endpoint, &request, || {
                answer(&self.policy, related, &MessageOptions::default(), endpoint, &request, TODAY)
            })
        });
        match answered {
            Ok(answer) => {
                let patch = answer.patch.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{} {patch}", String::from_utf8(answer.response.to_review()).unwrap())
            }
            Err(review_error) => review_error.to_string(),
        }
    }

    /// Calls the router, and captures its response, the log and the metrics. The log formats alternate.
    pub(crate) fn call(&self, endpoint: Endpoint, body: &[u8]) -> Captured {
        let (log, lines) = &self.logs[self.calls.replace(self.calls.get() + 1) % FORMATS.len()];
        let call = Call::post(endpoint.path()).header(CONTENT_TYPE, "application/json").body(Body::from(body.to_vec()));
        let answered = TowerToHyperService::new(self.router.clone()).call(call.unwrap());
        let response = tracing::dispatcher::with_default(log, || self.runtime.block_on(answered)).unwrap();
        let status = response.status();
        let body = self.runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
        let patch = (status == StatusCode::OK).then(|| sent_patch(&body));
        let logged = String::from_utf8(std::mem::take(&mut *lines.0.lock().unwrap())).unwrap();
        assert_eq!(logged.lines().count(), 1, "expected one log line: {logged}");
        let text = format!("{}{patch:?}{logged}{}", String::from_utf8_lossy(&body), self.metrics.to_text());
        Captured { status, text }
    }
}

/// All output of one call of the router.
pub(crate) struct Captured {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Response, decoded patch, log and metrics.
    pub(crate) text: String,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
