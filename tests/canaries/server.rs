//! The doors with everything that they speak through: answers, the router, the log in both formats, metrics.

use super::generate::review::sent_patch;
use super::generate::world::DOCUMENTS;
use apim_keyless::admission::routes::{AdmissionState, router};
use apim_keyless::admission::{Endpoint, Request, answer, answer_or_failure};
use apim_keyless::gateway::RelatedObjects;
use apim_keyless::policy::Policy;
use apim_keyless::telemetry::{LogFormat, Metrics, log_to};
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
use tokio::runtime::{Builder, Runtime};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Both formats of the log.
const FORMATS: [LogFormat; 2] = [LogFormat::Json, LogFormat::Text];

/// The doors under one policy.
pub(crate) struct ReviewServer {
    /// What is judged by.
    pub(crate) policy: Policy,
    document: &'static str,
    router: Router,
    metrics: Metrics,
    logs: Vec<(Dispatch, Lines)>,
    visits: Cell<usize>,
    runtime: Runtime,
}

/// What was logged and not yet looked at.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

/// A house for each policy.
pub(crate) struct ReviewServers(Vec<ReviewServer>);

impl ReviewServers {
    /// A house for each policy.
    pub(crate) fn open() -> Self {
        Self(DOCUMENTS.iter().map(|document| ReviewServer::open(document)).collect())
    }

    /// The house with the policy of this document.
    pub(crate) fn of(&self, document: &str) -> &ReviewServer {
        self.0.iter().find(|server| server.document == document).unwrap()
    }
}

impl ReviewServer {
    fn open(document: &'static str) -> Self {
        let (parse, metrics) = (|| Policy::parse(document).unwrap(), Metrics::default());
        let observer = Box::new(metrics.clone());
        let state = AdmissionState { policy: ArcSwap::from_pointee(parse()), related: Arc::default(), observer };
        let logs = FORMATS.into_iter().map(|format| {
            let lines = Lines::default();
            let writer = lines.clone();
            // events that are not written by default tell no more than others
            (log_to(move || writer.clone(), format, false, Targets::new().with_default(LevelFilter::DEBUG)), lines)
        });
        Self {
            policy: parse(),
            document,
            router: router(Arc::new(state)),
            metrics,
            logs: logs.collect(),
            visits: Cell::new(0),
            runtime: Builder::new_current_thread().build().unwrap(),
        }
    }

    /// The answer to a body beside other objects: every byte of the response, and its patch to be read.
    pub(crate) fn answer(&self, endpoint: Endpoint, body: &[u8], related: &RelatedObjects) -> String {
        let answered = Request::read(body)
            .map(|request| answer_or_failure(endpoint, &request, || answer(&self.policy, related, endpoint, &request)));
        match answered {
            Ok(answer) => {
                let patch = answer.patch.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{} {patch}", String::from_utf8(answer.response.to_review()).unwrap())
            }
            Err(review_error) => review_error.to_string(),
        }
    }

    /// What is said to a body and of it: what the router answers, what is logged, what is counted. The formats of the log
    /// take turns.
    pub(crate) fn visit(&self, endpoint: Endpoint, body: &[u8]) -> Visit {
        let (log, lines) = &self.logs[self.visits.replace(self.visits.get() + 1) % FORMATS.len()];
        let call = Call::post(endpoint.path()).header(CONTENT_TYPE, "application/json").body(Body::from(body.to_vec()));
        let answered = TowerToHyperService::new(self.router.clone()).call(call.unwrap());
        let response = tracing::dispatcher::with_default(log, || self.runtime.block_on(answered)).unwrap();
        let status = response.status();
        let body = self.runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
        let patch = (status == StatusCode::OK).then(|| sent_patch(&body));
        let logged = String::from_utf8(std::mem::take(&mut *lines.0.lock().unwrap())).unwrap();
        assert_eq!(logged.lines().count(), 1, "one event, one line: {logged}");
        let told = format!("{}{patch:?}{logged}{}", String::from_utf8_lossy(&body), self.metrics.to_text());
        Visit { status, told }
    }
}

/// What came of a body at the router.
pub(crate) struct Visit {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Everything that was said.
    pub(crate) told: String,
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
