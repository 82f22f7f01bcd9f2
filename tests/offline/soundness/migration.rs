//! A gateway that is put right passes: whatever its objects were before, in whatever order they are applied, and however
//! late the cache is. Sent to the routes of the webhook, which look twice before a denial that rests on another object.

use super::decisions::{POLICY, body, config_map, deployment};
use super::universe::{Gateway, few_elements};
use crate::environment::world::{GIVEN, NAMESPACE, Texts};
use apim_keyless::admission::routes::{AdmissionState, router};
use apim_keyless::admission::{MessageOptions, SecondLook};
use apim_keyless::telemetry::Metrics;
use apim_keyless_core::gateway::{ConfigMap, Coverage, RelatedObjects, ServiceAccount, Snapshot};
use apim_keyless_core::policy::Policy;
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use test_support::key_sources::KEY;

/// When the cache learns of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lag {
    None,
    /// While the webhook waits for its second look.
    UntilSecondLook,
    /// After everything was applied once.
    UntilTheEnd,
}

/// A namespace, and the webhook with a cache of it.
struct Cluster {
    objects: BTreeMap<String, Value>,
    related: Arc<ArcSwap<Snapshot>>,
    webhook: TowerToHyperService<Router>,
    lag: Lag,
    writes: usize,
}

impl Cluster {
    fn new(objects: &[Value], lag: Lag) -> Self {
        let related = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let state = AdmissionState {
            policy: ArcSwap::from_pointee(Policy::parse(POLICY).unwrap()),
            related: Arc::clone(&related),
            messages: MessageOptions::default(),
            second_look: SecondLook::default(),
            observer: Box::new(Metrics::default()),
        };
        let webhook = TowerToHyperService::new(router(Arc::new(state)));
        let objects = objects.iter().map(|object| (kind(object), object.clone())).collect();
        let cluster = Self { objects, related, webhook, lag, writes: 0 };
        cluster.catch_up();
        cluster
    }

    /// Fills the cache with what exists now. It holds no workloads.
    fn catch_up(&self) {
        let mut related = RelatedObjects::default();
        related.coverage = Coverage::Complete;
        for object in self.objects.values() {
            let texts = |at: &str| {
                let members = object.pointer(at).and_then(Value::as_object).into_iter().flatten();
                members.map(|(key, text)| (key.clone(), text.as_str().unwrap().to_owned())).collect()
            };
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            let (labels, annotations) = (texts("/metadata/labels"), texts("/metadata/annotations"));
            match object["kind"].as_str().unwrap() {
                "ConfigMap" => related.put_config_map(ConfigMap::for_cache(name, texts("/data"), [])),
                "ServiceAccount" => {
                    related.put_service_account(ServiceAccount::for_cache(name, &labels, &annotations));
                }
                _ => {}
            }
        }
        self.related.store(Arc::new(Snapshot::Cluster([(NAMESPACE.to_owned(), Arc::new(related))].into())));
    }

    /// Applies an object as the API server does; the text of the denial if it is denied.
    async fn apply(&mut self, object: &Value) -> Result<(), String> {
        self.writes += 1;
        let old = self.objects.get(&kind(object)).cloned();
        let mut object = object.clone();
        let response = self.ask("/enforce/mutate", &object, old.as_ref()).await;
        if let Some(patch) = response["patch"].as_str() {
            let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
            json_patch::patch(&mut object, &patch).unwrap();
        }
        let response = self.ask("/enforce/validate", &object, old.as_ref()).await;
        if response["allowed"] != true {
            return Err(response["status"]["message"].as_str().unwrap().to_owned());
        }
        self.objects.insert(kind(&object), object);
        if self.lag == Lag::None {
            self.catch_up();
        }
        Ok(())
    }

    /// The response to a review. The webhook waits a second before a denial that rests on a related object.
    async fn ask(&self, path: &str, object: &Value, old: Option<&Value>) -> Value {
        let review = body(object, old, &self.writes.to_string());
        let request = Request::post(path).header("Content-Type", "application/json").body(Body::from(review)).unwrap();
        let mut call = pin!(self.webhook.call(request));
        let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        let response = match first {
            Poll::Ready(response) => response,
            Poll::Pending => {
                if self.lag == Lag::UntilSecondLook {
                    self.catch_up();
                }
                call.await
            }
        };
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let review: Value = serde_json::from_slice(&body).unwrap();
        review["response"].clone()
    }
}

fn kind(object: &Value) -> String {
    object["kind"].as_str().unwrap().to_owned()
}

fn account(annotations: &Value) -> Value {
    let metadata = json!({"name": "apim-gateway", "namespace": NAMESPACE, "annotations": annotations});
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
}

fn main_config_map(auth: Option<&'static str>) -> Value {
    config_map(0, &auth.map(|auth| ("config.service.auth", auth)).into_iter().collect::<Texts>())
}

/// The gateway with the expected `ConfigMap`, and nothing else.
fn gateway() -> Value {
    let gateway = Gateway::of([&few_elements()[0]]);
    assert_eq!(gateway.container.env_from.len(), 1);
    deployment(&gateway)
}

fn gateway_with_key() -> Value {
    let mut gateway = gateway();
    let key = json!({"name": "config.service.auth", "valueFrom": {"secretKeyRef": {"name": "a", "key": "value"}}});
    gateway["spec"]["template"]["spec"]["containers"][0]["env"] = json!([key]);
    gateway
}

#[tokio::test]
async fn a_gateway_that_is_put_right_is_denied_once_at_most() {
    let other_client = json!({"azure.workload.identity/client-id": "00000000-1111-2222-3333-444444444444"});
    let accounts = [None, Some(account(&json!({}))), Some(account(&other_client))];
    let config_maps = [None, Some("workloadIdentity"), Some(KEY), Some("azureAdApp")];
    let config_maps = config_maps.map(|auth| auth.map(|auth| main_config_map(Some(auth))));
    let workloads = [None, Some(gateway()), Some(gateway_with_key())];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut starts = Vec::new();
    for (account, config_map) in accounts.iter().flat_map(|account| config_maps.iter().map(move |it| (account, it))) {
        let start = |workload| [account, config_map, workload].into_iter().flatten().cloned().collect::<Vec<Value>>();
        starts.extend(workloads.iter().map(start));
    }
    let lags = [Lag::None, Lag::UntilSecondLook, Lag::UntilTheEnd];
    let ways = || orders.iter().flat_map(|order| lags.map(|lag| (*order, lag)));
    let migrations = starts.iter().flat_map(|start| ways().map(|(order, lag)| migrate(start.clone(), order, lag)));
    let denials: Vec<usize> = join_all(migrations).await;
    println!("{} migrations, {} writes denied once", denials.len(), denials.iter().sum::<usize>());
    assert!(denials.contains(&0) && denials.contains(&1));
}

/// Applies the objects of a correct gateway twice, and returns how many were denied the first time.
async fn migrate(before: Vec<Value>, order: [usize; 3], lag: Lag) -> usize {
    let right = [account(&json!({})), main_config_map(None), gateway()];
    let mut cluster = Cluster::new(&before, lag);
    let denials = first_time(&mut cluster, &right, order).await;
    cluster.catch_up();
    for index in order {
        let applied = cluster.apply(&right[index]).await;
        assert_eq!(applied, Ok(()), "the second time; {order:?} {lag:?} {before:#?}");
        cluster.catch_up();
    }
    denials
}

/// Applies the objects in this order, and returns how many are denied.
async fn first_time(cluster: &mut Cluster, right: &[Value; 3], order: [usize; 3]) -> usize {
    let mut denied = 0;
    for index in order {
        let Err(message) = cluster.apply(&right[index]).await else { continue };
        denied += 1;
        let others_were_applied = order[2] == 2 && cluster.lag != Lag::UntilTheEnd;
        assert!(index == 2 && !others_were_applied, "{order:?} {:?}: {message}", cluster.lag);
        let named = [format!("ConfigMap \"{}\"", GIVEN[0]), "ServiceAccount \"apim-gateway\"".to_owned()];
        let is_named = named.iter().any(|named| message.contains(named)) && message.contains("\napply ");
        assert!(is_named && message.contains(" first, then this object\n"), "{message}");
    }
    denied
}
