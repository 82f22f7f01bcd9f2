//! The end of the log of a container.

use crate::cluster::client::with_timeout;
use crate::cluster::installation::send;
use crate::cluster::{Connection, ReadError, ReadResult};
use hyper::Request;
use kube::client::Body;

/// The last lines that are read. A gateway that cannot authenticate repeats its failure every few seconds.
const LINES: u32 = 1000;

/// Most bytes that are read.
const BYTES: u32 = 1024 * 1024;

/// Most characters of the API server's message that are shown.
const MESSAGE_CHARACTERS: usize = 300;

/// The end of a container's log. It has no `Debug`: a log may hold anything.
pub struct PodLog {
    /// The Pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The lines, or why they cannot be read.
    pub text: ReadResult<String>,
}

/// Reads the last 1000 lines, at most 1 MiB, of a container's log.
pub async fn read_log(connection: &Connection, namespace: &str, pod: &str, container: &str) -> PodLog {
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={LINES}&limitBytes={BYTES}"
    );
    let read = async {
        let request = Request::get(path).body(Body::empty()).map_err(kube::Error::HttpError)?;
        Ok(send(&connection.client, request).await?.1)
    };
    let permission = format!("get on pods/log in namespace {namespace}");
    let text = with_timeout(read).await.map(|body| String::from_utf8_lossy(&body).into_owned());
    let text = text.map_err(|error| log_error(connection, &permission, &error));
    PodLog { pod: pod.to_owned(), container: container.to_owned(), text }
}

fn log_error(connection: &Connection, permission: &str, error: &kube::Error) -> ReadError {
    let attempt = "read the logs of the gateway";
    match error {
        // the API server has the log from the kubelet of the Pod's node
        kube::Error::Api(status) if !status.is_forbidden() && status.code >= 400 => {
            let cause: String = status.message.chars().take(MESSAGE_CHARACTERS).collect();
            let reason = format!("the API server gets none from the kubelet: {cause} ({})", status.code);
            ReadError { attempt: attempt.to_owned(), reason }
        }
        other => ReadError::new(connection, attempt, permission, other),
    }
}
