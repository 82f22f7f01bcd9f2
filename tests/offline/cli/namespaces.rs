//! A Namespace among the files decides the mode of its objects, and `--complete` makes what is not there absent.

use test_support::run::manifests::{KEYLESS, OUTDATED};
use test_support::run::{Folder, RunOutput};

fn namespace(labels: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{{labels}}}}}\n")
}

fn check(labels: &str, arguments: &[&str]) -> RunOutput {
    let folder = Folder::with(&[("a.yaml", &namespace(labels)), ("b.yaml", OUTDATED)]);
    folder.run(&[&["check", "."], arguments].concat())
}

#[test]
fn the_label_decides_the_exit_code() {
    for (labels, arguments, code) in [
        ("", &[][..], 1),
        ("apim-keyless.dev/mode: enforce", &[], 1),
        ("apim-keyless.dev/mode: audit", &[], 0),
        ("apim-keyless.dev/mode: audit", &["--mode", "enforce"], 1),
        ("apim-keyless.dev/mode: enforce", &["--mode", "audit"], 0),
        ("apim-keyless.dev/mode: \"off\"", &["--mode", "enforce"], 1),
    ] {
        let ran = check(labels, arguments);
        assert_eq!(ran.code, code, "{labels} {arguments:?}: {}", ran.everything());
        assert!(ran.stdout.contains("error[unsupported-version]"), "shown in every mode: {}", ran.stdout);
        assert!(ran.stdout.contains("1 finding (1 error) in 1 of 2 objects"), "counted in every mode: {}", ran.stdout);
    }
}

#[test]
fn a_namespace_that_is_off_is_skipped_with_the_reason() {
    let ran = check("apim-keyless.dev/mode: \"off\"", &[]);
    let expected = "no findings in 2 objects, 0 gateways; skipped 1 document in a namespace with label apim-keyless.dev/mode: off\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, expected));
}

#[test]
fn the_settings_of_a_namespace_are_checked_in_every_mode() {
    for (labels, count) in [
        ("apim-keyless.dev/mode: enforced", 1),
        ("apim-keyless.dev/mode: \"off\", apim-keyless.dev/Mode: audit", 1),
        ("apim-keyless.dev/mode: audit", 0),
    ] {
        let ran = check(labels, &[]);
        assert_eq!(ran.stdout.matches("[malformed-namespace-setting]").count(), count, "{labels}: {}", ran.stdout);
    }
    // a mode that is not one counts as no label
    assert_eq!(check("apim-keyless.dev/mode: enforced", &[]).code, 1);
}

#[test]
fn in_a_complete_input_absent_objects_are_found() {
    let folder = Folder::with(&[("a.yaml", KEYLESS)]);
    assert!(folder.run(&["check", "a.yaml"]).stdout.starts_with("no findings"));
    let ran = folder.run(&["check", "--complete", "a.yaml"]);
    assert_eq!(ran.code, 0);
    for rule in ["absent-service-account", "absent-config-map"] {
        assert_eq!(ran.stdout.matches(&format!("warning[{rule}]")).count(), 1, "{}", ran.stdout);
    }
    // what is found is reported once, at the object itself
    let key = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env, namespace: shop}\ndata: {config.service.auth: GatewayKey orders&202701010000&a2V5}\n";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: orders-identity, namespace: shop}\n";
    let folder = Folder::with(&[("a.yaml", KEYLESS), ("b.yaml", key), ("c.yaml", account)]);
    let (given, complete) = (folder.run(&["check", "."]), folder.run(&["check", "--complete", "."]));
    assert_eq!(complete.stdout, given.stdout);
    assert_eq!(complete.stdout.matches("[auth-key-literal]").count(), 1, "{}", complete.stdout);
}
