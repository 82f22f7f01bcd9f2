//! Mistakes at the command line: each has a message with place, cause and fix, and exit code 2.

use test_support::run::manifests::KEYLESS;
use test_support::run::{Folder, RunOutput};

fn run(arguments: &[&str]) -> RunOutput {
    Folder::with(&[("a.yaml", KEYLESS)]).run(arguments)
}

/// Asserts that the run did not start and that stderr has these words, and none of the operating system or of Rust.
fn fails_with(ran: &RunOutput, words: &[&str]) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.everything());
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} is not in: {}", ran.stderr);
    }
    for word in ["os error", "panicked", "Err(", "Some(", "unwrap", "src/"] {
        assert!(!ran.stderr.contains(word), "{word:?} is in: {}", ran.stderr);
    }
}

#[test]
fn a_wrong_command_or_flag_is_named_with_what_exists() {
    fails_with(&run(&[]), &["Commands:\n", "check", "Usage: apim-keyless"]);
    fails_with(
        &run(&["chek"]),
        &["unrecognized subcommand 'chek'", "some similar subcommands exist: 'schema', 'check'"],
    );
    fails_with(&run(&["check"]), &["<FILE|DIR|->"]);
    fails_with(&run(&["check", "a.yaml", "--polcy", "p"]), &["unexpected argument '--polcy'", "'--policy'"]);
    fails_with(
        &run(&["check", "a.yaml", "--mode", "warn"]),
        &["invalid value 'warn' for '--mode <MODE>'", "[possible values: audit, enforce]"],
    );
    fails_with(&run(&["check", "a.yaml", "--policy"]), &["a value is required for '--policy <FILE>'"]);
    let twice = ["check", "a.yaml", "--policy", "a", "--policy", "b"];
    fails_with(&run(&twice), &["the argument '--policy <FILE>' cannot be used multiple times"]);
}

#[test]
fn a_wrong_value_of_a_flag_is_named_with_its_form() {
    for flag in ["--namespace", "-n"] {
        for name in ["A B", "Team_A", "", "-", "a.b"] {
            let ran = run(&["check", "a.yaml", flag, name]);
            fails_with(&ran, &["'--namespace <NAME>'"]);
        }
    }
    let form = "write the name of a namespace: up to 63 lowercase letters, digits and -";
    fails_with(&run(&["check", "a.yaml", "--namespace", "A B"]), &["invalid value 'A B'", form]);
    let formats = "[possible values: github, html, json, junit, sarif, text]";
    fails_with(&run(&["check", "a.yaml", "-o", "yaml"]), &["invalid value 'yaml' for '--output <FORMAT>'", formats]);
    fails_with(&run(&["check", "a.yaml", "--output"]), &["a value is required for '--output <FORMAT>'", formats]);
    fails_with(&run(&["check", "a.yaml", "--color", "red"]), &["invalid value 'red'", "auto, always, never"]);
    fails_with(&run(&["check", "a.yaml", "--fail-on", "info"]), &["[possible values: error, fixable, warning]"]);
    fails_with(&run(&["check", "a.yaml", "--select"]), &["a value is required for '--select <RULE,...>'"]);
    fails_with(&run(&["check", "a.yaml", "--select", ""]), &["--select: "]);
}

#[test]
fn the_version_is_printed_by_flag_and_by_command() {
    let version = format!("apim-keyless {}\n", env!("CARGO_PKG_VERSION"));
    for arguments in [["version"], ["--version"], ["-V"]] {
        let ran = run(&arguments);
        assert_eq!((ran.code, ran.stdout, ran.stderr.as_str()), (0, version.clone(), ""), "{arguments:?}");
    }
}

fn review(arguments: &[&str], stdin: &str) -> RunOutput {
    Folder::with(&[]).feed(&[&["review"], arguments].concat(), stdin)
}

#[test]
fn what_is_no_review_is_named_with_place_and_fix() {
    const VALIDATING: &[&str] = &["--webhook", "validating", "--mode", "enforce"];
    let beta = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"1","kind":{"group":"apps","version":"v1","kind":"Deployment"},"name":"a","namespace":"b","operation":"CREATE","userInfo":{},"object":{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"}}}}"#;
    let beta_last = r#"{"request":{"uid":"1"},"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}"#;
    let wrong_version = "Send an AdmissionReview of admission.k8s.io/v1";
    for (stdin, words) in [
        ("", "the body is empty"),
        ("apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n", "Send a complete JSON document"),
        ("garbage", "Send a complete JSON document"),
        (r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#, "request: Add the request"),
        (
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"operation":"CREATE"}}"#,
            "request: Add the field uid",
        ),
        (beta, wrong_version),
        (beta_last, wrong_version),
        (r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}"#, wrong_version),
        (r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}"#, wrong_version),
    ] {
        let ran = review(VALIDATING, stdin);
        fails_with(&ran, &["error: stdin is not a valid AdmissionReview: ", words]);
    }
    let audit = review(&["--webhook", "mutating", "--mode", "audit"], "");
    fails_with(&audit, &["use --webhook validating"]);
    fails_with(&review(&["--webhook", "both", "--mode", "audit"], ""), &["[possible values: mutating, validating]"]);
    fails_with(&review(&[], ""), &["--mode <MODE>", "--webhook <WEBHOOK>"]);
}
