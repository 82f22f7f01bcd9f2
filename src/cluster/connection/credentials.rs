//! Credentials of a kubeconfig that cannot be used.

use super::error::{ConnectionError, shown};
use super::kubeconfig::of_data;
use super::{ServerDescription, address};
use crate::tls::expired_on;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use kube::client::{AuthError, RustlsTlsError};
use kube::config::{AuthInfo, ExecConfig, KubeconfigError};
use serde_json::Value;
use std::io::ErrorKind;
use std::time::SystemTime;

/// The longest part of a plugin's message that is shown.
const MESSAGE_CHARACTERS: usize = 300;

/// When the client certificate of a user expired, if it has. A certificate that cannot be read has not.
pub(super) async fn expired_certificate(user: &AuthInfo) -> Option<String> {
    let pem = match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => String::from_utf8(STANDARD.decode(data).ok()?).ok()?,
        (None, Some(path)) => tokio::fs::read_to_string(path).await.ok()?,
        (None, None) => return None,
    };
    expired_on(&pem, SystemTime::now())
}

/// Why a token or password cannot be sent, if it cannot: the HTTP client would panic.
pub(super) fn check(server: &ServerDescription, user: &AuthInfo) -> Result<(), ConnectionError> {
    let fields = serde_json::to_value(user).unwrap_or_default();
    let text = |field: &str| fields.get(field).and_then(Value::as_str).unwrap_or_default();
    if HeaderValue::from_str(text("token")).is_ok() {
        return Ok(());
    }
    let user = server.user.as_deref().unwrap_or_default();
    let cause = format!("user {user}: the token has a line break or another character that HTTP does not allow");
    Err(ConnectionError::new(&server.place, cause, "correct the token"))
}

/// Why no client can be created.
pub(super) fn explain(server: &ServerDescription, exec: Option<&ExecConfig>, error: &kube::Error) -> ConnectionError {
    let user = server.user.as_deref().unwrap_or_default();
    let of_user = |cause: &str, fix: &str| ConnectionError::new(&server.place, format!("user {user}: {cause}"), fix);
    match error {
        kube::Error::Auth(error) => of_auth(&of_user, exec, error),
        kube::Error::InferKubeconfig(KubeconfigError::LoadClientCertificate(error)) => {
            of_data(&server.place, &format!("client-certificate of user {user}"), error)
        }
        kube::Error::InferKubeconfig(KubeconfigError::LoadClientKey(error)) => {
            of_data(&server.place, &format!("client-key of user {user}"), error)
        }
        kube::Error::RustlsTls(error) => of_tls(server, &of_user, error),
        kube::Error::ProxyProtocolUnsupported { proxy_url } => {
            let cause = format!("the proxy {} has a scheme that is not supported", address::display(proxy_url));
            ConnectionError::new(&server.place, cause, "write http://, https:// or socks5://")
        }
        kube::Error::HttpError(_) => of_user("as or as-groups is not a name", "correct it"),
        other => ConnectionError::new(&server.place, format!("no client can be created: {other}"), "correct it"),
    }
}

type OfUser<'a> = dyn Fn(&str, &str) -> ConnectionError + 'a;

fn of_auth(of_user: &OfUser<'_>, exec: Option<&ExecConfig>, error: &AuthError) -> ConnectionError {
    let command = exec.and_then(|exec| exec.command.as_deref()).unwrap_or_default();
    let hint = exec.and_then(|exec| exec.install_hint.as_deref()).map(|hint| hint.split_whitespace());
    let hint = hint.map(|words| words.collect::<Vec<_>>().join(" ")).filter(|hint| !hint.is_empty());
    match error {
        AuthError::AuthExecStart(cause) if cause.kind() == ErrorKind::NotFound => {
            let fix = hint.unwrap_or_else(|| "install it, or add its folder to PATH".to_owned());
            of_user(&format!("the credential plugin {command} is not installed"), &fix)
        }
        AuthError::AuthExecStart(cause) if cause.kind() == ErrorKind::PermissionDenied => {
            of_user(&format!("the credential plugin {command} may not be run"), "make the file executable")
        }
        AuthError::AuthExecStart(_) => {
            of_user(&format!("the credential plugin {command} cannot be run"), "run it in a shell to see why")
        }
        AuthError::AuthExecRun { out, .. } => {
            let status = match out.status.code() {
                Some(code) => format!("failed with exit code {code}"),
                None => "was stopped by a signal".to_owned(),
            };
            let stderr = String::from_utf8_lossy(&out.stderr);
            let message: String = shown(stderr.trim()).chars().take(MESSAGE_CHARACTERS).collect();
            let said = if message.is_empty() { String::new() } else { format!(" and the message: {message}") };
            of_user(&format!("the credential plugin {command} {status}{said}"), "run it in a shell, or log in again")
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::MalformedTokenExpirationDate(_) => {
            let cause = format!("the credential plugin {command} printed no ExecCredential with a status");
            of_user(&cause, "run it in a shell to see what it prints")
        }
        AuthError::MissingCommand => of_user("exec names no command", "add command to exec"),
        AuthError::ReadTokenFile(_, path) => {
            of_user(&format!("the token file {} cannot be read", path.display()), "check its path and its permissions")
        }
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            of_user("the token or password has a line break or another control character", "remove it")
        }
        AuthError::AuthExec(cause) if cause.contains("azure") => {
            of_user("the auth provider azure no longer exists", "run: kubelogin convert-kubeconfig")
        }
        _ => of_user("its auth provider cannot be used", "use a credential plugin (exec), a certificate or a token"),
    }
}

fn of_tls(server: &ServerDescription, of_user: &OfUser<'_>, error: &RustlsTlsError) -> ConnectionError {
    use RustlsTlsError as Tls;
    match error {
        Tls::InvalidIdentityPem(_)
        | Tls::UnknownPrivateKeyFormat
        | Tls::MissingPrivateKey
        | Tls::MissingCertificate => {
            of_user("client-certificate and client-key are not a certificate and a key in PEM form", "replace them")
        }
        Tls::InvalidPrivateKey(_) => {
            of_user("client-key does not belong to client-certificate", "use a certificate and its own key")
        }
        Tls::InvalidServerName(_) => {
            let cause = "tls-server-name is neither a DNS name nor an IP address";
            ConnectionError::new(&server.place, cause, "correct it")
        }
        Tls::AddRootCertificate(_) | Tls::NoValidNativeRootCA(_) => ConnectionError::new(
            &server.place,
            "there is no usable certificate of the API server's CA",
            format!("write it as base64 into {}", server.ca_setting()),
        ),
    }
}
