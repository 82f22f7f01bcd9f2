//! The gateway's configuration endpoint: any HTTP answer shows that DNS, TLS and the network work.

use crate::cluster::{OutsideServers, Unreachable};

/// The HTTP status with which the configuration endpoint answers a request without credentials.
///
/// # Errors
/// There is no answer.
pub async fn endpoint_status(servers: &OutsideServers, endpoint: &str) -> Result<u16, Unreachable> {
    let endpoint = endpoint.trim();
    let url = if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") };
    Ok(servers.get(&url).await?.status)
}
