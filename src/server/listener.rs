//! Taking a port, and saying clearly why that failed.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// A port that cannot be listened on: which, what for, why, and the option that chooses another.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({purpose}): {}", explain(cause, flag))]
pub struct ListenError {
    address: SocketAddr,
    purpose: String,
    flag: String,
    cause: io::Error,
}

/// Listens on `address`; port 0 takes a free one. `purpose` (`HTTPS`) and `flag` (`--listen`) go into the error.
///
/// # Errors
/// The system does not give the port to us.
pub async fn bind(address: SocketAddr, purpose: &str, flag: &str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|cause| ListenError {
        address,
        purpose: purpose.to_owned(),
        flag: flag.to_owned(),
        cause,
    })
}

fn explain(cause: &io::Error, flag: &str) -> String {
    match cause.kind() {
        ErrorKind::AddrInUse => {
            format!("the address is already in use; stop what holds it or choose another with {flag}")
        }
        ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address; choose one that it has with {flag}")
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not take that port; choose one above 1023 with {flag}")
        }
        _ => format!("{cause}; choose another address with {flag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_told_with_its_cure() {
        let first = bind(([127, 0, 0, 1], 0).into(), "HTTPS", "--listen").await.unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(address, "HTTPS", "--listen").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot listen on {address} (HTTPS): the address is already in use; stop what holds it or choose \
                 another with --listen"
            )
        );
    }

    #[tokio::test]
    async fn a_foreign_address_is_told_with_its_cure() {
        let error = bind(([192, 0, 2, 1], 0).into(), "health", "--health-listen").await.unwrap_err().to_string();
        assert!(error.contains("(health): this machine has no such address"), "{error}");
        assert!(error.ends_with("with --health-listen"), "{error}");
    }
}
