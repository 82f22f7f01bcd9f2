//! What can be wrong with a certificate or a key: which one, why, and what cures it.

use std::io;
use std::path::{Path, PathBuf};

/// A certificate, key or file that cannot be used.
///
/// Its message names what is at fault, the cause and the cure. It never contains key material, nor any other text from
/// the inside of a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}; {fix}", place(*part, path.as_deref()))]
pub struct TlsError {
    part: TlsPart,
    path: Option<PathBuf>,
    kind: TlsErrorKind,
    fix: String,
}

/// One of the four things that a start needs.
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
    #[error("it holds no certificate in PEM form")]
    NoCertificate,
    #[error("it is not an X.509 certificate")]
    Malformed,
    #[error("it holds a private key beside the certificates")]
    KeyInside,
    #[error("it holds no private key that can be used")]
    NoKey,
    #[error("it does not belong to the certificate")]
    OtherKey,
    #[error("its certificate may not issue others")]
    NotCa,
    #[error("it expired on {0}")]
    Expired(String),
    #[error("it is valid only from {0}")]
    NotYetValid(String),
    #[error("it would be for no name at all")]
    NoNames,
    #[error("`{0}` is neither a DNS name nor an IP address")]
    BadName(String),
    #[error("whoever trusts the CA would refuse it ({0})")]
    Refused(rustls::Error),
    #[error("it cannot be made ({0})")]
    Unmakeable(String),
    #[error("it is missing")]
    Missing,
    #[error("cannot {action} it ({cause})")]
    File { action: &'static str, cause: io::Error },
}

impl TlsPart {
    fn description(self) -> &'static str {
        match self {
            Self::CaCertificate => "the CA's certificate",
            Self::CaKey => "the CA's key",
            Self::ServingCertificate => "the server's certificate",
            Self::ServingKey => "the server's key",
        }
    }
}

impl TlsErrorKind {
    fn fix(&self) -> &'static str {
        match self {
            Self::NoCertificate | Self::Malformed => "replace it with an X.509 certificate in PEM form",
            Self::KeyInside => "take the key out of it: this file is handed to everyone who is to trust the CA",
            Self::NoKey => "replace it with an unencrypted PKCS#8 key in PEM form (openssl pkcs8 -topk8 -nocrypt)",
            Self::OtherKey => "put the certificate and the key of one pair side by side",
            Self::NotCa => "use the certificate of a CA (basicConstraints CA:TRUE, keyUsage keyCertSign)",
            Self::Expired(_) => "replace it by one that is valid",
            Self::NotYetValid(_) => "set the clock of this machine, or replace it by one that is valid",
            Self::NoNames | Self::BadName(_) => "give the DNS names and IP addresses that clients connect to",
            Self::Refused(_) => "replace it by one that the CA issued for these names",
            Self::Unmakeable(_) => "use a CA with an ECDSA P-256 key",
            Self::Missing => "put it there",
            Self::File { .. } => "let the user of this process do so, or choose another folder",
        }
    }
}

impl TlsError {
    pub(super) fn new(part: TlsPart, kind: TlsErrorKind) -> Self {
        let fix = kind.fix().to_owned();
        Self { part, path: None, kind, fix }
    }

    /// Names the file or folder at fault, unless one is named already.
    pub(super) fn at(self, path: &Path) -> Self {
        Self { path: self.path.or_else(|| Some(path.to_owned())), ..self }
    }

    /// Gives a cure that knows more of the circumstances than the fault does.
    pub(super) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..self }
    }

    pub(super) fn part(&self) -> TlsPart {
        self.part
    }

    /// Has time made the part useless?
    pub fn is_expiry(&self) -> bool {
        matches!(self.kind, TlsErrorKind::Expired(_))
    }

    /// Are both files well, but not a pair?
    pub(super) fn is_mismatch(&self) -> bool {
        matches!(self.kind, TlsErrorKind::OtherKey)
    }
}

fn place(part: TlsPart, path: Option<&Path>) -> String {
    path.map_or_else(|| part.description().to_owned(), |path| path.display().to_string())
}
