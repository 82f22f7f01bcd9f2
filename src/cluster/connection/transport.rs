//! Why a call of the API server failed: URL, cause and fix.

use super::ServerDescription;
use hyper::StatusCode;
use kube::client::AuthError;
use kube::core::Status;
use rustls::{AlertDescription, CertificateError};
use std::error::Error;
use std::io::{self, ErrorKind};
use tokio::time::error::Elapsed;

/// What Go's HTTPS server answers to a request without TLS.
const HTTP_TO_HTTPS: &str = "HTTP request to an HTTPS server";

/// Why there is no response, or no usable one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    ConnectionRefused,
    UnknownHost,
    Timeout,
    NoRoute,
    Closed,
    /// HTTPS is spoken to a port for HTTP.
    ServerSpeaksHttp,
    /// HTTP is spoken to a port for HTTPS.
    ServerSpeaksHttps,
    NoHttp,
    UnknownCa,
    OtherName(Option<String>),
    Expired,
    NotYetValid,
    BadCertificate,
    /// The server's certificate is that of a CA.
    CaCertificate,
    ClientCertificateRejected,
    Tls,
    Proxy,
    /// A token that no header can hold.
    BadToken,
    /// The credentials cannot be renewed.
    NoCredentials,
    Unknown,
}

/// Cause and fix of a failed call of a server outside of the cluster, which no kubeconfig names.
pub(super) fn explain_outside(error: &kube::Error, proxy: Option<&str>) -> (String, String) {
    let cause = cause_of(error);
    let is_of_proxy = matches!(
        cause,
        Cause::ConnectionRefused | Cause::UnknownHost | Cause::Timeout | Cause::NoRoute | Cause::Closed | Cause::Proxy
    );
    if let Some(proxy) = proxy.filter(|_| is_of_proxy) {
        let fix = "let the proxy open connections to this host, or name the host in NO_PROXY";
        return (format!("the proxy {proxy} opens no connection to it"), fix.to_owned());
    }
    let (cause, fix) = match cause {
        Cause::UnknownHost => {
            ("its host name cannot be resolved (DNS)", "correct the name, or the DNS of this machine")
        }
        Cause::ConnectionRefused => ("connection refused", "correct host and port, or the firewall"),
        Cause::Timeout => ("it does not answer in time", "let firewall and proxy pass this host"),
        Cause::NoRoute => ("there is no route to it", "connect this machine to a network with a route to it"),
        Cause::Closed => ("it closed the connection without an answer", "let firewall and proxy pass this host"),
        Cause::UnknownCa => (
            "its certificate is issued by a CA that is not trusted (TLS)",
            "if a proxy inspects TLS, trust the proxy's CA: --ca FILE, and in the gateway's image",
        ),
        Cause::OtherName(names) => {
            let names = names.map(|names| format!(" ({names})")).unwrap_or_default();
            return (
                format!("its certificate is for another name{names} (TLS)"),
                "use a name from the certificate, or replace the certificate".to_owned(),
            );
        }
        Cause::Expired => ("its certificate has expired (TLS)", "renew it, or correct the clock of this machine"),
        Cause::NotYetValid => ("its certificate is not valid yet (TLS)", "correct the clock of this machine"),
        Cause::BadCertificate | Cause::CaCertificate => {
            ("its certificate cannot be used (TLS)", "replace the server's certificate")
        }
        Cause::ServerSpeaksHttp => ("this port does not speak HTTPS", "correct the address"),
        Cause::Tls | Cause::ClientCertificateRejected => ("the TLS handshake fails", "let no proxy inspect its TLS"),
        Cause::NoHttp | Cause::ServerSpeaksHttps => ("this port does not speak HTTP", "correct the address"),
        Cause::BadToken | Cause::NoCredentials | Cause::Proxy | Cause::Unknown => {
            ("it cannot be reached", "check the network of this machine")
        }
    };
    (cause.to_owned(), fix.to_owned())
}

/// Whether there was no response at all.
pub(in crate::cluster) fn is_unreachable(error: &kube::Error) -> bool {
    matches!(error, kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_))
}

/// URL, cause and fix of a failed call.
pub(super) fn explain(server: &ServerDescription, error: &kube::Error) -> String {
    let (cause, fix) = match error {
        kube::Error::Api(status) => of_status(server, status),
        kube::Error::SerdeError(_) => of_content(server),
        other => of_cause(server, &cause_of(other)),
    };
    format!("{}: {cause}; {fix}", server.address())
}

/// A response that is not what the API server sends.
fn of_content(server: &ServerDescription) -> (String, String) {
    (
        "it does not answer like an API server".to_owned(),
        format!("check {}: it may name a proxy or a login page", server.server_setting()),
    )
}

fn of_status(server: &ServerDescription, status: &Status) -> (String, String) {
    let (code, message) = (status.code, status.message.as_str());
    let reason = StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()).unwrap_or_default();
    let answered = format!("it answered {code} {reason}").trim_end().to_owned();
    match code {
        400 if message.contains(HTTP_TO_HTTPS) => of_cause(server, &Cause::ServerSpeaksHttps),
        401 => {
            let expired = server.expired_certificate.as_ref();
            let why = expired.map_or_else(
                || format!("{answered}: it does not accept the credentials of {}", server.user_setting()),
                |day| format!("{answered}: the client certificate of {} expired on {day}", server.user_setting()),
            );
            (why, "log in again, or get a new kubeconfig (AKS: az aks get-credentials)".to_owned())
        }
        403 if status.reason == "Forbidden" => (answered, format!("grant the permission to {}", server.user_setting())),
        300..=399 | 403 | 404 | 405 => {
            let fix = format!("check {}: it may name a proxy, a login page or a wrong path", server.server_setting());
            (format!("{answered}, which no API server does here"), fix)
        }
        429 | 502..=504 => (answered, "try again: it is overloaded, or it is starting".to_owned()),
        500.. => (answered, "read why in the log of kube-apiserver".to_owned()),
        _ => (answered, format!("check {}", server.server_setting())),
    }
}

#[allow(clippy::too_many_lines, reason = "a table with one row for each cause")]
fn of_cause(server: &ServerDescription, cause: &Cause) -> (String, String) {
    let (setting, ca) = (server.server_setting(), server.ca_setting());
    let (cause, fix) = match cause {
        // behind a proxy it is the proxy that does not answer, or that reports this
        Cause::ConnectionRefused | Cause::UnknownHost | Cause::Timeout | Cause::NoRoute | Cause::Closed
            if server.proxy.is_some() =>
        {
            return of_cause_at_proxy();
        }
        Cause::Closed | Cause::NoHttp if server.url.starts_with("http://") => {
            let fix = format!("write https:// in {setting} if this port speaks HTTPS, else correct the port");
            ("it does not answer in HTTP", fix)
        }
        Cause::ConnectionRefused => ("connection refused", format!("start the API server, or correct {setting}")),
        Cause::UnknownHost => {
            let fix = format!("connect to the network or VPN of the cluster, or correct {setting}");
            ("its host name cannot be resolved", fix)
        }
        Cause::Timeout => {
            let fix = format!("check that VPN, proxy and firewall let this machine reach it, or correct {setting}");
            ("it does not answer in time", fix)
        }
        Cause::NoRoute => {
            let fix = format!("connect to the network or VPN of the cluster, or correct {setting}");
            ("there is no route to it", fix)
        }
        Cause::Closed => {
            let fix = format!("check that a proxy or firewall lets this machine reach it, or correct {setting}");
            ("it closed the connection without an answer", fix)
        }
        Cause::ServerSpeaksHttp => {
            ("this port does not speak HTTPS", format!("write http:// if it speaks HTTP, or correct {setting}"))
        }
        Cause::ServerSpeaksHttps => ("this port speaks HTTPS and not HTTP", format!("write https:// in {setting}")),
        Cause::NoHttp => ("this port does not speak HTTP", format!("correct scheme or port: {setting}")),
        Cause::UnknownCa => {
            ("its certificate is issued by a CA that is not trusted", format!("write the cluster's CA into {ca}"))
        }
        Cause::OtherName(names) => {
            let names = names.as_ref().map(|names| format!(" ({names})")).unwrap_or_default();
            let fix = format!("use one of its names{names} in {setting}, or set tls-server-name");
            ("its certificate is for another name", fix)
        }
        Cause::Expired => ("its certificate has expired", "renew it, or correct the clock of this machine".to_owned()),
        Cause::NotYetValid => ("its certificate is not valid yet", "correct the clock of this machine".to_owned()),
        Cause::BadCertificate => ("its certificate cannot be used", "replace the API server's certificate".to_owned()),
        Cause::ClientCertificateRejected => {
            let cause = "it does not accept the client certificate";
            (cause, format!("renew the certificate of {}", server.user_setting()))
        }
        Cause::Tls => ("there is no TLS version or cipher that both sides support", format!("check {setting}")),
        Cause::Proxy => return of_cause_at_proxy(),
        Cause::BadToken => {
            let cause = "the token for it has a line break or another character that HTTP does not allow";
            (cause, format!("correct the token of {}", server.user_setting()))
        }
        Cause::NoCredentials => {
            ("the credentials for it cannot be renewed", format!("log in again: {}", server.user_setting()))
        }
        Cause::CaCertificate => {
            let fix = format!("use a certificate that the CA has issued, or correct {setting}");
            ("its certificate is that of a CA, which is no server certificate", fix)
        }
        Cause::Unknown => ("it cannot be reached", format!("check the network, and {setting}")),
    };
    (cause.to_owned(), fix)
}

fn of_cause_at_proxy() -> (String, String) {
    let fix = "check proxy-url in the kubeconfig, or HTTPS_PROXY; NO_PROXY names hosts without a proxy";
    ("the proxy opens no connection to it".to_owned(), fix.to_owned())
}

/// The cause that the chain of an error shows.
fn cause_of(error: &kube::Error) -> Cause {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    let mut found = Cause::Unknown;
    while let Some(error) = next {
        if let Some(cause) = cause_of_one(error) {
            found = cause;
        }
        // the source of an io::Error is that of the error inside
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    }
    found
}

fn cause_of_one(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<AuthError>() {
        let is_token = matches!(error, AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_));
        return Some(if is_token { Cause::BadToken } else { Cause::NoCredentials });
    }
    if error.is::<Elapsed>() {
        return Some(Cause::Timeout);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        let is_closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
        // bytes before the request
        let is_unexpected = error.to_string().contains("unexpected message");
        let is_other_protocol = error.is_parse() || is_unexpected;
        return if is_other_protocol { Some(Cause::NoHttp) } else { is_closed.then_some(Cause::Closed) };
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return match error.kind() {
            ErrorKind::ConnectionRefused => Some(Cause::ConnectionRefused),
            ErrorKind::TimedOut => Some(Cause::Timeout),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => {
                Some(Cause::NoRoute)
            }
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(Cause::Closed),
            _ => error.to_string().contains("lookup address").then_some(Cause::UnknownHost),
        };
    }
    let text = error.to_string();
    match () {
        () if text.starts_with("client error (SendRequest") => Some(Cause::Closed),
        () if text.starts_with("dns error") => Some(Cause::UnknownHost),
        () if text.starts_with("tunnel") || text.starts_with("SOCKS") => Some(Cause::Proxy),
        () => None,
    }
}

fn of_tls(error: &rustls::Error) -> Cause {
    use CertificateError as Certificate;
    use rustls::Error as Tls;
    match error {
        Tls::InvalidMessage(_) => Cause::ServerSpeaksHttp,
        Tls::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature) => Cause::UnknownCa,
        Tls::InvalidCertificate(Certificate::NotValidForName) => Cause::OtherName(None),
        Tls::InvalidCertificate(Certificate::NotValidForNameContext { presented, .. }) => {
            Cause::OtherName(Some(super::error::names(presented.iter().map(String::as_str))))
        }
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => Cause::Expired,
        Tls::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => {
            Cause::NotYetValid
        }
        Tls::InvalidCertificate(Certificate::Other(other)) if other.to_string().contains("CaUsedAsEndEntity") => {
            Cause::CaCertificate
        }
        Tls::InvalidCertificate(_) | Tls::NoCertificatesPresented => Cause::BadCertificate,
        Tls::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => Cause::ClientCertificateRejected,
        Tls::General(text) if text.contains("UnknownIssuer") => Cause::UnknownCa,
        _ => Cause::Tls,
    }
}
