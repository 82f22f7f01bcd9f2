//! `certs`: creates a CA and a certificate in a folder and prints the caBundle.

use super::{print, print_to_stderr};
use crate::cli::CertsArguments;
use crate::tls::{Certificates, Origin};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

/// Creates the missing files and prints the caBundle for `webhooks[].clientConfig`.
pub(super) fn run(arguments: &CertsArguments) -> anyhow::Result<ExitCode> {
    let certificates = Certificates::open_or_create(&arguments.certificates, &arguments.names, SystemTime::now())?;
    print_to_stderr(&description(&certificates, &arguments.certificates));
    print(&format!("{}\n", STANDARD.encode(&certificates.ca_pem)))?;
    Ok(ExitCode::SUCCESS)
}

/// One sentence: what was created or reused, for which names, and which file clients must trust.
pub(super) fn description(certificates: &Certificates, directory: &Path) -> String {
    let directory = directory.display();
    let action = match certificates.origin {
        Origin::Created => "created a CA and a certificate",
        Origin::CertificateRenewed => "kept the CA and renewed the certificate",
        Origin::Reused => "using the existing CA and certificate",
    };
    format!(
        "{action} in {directory} for {}; clients must trust {directory}/ca.crt",
        certificates.certificate.names().join(", ")
    )
}
