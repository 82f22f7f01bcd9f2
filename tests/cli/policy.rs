//! The policy document: what it expects counts, and one that can't be used is an error at the start.

use crate::run::Folder;
use crate::run::manifests::{KEYLESS, OUTDATED};

const HEAD: &str = "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: shop}\n";

/// What `check` says of an outdated gateway under a policy with this spec, with its exit code.
fn under(spec: &str) -> (i32, String) {
    let folder = Folder::with(&[("policy.yaml", &format!("{HEAD}spec:\n{spec}\n")), ("orders.yaml", OUTDATED)]);
    let ran = folder.run(&["check", "orders.yaml", "--policy", "policy.yaml"]);
    (ran.code, ran.everything())
}

#[test]
fn a_rule_has_the_mode_that_the_policy_gives_it() {
    assert!(under("  rules: {unsupported-version: audit}").1.starts_with("remarked[unsupported-version]"));
    assert_eq!(under("  rules: {unsupported-version: off}"), (0, "1 object: no fault found\n".to_owned()));
}

#[test]
fn a_namespace_has_the_expectations_that_the_policy_gives_it() {
    let minimum = |namespace: &str| {
        let policy = format!("{HEAD}spec:\n  namespaces:\n    {namespace}: {{minimumVersion: 2.12.0}}\n");
        let folder = Folder::with(&[("policy.yaml", &policy), ("orders.yaml", KEYLESS)]);
        folder.run(&["check", "orders.yaml", "--policy", "policy.yaml"]).stdout
    };
    assert!(minimum("shop").contains("2.11.1 is older than 2.12.0, the oldest version that this namespace allows"));
    assert_eq!(minimum("other"), "1 object: no fault found\n");
}

#[test]
fn the_annotations_of_a_namespace_stand_above_the_policy() {
    let namespace = "apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {apim-keyless.dev/minimum-version: 2.12.0, apim-keyless.dev/service-account: 'a, b'}}
";
    let policy = format!("{HEAD}spec:\n  defaults: {{minimumVersion: 2.11.0, serviceAccount: orders-identity}}\n");
    let folder =
        Folder::with(&[("policy.yaml", &policy), ("shop/orders.yaml", KEYLESS), ("shop/namespace.yaml", namespace)]);
    let ran = folder.run(&["check", "shop", "--policy", "policy.yaml"]);
    assert!(ran.stdout.contains("2.11.1 is older than 2.12.0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("refused[unexpected-service-account]"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n2 objects: 2 refused\n"), "{}", ran.stdout);
}

#[test]
fn a_misspelt_field_or_rule_is_told_by_its_place() {
    for (spec, error) in [
        ("  default: {}", "5:3: unknown field default; expected one of: "),
        (
            "  rules: {unsuported-version: audit}",
            "5:11: there is no rule unsuported-version; did you mean unsupported-version?",
        ),
        ("  defaults: {clientId: canary}", "5:24: expected a GUID such as 00000000-0000-0000-0000-000000000000"),
    ] {
        let (code, said) = under(spec);
        assert_eq!(code, 2);
        assert!(
            said.starts_with("error: the policy document policy.yaml cannot be used: ") && said.contains(error),
            "{said}"
        );
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn a_policy_that_is_not_there_is_an_error() {
    let ran = Folder::with(&[("orders.yaml", OUTDATED)]).run(&["check", "orders.yaml", "--policy", "none.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("error: cannot read the policy document none.yaml: "), "{}", ran.stderr);
}
