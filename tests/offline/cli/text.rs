//! The text report.

use test_support::run::manifests::{KEYLESS, UNLABELED};
use test_support::run::{Folder, in_project};

const ERROR: &str = r#"error[auth-key-reference]: Remove env config.service.auth of container "payments" and set config.service.auth: workloadIdentity in ConfigMap "payments-env": it takes an auth key from Secret "payments-token" key "value"
  --> deploy/examples/03-portal-auth-key.yaml:56:11
   |
56 |         - name: config.service.auth
   |           ^^^^ spec.template.spec.containers[0].env[0]
   |
   = note: in Deployment apim/payments

"#;

const FIXABLE: &str = r#"fixable[missing-identity-label]: Set label azure.workload.identity/use: "true" on the pod template: without it no identity is injected
 --> a.yaml:5:3
  |
5 |   template:
  |   ^^^^^^^^ spec.template
  |
  = note: in Deployment shop/orders
  = fix by the webhook: set spec.template.metadata.labels["azure.workload.identity/use"] to "true"

1 finding (1 fixable) in 1 of 1 object, 1 gateway
"#;

/// What is printed beside an auth key.
const MIGRATE: &str = "`apim-keyless migrate` changes the files of these gateways from an auth key, or an Entra app, to workload identity\n";

#[test]
fn the_examples_have_the_findings_of_their_comments() {
    let ran = in_project(&["check", "deploy/examples", "--policy", "deploy/policy.yaml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, MIGRATE));
    assert_eq!(
        ran.stdout.lines().last(),
        Some("20 findings (6 errors, 11 fixable, 3 warnings) in 10 of 12 objects, 5 gateways")
    );
    assert!(ran.stdout.contains(ERROR), "{}", ran.stdout);
    let errors: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(errors.len(), 6);
    assert_eq!(
        errors[5],
        "error[unsupported-version]: Use gateway image version 2.11.0 or newer in container \"invoices\": the image named 2.10.1 is older than the first version that supports workload identity"
    );
}

#[test]
fn a_fixable_finding_is_printed_with_its_fix() {
    let ran = Folder::with(&[("a.yaml", UNLABELED)]).check("a.yaml");
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (FIXABLE, ""));
}

#[test]
fn there_are_no_colors_without_a_terminal() {
    let folder = Folder::with(&[("a.yaml", UNLABELED), ("b.yaml", "a: ]\n")]);
    for arguments in [&["check", "."][..], &["check"], &["--help"], &["explain", "auth-key-literal"]] {
        let ran = folder.run(arguments);
        assert!(!ran.everything().contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn the_report_is_on_stdout_and_failures_are_on_stderr() {
    let ran = Folder::with(&[("a.yaml", KEYLESS), ("b.yaml", "a: ]\n")]).run(&["check", "a.yaml", "b.yaml"]);
    assert_eq!(ran.stdout, "no findings in 1 object, 1 gateway; 1 file or document could not be read\n");
    assert_eq!(
        ran.stderr,
        "error: b.yaml:1:4: a closing bracket or brace without an opening one; remove it or add the opening one\n"
    );
}

#[test]
fn a_masked_line_is_underlined_at_the_right_columns() {
    let folder = Folder::with(&[(
        "a.yaml",
        "apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: 'a text that is longer than three stars', config.service.auth: azureAdApp}
",
    )]);
    let stdout = folder.check("a.yaml").stdout;
    let expected = r#" --> a.yaml:4:53
  |
4 | data: {a: ***, config.service.auth: azureAdApp}
  |                ^^^^^^^^^^^^^^^^^^^ data["config.service.auth"]
"#;
    assert!(stdout.contains(expected), "{stdout}");
}
