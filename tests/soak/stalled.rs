//! 2,000 connections that stall in four ways, beside those that don't.

use crate::replicas::Replicas;
use crate::webhook::measure::share;
use crate::webhook::say;
use crate::writers::Writers;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many connections stall in each way.
const EACH: usize = 500;

/// The first bytes of a `ClientHello`, in a record of which more is to come.
const HALF_HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];

/// How long the server lets any of them be, with room for a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a stalled client has written, over TCP or TLS, before it writes no more.
const WAYS: [(bool, &[u8]); 4] = [
    (false, b""),
    (false, HALF_HELLO),
    (true, b"POST /enforce/validate HTTP/1.1\r\nhost: local"),
    (true, b"POST /enforce/validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"),
];

/// They are closed within the limits, and nobody else notices.
pub(crate) async fn beside(replicas: &Replicas<'_>, writers: &Writers) {
    let (server, before) = (replicas.oldest(), writers.reviews());
    let mut stalled = JoinSet::new();
    for (is_tls, bytes) in WAYS {
        for _ in 0..share(EACH) {
            if is_tls {
                stalled.spawn(time_until_closed(replicas.webhook.connect_to(server).await, bytes));
            } else {
                let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
                stalled.spawn(time_until_closed(stream, bytes));
            }
        }
    }
    let (number, longest) = (stalled.len(), stalled.join_all().await.into_iter().max().unwrap());
    writers.assert_nothing_failed(replicas.killed());
    let reviews = writers.reviews() - before;
    say(&format!("soak: {number} stalled connections were closed after {longest:?} at most, beside {reviews} reviews"));
}

/// Writes these bytes and waits for the other side to close.
async fn time_until_closed(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Duration {
    stream.write_all(bytes).await.unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    // cut or closed, it is over
    _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    begun.elapsed()
}
