//! The policy document: its expectations apply, and an invalid one is an error at startup.

use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED};

const HEAD: &str = "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: shop}\n";

/// The exit code and the output of `check` for an outdated gateway and a policy with this spec.
fn check_with(spec: &str) -> (i32, String) {
    let folder = Folder::with(&[("policy.yaml", &format!("{HEAD}spec:\n{spec}\n")), ("orders.yaml", OUTDATED)]);
    let ran = folder.run(&["check", "orders.yaml", "--policy", "policy.yaml"]);
    (ran.code, ran.everything())
}

#[test]
fn the_policy_sets_the_mode_of_a_rule() {
    assert!(check_with("  rules: {unsupported-version: audit}").1.starts_with("warning[unsupported-version]"));
    assert_eq!(
        check_with("  rules: {unsupported-version: off}"),
        (0, "no findings in 1 object, 1 gateway\n".to_owned())
    );
}

#[test]
fn the_policy_sets_the_expectations_of_a_namespace() {
    let minimum = |namespace: &str| {
        let policy = format!("{HEAD}spec:\n  namespaces:\n    {namespace}: {{minimumVersion: 2.12.0}}\n");
        let folder = Folder::with(&[("policy.yaml", &policy), ("orders.yaml", KEYLESS)]);
        folder.run(&["check", "orders.yaml", "--policy", "policy.yaml"]).stdout
    };
    assert!(minimum("shop").contains(
        "2.12.0 or newer in container \"gateway\": the image named 2.11.1 is older than the minimum version that is \
         configured for the namespace"
    ));
    assert_eq!(minimum("other"), "no findings in 1 object, 1 gateway\n");
}

#[test]
fn annotations_of_a_namespace_override_the_defaults_of_the_policy() {
    let namespace = "apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {apim-keyless.dev/minimum-version: 2.12.0, apim-keyless.dev/service-account: 'a, b'}}
";
    let policy = format!("{HEAD}spec:\n  defaults: {{minimumVersion: 2.11.0, serviceAccount: orders-identity}}\n");
    let folder =
        Folder::with(&[("policy.yaml", &policy), ("shop/orders.yaml", KEYLESS), ("shop/namespace.yaml", namespace)]);
    let ran = folder.run(&["check", "shop", "--policy", "policy.yaml"]);
    assert!(
        ran.stdout.contains("2.12.0 or newer in container \"gateway\": the image named 2.11.1 is older"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("error[unexpected-service-account]"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n2 findings (2 errors) in 1 of 2 objects, 1 gateway\n"), "{}", ran.stdout);
}

#[test]
fn a_misspelled_field_or_rule_is_reported_with_its_position() {
    for (spec, error) in [
        ("  default: {}", "5:3: field default is unknown; write one of: "),
        (
            "  rules: {unsuported-version: audit}",
            "5:11: there is no rule unsuported-version; did you mean unsupported-version?",
        ),
        (
            "  defaults: {clientId: canary}",
            "5:24: clientId: the value has the wrong form; write a GUID, such as 00000000-0000-0000-0000-000000000000",
        ),
    ] {
        let (code, output) = check_with(spec);
        assert_eq!(code, 2);
        assert!(
            output.starts_with("error: the policy document policy.yaml is invalid: ") && output.contains(error),
            "{output}"
        );
        assert!(!output.contains("canary"), "{output}");
    }
}

#[test]
fn a_missing_policy_is_an_error() {
    let ran = Folder::with(&[("orders.yaml", OUTDATED)]).run(&["check", "orders.yaml", "--policy", "none.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(
        ran.stderr,
        "error: cannot read the policy document none.yaml: the file does not exist; check the path\n"
    );
}
