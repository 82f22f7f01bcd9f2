//! Spans of reviews, sent to a collector as OTLP in JSON over plain HTTP (docs/adr/0020).
//!
//! Encoding: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use crate::admission::routes::TracedReview;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde_json::{Value, json};
use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

/// How many spans wait at most to be sent. Further ones are dropped: a review never waits for a collector.
const WAITING: usize = 1024;
/// How many spans are sent at once, and how long the first of them waits for others.
const BATCH: usize = 512;
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// Time limit of a call of the collector, from connecting to the end of the response.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The response is read to this length.
const RESPONSE_BYTES: usize = 64 * 1024;
/// Length limit of an attribute. Names of objects have at most 253 characters.
const ATTRIBUTE_CHARACTERS: usize = 256;
/// The path for traces below a collector's address.
const PATH: &str = "/v1/traces";

/// The address of a collector: `http://HOST:PORT`, without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint {
    /// Host and port, as the header `Host` states them.
    address: String,
    path: String,
}

impl OtlpEndpoint {
    /// Parses an address. The default port is 4318; the path of a collector behind a gateway is kept.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "write http://HOST:PORT, the address of an OpenTelemetry collector that receives OTLP over HTTP";
        if text.starts_with("https://") {
            return Err(format!("{FORM}; this connection has no TLS, so use a collector in the cluster"));
        }
        let uri: Uri = text.parse().map_err(|_| FORM.to_owned())?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(FORM)?;
        if uri.scheme_str() != Some("http") || has_user || uri.query().is_some() || uri.port_u16() == Some(0) {
            return Err(FORM.to_owned());
        }
        let port = uri.port_u16().unwrap_or(4318);
        Ok(Self { address: format!("{host}:{port}"), path: uri.path().trim_end_matches('/').to_owned() + PATH })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    outcome: &'static str,
}

/// Spans by what became of them.
pub(super) type SpanCounter = Family<OutcomeLabels, Counter>;

/// Takes the spans of reviews. Clones share the same queue.
#[derive(Clone)]
pub(super) struct TraceQueue {
    spans: Sender<Value>,
    counter: SpanCounter,
    ids: Arc<SpanIds>,
}

/// Sends the queued spans of reviews to a collector.
pub struct TraceExporter {
    endpoint: OtlpEndpoint,
    spans: Receiver<Value>,
    counter: SpanCounter,
}

impl TraceQueue {
    /// A queue, and the exporter that empties it.
    pub(super) fn new(endpoint: OtlpEndpoint, counter: SpanCounter) -> (Self, TraceExporter) {
        let (sender, receiver) = channel(WAITING);
        let queue = Self { spans: sender, counter: counter.clone(), ids: Arc::default() };
        (queue, TraceExporter { endpoint, spans: receiver, counter })
    }

    /// Adds the span of a review, or drops it if the queue is full.
    pub(super) fn add(&self, review: &TracedReview<'_>) {
        if self.spans.try_send(span(review, &self.ids.next())).is_err() {
            count(&self.counter, "dropped", 1);
        }
    }
}

/// Ids of spans, unique with a random start of each process.
#[derive(Default)]
struct SpanIds {
    random: RandomState,
    count: AtomicU64,
}

impl SpanIds {
    fn next(&self) -> String {
        let id = self.random.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        // zero is no id
        format!("{:016x}", id.max(1))
    }
}

fn count(counter: &SpanCounter, outcome: &'static str, spans: usize) {
    counter.get_or_create(&OutcomeLabels { outcome }).inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
}

/// A review as a span of OTLP. No attribute has a value of the evaluated object.
fn span(review: &TracedReview<'_>, id: &str) -> Value {
    let TracedReview { parent, endpoint, start, end, request, answer } = review;
    let rules: Vec<&str> = answer.findings.iter().map(|finding| finding.rule.id).collect();
    let nanoseconds = |time: &SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
    json!({
        "traceId": parent.trace_id,
        "spanId": id,
        "parentSpanId": parent.span_id,
        "name": format!("{} {}", endpoint.mode.name(), endpoint.webhook.name()),
        // of a server
        "kind": 2,
        "startTimeUnixNano": nanoseconds(start),
        "endTimeUnixNano": nanoseconds(end),
        "attributes": [
            text("apim_keyless.webhook", endpoint.webhook.name()),
            text("apim_keyless.mode", endpoint.mode.name()),
            text("apim_keyless.decision", answer.decision.name()),
            text("apim_keyless.rules", &rules.join(",")),
            text("k8s.admission.uid", &request.uid),
            text("k8s.admission.operation", request.operation.name()),
            text("k8s.object.kind", &request.kind.kind),
            text("k8s.object.name", request.name.as_deref().unwrap_or_default()),
            text("k8s.namespace.name", request.namespace.as_deref().unwrap_or_default()),
        ],
    })
}

impl TraceExporter {
    /// Sends spans until `stop` ends, and then those that wait.
    pub async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let (mut batch, mut is_failing) = (Vec::new(), false);
        while self.fill(&mut batch, &mut stop).await {
            is_failing = !self.export(mem::take(&mut batch), is_failing).await;
        }
    }

    /// Waits for a span, and for more that come soon after. `false` at the end.
    async fn fill(&mut self, batch: &mut Vec<Value>, stop: &mut oneshot::Receiver<()>) -> bool {
        let mut deadline = None;
        while batch.len() < BATCH {
            let due = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                _ = &mut *stop, if !self.spans.is_closed() => self.spans.close(),
                span = self.spans.recv() => match span {
                    Some(span) => batch.push(span),
                    None => break,
                },
                () = due => break,
            }
            deadline = deadline.or_else(|| (!batch.is_empty()).then(|| Instant::now() + BATCH_DELAY));
        }
        !batch.is_empty()
    }

    /// Sends a batch and counts its spans. A failure is logged if the call before did not fail. Returns whether it succeeded.
    async fn export(&self, batch: Vec<Value>, is_failing: bool) -> bool {
        let number = batch.len();
        let outcome = timeout(CALL_TIMEOUT, self.send(batch)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("no response within {} s", CALL_TIMEOUT.as_secs())));
        count(&self.counter, if outcome.is_ok() { "exported" } else { "dropped" }, number);
        match &outcome {
            Ok(()) if is_failing => tracing::info!(endpoint = self.endpoint.address, "exports traces again"),
            Err(error) if !is_failing => {
                tracing::warn!(endpoint = self.endpoint.address, error, "cannot export traces, and drops their spans");
            }
            _ => {}
        }
        outcome.is_ok()
    }

    async fn send(&self, spans: Vec<Value>) -> Result<(), String> {
        let shown = |error: &dyn std::error::Error| error.to_string();
        let stream = TcpStream::connect(&self.endpoint.address).await.map_err(|error| shown(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| shown(&error))?;
        let request = Request::post(&self.endpoint.path)
            .header(HOST, &self.endpoint.address)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body(&spans).to_string())))
            .map_err(|error| shown(&error))?;
        let call = async {
            let response = sender.send_request(request).await.map_err(|error| shown(&error))?;
            let status = response.status();
            _ = Limited::new(response.into_body(), RESPONSE_BYTES).collect().await;
            // else the connection would stay open
            drop(sender);
            if status == StatusCode::OK { Ok(()) } else { Err(format!("the collector answered {status}")) }
        };
        let (outcome, _) = tokio::join!(call, connection);
        outcome
    }
}

/// An attribute. Any client can send a review, so long texts are cut: many spans wait at once.
fn text(key: &str, value: &str) -> Value {
    let end = value.char_indices().map(|(at, _)| at).nth(ATTRIBUTE_CHARACTERS).unwrap_or(value.len());
    json!({"key": key, "value": {"stringValue": value.get(..end).unwrap_or_default()}})
}

/// The body of an `ExportTraceServiceRequest`.
fn body(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            text("service.name", "apim-keyless"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ]},
        "scopeSpans": [{"scope": {"name": "apim-keyless"}, "spans": spans}],
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_default_port_and_the_path_of_traces() {
        for (text, address, path) in [
            ("http://collector", "collector:4318", "/v1/traces"),
            ("http://collector.monitoring.svc:4317/", "collector.monitoring.svc:4317", "/v1/traces"),
            ("http://[::1]:1/otlp", "[::1]:1", "/otlp/v1/traces"),
        ] {
            let expected = OtlpEndpoint { address: address.to_owned(), path: path.to_owned() };
            assert_eq!(OtlpEndpoint::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_collector_s_address_is_an_error() {
        for text in
            ["", "collector:4318", "https://collector", "ftp://a", "http://", "http://a:0", "http://u@a", "http://a?b"]
        {
            let error = OtlpEndpoint::parse(text).unwrap_err();
            assert!(error.starts_with("write http://HOST:PORT"), "{text}: {error}");
        }
    }

    #[test]
    fn a_long_attribute_is_cut_between_characters() {
        let long = text("key", &"\u{fc}".repeat(2 * ATTRIBUTE_CHARACTERS));
        assert_eq!(long["value"]["stringValue"], "\u{fc}".repeat(ATTRIBUTE_CHARACTERS));
    }
}
