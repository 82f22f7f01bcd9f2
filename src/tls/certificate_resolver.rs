//! The serving certificate of a server. It can be replaced while connections are open.

use super::error::{TlsErrorKind, TlsPart};
use super::{ServingCertificate, TlsError, provider};
use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Serves the current certificate in every TLS handshake. Handshakes fail until there is a first one.
#[derive(Debug, Default)]
pub struct CertificateResolver(ArcSwapOption<CertifiedKey>);

impl CertificateResolver {
    /// A resolver that starts with `certificate`.
    pub fn of(certificate: &ServingCertificate) -> Arc<Self> {
        let resolver = Self::default();
        resolver.serve(certificate);
        Arc::new(resolver)
    }

    /// Serves `certificate` in every handshake that starts from now on.
    pub fn serve(&self, certificate: &ServingCertificate) {
        self.0.store(Some(certificate.certified_key()));
    }

    /// The TLS configuration of the server: TLS 1.2 and 1.3, HTTP/1.1 only, clients verified by `clients`.
    ///
    /// It resumes no TLS sessions, so every new connection gets the current certificate.
    ///
    /// # Errors
    /// None with the provider of this crate.
    pub fn server_config(self: &Arc<Self>, clients: Arc<dyn ClientCertVerifier>) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::Rejected(error)))?
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
    use super::super::{Ca, allow_any_client};
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_server_offers_only_http_1_1_and_resumes_no_sessions() {
        let ca = Ca::create(SystemTime::now()).unwrap();
        let certificate = ca.issue(&["localhost".to_owned()], SystemTime::now(), Duration::from_hours(1)).unwrap();
        let config = CertificateResolver::of(&certificate).server_config(allow_any_client()).unwrap();
        assert_eq!(config.alpn_protocols, [b"http/1.1".to_vec()]);
        assert_eq!(config.send_tls13_tickets, 0);
        assert!(!config.session_storage.can_cache() && !config.ticketer.enabled());
    }
}
