//! Certificates of a start without a cluster: what the folder holds is used, what is missing is made.

use super::error::{TlsError, TlsErrorKind, TlsPart};
use super::files::Folder;
use super::{Ca, ServingCertificate, pem};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a leaf in a folder is valid: 365 days. It is renewed at the first start in the last third of its life.
pub const CERTIFICATE_VALIDITY: Duration = Duration::from_hours(365 * 24);

/// What a server needs to show, and its clients to trust.
#[derive(Debug)]
pub struct Certificates {
    /// The text of `ca.crt`: what clients are to trust.
    pub ca_pem: String,
    /// The server's certificate and key.
    pub certificate: ServingCertificate,
    /// Where they come from.
    pub origin: Origin,
}

/// Where [`Certificates`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The folder held nothing; CA and leaf are new, and clients have to be told of the CA.
    Created,
    /// The CA was there; the leaf is new. Clients notice nothing.
    LeafRenewed,
    /// Everything was there, and nothing was written.
    Reused,
}

impl Certificates {
    /// Certificates for a server that is reached by `names`, from the files `ca.crt`, `ca.key`, `tls.crt` and
    /// `tls.key` in `directory`.
    ///
    /// An empty or missing folder is filled. With a CA and its key, a leaf that is missing, worn (less than a third
    /// of its life left), for other names, of another CA or not the pair of its key is issued anew. Without `ca.key`
    /// (files of cert-manager or of an administrator) the leaf is served as long as clients accept it, and nothing is
    /// ever written: the folder may be read-only.
    ///
    /// A CA serves until it expires, if with ever shorter leaves at the end: to refuse it as soon as it cannot carry a
    /// leaf's whole validity would break a working server a year early, with the same cure.
    ///
    /// # Errors
    /// A file that cannot be read, used or written; a CA that has expired; files that do not suffice. A file that is
    /// garbage is never overwritten.
    pub fn open_or_create(directory: &Path, names: &[String], now: SystemTime) -> Result<Self, TlsError> {
        let folder = Folder::new(directory);
        if names.is_empty() {
            return Err(TlsError::new(TlsPart::ServingCertificate, TlsErrorKind::NoNames));
        }
        let found = Found::read(&folder)?;
        let outcome = match (found.ca, found.authority_key, found.certificate) {
            (Some(ca), Some(key), certificate) => open(&folder, (&ca, &key), certificate, (names, now)),
            (Some(ca), None, certificate) => serve_given(ca, certificate, names, now),
            (None, None, CertificateFiles::None) => create(&folder, names, now),
            (None, _, _) => Err(missing(TlsPart::CaCertificate)
                .with_fix("put it beside the other files, or delete them all to start with a new CA")),
        };
        outcome.map_err(|error| locate(&folder, error))
    }
}

/// The leaf that a folder holds now, in `tls.crt` and `tls.key`; its dates are not judged.
///
/// # Errors
/// A file is missing, can't be read, or is not the other's pair: so it is for a moment while both are replaced.
pub fn certificate_in(directory: &Path) -> Result<ServingCertificate, TlsError> {
    let folder = Folder::new(directory);
    let read = |part| folder.read(part)?.ok_or_else(|| missing(part));
    let certificate = read(TlsPart::ServingCertificate)
        .and_then(|certificate| ServingCertificate::from_pem(&certificate, &read(TlsPart::ServingKey)?));
    certificate.map_err(|error| locate(&folder, error))
}

/// The texts of the four files.
struct Found {
    ca: Option<String>,
    authority_key: Option<String>,
    certificate: CertificateFiles,
}

/// The texts of `tls.crt` and `tls.key`.
enum CertificateFiles {
    None,
    Without(TlsPart),
    Both { certificate: String, key: String },
}

impl Found {
    fn read(folder: &Folder<'_>) -> Result<Self, TlsError> {
        let certificate = match (folder.read(TlsPart::ServingCertificate)?, folder.read(TlsPart::ServingKey)?) {
            (Some(certificate), Some(key)) => CertificateFiles::Both { certificate, key },
            (Some(_), None) => CertificateFiles::Without(TlsPart::ServingKey),
            (None, Some(_)) => CertificateFiles::Without(TlsPart::ServingCertificate),
            (None, None) => CertificateFiles::None,
        };
        let ca = folder.read(TlsPart::CaCertificate)?;
        Ok(Self { ca, authority_key: folder.read(TlsPart::CaKey)?, certificate })
    }
}

fn create(folder: &Folder<'_>, names: &[String], now: SystemTime) -> Result<Certificates, TlsError> {
    let ca = Ca::create(now)?;
    let certificate = ca.issue(names, now, CERTIFICATE_VALIDITY)?;
    folder.make()?;
    folder.write(TlsPart::CaKey, ca.key_pem())?;
    folder.write(TlsPart::CaCertificate, ca.certificate_pem())?;
    write_certificate(folder, &certificate)?;
    Ok(Certificates { ca_pem: ca.certificate_pem().to_owned(), certificate, origin: Origin::Created })
}

fn open(
    folder: &Folder<'_>,
    (ca_pem, key_pem): (&str, &str),
    files: CertificateFiles,
    (names, now): (&[String], SystemTime),
) -> Result<Certificates, TlsError> {
    let ca = Ca::from_pem(ca_pem, key_pem, now)?;
    let accepted = |certificate: &ServingCertificate| {
        pem::trust_at(ca_pem, now).and_then(|roots| certificate.check(roots, names, now))
    };
    let ca_pem = ca_pem.to_owned();
    if let Some(certificate) = read_certificate(files)?
        .filter(|certificate| !certificate.is_due_for_renewal(now) && accepted(certificate).is_ok())
    {
        return Ok(Certificates { ca_pem, certificate, origin: Origin::Reused });
    }
    let certificate = ca.issue(names, now, CERTIFICATE_VALIDITY)?;
    accepted(&certificate).map_err(|error| error.with_fix("use a CA that may issue for these names"))?;
    write_certificate(folder, &certificate)?;
    Ok(Certificates { ca_pem, certificate, origin: Origin::LeafRenewed })
}

/// The leaf, unless it is incomplete. A key that is not the certificate's counts as such: that is what a start leaves
/// which was ended between the two files.
fn read_certificate(files: CertificateFiles) -> Result<Option<ServingCertificate>, TlsError> {
    let CertificateFiles::Both { certificate, key } = files else {
        return Ok(None);
    };
    match ServingCertificate::from_pem(&certificate, &key) {
        Ok(certificate) => Ok(Some(certificate)),
        Err(error) if error.is_mismatch() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The key goes first: a certificate whose key is not there yet would look complete to whoever copies it.
fn write_certificate(folder: &Folder<'_>, certificate: &ServingCertificate) -> Result<(), TlsError> {
    folder.write(TlsPart::ServingKey, certificate.key_pem())?;
    folder.write(TlsPart::ServingCertificate, certificate.certificate_pem())
}

fn serve_given(
    ca_pem: String,
    files: CertificateFiles,
    names: &[String],
    now: SystemTime,
) -> Result<Certificates, TlsError> {
    const CURE: &str = "replace tls.crt and tls.key, or put ca.key beside ca.crt to have them issued";
    let (certificate, key) = match files {
        CertificateFiles::Both { certificate, key } => (certificate, key),
        CertificateFiles::Without(part) => return Err(missing(part).with_fix(CURE)),
        CertificateFiles::None => {
            return Err(
                missing(TlsPart::CaKey).with_fix("put it beside ca.crt, or delete ca.crt to start with a new CA")
            );
        }
    };
    let certificate = ServingCertificate::from_pem(&certificate, &key)?;
    let roots = pem::trust_at(&ca_pem, now)?;
    certificate.check(roots, names, now).map_err(|error| error.with_fix(CURE))?;
    Ok(Certificates { ca_pem, certificate, origin: Origin::Reused })
}

fn missing(part: TlsPart) -> TlsError {
    TlsError::new(part, TlsErrorKind::Missing)
}

/// Names the file, and for a CA that has expired the way to the next one.
fn locate(folder: &Folder<'_>, error: TlsError) -> TlsError {
    let path = folder.path(error.part());
    if error.part() == TlsPart::CaCertificate && error.is_expiry() {
        return error.at(&path).with_fix(
            "delete ca.crt, ca.key, tls.crt and tls.key to start with a new CA, and have clients trust the new ca.crt",
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
    fn filled(now: SystemTime) -> TempDir {
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

    fn refusal(folder: &TempDir, now: SystemTime) -> String {
        let before = texts(folder);
        let error = start(folder, now).unwrap_err().to_string();
        assert_eq!(texts(folder), before, "a refused start has written");
        assert!(!error.contains("-----"), "{error}");
        error
    }

    #[test]
    fn a_second_start_reuses_everything() {
        let now = SystemTime::now();
        let folder = filled(now);
        let before = texts(&folder);
        let certificates = start(&folder, now + 200 * DAY).unwrap();
        assert_eq!(certificates.origin, Origin::Reused);
        assert_eq!(certificates.ca_pem, text(&folder, "ca.crt"));
        assert_eq!(texts(&folder), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "a temporary file was left");
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_only() {
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
    fn a_leaf_that_is_worn_or_expired_is_renewed_from_the_same_authority() {
        let now = SystemTime::now();
        for age in [250 * DAY, 400 * DAY] {
            let folder = filled(now);
            let before = texts(&folder);
            let renewed = start(&folder, now + age).unwrap();
            assert_eq!(renewed.origin, Origin::LeafRenewed);
            assert_eq!(texts(&folder)[..2], before[..2], "the CA changed");
            assert_ne!(texts(&folder)[2..], before[2..]);
            assert!(renewed.certificate.not_after() > now + age + 364 * DAY);
            assert_eq!(start(&folder, now + age).unwrap().origin, Origin::Reused);
        }
    }

    #[test]
    fn a_leaf_for_other_names_or_of_another_authority_is_renewed() {
        let now = SystemTime::now();
        let folder = filled(now);
        let wanted = names(&["localhost", "apim.example"]);
        let renewed = Certificates::open_or_create(folder.path(), &wanted, now).unwrap();
        assert_eq!((renewed.origin, renewed.certificate.names()), (Origin::LeafRenewed, &wanted[..]));

        let other = filled(now);
        for file in ["tls.crt", "tls.key"] {
            fs::copy(other.path().join(file), folder.path().join(file)).unwrap();
        }
        assert_eq!(start(&folder, now).unwrap().origin, Origin::LeafRenewed);
    }

    #[test]
    fn a_start_that_was_ended_half_way_is_mended() {
        let now = SystemTime::now();
        let folder = filled(now);
        fs::copy(filled(now).path().join("tls.key"), folder.path().join("tls.key")).unwrap();
        assert_eq!(start(&folder, now).unwrap().origin, Origin::LeafRenewed);
        for file in ["tls.crt", "tls.key"] {
            remove(&folder, &[file]);
            assert_eq!(start(&folder, now).unwrap().origin, Origin::LeafRenewed);
        }
    }

    #[test]
    fn near_the_end_of_the_authority_leaves_get_shorter_and_then_a_cure_is_told() {
        let now = SystemTime::now();
        let folder = filled(now);
        let late = start(&folder, now + 1090 * DAY).unwrap();
        assert_eq!(late.origin, Origin::LeafRenewed);
        assert!(late.certificate.not_after() <= now + 1095 * DAY);
        let error = refusal(&folder, now + 1096 * DAY);
        assert!(error.contains("ca.crt: it expired on "), "{error}");
        assert!(error.contains("; delete ca.crt, ca.key, tls.crt and tls.key"), "{error}");
    }

    #[test]
    fn given_files_are_served_without_the_key_of_their_authority() {
        let now = SystemTime::now();
        let folder = filled(now);
        remove(&folder, &["ca.key"]);
        let before = texts(&folder);
        let given = start(&folder, now + 360 * DAY).unwrap();
        assert_eq!((given.origin, texts(&folder)), (Origin::Reused, before));

        let error = refusal(&folder, now + 366 * DAY);
        assert!(error.contains("tls.crt: whoever trusts the CA would refuse it"), "{error}");
        assert!(error.ends_with("; replace tls.crt and tls.key, or put ca.key beside ca.crt to have them issued"));
        let error = Certificates::open_or_create(folder.path(), &names(&["other"]), now).unwrap_err().to_string();
        assert!(error.contains("tls.crt: whoever trusts the CA would refuse it"), "{error}");
        fs::copy(filled(now).path().join("ca.crt"), folder.path().join("ca.crt")).unwrap();
        assert!(refusal(&folder, now).contains("UnknownIssuer"));
    }

    #[test]
    fn given_files_of_an_expired_authority_are_refused() {
        let now = SystemTime::now();
        let folder = filled(now);
        remove(&folder, &["ca.key"]);
        let error = refusal(&folder, now + 1096 * DAY);
        assert!(error.contains("ca.crt: it expired on "), "{error}");
    }

    #[test]
    fn half_of_what_is_needed_is_told_by_file() {
        let now = SystemTime::now();
        for (absent, said) in [
            (&["ca.crt"][..], "ca.crt: it is missing; put it beside"),
            (&["ca.crt", "ca.key"], "ca.crt: it is missing; put it beside"),
            (&["ca.crt", "tls.crt", "tls.key"], "ca.crt: it is missing; put it beside"),
            (&["ca.key", "tls.key"], "tls.key: it is missing; replace tls.crt and tls.key, or put"),
            (&["ca.key", "tls.crt"], "tls.crt: it is missing; replace tls.crt and tls.key, or put"),
            (&["ca.key", "tls.crt", "tls.key"], "ca.key: it is missing; put it beside ca.crt"),
        ] {
            let folder = filled(now);
            remove(&folder, absent);
            let error = refusal(&folder, now);
            assert!(error.contains(said), "{absent:?}: {error}");
        }
    }

    #[test]
    fn garbage_is_told_by_file_and_never_overwritten() {
        let kinds = [b"garbage".to_vec(), Vec::new(), vec![0xff, 0xfe, 0], cut("CERTIFICATE"), cut("PRIVATE KEY")];
        for (file, garbage) in FILES.iter().flat_map(|file| kinds.iter().map(move |garbage| (*file, garbage))) {
            refuses_garbage(&filled(SystemTime::now()), file, garbage);
            if file != "ca.key" {
                let folder = filled(SystemTime::now());
                remove(&folder, &["ca.key"]);
                refuses_garbage(&folder, file, garbage);
            }
        }
    }

    fn refuses_garbage(folder: &TempDir, file: &str, garbage: &[u8]) {
        fs::write(folder.path().join(file), garbage).unwrap();
        let error = refusal(folder, SystemTime::now());
        assert!(error.contains(&format!("/{file}: ")), "{file}: {error}");
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }

    /// PEM in form, nothing of use inside.
    fn cut(label: &str) -> Vec<u8> {
        format!("-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n").into_bytes()
    }

    #[test]
    fn what_is_no_folder_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Certificates::open_or_create(file.path(), &names(&["localhost"]), SystemTime::now()).unwrap_err();
        assert!(error.to_string().contains("tls.crt: cannot read it (Not a directory"), "{error}");
    }

    #[test]
    fn no_names_and_bad_names_write_nothing() {
        let folder = TempDir::new().unwrap();
        for bad in [&[][..], &["a b"]] {
            Certificates::open_or_create(folder.path(), &names(bad), SystemTime::now()).unwrap_err();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
