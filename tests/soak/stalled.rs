//! 400 connections of one address that stall in four ways, while the connections of another address work.

use crate::replicas::Replicas;
use crate::writers::Writers;
use std::time::{Duration, Instant};
use test_support::webhook::measure::reduced;
use test_support::webhook::print_to_stderr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many connections stall in each way.
const EACH: usize = 100;

/// The address of the stalled clients. One address gets at most half of `--connections`, so they must not have the API
/// server's.
const SOURCE: [u8; 4] = [127, 0, 0, 2];

/// The first bytes of a `ClientHello`, in a TLS record that is longer.
const HALF_HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];

/// The longest time until the server closes such a connection, with a reserve for a slow machine.
const LIMIT: Duration = Duration::from_mins(1);

/// What a stalled client has written, over TLS (`true`) or TCP, before it stops.
const STALLS: [(bool, &[u8]); 4] = [
    (false, b""),
    (false, HALF_HELLO),
    (true, b"POST /enforce/validate HTTP/1.1\r\nhost: local"),
    (true, b"POST /enforce/validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"),
];

/// The server closes stalled connections within its limits, and no other client is affected.
pub(crate) async fn check(replicas: &Replicas<'_>, writers: &Writers) {
    let (server, before) = (replicas.oldest(), writers.reviews());
    let mut stalled = JoinSet::new();
    for (is_tls, bytes) in STALLS {
        for _ in 0..reduced(EACH) {
            if is_tls {
                stalled.spawn(time_until_closed(replicas.webhook.connect_to(server, SOURCE).await, bytes));
            } else {
                let stream = server.connect_tcp_from(SOURCE).await.unwrap();
                stalled.spawn(time_until_closed(stream, bytes));
            }
        }
    }
    let (number, longest) = (stalled.len(), stalled.join_all().await.into_iter().max().unwrap());
    writers.assert_nothing_failed(replicas.killed());
    let reviews = writers.reviews() - before;
    print_to_stderr(&format!(
        "soak: {number} stalled connections were closed after {longest:?} at most, during {reviews} reviews"
    ));
}

/// Writes these bytes and waits until the server closes the connection.
async fn time_until_closed(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Duration {
    stream.write_all(bytes).await.unwrap();
    let start = Instant::now();
    let mut rest = Vec::new();
    // a reset is as good as a close
    _ = timeout(LIMIT, stream.read_to_end(&mut rest)).await.unwrap();
    start.elapsed()
}
