//! Reads and writes the four certificate files of a folder.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A folder with `ca.crt`, `ca.key`, `tls.crt` and `tls.key`: the names that cert-manager uses in its Secrets.
pub(super) struct Folder<'a> {
    path: &'a Path,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path }
    }

    pub(super) fn file_path(&self, part: TlsPart) -> PathBuf {
        self.path.join(file_name(part))
    }

    /// The text of a file, or `None` if the file does not exist. Invalid UTF-8 is replaced: the PEM reader then rejects
    /// binary content with the same message as any other text that is not PEM.
    pub(super) fn read(&self, part: TlsPart) -> Result<Option<String>, TlsError> {
        match fs::read(self.file_path(part)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.file_error(part, "read", cause)),
        }
    }

    /// Creates the folder if it is missing, with access for its owner only (mode 0700).
    pub(super) fn create(&self) -> Result<(), TlsError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(self.path).map_err(|cause| {
            if self.path.exists() || cause.kind() == ErrorKind::NotADirectory {
                return TlsError::new(TlsPart::CaCertificate, TlsErrorKind::NoFolder).at(self.path);
            }
            TlsError::new(TlsPart::CaCertificate, TlsErrorKind::File { action: "create", cause }).at(self.path)
        })
    }

    /// Writes a file atomically: a reader gets either the old text or the new one. Only the owner can read a key.
    pub(super) fn write(&self, part: TlsPart, text: &str) -> Result<(), TlsError> {
        let temporary = self.path.join(format!(".{}.{}.new", file_name(part), std::process::id()));
        let written =
            write_new_file(&temporary, text, mode(part)).and_then(|()| fs::rename(&temporary, self.file_path(part)));
        written.map_err(|cause| {
            // The next attempt overwrites a file that stays behind, and the first error is the one to report.
            let _ = fs::remove_file(&temporary);
            self.file_error(part, "write", cause)
        })
    }

    fn file_error(&self, part: TlsPart, action: &'static str, cause: io::Error) -> TlsError {
        if cause.kind() == ErrorKind::NotADirectory {
            return TlsError::new(part, TlsErrorKind::NoFolder).at(self.path);
        }
        TlsError::new(part, TlsErrorKind::File { action, cause }).at(&self.file_path(part))
    }
}

fn file_name(part: TlsPart) -> &'static str {
    match part {
        TlsPart::CaCertificate => "ca.crt",
        TlsPart::CaKey => "ca.key",
        TlsPart::ServingCertificate => "tls.crt",
        TlsPart::ServingKey => "tls.key",
    }
}

fn mode(part: TlsPart) -> u32 {
    match part {
        TlsPart::CaCertificate | TlsPart::ServingCertificate => 0o644,
        TlsPart::CaKey | TlsPart::ServingKey => 0o600,
    }
}

/// Removes the file first: `create_new` follows no link and does not keep the mode of a file that already existed.
fn write_new_file(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create(path, mode)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// On systems without file modes, the permissions of the folder protect the keys.
#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
