//! What cannot be read is reported with position, cause and fix, and never with a value. The rest is still evaluated.

use test_support::run::manifests::{KEYLESS, OUTDATED};
use test_support::run::{Folder, RunOutput};

/// A text that no message may contain.
const CANARY: &str = "canary";

/// Runs `check` on a file `bad.yaml` with this text.
fn check(text: &str) -> RunOutput {
    let ran = Folder::with(&[("bad.yaml", text)]).check("bad.yaml");
    assert!(!ran.everything().contains(CANARY), "{}", ran.everything());
    ran
}

/// The first line on stderr of a run that could not evaluate something.
fn error(ran: &RunOutput) -> String {
    assert_eq!(ran.code, 2, "{}", ran.everything());
    ran.stderr.lines().next().unwrap().to_owned()
}

#[test]
fn malformed_yaml_is_reported_with_line_and_column() {
    for (text, place, words) in [
        ("kind: Pod\n\tname: canary\n", "bad.yaml:1:7:", "a tab is not allowed as indentation in the line below"),
        ("kind:\n\t- canary\n", "bad.yaml:2:", "a tab is not allowed as indentation"),
        ("kind: Pod\nname: canary\nname: other\n", "bad.yaml:3:1:", "duplicate key"),
        ("- canary\n", "bad.yaml:1:3:", "this is a sequence"),
        ("canary\n", "bad.yaml:1:1:", "this is a scalar"),
        ("kind: [canary\n", "bad.yaml:1:7:", "a bracket or brace is never closed"),
    ] {
        let error = error(&check(text));
        assert!(error.starts_with(&format!("error: {place}")) && error.contains(words), "{error}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_reported_with_its_position() {
    let env = "        env:\n        - {name: telemetry.logs.std, value: 424242}\n        envFrom:";
    let ran = check(&KEYLESS.replace("        envFrom:", env));
    assert_eq!(
        error(&ran),
        "error: bad.yaml:14:38: spec.template.spec.containers[0].env[0].value must be a string: put the number in quotes"
    );
    assert!(!ran.everything().contains("424242"));
}

#[test]
fn nothing_to_evaluate_is_an_error() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "---\nnull\n"] {
        assert_eq!(
            error(&check(text)),
            "error: bad.yaml: no YAML document, nothing to evaluate; add one or leave the file out",
            "{text:?}"
        );
    }
    let folder = Folder::with(&[("docs/notes.txt", "kind: Pod")]);
    for path in ["docs", "none.yaml", "none"] {
        let error = error(&folder.check(path));
        assert!(error.starts_with(&format!("error: {path}: ")), "{error}");
    }
}

#[test]
fn a_file_that_is_not_text_is_an_error() {
    let folder = Folder::with(&[]);
    folder.write("bad.yaml", b"kind: \xff\xfe");
    let error = error(&folder.check("bad.yaml"));
    assert_eq!(error, "error: bad.yaml: not UTF-8; save it as UTF-8");
}

#[test]
fn a_malformed_document_does_not_hide_the_others() {
    let other = OUTDATED.replace("name: orders,", "name: payments,");
    let ran = check(&format!("{OUTDATED}---\nkind: [{CANARY}\n---\n{other}"));
    assert!(error(&ran).starts_with("error: bad.yaml:"), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("error[unsupported-version]").count(), 2, "{}", ran.stdout);
    assert!(
        ran.stdout
            .ends_with("\n2 findings (2 errors) in 2 of 2 objects, 2 gateways; 1 file or document could not be read\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_helm_template_is_reported_as_one() {
    for text in [
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include \"orders.fullname\" . }}\n",
        "{{- if .Values.enabled }}\napiVersion: v1\nkind: Pod\n{{- end }}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \"{{ .Release.Name }}\"}\n",
    ] {
        let error = error(&check(text));
        assert!(error.contains("a Helm template, not a manifest") && error.contains("helm template"), "{error}");
    }
}

#[test]
fn documents_without_kind_are_skipped_and_counted() {
    let ran = check(&format!("service:\n  password: {CANARY}\n---\n{KEYLESS}"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, "no findings in 1 object, 1 gateway; skipped 1 document without apiVersion and kind\n");
}
