//! Closed pipes and full disks.

use test_support::project;
use test_support::run::manifests::OUTDATED;
use test_support::run::{Folder, feed, output_of};

#[test]
fn a_closed_stdout_is_not_an_error() {
    let folder = Folder::with(&[]);
    for output in ["text", "json"] {
        let mut child = folder.spawn(&["check", "-", "--output", output]);
        drop(child.stdout.take());
        // only now is there something to evaluate and to write
        feed(&mut child, OUTDATED);
        let ran = output_of(child);
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{output}");
    }
}

#[test]
fn a_closed_stderr_does_not_panic() {
    let mut child = Folder::with(&[]).spawn(&["check", "-"]);
    drop(child.stderr.take());
    feed(&mut child, "a: ]\n");
    assert_eq!(output_of(child).code, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_exits_with_2() {
    use std::fs::File;
    use std::process::Command;

    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(project::binary()).arg("explain").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot write to stdout: ") && !stderr.contains("panicked"), "{stderr}");
}
