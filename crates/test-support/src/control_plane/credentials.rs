//! The certificates and keys of one control plane, in its folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::json;

/// File of the key that signs the tokens of ServiceAccounts.
pub(super) const SERVICE_ACCOUNT_KEY: &str = "service-accounts.key";
/// The common name of the certificate with which kube-apiserver authenticates to webhooks.
pub const WEBHOOK_CLIENT: &str = "kube-apiserver-webhook-client";
/// File of the key that verifies the tokens of ServiceAccounts.
pub(super) const SERVICE_ACCOUNT_PUBLIC_KEY: &str = "service-accounts.pub";

type Ca = CertifiedIssuer<'static, KeyPair>;

/// The credentials for clients of a control plane.
pub(super) struct Credentials {
    /// The CA certificate, in DER.
    pub(super) ca: Vec<u8>,
    pub(super) administrator: Identity,
}

impl Credentials {
    /// Creates all certificates and keys, and the kubeconfigs of kube-controller-manager and the administrator.
    pub(super) fn write(folder: &Path, port: u16) -> anyhow::Result<Self> {
        let ca = ca()?;
        fs::write(ca_file(folder), ca.pem())?;
        let accounts = KeyPair::generate()?;
        fs::write(folder.join(SERVICE_ACCOUNT_KEY), accounts.serialize_pem())?;
        fs::write(folder.join(SERVICE_ACCOUNT_PUBLIC_KEY), accounts.public_key_pem())?;
        Identity::of(folder, "kube-apiserver").write(&serving()?, &ca)?;
        let controllers = Identity::of(folder, "kube-controller-manager");
        controllers.write(&client("system:kube-controller-manager", None)?, &ca)?;
        write_kubeconfig(folder, &kubeconfig_file(folder), port, &controllers)?;
        let webhooks = Identity::of(folder, WEBHOOK_CLIENT);
        webhooks.write(&client(WEBHOOK_CLIENT, None)?, &ca)?;
        write_admission_configuration(folder, &webhooks)?;
        let administrator = Identity::of(folder, "administrator");
        administrator.write(&client("administrator", Some("system:masters"))?, &ca)?;
        write_kubeconfig(folder, &administrator_kubeconfig_file(folder), port, &administrator)?;
        Ok(Self { ca: ca.der().to_vec(), administrator })
    }
}

/// The files with a certificate and its key.
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Identity {
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        Self { certificate: folder.join(format!("{name}.crt")), key: folder.join(format!("{name}.key")) }
    }

    fn write(&self, parameters: &CertificateParams, ca: &Ca) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        fs::write(&self.certificate, parameters.signed_by(&key, ca)?.pem())?;
        fs::write(&self.key, key.serialize_pem())?;
        Ok(())
    }
}

pub(super) fn ca_file(folder: &Path) -> PathBuf {
    folder.join("ca.crt")
}

pub(super) fn kubeconfig_file(folder: &Path) -> PathBuf {
    folder.join("kube-controller-manager.kubeconfig")
}

pub(super) fn administrator_kubeconfig_file(folder: &Path) -> PathBuf {
    folder.join("administrator.kubeconfig")
}

/// The file from which kube-apiserver reads the credentials that it shows to webhooks.
pub(super) fn admission_configuration_file(folder: &Path) -> PathBuf {
    folder.join("admission-configuration.json")
}

fn ca() -> Result<Ca, rcgen::Error> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = subject("CA of a test's control plane", None);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)
}

fn serving() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    parameters.distinguished_name = subject("kube-apiserver", None);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

/// A client certificate. Kubernetes uses the common name as the user and the organization as a group.
fn client(user: &str, group: Option<&str>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new([])?;
    parameters.distinguished_name = subject(user, group);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(parameters)
}

fn subject(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        subject.push(DnType::OrganizationName, organization);
    }
    subject
}

/// Configures one client certificate for all webhooks. kube-apiserver shows it only to a server that requests one.
fn write_admission_configuration(folder: &Path, user: &Identity) -> io::Result<()> {
    let kubeconfig_file = folder.join("webhooks.kubeconfig");
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{ "name": "*", "user": { "client-certificate": user.certificate, "client-key": user.key } }],
    });
    fs::write(&kubeconfig_file, kubeconfig.to_string())?;
    let plugin = |name: &str| {
        json!({
            "name": name,
            "configuration": {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "WebhookAdmissionConfiguration",
                "kubeConfigFile": kubeconfig_file,
            },
        })
    };
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [plugin("MutatingAdmissionWebhook"), plugin("ValidatingAdmissionWebhook")],
    });
    fs::write(admission_configuration_file(folder), configuration.to_string())
}

fn write_kubeconfig(folder: &Path, file: &Path, port: u16, user: &Identity) -> io::Result<()> {
    let server = format!("https://127.0.0.1:{port}");
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": { "server": server, "certificate-authority": ca_file(folder) } }],
        "users": [{ "name": "test", "user": { "client-certificate": user.certificate, "client-key": user.key } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "current-context": "test",
    });
    fs::write(file, kubeconfig.to_string())
}
