//! The formats for other programs: SARIF and `JUnit` fit their schemas, and GitHub's commands have its form.

use serde_json::{Value, json};
use std::process::Command;
use test_support::npm::{JUNIT_SCHEMA, not_run};
use test_support::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELED};
use test_support::run::{Folder, RunOutput};
use test_support::sarif_schema;

/// Names with every character that a format escapes.
const ODD_NAME: &str = "a & <b> \"c\"',%:é.yaml";

const IGNORED: &str = "# apim-keyless: ignore unsupported-version the vendor <updates> it & \"soon\"\n";

/// Runs of `check` in this format with every kind of result: levels, failures, skipped documents, suppressed findings,
/// standard input, nothing at all.
fn runs(format: &str) -> Vec<RunOutput> {
    let folder = Folder::with(&[
        ("error.yaml", OUTDATED),
        ("fixable.yaml", UNLABELED),
        ("warning.yaml", ROLLING),
        ("clean.yaml", KEYLESS),
        ("ignored.yaml", &format!("{IGNORED}{OUTDATED}")),
        ("skipped.yaml", "replicas: 1\n"),
        ("broken.yaml", "a: ]\n"),
        (ODD_NAME, OUTDATED),
        ("none/service.yaml", "apiVersion: v1\nkind: Service\n"),
    ]);
    let check = |arguments: &[&str]| folder.run(&[&["check", "--output", format], arguments].concat());
    let mut runs = vec![
        check(&["."]),
        check(&[".", "--mode", "audit", "--fail-on", "warning"]),
        check(&["clean.yaml"]),
        check(&["none"]),
        check(&["missing.yaml"]),
        check(&["error.yaml", "--write-baseline", "baseline.json"]),
        check(&["error.yaml", "fixable.yaml", "--baseline", "baseline.json"]),
    ];
    runs.push(folder.feed(&["check", "-", "--output", format], OUTDATED));
    runs
}

#[test]
fn sarif_fits_its_schema_and_always_has_results() {
    let Some(validator) = sarif_schema::validator() else { return };
    for ran in runs("sarif") {
        let log = ran.json();
        assert_eq!(sarif_schema::errors(&validator, &log), Vec::<String>::new(), "{log:#}");
        assert!(log["runs"][0]["results"].is_array(), "{log:#}");
        let mut broken = log.clone();
        broken["runs"][0]["results"] = json!([{"level": "bad"}]);
        assert!(!sarif_schema::errors(&validator, &broken).is_empty(), "the schema accepts anything");
    }
}

#[test]
fn a_sarif_result_has_its_rule_with_help_its_place_and_the_fingerprint_of_the_json_report() {
    let folder = Folder::with(&[("deploy/a b.yaml", OUTDATED), ("ignored.yaml", &format!("{IGNORED}{OUTDATED}"))]);
    let log = folder.run(&["check", "-o", "sarif", "deploy/a b.yaml", "ignored.yaml"]).json();
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(
        (&driver["name"], &driver["semanticVersion"]),
        (&json!("apim-keyless"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let [result, ignored] = run["results"].as_array().unwrap().as_slice() else { panic!("{log:#}") };
    let rule = &driver["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
    assert_eq!((&rule["id"], &result["ruleId"]), (&json!("unsupported-version"), &json!("unsupported-version")));
    assert!(rule["help"]["markdown"].as_str().unwrap().contains("## What to do"), "{rule:#}");
    assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty());
    let report = folder.report(&["deploy/a b.yaml", "ignored.yaml"]);
    assert_eq!(result["partialFingerprints"], json!({"apimKeyless/v1": report["findings"][0]["fingerprint"]}));
    assert_eq!((&result["level"], result.get("suppressions")), (&json!("error"), None));
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        json!({
            "artifactLocation": {"uri": "deploy/a%20b.yaml"},
            "region": {"startLine": 12, "startColumn": 9, "endLine": 12, "endColumn": 14},
        })
    );
    assert_eq!(ignored["suppressions"][0]["kind"], "inSource");
    assert_eq!(ignored["suppressions"][0]["justification"], "the vendor <updates> it & \"soon\"");
}

#[test]
fn what_could_not_be_read_is_a_notification_of_sarif() {
    let ran = Folder::with(&[("a.yaml", "a: ]\n")]).run(&["check", "-o", "sarif", "a.yaml"]);
    let invocation = ran.json()["runs"][0]["invocations"][0].clone();
    assert_eq!((ran.code, &invocation["executionSuccessful"]), (2, &json!(false)));
    let text = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("a.yaml:1:4: a closing bracket"), "{text}");
}

#[test]
fn junit_fits_its_schema_and_always_has_a_test_case() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        return not_run("the JUnit schema", "xmllint (package libxml2-utils) is not installed");
    }
    let Some(schema) = JUNIT_SCHEMA.get() else { return };
    let is_valid = |folder: &Folder, xml: &str| {
        folder.write("report.xml", xml.as_bytes());
        let file = folder.path("report.xml");
        Command::new("xmllint").args(["--noout", "--schema"]).arg(&schema).arg(file).output().unwrap()
    };
    let folder = Folder::with(&[]);
    for ran in runs("junit") {
        assert!(ran.stdout.contains("<testcase ") && ran.stderr.is_empty(), "{}", ran.everything());
        let output = is_valid(&folder, &ran.stdout);
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stderr), ran.stdout);
        assert!(!is_valid(&folder, &ran.stdout.replace("<testcase ", "<case ")).status.success());
    }
}

#[test]
fn the_failures_of_junit_are_what_the_exit_code_counts() {
    let folder = Folder::with(&[("a.yaml", OUTDATED), ("b.yaml", UNLABELED), ("c.yaml", ROLLING), ("d.yaml", KEYLESS)]);
    for (arguments, code, failures) in [
        (&[][..], 1, 1),
        (&["--fail-on", "fixable"], 1, 2),
        (&["--fail-on", "warning"], 1, 3),
        (&["--mode", "audit", "--fail-on", "warning"], 0, 0),
        (&["--ignore", "unsupported-version"], 0, 0),
    ] {
        let ran = folder.run(&[&["check", ".", "-o", "junit"], arguments].concat());
        assert_eq!(
            (ran.code, ran.stdout.matches("<failure ").count()),
            (code, failures),
            "{arguments:?}: {}",
            ran.stdout
        );
        assert!(ran.stdout.contains(&format!(" failures=\"{failures}\" errors=\"0\">")), "{}", ran.stdout);
    }
}

#[test]
fn github_gets_one_command_for_each_finding_and_failure() {
    let folder = Folder::with(&[
        (ODD_NAME, OUTDATED),
        ("b.yaml", UNLABELED),
        ("c.yaml", ROLLING),
        ("d.yaml", "apiVersion: ]\n"),
        ("e.yaml", &format!("{IGNORED}{OUTDATED}")),
    ]);
    let ran = folder.run(&["check", ".", "-o", "github"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let starts = [
        "::error file=./a & <b> \"c\"'%2C%25%3Aé.yaml,line=12,endLine=12,col=9,endColumn=13,title=unsupported-version::Use gateway image version 2.11.0",
        "::warning file=./b.yaml,line=5,endLine=5,col=3,endColumn=10,title=missing-identity-label::Set label",
        "::notice file=./c.yaml,line=12,endLine=12,col=9,endColumn=13,title=rolling-version::Use a static tag",
        "::error file=./d.yaml,line=1,endLine=1,col=13,endColumn=13::a closing bracket",
        "ignored: ./e.yaml:13:9: unsupported-version in Deployment shop/orders: the vendor",
        "3 findings (1 error, 1 fixable, 1 warning) in 3 of 4 objects, 4 gateways; 1 ignored by comments;",
    ];
    assert_eq!((ran.code, lines.len()), (2, starts.len()), "{}", ran.stdout);
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\n{start}");
    }
    assert!(lines[1].contains("%0Ain Deployment shop/orders: spec.template%0Afix: set "), "{}", lines[1]);
}

#[test]
fn in_audit_mode_nothing_is_an_error_of_code_scanning() {
    let folder = Folder::with(&[("a.yaml", OUTDATED), ("b.yaml", UNLABELED), ("c.yaml", ROLLING)]);
    let log = folder.run(&["check", ".", "-o", "sarif", "--mode", "audit"]).json();
    let levels: Vec<&Value> =
        log["runs"][0]["results"].as_array().unwrap().iter().map(|result| &result["level"]).collect();
    assert_eq!(levels, ["warning", "note", "note"]);
    let commands = folder.run(&["check", ".", "-o", "github", "--mode", "audit"]).stdout;
    assert!(commands.starts_with("::warning ") && !commands.contains("::error"), "{commands}");
}
