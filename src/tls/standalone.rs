//! Certificates of a server without a cluster: uses what the folder contains and creates what is missing.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use super::files::Folder;
use super::{Ca, ServingCertificate, pem};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a serving certificate in a folder is valid: 365 days. The first start in the last third of it renews it.
pub const CERTIFICATE_VALIDITY: Duration = Duration::from_hours(365 * 24);

/// The serving certificate of a server, and the CA that its clients must trust.
#[derive(Debug)]
pub struct Certificates {
    /// The text of `ca.crt`, which clients must trust.
    pub ca_pem: String,
    /// The serving certificate and its key.
    pub certificate: ServingCertificate,
    /// Whether they were created, renewed or reused.
    pub origin: Origin,
}

/// Whether [`Certificates`] were created, renewed or reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The folder was empty. CA and serving certificate are new, and clients do not trust the CA yet.
    Created,
    /// The CA was there, the serving certificate is new. Nothing changes for clients.
    CertificateRenewed,
    /// Both were there. Nothing was written.
    Reused,
}

impl Certificates {
    /// Certificates for a server that clients reach by `names`, from the files `ca.crt`, `ca.key`, `tls.crt` and
    /// `tls.key` in `directory`.
    ///
    /// - The folder is empty or missing: creates all four files.
    /// - CA and its key are there: issues a new serving certificate if it is missing, due for renewal (less than a
    ///   third of its validity left), for other names, issued by another CA, or does not belong to its key.
    /// - `ca.key` is missing (files of cert-manager or of an administrator): uses the serving certificate as long as
    ///   clients accept it. Nothing is ever written, so the folder can be read-only.
    ///
    /// A CA is used until it expires; near its end serving certificates are valid for less than
    /// [`CERTIFICATE_VALIDITY`]. An earlier error would stop a working server up to a year before that is necessary,
    /// and the fix would be the same.
    ///
    /// # Errors
    /// `names` is empty, a file cannot be read, used or written, the CA has expired, or files are missing. A file with
    /// unusable content is never overwritten.
    pub fn open_or_create(directory: &Path, names: &[String], now: SystemTime) -> Result<Self, TlsError> {
        let folder = Folder::new(directory);
        if names.is_empty() {
            return Err(TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::NoNames));
        }
        let found = Found::read(&folder)?;
        let certificates = match (found.ca, found.ca_key, found.certificate) {
            (Some(ca), Some(key), certificate) => use_with_ca_key(&folder, &ca, &key, certificate, names, now),
            (Some(ca), None, certificate) => use_without_ca_key(ca, certificate, names, now),
            (None, None, CertificateFiles::None) => create(&folder, names, now),
            (None, _, _) => Err(missing(TlsPart::CaCertificate)
                .with_fix("add it to the folder, or delete the other files to start with a new CA")),
        };
        certificates.map_err(|error| add_path(&folder, error))
    }
}

/// Reads the serving certificate from `tls.crt` and `tls.key` in a folder. Its validity is not checked.
///
/// # Errors
/// A file is missing or cannot be read, or the two do not belong together. The last happens for a moment while both are
/// replaced.
pub fn read_serving_certificate(directory: &Path) -> Result<ServingCertificate, TlsError> {
    let folder = Folder::new(directory);
    let read = |part| folder.read(part)?.ok_or_else(|| missing(part));
    let certificate = read(TlsPart::ServingCertificate)
        .and_then(|certificate| ServingCertificate::from_pem(&certificate, &read(TlsPart::ServingKey)?));
    certificate.map_err(|error| add_path(&folder, error))
}

/// The texts of the four files.
struct Found {
    ca: Option<String>,
    ca_key: Option<String>,
    certificate: CertificateFiles,
}

/// The texts of `tls.crt` and `tls.key`.
enum CertificateFiles {
    None,
    /// Only one is there; this one is missing.
    Missing(TlsPart),
    Both {
        certificate: String,
        key: String,
    },
}

impl Found {
    fn read(folder: &Folder<'_>) -> Result<Self, TlsError> {
        let certificate = match (folder.read(TlsPart::ServingCertificate)?, folder.read(TlsPart::ServingKey)?) {
            (Some(certificate), Some(key)) => CertificateFiles::Both { certificate, key },
            (Some(_), None) => CertificateFiles::Missing(TlsPart::ServingKey),
            (None, Some(_)) => CertificateFiles::Missing(TlsPart::ServingCertificate),
            (None, None) => CertificateFiles::None,
        };
        let ca = folder.read(TlsPart::CaCertificate)?;
        Ok(Self { ca, ca_key: folder.read(TlsPart::CaKey)?, certificate })
    }
}

fn create(folder: &Folder<'_>, names: &[String], now: SystemTime) -> Result<Certificates, TlsError> {
    let ca = Ca::create(now)?;
    let certificate = ca.issue(names, now, CERTIFICATE_VALIDITY)?;
    folder.create()?;
    folder.write(TlsPart::CaKey, ca.key_pem())?;
    folder.write(TlsPart::CaCertificate, ca.certificate_pem())?;
    write_certificate(folder, &certificate)?;
    Ok(Certificates { ca_pem: ca.certificate_pem().to_owned(), certificate, origin: Origin::Created })
}

fn use_with_ca_key(
    folder: &Folder<'_>,
    ca_pem: &str,
    key_pem: &str,
    files: CertificateFiles,
    names: &[String],
    now: SystemTime,
) -> Result<Certificates, TlsError> {
    let ca = Ca::from_valid_pem(ca_pem, key_pem, now)?;
    let check = |certificate: &ServingCertificate| {
        pem::valid_root_store(ca_pem, now).and_then(|roots| certificate.check(roots, names, now))
    };
    let ca_pem = ca_pem.to_owned();
    if let Some(certificate) = read_certificate(files)?
        .filter(|certificate| !certificate.is_due_for_renewal(now) && check(certificate).is_ok())
    {
        return Ok(Certificates { ca_pem, certificate, origin: Origin::Reused });
    }
    let certificate = ca.issue(names, now, CERTIFICATE_VALIDITY)?;
    check(&certificate).map_err(|error| error.with_fix("use a CA that is allowed to issue for these names"))?;
    write_certificate(folder, &certificate)?;
    Ok(Certificates { ca_pem, certificate, origin: Origin::CertificateRenewed })
}

/// The serving certificate, or `None` if it is incomplete. A key of another certificate counts as incomplete: a start
/// that was stopped between the two writes leaves such files.
fn read_certificate(files: CertificateFiles) -> Result<Option<ServingCertificate>, TlsError> {
    let CertificateFiles::Both { certificate, key } = files else {
        return Ok(None);
    };
    match ServingCertificate::from_pem(&certificate, &key) {
        Ok(certificate) => Ok(Some(certificate)),
        Err(error) if error.is_key_mismatch() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the key first: a certificate without its key would look complete to a program that copies it.
fn write_certificate(folder: &Folder<'_>, certificate: &ServingCertificate) -> Result<(), TlsError> {
    folder.write(TlsPart::ServingKey, certificate.key_pem())?;
    folder.write(TlsPart::ServingCertificate, certificate.certificate_pem())
}

fn use_without_ca_key(
    ca_pem: String,
    files: CertificateFiles,
    names: &[String],
    now: SystemTime,
) -> Result<Certificates, TlsError> {
    const FIX: &str = "replace tls.crt and tls.key, or add ca.key to the folder to have them issued";
    let (certificate, key) = match files {
        CertificateFiles::Both { certificate, key } => (certificate, key),
        CertificateFiles::Missing(part) => return Err(missing(part).with_fix(FIX)),
        CertificateFiles::None => {
            return Err(
                missing(TlsPart::CaKey).with_fix("add it to the folder, or delete ca.crt to start with a new CA")
            );
        }
    };
    let certificate = ServingCertificate::from_pem(&certificate, &key)?;
    let roots = pem::valid_root_store(&ca_pem, now)?;
    certificate.check(roots, names, now).map_err(|error| error.with_fix(FIX))?;
    Ok(Certificates { ca_pem, certificate, origin: Origin::Reused })
}

fn missing(part: TlsPart) -> TlsError {
    TlsError::new(part, TlsErrorKind::Missing)
}

/// Adds the file's path, and for an expired CA how to get a new one.
fn add_path(folder: &Folder<'_>, error: TlsError) -> TlsError {
    let path = folder.file_path(error.part());
    if error.part() == TlsPart::CaCertificate && error.is_expired() {
        return error.at(&path).with_fix(
            "delete ca.crt, ca.key, tls.crt and tls.key to start with a new CA, then make clients trust the new ca.crt",
        );
    }
    error.at(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    const DAY: Duration = Duration::from_hours(24);
    const FILES: [&str; 4] = ["ca.crt", "ca.key", "tls.crt", "tls.key"];

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn start(folder: &TempDir, now: SystemTime) -> Result<Certificates, TlsError> {
        Certificates::open_or_create(folder.path(), &names(&["localhost", "127.0.0.1"]), now)
    }

    /// A folder after a first start.
    fn started_folder(now: SystemTime) -> TempDir {
        let folder = TempDir::new().unwrap();
        assert_eq!(start(&folder, now).unwrap().origin, Origin::Created);
        folder
    }

    fn text(folder: &TempDir, file: &str) -> String {
        fs::read_to_string(folder.path().join(file)).unwrap()
    }

    fn texts(folder: &TempDir) -> Vec<Option<String>> {
        FILES.iter().map(|file| fs::read_to_string(folder.path().join(file)).ok()).collect()
    }

    fn remove(folder: &TempDir, files: &[&str]) {
        for file in files {
            fs::remove_file(folder.path().join(file)).unwrap();
        }
    }

    fn error_of(folder: &TempDir, now: SystemTime) -> String {
        let before = texts(folder);
        let error = start(folder, now).unwrap_err().to_string();
        assert_eq!(texts(folder), before, "a failed start must write nothing");
        assert!(!error.contains("-----"), "{error}");
        error
    }

    #[test]
    fn a_second_start_reuses_all_files() {
        let now = SystemTime::now();
        let folder = started_folder(now);
        let before = texts(&folder);
        let certificates = start(&folder, now + 200 * DAY).unwrap();
        assert_eq!(certificates.origin, Origin::Reused);
        assert_eq!(certificates.ca_pem, text(&folder, "ca.crt"));
        assert_eq!(texts(&folder), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "a temporary file stayed");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_keys() {
        use std::os::unix::fs::PermissionsExt;
        let parent = TempDir::new().unwrap();
        let directory = parent.path().join("certs");
        Certificates::open_or_create(&directory, &names(&["localhost"]), SystemTime::now()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join("ca.key")), 0o600);
        assert_eq!(mode(&directory.join("tls.key")), 0o600);
    }

    #[test]
    fn a_certificate_that_is_due_for_renewal_or_expired_is_renewed_by_the_same_ca() {
        let now = SystemTime::now();
        for age in [250 * DAY, 400 * DAY] {
            let folder = started_folder(now);
            let before = texts(&folder);
            let renewed = start(&folder, now + age).unwrap();
            assert_eq!(renewed.origin, Origin::CertificateRenewed);
            assert_eq!(texts(&folder)[..2], before[..2], "the CA changed");
            assert_ne!(texts(&folder)[2..], before[2..]);
            assert!(renewed.certificate.not_after() > now + age + 364 * DAY);
            assert_eq!(start(&folder, now + age).unwrap().origin, Origin::Reused);
        }
    }

    #[test]
    fn a_certificate_for_other_names_or_of_another_ca_is_renewed() {
        let now = SystemTime::now();
        let folder = started_folder(now);
        let wanted = names(&["localhost", "apim.example"]);
        let renewed = Certificates::open_or_create(folder.path(), &wanted, now).unwrap();
        assert_eq!((renewed.origin, renewed.certificate.names()), (Origin::CertificateRenewed, &wanted[..]));

        let other = started_folder(now);
        for file in ["tls.crt", "tls.key"] {
            fs::copy(other.path().join(file), folder.path().join(file)).unwrap();
        }
        assert_eq!(start(&folder, now).unwrap().origin, Origin::CertificateRenewed);
    }

    #[test]
    fn the_files_of_an_interrupted_start_are_completed() {
        let now = SystemTime::now();
        let folder = started_folder(now);
        fs::copy(started_folder(now).path().join("tls.key"), folder.path().join("tls.key")).unwrap();
        assert_eq!(start(&folder, now).unwrap().origin, Origin::CertificateRenewed);
        for file in ["tls.crt", "tls.key"] {
            remove(&folder, &[file]);
            assert_eq!(start(&folder, now).unwrap().origin, Origin::CertificateRenewed);
        }
    }

    #[test]
    fn near_the_end_of_the_ca_certificates_get_shorter_and_then_an_error_names_the_fix() {
        let now = SystemTime::now();
        let folder = started_folder(now);
        let late = start(&folder, now + 1090 * DAY).unwrap();
        assert_eq!(late.origin, Origin::CertificateRenewed);
        assert!(late.certificate.not_after() <= now + 1095 * DAY);
        let error = error_of(&folder, now + 1096 * DAY);
        assert!(error.contains("ca.crt: it expired on "), "{error}");
        assert!(error.contains("; delete ca.crt, ca.key, tls.crt and tls.key"), "{error}");
    }

    #[test]
    fn files_without_the_cas_key_are_used_and_not_changed() {
        let now = SystemTime::now();
        let folder = started_folder(now);
        remove(&folder, &["ca.key"]);
        let before = texts(&folder);
        let certificates = start(&folder, now + 360 * DAY).unwrap();
        assert_eq!((certificates.origin, texts(&folder)), (Origin::Reused, before));

        let error = error_of(&folder, now + 366 * DAY);
        assert!(error.contains("tls.crt: clients that trust the CA would reject it"), "{error}");
        assert!(error.ends_with("; replace tls.crt and tls.key, or add ca.key to the folder to have them issued"));
        let error = Certificates::open_or_create(folder.path(), &names(&["other"]), now).unwrap_err().to_string();
        assert!(error.contains("tls.crt: clients that trust the CA would reject it"), "{error}");
        fs::copy(started_folder(now).path().join("ca.crt"), folder.path().join("ca.crt")).unwrap();
        assert!(error_of(&folder, now).contains("UnknownIssuer"));
    }

    #[test]
    fn files_without_the_cas_key_are_rejected_once_the_ca_has_expired() {
        let now = SystemTime::now();
        let folder = started_folder(now);
        remove(&folder, &["ca.key"]);
        let error = error_of(&folder, now + 1096 * DAY);
        assert!(error.contains("ca.crt: it expired on "), "{error}");
    }

    #[test]
    fn an_error_names_the_missing_file() {
        let now = SystemTime::now();
        for (missing, expected) in [
            (&["ca.crt"][..], "ca.crt: it is missing; add it to"),
            (&["ca.crt", "ca.key"], "ca.crt: it is missing; add it to"),
            (&["ca.crt", "tls.crt", "tls.key"], "ca.crt: it is missing; add it to"),
            (&["ca.key", "tls.key"], "tls.key: it is missing; replace tls.crt and tls.key, or add"),
            (&["ca.key", "tls.crt"], "tls.crt: it is missing; replace tls.crt and tls.key, or add"),
            (&["ca.key", "tls.crt", "tls.key"], "ca.key: it is missing; add it to the folder"),
        ] {
            let folder = started_folder(now);
            remove(&folder, missing);
            let error = error_of(&folder, now);
            assert!(error.contains(expected), "{missing:?}: {error}");
        }
    }

    #[test]
    fn an_error_names_the_file_with_unusable_content_and_nothing_is_overwritten() {
        let contents = [
            b"garbage".to_vec(),
            Vec::new(),
            vec![0xff, 0xfe, 0],
            unusable_pem("CERTIFICATE"),
            unusable_pem("PRIVATE KEY"),
        ];
        for (file, content) in FILES.iter().flat_map(|file| contents.iter().map(move |content| (*file, content))) {
            assert_rejected(&started_folder(SystemTime::now()), file, content);
            if file != "ca.key" {
                let folder = started_folder(SystemTime::now());
                remove(&folder, &["ca.key"]);
                assert_rejected(&folder, file, content);
            }
        }
    }

    fn assert_rejected(folder: &TempDir, file: &str, content: &[u8]) {
        fs::write(folder.path().join(file), content).unwrap();
        let error = error_of(folder, SystemTime::now());
        assert!(error.contains(&format!("/{file}: ")), "{file}: {error}");
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }

    /// PEM with unusable content.
    fn unusable_pem(label: &str) -> Vec<u8> {
        format!("-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n").into_bytes()
    }

    #[test]
    fn a_path_that_is_not_a_folder_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Certificates::open_or_create(file.path(), &names(&["localhost"]), SystemTime::now()).unwrap_err();
        assert!(error.to_string().contains("it is a file and not a folder"), "{error}");
    }

    #[test]
    fn without_valid_names_nothing_is_written() {
        let folder = TempDir::new().unwrap();
        for bad in [&[][..], &["a b"]] {
            Certificates::open_or_create(folder.path(), &names(bad), SystemTime::now()).unwrap_err();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
