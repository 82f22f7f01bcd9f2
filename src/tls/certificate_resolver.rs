//! The leaf that is shown, which may be replaced while connections are open.

use super::error::{TlsErrorKind, TlsPart};
use super::{ServingCertificate, TlsError, provider};
use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// What handshakes show from now on. Until there is a first leaf they fail.
#[derive(Debug, Default)]
pub struct CertificateResolver(ArcSwapOption<CertifiedKey>);

impl CertificateResolver {
    /// Shows one leaf, until another takes its place.
    pub fn of(certificate: &ServingCertificate) -> Arc<Self> {
        let resolver = Self::default();
        resolver.show(certificate);
        Arc::new(resolver)
    }

    /// Shows `certificate` in every handshake that begins from now on.
    pub fn show(&self, certificate: &ServingCertificate) {
        self.0.store(Some(certificate.certified()));
    }

    /// How the server speaks TLS: 1.2 and 1.3, HTTP/1.1 only, with the clients that `clients` lets in.
    ///
    /// Sessions are not resumed, so that no connection outlives a change of certificates.
    ///
    /// # Errors
    /// None that the provider in use can cause.
    pub fn server_config(self: &Arc<Self>, clients: Arc<dyn ClientCertVerifier>) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::Refused(error)))?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ca, everyone};
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn it_speaks_http_1_only_and_resumes_nothing() {
        let ca = Ca::create(SystemTime::now()).unwrap();
        let certificate = ca.issue(&["localhost".to_owned()], SystemTime::now(), Duration::from_hours(1)).unwrap();
        let config = CertificateResolver::of(&certificate).server_config(everyone()).unwrap();
        assert_eq!(config.alpn_protocols, [b"http/1.1".to_vec()]);
        assert_eq!(config.send_tls13_tickets, 0);
        assert!(!config.session_storage.can_cache() && !config.ticketer.enabled());
    }
}
