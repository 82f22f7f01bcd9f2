//! `certs`: a CA and a certificate in a folder, and the caBundle on stdout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use test_support::run::Folder;

const CERTS: [&str; 2] = ["certs", "apim-keyless.apim-keyless.svc"];

#[test]
fn four_files_are_created_and_stdout_is_the_ca_bundle() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&CERTS);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut files: Vec<String> = fs::read_dir(folder.path("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    assert_eq!(ran.stdout, format!("{}\n", STANDARD.encode(fs::read(folder.path("certs/ca.crt")).unwrap())));
    assert_eq!(
        ran.stderr,
        "created a CA and a certificate in certs for apim-keyless.apim-keyless.svc; clients must trust certs/ca.crt\n"
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_keys() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::with(&[]);
    folder.run(&CERTS);
    for key in ["certs/ca.key", "certs/tls.key"] {
        assert_eq!(fs::metadata(folder.path(key)).unwrap().permissions().mode() & 0o7777, 0o600, "{key}");
    }
}

#[test]
fn no_key_is_printed() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&CERTS);
    for file in ["certs/ca.key", "certs/tls.key"] {
        let key = fs::read_to_string(folder.path(file)).unwrap();
        let line = key.lines().nth(1).unwrap();
        assert!(
            !ran.everything().contains(line) && !ran.stdout.contains(STANDARD.encode(key.trim()).as_str()),
            "{file}"
        );
    }
}

#[test]
fn a_second_run_keeps_everything_and_prints_the_same() {
    let folder = Folder::with(&[]);
    let read =
        || ["ca.crt", "ca.key", "tls.crt", "tls.key"].map(|file| fs::read(folder.path("certs").join(file)).unwrap());
    let first = folder.run(&CERTS);
    let created = read();
    let second = folder.run(&CERTS);
    assert_eq!((second.code, second.stdout), (0, first.stdout));
    assert!(second.stderr.starts_with("using the existing CA and certificate in certs "), "{}", second.stderr);
    assert_eq!(read(), created);
}

#[test]
fn another_name_gets_another_certificate_of_the_same_ca() {
    let folder = Folder::with(&[]);
    let first = folder.run(&CERTS);
    let certificate = fs::read(folder.path("certs/tls.crt")).unwrap();
    let second = folder.run(&["certs", "localhost", "127.0.0.1"]);
    assert_eq!((second.code, second.stdout), (0, first.stdout));
    assert!(second.stderr.contains("for localhost, 127.0.0.1;"), "{}", second.stderr);
    assert_ne!(fs::read(folder.path("certs/tls.crt")).unwrap(), certificate);
}

#[test]
fn an_invalid_name_is_an_error() {
    let ran = Folder::with(&[]).run(&["certs", "not a name"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("`not a name` is neither a DNS name nor an IP address"), "{}", ran.stderr);
}

#[test]
fn a_file_instead_of_a_folder_is_an_error() {
    let ran = Folder::with(&[("certs", "a file")]).run(&CERTS);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("error: certs"), "{}", ran.stderr);
}
