//! What can be wrong with a certificate, a key or a file.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A certificate, key or file that cannot be used.
///
/// Its message names the place, the cause and the fix. It never contains key material or any other content of a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}; {fix}", place(*part, path.as_deref()))]
pub struct TlsError {
    part: TlsPart,
    path: Option<PathBuf>,
    kind: TlsErrorKind,
    fix: String,
}

/// One of the four parts that a server with its own CA needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsPart {
    CaCertificate,
    CaKey,
    ServingCertificate,
    ServingKey,
}

/// Why a part cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsErrorKind {
    #[error("it contains no certificate in PEM form")]
    NoCertificate,
    #[error("it is not an X.509 certificate")]
    Malformed,
    #[error("it contains a private key")]
    KeyInside,
    #[error("it contains no private key in a supported form")]
    NoKey,
    #[error("it does not belong to the certificate")]
    KeyMismatch,
    #[error("its certificate is not allowed to issue certificates")]
    NotCa,
    #[error("it expired on {0}")]
    Expired(String),
    #[error("it is not valid before {0}")]
    NotYetValid(String),
    #[error("no name was given for it")]
    NoNames,
    #[error("`{0}` is neither a DNS name nor an IP address")]
    BadName(String),
    #[error("clients that trust the CA would reject it ({0})")]
    Rejected(rustls::Error),
    #[error("it cannot be created ({0})")]
    CannotCreate(String),
    #[error("it is missing")]
    Missing,
    #[error("it is a file and not a folder, or a folder above it is a file")]
    NoFolder,
    #[error("cannot {action} it: {}", cause_of(cause))]
    File { action: &'static str, cause: io::Error },
}

impl TlsPart {
    fn description(self) -> &'static str {
        match self {
            Self::CaCertificate => "the CA's certificate",
            Self::CaKey => "the CA's key",
            Self::ServingCertificate => "the serving certificate",
            Self::ServingKey => "the serving certificate's key",
        }
    }
}

impl TlsErrorKind {
    fn fix(&self) -> &'static str {
        match self {
            Self::NoCertificate | Self::Malformed => "replace it with an X.509 certificate in PEM form",
            Self::KeyInside => "remove the private key: this file is given to every client that must trust the CA",
            Self::NoKey => "replace it with an unencrypted PKCS#8 key in PEM form (openssl pkcs8 -topk8 -nocrypt)",
            Self::KeyMismatch => "use a certificate and its own key",
            Self::NotCa => "use the certificate of a CA (basicConstraints CA:TRUE, keyUsage keyCertSign)",
            Self::Expired(_) => "replace it with a valid one",
            Self::NotYetValid(_) => "correct the clock of this machine, or replace it with a valid one",
            Self::NoNames | Self::BadName(_) => "give the DNS names and IP addresses that clients connect to",
            Self::Rejected(_) => "replace it with a certificate that the CA issued for these names",
            Self::CannotCreate(_) => "use a CA with an ECDSA P-256 key",
            Self::Missing => {
                "create it: mount a Secret of type kubernetes.io/tls, or run `apim-keyless certs --certificates DIR NAME`"
            }
            Self::NoFolder => "name a folder with --certificates, or remove the file",
            Self::File { .. } => "grant the user of this process access to it, or choose another folder",
        }
    }
}

impl TlsError {
    /// An error with the usual fix of its kind, and the part's description as its place.
    pub(super) fn new(part: TlsPart, kind: TlsErrorKind) -> Self {
        let fix = kind.fix().to_owned();
        Self { part, path: None, kind, fix }
    }

    /// Sets the file or folder as the place, unless the error already has one.
    pub(super) fn at(self, path: &Path) -> Self {
        Self { path: self.path.or_else(|| Some(path.to_owned())), ..self }
    }

    /// Replaces the usual fix of this kind with one that fits the circumstances better.
    pub(super) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..self }
    }

    pub(super) fn part(&self) -> TlsPart {
        self.part
    }

    /// Whether the part has expired.
    pub fn is_expired(&self) -> bool {
        matches!(self.kind, TlsErrorKind::Expired(_))
    }

    /// Whether certificate and key can each be read, but do not belong together.
    pub(super) fn is_key_mismatch(&self) -> bool {
        matches!(self.kind, TlsErrorKind::KeyMismatch)
    }
}

fn place(part: TlsPart, path: Option<&Path>) -> String {
    path.map_or_else(|| part.description().to_owned(), |path| path.display().to_string())
}

/// The cause in words of this project.
fn cause_of(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::NotFound => "the folder that should hold it does not exist and cannot be created",
        ErrorKind::IsADirectory => "it is a folder",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full",
        _ => "the disk or file system reports an error",
    }
}
