//! The memory of a server while clients send the worst reviews at the same time.

use crate::cost::as_float;
use apim_keyless::admission::Endpoint;
use apim_keyless::tls::{provider, root_store};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, iter};
use test_support::run::{Folder, Serving};

/// How long the clients send reviews.
const TIME: Duration = Duration::from_secs(20);

/// Sends the bodies to a server, with this many clients, and says how much memory it used.
pub(crate) fn sentence(bodies: &[Vec<u8>], callers: usize) -> String {
    let folder = Folder::with(&[]);
    let server = Serving::start(&folder, &["--name", "localhost"]);
    let address = server.reviews();
    let client = Client { address, config: config(&fs::read_to_string(folder.path("certs/ca.crt")).unwrap()) };
    let rest = server.most_memory();
    let start = Instant::now();
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    let results: Vec<Vec<u16>> = thread::scope(|scope| {
        let call = |caller: usize| {
            let (client, requests) = (&client, bodies.iter().flat_map(|body| Endpoint::ALL.map(|at| (at, body))));
            let mut requests = requests.cycle().skip(caller);
            let sent = move || requests.next().map(|(endpoint, body)| client.send(endpoint, body));
            scope.spawn(move || iter::from_fn(sent).take_while(|_| start.elapsed() < TIME).collect())
        };
        let callers: Vec<_> = (0..callers).map(call).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    for status in results.into_iter().flatten() {
        *answers.entry(status).or_default() += 1;
    }
    let mebibytes = |bytes| as_float(bytes) / 1024.0 / 1024.0;
    format!(
        "\n{callers} clients sent the first {} of them to each endpoint of one server for {} s, without related objects. \
         Responses by status: {answers:?}.\nThe server used {:.0} MiB at most, and {:.0} MiB at rest.\n",
        bodies.len(),
        TIME.as_secs(),
        mebibytes(server.most_memory()),
        mebibytes(rest),
    )
}

struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
}

impl Client {
    /// Sends a review on a new connection, and returns the status of the response; 0 if there is none.
    fn send(&self, endpoint: Endpoint, body: &[u8]) -> u16 {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: \
             close\r\n\r\n",
            endpoint.path(),
            body.len()
        );
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let Ok(stream) = TcpStream::connect(self.address) else { return 0 };
        let mut stream = StreamOwned::new(connection, stream);
        let mut response = Vec::new();
        // a server without a place for the review answers before it has read the body
        _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        _ = stream.read_to_end(&mut response);
        let status = response.split(|byte| *byte == b' ').nth(1).and_then(|status| str::from_utf8(status).ok());
        status.and_then(|status| status.parse().ok()).unwrap_or_default()
    }
}

fn config(ca_pem: &str) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(root_store(ca_pem).unwrap()).with_no_client_auth())
}
