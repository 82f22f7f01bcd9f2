//! 0: nothing is refused. 1: something is. 2: something could not be looked at.

use crate::run::Folder;
use crate::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELLED};

/// The exit code of `check` over these texts, each a file, with further arguments.
fn code(texts: &[&str], arguments: &[&str]) -> i32 {
    let folder = Folder::with(&[]);
    for (index, text) in texts.iter().enumerate() {
        folder.write(&format!("{index}.yaml"), text.as_bytes());
    }
    folder.run(&[&["check", "."], arguments].concat()).code
}

#[test]
fn nothing_wrong_makes_exit_code_0() {
    assert_eq!(code(&[KEYLESS], &[]), 0);
    assert_eq!(code(&[KEYLESS], &["--strict"]), 0);
    assert_eq!(code(&["apiVersion: v1\nkind: Service\n"], &["--strict"]), 0);
}

#[test]
fn a_refused_object_makes_exit_code_1() {
    assert_eq!(code(&[KEYLESS, OUTDATED, UNLABELLED], &[]), 1);
    assert_eq!(code(&[OUTDATED], &["--output", "json"]), 1);
}

#[test]
fn what_is_only_mended_makes_exit_code_1_if_strict_and_else_0() {
    assert_eq!(code(&[UNLABELLED], &[]), 0);
    assert_eq!(code(&[UNLABELLED], &["--strict"]), 1);
}

#[test]
fn what_is_only_remarked_makes_exit_code_0() {
    assert_eq!(code(&[ROLLING], &[]), 0);
    assert_eq!(code(&[ROLLING], &["--strict"]), 0);
}

#[test]
fn in_audit_no_fault_makes_another_exit_code_than_0() {
    for strict in [&[][..], &["--strict"]] {
        assert_eq!(code(&[OUTDATED, UNLABELLED, ROLLING], &[&["--mode", "audit"], strict].concat()), 0);
    }
}

#[test]
fn something_unreadable_makes_exit_code_2_in_audit_too() {
    assert_eq!(code(&["a: ]\n"], &[]), 2);
    assert_eq!(code(&["a: ]\n"], &["--mode", "audit"]), 2);
    assert_eq!(code(&[KEYLESS, "a: ]\n"], &["--output", "json"]), 2);
}

#[test]
fn something_unreadable_wins_over_something_refused_and_the_rest_is_judged_all_the_same() {
    let ran = Folder::with(&[("a.yaml", "a: ]\n"), ("b.yaml", OUTDATED)]).run(&["check", "none.yaml", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.starts_with("refused[unsupported-version]: "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n1 object: 1 refused; 2 could not be read\n"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_typed_makes_exit_code_2() {
    let folder = Folder::with(&[("a.yaml", KEYLESS)]);
    for arguments in [
        &[][..],
        &["judge"],
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
