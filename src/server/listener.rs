//! Binds a port and explains why that failed.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Why a port cannot be bound. The message has the address, its purpose, the cause, and the flag that sets another.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({purpose}): {}", explain(cause, flag))]
pub struct ListenError {
    address: SocketAddr,
    purpose: String,
    flag: String,
    cause: io::Error,
}

/// Listens on `address`; port 0 selects a free port. The error names `purpose` (`HTTPS`) and `flag` (`--listen`).
///
/// # Errors
/// The operating system does not allow the address or the port.
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
            format!("this machine does not have this address; choose one that it has with {flag}")
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not bind this port; choose one above 1023 with {flag}")
        }
        _ => format!("{cause}; choose another address with {flag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_error_of_a_used_port_names_the_flag() {
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
    async fn the_error_of_an_address_of_another_machine_names_the_flag() {
        let error = bind(([192, 0, 2, 1], 0).into(), "health", "--health-listen").await.unwrap_err().to_string();
        assert!(error.contains("(health): this machine does not have this address"), "{error}");
        assert!(error.ends_with("with --health-listen"), "{error}");
    }
}
