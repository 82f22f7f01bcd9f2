//! Where a CA for clients is given, only its clients are let in.

use super::raw::{config, shake};
use super::{Edge, PATIENCE, Pooled, brief, patient, start_with, within};
use apim_keyless::tls::{clients_of, provider, trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// Starts a server for the clients of a CA with one of these names, if there are any.
async fn start_for(issuer: &Issuer, names: &[&str]) -> Edge {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    start_with(patient(), brief(), clients_of(&issuer.pem(), names).unwrap()).await
}

/// What a client speaks that has a certificate with this common name and these DNS names.
fn known(edge: &Edge, issuer: &Issuer, common_name: &str, dns_names: &[&str]) -> ClientConfig {
    let names: Vec<String> = dns_names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, issuer).unwrap();
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trust(edge.authority.certificate_pem()).unwrap())
        .with_client_auth_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap()
}

/// Is a client answered? With TLS 1.3 it learns only from its first answer that it is not let in.
async fn is_let_in(edge: &Edge, config: ClientConfig) -> bool {
    within(PATIENCE, async {
        let Ok(stream) = shake(edge.address, config).await else { return false };
        Pooled::on(stream).await.ask("/quick").await.is_ok()
    })
    .await
}

#[tokio::test]
async fn only_clients_of_the_ca_are_let_in() {
    let (issuer, other) = (issuer(), issuer());
    let edge = start_for(&issuer, &[]).await;
    assert!(is_let_in(&edge, known(&edge, &issuer, "anyone", &[])).await);
    assert!(!is_let_in(&edge, known(&edge, &other, "anyone", &[])).await);
    assert!(!is_let_in(&edge, config(edge.authority.certificate_pem(), &["http/1.1"])).await);
    assert_eq!(edge.metric("handshake_failures_total"), 2);
}

#[tokio::test]
async fn where_names_are_given_a_client_must_have_one() {
    let issuer = issuer();
    let edge = start_for(&issuer, &["kube-apiserver", "api.example"]).await;
    for (common_name, dns_names, is_known) in [
        ("kube-apiserver", &[][..], true),
        ("someone", &["other.example", "api.example"], true),
        ("someone", &["other.example"], false),
        ("kube-apiserver-2", &["sub.api.example"], false),
        ("KUBE-APISERVER", &["*.example"], false),
    ] {
        let config = known(&edge, &issuer, common_name, dns_names);
        assert_eq!(is_let_in(&edge, config).await, is_known, "{common_name} {dns_names:?}");
    }
    let stranger = self::issuer();
    assert!(!is_let_in(&edge, known(&edge, &stranger, "kube-apiserver", &["api.example"])).await);
}

#[tokio::test]
async fn a_ca_that_is_none_is_told() {
    for (text, said) in
        [("", "no certificate in PEM form"), (&KeyPair::generate().unwrap().serialize_pem(), "private key")]
    {
        let error = clients_of(text, Vec::new()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
