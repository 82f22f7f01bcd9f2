//! `fix`: what becomes of files, whatever their encoding, links, names and permissions are.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;
use test_support::run::Folder;
use test_support::run::manifests::{OUTDATED, UNLABELED};

const LABEL: &str = "azure.workload.identity/use: \"true\"";

fn read(folder: &Folder, file: &str) -> String {
    fs::read_to_string(folder.path(file)).unwrap()
}

/// The text in UTF-16 with a byte order mark.
fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What `fix -` writes to stdout for these bytes.
fn piped(bytes: &[u8], arguments: &[&str]) -> (i32, Vec<u8>) {
    let folder = Folder::with(&[]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_apim-keyless"));
    let command = command.args(arguments).current_dir(folder.path("."));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), output.stdout)
}

#[test]
fn the_encoding_stays() {
    let folder = Folder::with(&[("plain.yaml", UNLABELED)]);
    assert_eq!(folder.run(&["fix", "plain.yaml"]).code, 0);
    let fixed = read(&folder, "plain.yaml");
    for encoded in [utf16 as fn(&str) -> Vec<u8>, |text| format!("\u{feff}{text}").into_bytes()] {
        let bytes = encoded(UNLABELED);
        folder.write("a.yaml", &bytes);
        assert_eq!(folder.run(&["fix", "--check", "a.yaml"]).code, 1);
        let ran = folder.run(&["fix", "a.yaml"]);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert_eq!(fs::read(folder.path("a.yaml")).unwrap(), encoded(&fixed));
        assert_eq!(piped(&bytes, &["fix", "-"]), (0, encoded(&fixed)));
    }
}

#[test]
fn stdin_is_read_once() {
    let (code, written) = piped(UNLABELED.as_bytes(), &["fix", "-", "-"]);
    assert_eq!((code, String::from_utf8(written).unwrap().matches(LABEL).count()), (0, 1));
}

#[test]
fn a_file_name_that_is_not_utf_8_is_an_error() {
    let folder = Folder::with(&[("a/a\u{fffd}.yaml", UNLABELED)]);
    let name = folder.path("a").join(OsStr::from_bytes(b"a\xff.yaml"));
    fs::write(&name, UNLABELED).unwrap();
    let ran = folder.run(&["fix", "a"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("its path is not UTF-8; rename the file or its folder"), "{}", ran.stderr);
    assert_eq!(read(&folder, "a/a\u{fffd}.yaml").matches(LABEL).count(), 1);
    assert_eq!(fs::read_to_string(name).unwrap(), UNLABELED);
}

#[test]
fn a_file_with_several_names_is_not_written() {
    let folder = Folder::with(&[("one.yaml", UNLABELED)]);
    fs::hard_link(folder.path("one.yaml"), folder.path("two.yaml")).unwrap();
    symlink("one.yaml", folder.path("link.yaml")).unwrap();
    for file in ["one.yaml", "link.yaml"] {
        let ran = folder.run(&["fix", file]);
        assert_eq!((ran.code, read(&folder, file).as_str()), (1, UNLABELED), "{}", ran.everything());
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert!(lines[0].starts_with(&format!("not fixed: {file}: it has several names (hard links)")), "{lines:?}");
        assert!(lines[1].starts_with(&format!("  by hand: {file}:5: set spec.template.metadata.labels")), "{lines:?}");
    }
    let log = folder.run(&["check", "--output", "sarif", "one.yaml"]).json();
    assert!(log["runs"][0]["results"][0].get("fixes").is_none(), "{log:#}");
}

#[test]
fn a_link_is_followed_if_it_or_its_target_is_named() {
    for arguments in [&["fix", "a", "./a/link.yaml"][..], &["fix", "a", "b.yaml"]] {
        let folder = Folder::with(&[("a/c.yaml", OUTDATED), ("b.yaml", UNLABELED)]);
        symlink("../b.yaml", folder.path("a/link.yaml")).unwrap();
        let ran = folder.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        assert!(read(&folder, "b.yaml").contains(LABEL) && folder.path("a/link.yaml").is_symlink());
    }
}

#[test]
fn a_file_that_cannot_be_written_does_not_stop_the_others() {
    let folder = Folder::with(&[("a/1.yaml", UNLABELED), ("a/b/2.yaml", UNLABELED), ("a/z.yaml", UNLABELED)]);
    fs::set_permissions(folder.path("a/b"), fs::Permissions::from_mode(0o555)).unwrap();
    // the root user may write everywhere
    let is_root = fs::metadata(folder.path("a")).unwrap().uid() == 0;
    let ran = folder.run(&["fix", "a"]);
    fs::set_permissions(folder.path("a/b"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(read(&folder, "a/1.yaml").contains(LABEL) && read(&folder, "a/z.yaml").contains(LABEL));
    if !is_root {
        assert_eq!(ran.code, 2, "{}", ran.everything());
        let error = "b/2.yaml: permission denied; check that its folder is writable";
        assert!(ran.stderr.contains(error) && !ran.stderr.contains(".tmp"), "{}", ran.stderr);
        assert!(ran.stderr.ends_with("2 findings fixed in 2 files\n"), "{}", ran.stderr);
    }
}

#[test]
fn a_file_keeps_its_owner() {
    let folder = Folder::with(&[("a.yaml", UNLABELED)]);
    // only the root user can give a file away
    if std::os::unix::fs::chown(folder.path("a.yaml"), Some(1234), Some(2345)).is_err() {
        return;
    }
    assert_eq!(folder.run(&["fix", "a.yaml"]).code, 0);
    let metadata = fs::metadata(folder.path("a.yaml")).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (1234, 2345));
}

#[test]
fn an_ignored_error_is_not_counted() {
    let ignored = OUTDATED
        .replace("spec:\n  template", "# apim-keyless: ignore unsupported-version until May\nspec:\n  template");
    assert_ne!(ignored, OUTDATED);
    let ran = Folder::with(&[("a.yaml", &ignored)]).run(&["fix", "a.yaml"]);
    assert_eq!(ran.everything(), "0 findings fixed in 0 files\n");
}
