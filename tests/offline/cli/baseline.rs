//! `--baseline`: only new findings fail.

use serde_json::Value;
use std::fs;
use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED, UNLABELED};

#[test]
fn known_findings_are_counted_and_new_ones_fail() {
    let folder = Folder::with(&[("a.yaml", OUTDATED)]);
    let written = folder.run(&["check", ".", "--write-baseline", "known.json"]);
    assert_eq!(
        (written.code, written.stdout.as_str()),
        (0, "no findings in 1 object, 1 gateway; 1 known in the baseline\n")
    );
    // moved to another line and into another file, it is still the same finding
    fs::remove_file(folder.path("a.yaml")).unwrap();
    folder.write("moved.yaml", format!("# moved\n\n{OUTDATED}").as_bytes());
    let check = ["check", "moved.yaml", "--baseline", "known.json"];
    assert_eq!(folder.run(&check).code, 0);
    let report = folder.report(&check[1..]);
    assert_eq!(report["findings"][0]["suppressed"]["by"], "baseline");
    assert_eq!((&report["summary"]["errors"], &report["summary"]["suppressed"]), (&Value::from(0), &Value::from(1)));

    let new = OUTDATED.replace("name: orders,", "name: payments,");
    folder.write("moved.yaml", format!("{OUTDATED}---\n{new}").as_bytes());
    let ran = folder.run(&check);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout.matches("error[unsupported-version]").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("in Deployment shop/payments"), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("1 finding (1 error) in 1 of 2 objects, 2 gateways; 1 known in the baseline\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn findings_that_are_gone_are_counted() {
    let folder = Folder::with(&[("a.yaml", OUTDATED)]);
    folder.run(&["check", "a.yaml", "--write-baseline", "known.json"]);
    folder.write("a.yaml", KEYLESS.as_bytes());
    let ran = folder.run(&["check", "a.yaml", "--baseline", "known.json"]);
    let line = "no findings in 1 object, 1 gateway; 1 finding of the baseline no longer found\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, line));
    assert_eq!(folder.report(&["a.yaml", "--baseline", "known.json"])["summary"]["goneFromBaseline"], 1);
    // another rule was not looked for, so its findings are not gone
    let selected = folder.run(&["check", "a.yaml", "--baseline", "known.json", "--select", "rolling-version"]);
    assert_eq!(selected.stdout, "no findings in 1 object, 1 gateway\n");
}

#[test]
fn a_baseline_has_one_finding_a_line_and_no_message() {
    let folder = Folder::with(&[("b.yaml", UNLABELED), ("a.yaml", OUTDATED)]);
    folder.run(&["check", "b.yaml", "a.yaml", "--write-baseline", "known.json"]);
    let text = fs::read_to_string(folder.path("known.json")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "{\"version\": 1, \"findings\": ["));
    assert!(
        lines[1].contains("\"file\":\"a.yaml\"") && lines[1].contains("\"rule\":\"unsupported-version\""),
        "{text}"
    );
    assert!(lines[2].contains("\"object\":\"Deployment shop/orders\"") && !text.contains("2.11.0"), "{text}");
}

#[test]
fn a_json_report_is_a_baseline() {
    let folder = Folder::with(&[("a.yaml", OUTDATED)]);
    let report = folder.run(&["check", "a.yaml", "-o", "json"]).stdout;
    folder.write("report.json", report.as_bytes());
    assert_eq!(folder.run(&["check", "a.yaml", "--baseline", "report.json"]).code, 0);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_a_baseline_too() {
    let folder = Folder::with(&[("a.yaml", OUTDATED), ("b.yaml", "apiVersion: ]\n")]);
    let ran = folder.run(&["check", ".", "--write-baseline", "known.json"]);
    assert_eq!((ran.code, ran.stderr.contains("b.yaml:1:13")), (2, true), "{}", ran.everything());
}

#[test]
fn what_is_not_a_baseline_is_an_error() {
    let folder = Folder::with(&[
        ("a.yaml", KEYLESS),
        ("text.json", "canary"),
        ("other.json", "{\"version\": 1}"),
        ("newer.json", "{\"version\": 9, \"findings\": []}"),
    ]);
    for (file, message) in [
        (
            "none.json",
            "cannot read the baseline none.json: the file does not exist; check the path; --write-baseline FILE writes one",
        ),
        (
            "text.json",
            "text.json:1:1: not a baseline, which is JSON with version and findings; write it with --write-baseline FILE",
        ),
        (
            "other.json",
            "other.json:1:14: not a baseline, which is JSON with version and findings; write it with --write-baseline FILE",
        ),
        (
            "newer.json",
            "the baseline newer.json has version 9, and this program reads version 1; write it with --write-baseline FILE",
        ),
    ] {
        folder.run(&["check", "a.yaml", "--baseline", file]).failed_with(&format!("error: {message}\n"));
    }
    folder
        .run(&["check", "a.yaml", "--write-baseline", "none/known.json"])
        .failed_with("error: cannot write the baseline none/known.json: the file does not exist; check the path\n");
}
