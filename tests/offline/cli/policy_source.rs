//! Where `check` and `review` take the policy from, and what they say of a file that holds none.

use test_support::run::manifests::OUTDATED;
use test_support::run::{Folder, RunOutput};

const HEAD: &str = "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\n";

/// The spec of a policy under which the outdated gateway has no findings.
const SPEC: &str = "spec: {rules: {unsupported-version: off}}\n";

/// Words of the operating system, of Rust and of its libraries.
const FOREIGN: [&str; 6] = ["os error", "struct ", "enum ", "Some(", "serde", "canary"];

fn document() -> String {
    format!("{HEAD}{SPEC}")
}

fn folder(files: &[(&str, &str)]) -> Folder {
    Folder::with(&[&[("orders.yaml", OUTDATED)], files].concat())
}

/// Runs `check` with the policy in a file with this text.
fn check(text: &str) -> RunOutput {
    folder(&[("p.yaml", text)]).run(&["check", "orders.yaml", "--policy", "p.yaml"])
}

/// Asserts that the policy of the file was used.
fn assert_used(ran: &RunOutput) {
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "no findings in 1 object, 1 gateway\n"), "{}", ran.stderr);
}

fn assert_error(ran: &RunOutput, start: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.starts_with(&format!("error: {start}")), "{start}\n{}", ran.stderr);
    assert!(FOREIGN.iter().all(|word| !ran.stderr.contains(word)), "{}", ran.stderr);
    assert!(ran.stderr.contains("; ") && ran.stderr.lines().count() == 1, "{}", ran.stderr);
}

#[test]
fn the_policy_is_a_document_a_config_map_or_values_of_the_chart() {
    let indented = document().lines().fold(String::new(), |text, line| text + "    " + line + "\n");
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: apim-keyless-policy}\ndata:\n";
    let json = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"policy.yaml": document()}});
    for text in [
        document(),
        format!("{config_map}  policy.yaml: |\n{indented}"),
        format!("{config_map}  other: a\n  mine: |-\n{indented}"),
        json.to_string(),
        serde_json::json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [json]}).to_string(),
        "replicas: 2\npolicy: {rules: {unsupported-version: false}}\n".to_owned(),
        "apim-keyless:\n  policy: {rules: {unsupported-version: off}}\n".to_owned(),
    ] {
        assert_used(&check(&text));
    }
    // as the chart renders it
    let installed = std::fs::read_to_string("deploy/install.yaml").unwrap();
    assert_eq!(check(&installed).code, 1);
    let ran = folder(&[("p.yaml", &document())]).feed(&["check", "orders.yaml", "--policy", "-"], &document());
    assert_used(&ran);
}

#[test]
fn a_file_without_a_usable_policy_is_an_error_with_place_cause_and_fix() {
    for (text, start) in [
        ("", "p.yaml:1:1: the document is empty; write"),
        ("null\n", "p.yaml:1:1: the document is empty; write"),
        ("[]\n", "p.yaml:1:1: this is a list and not a policy document; write"),
        ("canary\n", "p.yaml:1:1: this is text and not a policy document; write"),
        ("a: [\n", "p.yaml:1:4: this is not a valid policy document; write"),
        (OUTDATED, "p.yaml:1:1: this is a Deployment and not a policy document; write kind: GatewayPolicy"),
        ("replicas: 2\n", "p.yaml:1:1: there is no policy document here, and no field policy"),
        ("spec: {}\n", "p.yaml:1:1: apiVersion and kind are missing; write"),
        (
            "kind: ConfigMap\nmetadata: {name: a}\ndata: {b: c}\n",
            "p.yaml:1:1: ConfigMap \"a\" holds no policy document (its keys: b); name",
        ),
        ("policy: {ruls: {}}\n", "p.yaml:1:10: field ruls is unknown; write one of: defaults, "),
    ] {
        assert_error(&check(text), start);
    }
    for (spec, start) in [
        ("images: registry.example/canary", "p.yaml:3:16: images: the value has the wrong form; write a list\n"),
        ("rules: [canary]", "p.yaml:3:15: rules: the value has the wrong form; write a mapping\n"),
        ("exceptions: 5", "p.yaml:3:20: exceptions: the value has the wrong form; write a list\n"),
        (
            "defaults: {minimumVersion: 2.10.0}",
            "p.yaml:3:35: minimumVersion: the value has the wrong form; write a version of three numbers, 2.11.0 or newer",
        ),
        (
            "defaults: {minimumVersion: 2.11}",
            "p.yaml:3:19: minimumVersion: the value has the wrong form; write a version of three numbers",
        ),
        ("namespaces: {Team_A: {}}", "p.yaml:3:21: "),
        ("defaults: {clientId: []}", "p.yaml:3:"),
        ("defaults: {clientId: null}", "p.yaml:3:"),
    ] {
        assert_error(&check(&format!("{HEAD}spec: {{{spec}}}\n")), start);
    }
    assert_error(
        &check(&format!("{HEAD}spec: 5\n")),
        "p.yaml:3:7: spec: the value has the wrong form; write a mapping\n",
    );
    let two = format!("{HEAD}---\n{HEAD}");
    assert_error(
        &check(&two),
        "p.yaml:4:1: a second policy begins here, the first at line 1; keep one of them, or split the file\n",
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_in_words_of_this_project() {
    let folder = folder(&[]);
    let check = |policy: &str| folder.run(&["check", "orders.yaml", "--policy", policy]);
    assert_error(&check("none"), "none: the file does not exist; check the path of the policy\n");
    assert_error(&check("."), ".: this is a folder; name the file with the policy document in it\n");
    folder.write(
        "latin",
        format!("{HEAD}# caf").as_bytes().iter().copied().chain([0xe9]).collect::<Vec<u8>>().as_slice(),
    );
    assert_error(&check("latin"), "latin:3:6: the policy document is not UTF-8; save it as UTF-8\n");
    folder.write("wide", &[0xff, 0xfe, b'a', 0]);
    assert_error(&check("wide"), "wide:1:1: the policy document is not UTF-8 but UTF-16; save it as UTF-8\n");
    for command in ["check", "fix"] {
        let ran = folder.feed(&[command, "-", "--policy", "-"], OUTDATED);
        assert_error(&ran, "-: stdin can hold either the manifests or the policy; name a file for one of them\n");
    }
    let ran = folder.feed(&["review", "--mode", "enforce", "--webhook", "validating", "--policy", "-"], "{}");
    assert_error(&ran, "--policy -: stdin is the AdmissionReview; name a file with the policy\n");
}

#[test]
fn the_policy_is_found_by_flag_then_variable_then_file() {
    let invalid = format!("{HEAD}spec: {{a: 1}}\n");
    let folder = folder(&[("apim-keyless.yaml", &invalid), ("good", &document()), ("below/a/orders.yaml", OUTDATED)]);
    let check = ["check", "orders.yaml"];
    let ran = folder.run_with(&[("APIM_KEYLESS_POLICY", "none")], &["check", "orders.yaml", "--policy", "good"]);
    assert_used(&ran);
    assert_eq!(ran.stderr, "");
    let ran = folder.run_with(&[("APIM_KEYLESS_POLICY", "good")], &check);
    assert_used(&ran);
    assert_eq!(ran.stderr, "using policy good (APIM_KEYLESS_POLICY)\n");
    let ran = folder.run_with(&[("APIM_KEYLESS_POLICY", "")], &check);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "an empty variable means no policy");
    let ran = folder.run(&check);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.starts_with("using policy apim-keyless.yaml\nerror: apim-keyless.yaml:3:8: field a is unknown"),
        "{}",
        ran.stderr
    );
    // the home folder of the tests is the folder itself
    folder.write("apim-keyless.yaml", document().as_bytes());
    let ran = folder.run_below("below/a", &[], &check);
    assert_used(&ran);
    assert_eq!(ran.stderr, format!("using policy {}\n", folder.path("apim-keyless.yaml").display()));
    std::fs::create_dir(folder.path("below/.git")).unwrap();
    let ran = folder.run_below("below/a", &[], &check);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "the search ends at the repository");
}

#[test]
fn a_policy_among_the_files_is_validated_and_not_used() {
    let indented = "    apiVersion: apim-keyless.dev/v1alpha1\n    kind: GatewayPolicy\n    spec: {a: 1}\n";
    let config_map =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: p}}\ndata:\n  policy.yaml: |\n{indented}");
    let invalid = format!("{OUTDATED}---\n{HEAD}spec:\n  rules: {{unsuported-version: off}}\n");
    let line = OUTDATED.lines().count() + 5;
    let folder = folder(&[("good.yaml", &document()), ("bad.yaml", &invalid), ("map.yaml", &config_map)]);
    let ran = folder.run(&["check", "orders.yaml", "good.yaml"]);
    assert_eq!(ran.code, 1, "it is not used");
    assert!(
        ran.stdout.ends_with("; skipped 1 document with a policy that is not in use; use it with --policy FILE\n"),
        "{}",
        ran.stdout
    );
    let ran = folder.run(&["check", "bad.yaml"]);
    let error =
        format!("error: bad.yaml:{line}:11: there is no rule unsuported-version; did you mean unsupported-version?\n");
    assert_eq!((ran.code, ran.stderr.as_str()), (2, error.as_str()));
    let ran = folder.run(&["check", "map.yaml"]);
    assert!(ran.code == 2 && ran.stderr.starts_with("error: map.yaml:8:12: field a is unknown; "), "{}", ran.stderr);
    let ran = folder.run(&["check", "orders.yaml", "good.yaml", "--policy", "./good.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "no findings in 2 objects, 1 gateway\n"), "{}", ran.stderr);
}
