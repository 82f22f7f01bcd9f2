//! The watch of one kind, and how long the API server has sent nothing for it.

use super::events::{EventStream, WatchEvent, after, watch_kind};
use crate::cluster::client::WATCH_SECONDS;
use apim_keyless_core::gateway::Kind;
use futures::StreamExt;
use futures::stream::pending;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Bytes};
use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::service_fn;

/// The watch of a kind.
pub(super) struct KindWatch {
    kind: Kind,
    client: Client,
    events: EventStream,
    /// When the API server last sent something for it.
    received: watch::Sender<Instant>,
    stale_after: Duration,
    is_started: bool,
}

impl KindWatch {
    /// A watch that is not started yet. It is stale once nothing was received for `stale_after`.
    pub(super) fn new(kind: Kind, client: Client, stale_after: Duration) -> Self {
        let received = watch::Sender::new(Instant::now());
        let client = recording(client, received.clone());
        Self { kind, client, events: pending().boxed(), received, stale_after, is_started: false }
    }

    /// Starts it, again if it was started before, with a list.
    pub(super) fn start(&mut self, delay: Duration) {
        if !std::mem::replace(&mut self.is_started, true) {
            self.received.send_replace(Instant::now());
        }
        let events = watch_kind(self.kind, self.client.clone(), watch_seconds(self.stale_after));
        self.events = after(delay, events);
    }

    /// The next event.
    pub(super) async fn next(&mut self) -> Option<WatchEvent> {
        self.events.next().await
    }

    /// When it becomes stale if nothing is received until then. `None` if it is not started.
    pub(super) fn stale_at(&self) -> Option<Instant> {
        self.received.borrow().checked_add(self.stale_after).filter(|_| self.is_started)
    }
}

/// After how many seconds the API server ends a watch, so that it sends something at least twice in `stale_after`.
///
/// Bookmarks do not suffice: the API server sends none while the kind's resourceVersion is still that of the start of the
/// watch, and where nobody writes the kind, that can last for hours.
fn watch_seconds(stale_after: Duration) -> u32 {
    u32::try_from(stale_after.as_secs() / 2).unwrap_or(WATCH_SECONDS).clamp(1, WATCH_SECONDS)
}

/// A client that records when the API server sends something: a successful response, or a part of its body.
///
/// [`watcher`](kube::runtime::watcher) has no event for a bookmark, nor for a watch that starts again.
fn recording(client: Client, received: watch::Sender<Instant>) -> Client {
    let namespace = client.default_namespace().to_owned();
    let send = move |request| send_and_record(client.clone(), request, received.clone());
    Client::new(service_fn(send), namespace)
}

async fn send_and_record(
    client: Client,
    request: Request<Body>,
    received: watch::Sender<Instant>,
) -> kube::Result<Response<impl HttpBody<Data = Bytes, Error = kube::Error>>> {
    let response = client.send(request).await?;
    let received = response.status().is_success().then_some(received);
    let record = move || _ = received.as_ref().map(|received| received.send_replace(Instant::now()));
    record();
    let record_frame = move |frame| {
        record();
        frame
    };
    Ok(response.map(|body| body.map_frame(record_frame)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::Config;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::join;
    use tokio::net::{TcpListener, TcpStream};

    /// Sends a request, which is answered with these bytes. Returns the response and the server's side.
    async fn exchange(client: &Client, listener: &TcpListener, bytes: &str) -> (Response<Body>, TcpStream) {
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(bytes.as_bytes()).await.unwrap();
            stream
        };
        let request = Request::get("/api/v1/configmaps").body(Body::empty()).unwrap();
        let (response, stream) = join!(client.send(request), answer);
        (response.unwrap(), stream)
    }

    #[tokio::test]
    async fn the_start_and_each_part_of_a_successful_response_count() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::try_from(Config::new(address.parse().unwrap())).unwrap();
        let received = watch::Sender::new(Instant::now());
        let (client, start) = (recording(client, received.clone()), *received.borrow());

        let (response, _) = exchange(&client, &listener, "HTTP/1.1 403 Forbidden\r\n\r\nforbidden").await;
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "forbidden");
        assert_eq!(*received.borrow(), start);

        let (response, mut stream) = exchange(&client, &listener, "HTTP/1.1 200 OK\r\n\r\n").await;
        let opened = *received.borrow();
        assert!(opened > start);
        stream.write_all(b"event").await.unwrap();
        let mut body = response.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "event");
        assert!(*received.borrow() > opened);
    }

    #[test]
    fn a_watch_ends_at_least_twice_before_it_would_be_stale() {
        let seconds = |stale_after| watch_seconds(Duration::from_secs(stale_after));
        assert_eq!([0, 10, 119, 120, 3600, u64::MAX].map(seconds), [1, 5, 59, 60, 60, 60]);
    }
}
