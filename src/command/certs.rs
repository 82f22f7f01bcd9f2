//! `certs`: a CA and a leaf in a folder, and the caBundle that trusts them.

use super::{complain, print};
use crate::cli::Certs;
use crate::tls::{Certificates, Origin};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

/// Makes what is missing, and prints the caBundle for the `clientConfig` of a webhook configuration.
pub(super) fn run(arguments: &Certs) -> anyhow::Result<ExitCode> {
    let certificates = Certificates::open_or_create(&arguments.certificates, &arguments.names, SystemTime::now())?;
    complain(&told(&certificates, &arguments.certificates));
    print(&format!("{}\n", STANDARD.encode(&certificates.ca_pem)))?;
    Ok(ExitCode::SUCCESS)
}

/// What became of the certificates, in a sentence.
pub(super) fn told(certificates: &Certificates, directory: &Path) -> String {
    let directory = directory.display();
    let what = match certificates.origin {
        Origin::Created => "made a CA and a certificate",
        Origin::LeafRenewed => "kept the CA and made a new certificate",
        Origin::Reused => "found a CA and a certificate",
    };
    format!(
        "{what} in {directory}, for {}; whoever trusts {directory}/ca.crt trusts it",
        certificates.certificate.names().join(", ")
    )
}
