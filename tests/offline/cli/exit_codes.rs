//! 0: no errors. 1: errors. 2: something could not be evaluated.

use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELED};

/// The exit code of `check` on files with these texts, with these arguments.
fn code(texts: &[&str], arguments: &[&str]) -> i32 {
    let folder = Folder::with(&[]);
    for (index, text) in texts.iter().enumerate() {
        folder.write(&format!("{index}.yaml"), text.as_bytes());
    }
    folder.run(&[&["check", "."], arguments].concat()).code
}

#[test]
fn no_findings_exit_with_0() {
    assert_eq!(code(&[KEYLESS], &[]), 0);
    assert_eq!(code(&[KEYLESS], &["--strict"]), 0);
    assert_eq!(code(&["apiVersion: v1\nkind: Service\n"], &["--strict"]), 0);
}

#[test]
fn an_error_exits_with_1() {
    assert_eq!(code(&[KEYLESS, OUTDATED, UNLABELED], &[]), 1);
    assert_eq!(code(&[OUTDATED], &["--output", "json"]), 1);
}

#[test]
fn fixable_findings_exit_with_1_if_strict_and_else_with_0() {
    assert_eq!(code(&[UNLABELED], &[]), 0);
    assert_eq!(code(&[UNLABELED], &["--strict"]), 1);
}

#[test]
fn warnings_exit_with_0() {
    assert_eq!(code(&[ROLLING], &[]), 0);
    assert_eq!(code(&[ROLLING], &["--strict"]), 0);
}

#[test]
fn findings_in_audit_mode_exit_with_0() {
    for strict in [&[][..], &["--strict"]] {
        assert_eq!(code(&[OUTDATED, UNLABELED, ROLLING], &[&["--mode", "audit"], strict].concat()), 0);
    }
}

#[test]
fn a_file_that_cannot_be_read_exits_with_2_also_in_audit_mode() {
    assert_eq!(code(&["apiVersion: ]\n"], &[]), 2);
    assert_eq!(code(&["apiVersion: ]\n"], &["--mode", "audit"]), 2);
    assert_eq!(code(&[KEYLESS, "apiVersion: ]\n"], &["--output", "json"]), 2);
}

#[test]
fn exit_code_2_wins_over_1_and_the_rest_is_still_evaluated() {
    let ran = Folder::with(&[("a.yaml", "apiVersion: ]\n"), ("b.yaml", OUTDATED)]).run(&["check", "none.yaml", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.starts_with("error[unsupported-version]: "), "{}", ran.stdout);
    assert!(
        ran.stdout
            .ends_with("\n1 finding (1 error) in 1 of 1 object, 1 gateway; 2 files or documents could not be read\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn invalid_arguments_exit_with_2() {
    let folder = Folder::with(&[("a.yaml", KEYLESS)]);
    for arguments in [
        &[][..],
        &["evaluate"],
        &["check"],
        &["check", "a.yaml", "--output", "xml"],
        &["check", "a.yaml", "--mode", "off"],
        &["check", "a.yaml", "--srict"],
        &["certs"],
        &["review", "--mode", "enforce"],
        &["serve", "--listen", "8443"],
        &["serve", "now"],
    ] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains("Usage: ") || ran.stderr.contains("'--help'"), "{arguments:?}: {}", ran.stderr);
    }
}
