//! Readers that go away, and disks that are full.

use crate::run::manifests::OUTDATED;
use crate::run::{Folder, feed, ran};

#[test]
fn a_reader_that_went_away_is_no_error() {
    let folder = Folder::with(&[]);
    for output in ["text", "json"] {
        let mut child = folder.spawn(&["check", "-", "--output", output]);
        drop(child.stdout.take());
        // only now is there something to judge and to write
        feed(&mut child, OUTDATED);
        let ran = ran(child);
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{output}");
    }
}

#[test]
fn nobody_who_reads_the_errors_is_no_panic() {
    let mut child = Folder::with(&[]).spawn(&["check", "-"]);
    drop(child.stderr.take());
    feed(&mut child, "a: ]\n");
    assert_eq!(ran(child).code, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_makes_exit_code_2() {
    use std::fs::File;
    use std::process::Command;

    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_apim-keyless")).arg("explain").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot write to stdout: ") && !stderr.contains("panicked"), "{stderr}");
}
