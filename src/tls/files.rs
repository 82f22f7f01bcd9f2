//! The four files of a folder, read and written.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A folder with `ca.crt`, `ca.key`, `tls.crt` and `tls.key`: the names that cert-manager uses, and Secrets with it.
pub(super) struct Folder<'a> {
    directory: &'a Path,
}

impl<'a> Folder<'a> {
    pub(super) fn new(directory: &'a Path) -> Self {
        Self { directory }
    }

    pub(super) fn path(&self, part: TlsPart) -> PathBuf {
        self.directory.join(file_name(part))
    }

    /// The text of a file, or nothing if there is no such file. What is not UTF-8 is left to the reader of PEM to
    /// refuse, so that binary garbage gets the same cure as any other.
    pub(super) fn read(&self, part: TlsPart) -> Result<Option<String>, TlsError> {
        match fs::read(self.path(part)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.file_error(part, "read", cause)),
        }
    }

    /// Makes the folder, for its owner only, if it is missing.
    pub(super) fn make(&self) -> Result<(), TlsError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(self.directory).map_err(|cause| {
            TlsError::new(TlsPart::CaCertificate, TlsErrorKind::File { action: "create", cause }).at(self.directory)
        })
    }

    /// Writes a file so that a reader finds the old text or the new one, never half of it; keys for their owner only.
    pub(super) fn write(&self, part: TlsPart, text: &str) -> Result<(), TlsError> {
        let temporary = self.directory.join(format!(".{}.{}.new", file_name(part), std::process::id()));
        let written = write_anew(&temporary, text, mode(part)).and_then(|()| fs::rename(&temporary, self.path(part)));
        written.map_err(|cause| {
            // What is left behind is overwritten by the next attempt; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
            self.file_error(part, "write", cause)
        })
    }

    fn file_error(&self, part: TlsPart, action: &'static str, cause: io::Error) -> TlsError {
        TlsError::new(part, TlsErrorKind::File { action, cause }).at(&self.path(part))
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

/// `create_new` follows no link and takes over no mode of a file that someone left there.
fn write_anew(path: &Path, text: &str, mode: u32) -> io::Result<()> {
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

/// Where files have no mode, the folder's own rules protect the keys.
#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
