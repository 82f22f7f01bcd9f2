//! With a client CA the server admits only clients with a certificate of that CA.

use super::raw::{config, connect_tls};
use super::{PooledConnection, TEST_TIMEOUT, TestServer, relaxed_limits, short_drain, start_with, within};
use apim_keyless::tls::{provider, require_client_certificate, root_store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// Starts a server that admits clients of this CA; if `names` is not empty, only those with one of the names.
async fn start_for(issuer: &Issuer, names: &[&str]) -> TestServer {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    start_with(relaxed_limits(), short_drain(), require_client_certificate(&issuer.pem(), names).unwrap()).await
}

/// The TLS configuration of a client that has a certificate with this common name and these DNS names.
fn client_config(server: &TestServer, issuer: &Issuer, common_name: &str, dns_names: &[&str]) -> ClientConfig {
    let names: Vec<String> = dns_names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, issuer).unwrap();
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(root_store(server.ca.certificate_pem()).unwrap())
        .with_client_auth_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap()
}

/// Is a client answered? With TLS 1.3 the handshake succeeds for the client before the server rejects it.
async fn is_admitted(server: &TestServer, config: ClientConfig) -> bool {
    within(TEST_TIMEOUT, async {
        let Ok(stream) = connect_tls(server.address, config).await else { return false };
        PooledConnection::on(stream).await.get("/quick").await.is_ok()
    })
    .await
}

#[tokio::test]
async fn only_clients_of_the_ca_are_admitted() {
    let (issuer, other) = (issuer(), issuer());
    let server = start_for(&issuer, &[]).await;
    assert!(is_admitted(&server, client_config(&server, &issuer, "anyone", &[])).await);
    assert!(!is_admitted(&server, client_config(&server, &other, "anyone", &[])).await);
    assert!(!is_admitted(&server, config(server.ca.certificate_pem(), &["http/1.1"])).await);
    assert_eq!(server.metric("handshake_failures_total"), 2);
}

#[tokio::test]
async fn with_names_a_client_must_have_one_of_them() {
    let issuer = issuer();
    let server = start_for(&issuer, &["kube-apiserver", "api.example"]).await;
    for (common_name, dns_names, expected) in [
        ("kube-apiserver", &[][..], true),
        ("someone", &["other.example", "api.example"], true),
        ("someone", &["other.example"], false),
        ("kube-apiserver-2", &["sub.api.example"], false),
        ("KUBE-APISERVER", &["*.example"], false),
    ] {
        let config = client_config(&server, &issuer, common_name, dns_names);
        assert_eq!(is_admitted(&server, config).await, expected, "{common_name} {dns_names:?}");
    }
    let other = self::issuer();
    assert!(!is_admitted(&server, client_config(&server, &other, "kube-apiserver", &["api.example"])).await);
}

#[tokio::test]
async fn an_unusable_client_ca_is_an_error() {
    for (text, words) in
        [("", "no certificate in PEM form"), (&KeyPair::generate().unwrap().serialize_pem(), "private key")]
    {
        let error = require_client_certificate(text, Vec::new()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
