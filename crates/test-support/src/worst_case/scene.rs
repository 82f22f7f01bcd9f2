//! What the server's endpoints answer to a body, without a network: from the bytes of the body to the bytes of the response,
//! with the log event.

use super::Related;
use apim_keyless::admission::routes::{AdmissionState, router};
use apim_keyless::admission::{Endpoint, MessageOptions, SecondLook};
use apim_keyless::telemetry::{LogFormat, Metrics, log_to};
use apim_keyless_core::gateway::Snapshot;
use apim_keyless_core::policy::Policy;
use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tracing::dispatcher::{Dispatch, with_default};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The server's router with related objects.
pub struct Scene {
    router: TowerToHyperService<axum::Router>,
    log: Dispatch,
    runtime: Runtime,
}

impl Scene {
    /// A server whose cache holds these related objects.
    ///
    /// # Panics
    /// The runtime does not start.
    pub fn new(related: Related) -> Self {
        let of_namespace = |objects| Snapshot::Cluster(BTreeMap::from([("apim".to_owned(), Arc::new(objects))]));
        let snapshot = related.objects().map_or(Snapshot::NoCluster, of_namespace);
        let policy = Policy::parse(include_str!("../../../../deploy/policy.yaml")).unwrap();
        let state = AdmissionState {
            policy: ArcSwap::from_pointee(policy),
            related: Arc::new(ArcSwap::from_pointee(snapshot)),
            messages: MessageOptions::default(),
            second_look: SecondLook::default(),
            observer: Box::new(Metrics::default()),
        };
        let log = log_to(std::io::sink, LogFormat::Json, false, Targets::new().with_default(LevelFilter::INFO));
        Self {
            router: TowerToHyperService::new(router(Arc::new(state))),
            log,
            runtime: Builder::new_current_thread().enable_time().build().unwrap(),
        }
    }

    /// Answers a body, and returns the HTTP status of the response.
    ///
    /// # Panics
    /// There is no response.
    pub fn response(&self, endpoint: Endpoint, body: Bytes) -> u16 {
        let request = Request::post(endpoint.path()).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body)).unwrap();
        with_default(&self.log, || {
            self.runtime.block_on(async {
                let response = self.router.call(request).await.unwrap();
                let status = response.status().as_u16();
                response.into_body().collect().await.unwrap();
                status
            })
        })
    }
}
