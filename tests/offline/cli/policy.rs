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
fn the_entry_of_a_namespace_precedes_its_annotations() {
    let namespace = "apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {apim-keyless.dev/service-account: other}}
";
    for (spec, is_unexpected) in [
        ("{}", true),
        ("{defaults: {serviceAccount: orders-identity}}", true),
        ("{namespaces: {shop: {serviceAccount: orders-identity}}}", false),
        ("{namespaces: {shop: {minimumVersion: 2.11.0}}}", true),
        ("{namespaceAnnotations: ignore}", false),
        ("{namespaceAnnotations: ignore, defaults: {serviceAccount: another}}", true),
    ] {
        let policy = format!("{HEAD}spec: {spec}\n");
        let folder = Folder::with(&[
            ("policy.yaml", &policy),
            ("shop/orders.yaml", KEYLESS),
            ("shop/namespace.yaml", namespace),
        ]);
        let ran = folder.run(&["check", "shop", "--policy", "policy.yaml"]);
        assert_eq!(ran.stdout.contains("error[unexpected-service-account]"), is_unexpected, "{spec}: {}", ran.stdout);
    }
}

#[test]
fn a_malformed_annotation_is_reported_at_the_namespace_and_counts_as_absent() {
    let namespace = "apiVersion: v1
kind: Namespace
metadata:
  name: shop
  annotations:
    apim-keyless.dev/service-account: Other
";
    let folder = Folder::with(&[("shop/orders.yaml", KEYLESS), ("shop/namespace.yaml", namespace)]);
    let ran = folder.run(&["check", "shop"]);
    let place = "shop/namespace.yaml:6:5\n";
    assert!(
        ran.stdout.starts_with("warning[malformed-namespace-setting]: Set annotation") && ran.stdout.contains(place)
    );
    assert!(ran.stdout.ends_with("\n1 finding (1 warning) in 1 of 2 objects, 1 gateway\n"), "{}", ran.stdout);
    assert_eq!(ran.code, 0);
}

#[test]
fn an_exception_puts_its_rule_into_audit_until_it_expires() {
    let exception = |expires: &str, name: &str| {
        format!(
            "  exceptions:\n  - {{rule: unsupported-version, namespace: shop, name: {name}, reason: it moves, expires: {expires}}}"
        )
    };
    let (code, output) = check_with(&exception("9999-12-31", "ord*"));
    assert!(code == 0 && output.starts_with("warning[unsupported-version]"), "{output}");
    assert!(!output.contains("exception-"), "{output}");
    assert_eq!(check_with(&exception("9999-12-31", "ord")).0, 1);
    let (code, output) = check_with(&exception("2020-01-31", "orders"));
    assert!(code == 1 && output.starts_with("error[unsupported-version]"), "{output}");
    let warning = "warning[exception-expired]: Remove the exception from unsupported-version for \"orders\" in namespace \
                   shop, or set a later date: it ended after 2020-01-31 and has no effect\n";
    assert!(output.contains(warning) && output.contains("policy.yaml:6:5\n"), "{output}");
    assert!(output.ends_with("2 findings (1 error, 1 warning) in 1 of 1 object, 1 gateway\n"), "{output}");
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
            "5:24: clientId: the value has the wrong form; write a GUID, such as 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
        ),
        ("  namespaces:\n    Shop: {}", "6:5: namespaces: the value has the wrong form; write the name of a namespace"),
        ("  defaults:\n    gatewayName: a", "6:5: field gatewayName cannot be a default"),
    ] {
        let (code, output) = check_with(spec);
        assert_eq!(code, 2);
        assert!(output.starts_with("error: policy.yaml:") && output.contains(error), "{output}");
        assert!(!output.contains("canary"), "{output}");
    }
}

#[test]
fn a_missing_policy_is_an_error() {
    let ran = Folder::with(&[("orders.yaml", OUTDATED)]).run(&["check", "orders.yaml", "--policy", "none.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(ran.stderr, "error: none.yaml: the file does not exist; check the path of the policy\n");
}
