//! The report for people.

use crate::run::manifests::{KEYLESS, UNLABELLED};
use crate::run::{Folder, in_project};

const REFUSED: &str = r#"refused[auth-key-reference]: config.service.auth is taken from Secret "payments-token" key "value"; remove it: the ConfigMap's config.service.auth: workloadIdentity replaces it
  --> deploy/examples/03-portal-auth-key.yaml:56:11
   |
56 |         - name: config.service.auth
   |           ^^^^ spec.template.spec.containers[0].env[0]
   |
   = note: in Deployment apim/payments

"#;

const MENDED: &str = r#"mended[missing-identity-label]: label azure.workload.identity/use: "true" is not on the pod template, so no identity is injected; add it
 --> a.yaml:5:3
  |
5 |   template:
  |   ^^^^^^^^ spec.template
  |
  = note: in Deployment shop/orders
  = help: the webhook sets spec.template.metadata.labels["azure.workload.identity/use"] to "true"

1 object: 1 mended
"#;

#[test]
fn the_examples_are_judged_as_their_comments_say() {
    let ran = in_project(&["check", "deploy/examples", "--policy", "deploy/policy.yaml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert_eq!(ran.stdout.lines().last(), Some("12 objects: 6 refused, 11 mended, 3 remarked"));
    assert!(ran.stdout.contains(REFUSED), "{}", ran.stdout);
    let refused: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("refused[")).collect();
    assert_eq!(refused.len(), 6);
    assert_eq!(
        refused[5],
        "refused[unsupported-version]: 2.10.1 is older than 2.11.0, the first version that can use workload identity"
    );
}

#[test]
fn a_mended_fault_is_told_with_what_the_webhook_does() {
    let ran = Folder::with(&[("a.yaml", UNLABELLED)]).check("a.yaml");
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (MENDED, ""));
}

#[test]
fn there_are_no_colours_where_there_is_no_terminal() {
    let folder = Folder::with(&[("a.yaml", UNLABELLED), ("b.yaml", "a: ]\n")]);
    for arguments in [&["check", "."][..], &["check"], &["--help"], &["explain", "auth-key-literal"]] {
        let ran = folder.run(arguments);
        assert!(!ran.everything().contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn the_report_is_on_stdout_and_what_could_not_be_read_on_stderr() {
    let ran = Folder::with(&[("a.yaml", KEYLESS), ("b.yaml", "a: ]\n")]).run(&["check", "a.yaml", "b.yaml"]);
    assert_eq!(ran.stdout, "1 object: no fault found; 1 could not be read\n");
    assert_eq!(
        ran.stderr,
        "error: b.yaml:1:4: a closing bracket or brace without its opening one: remove it or open it\n"
    );
}

#[test]
fn a_line_before_which_something_was_masked_is_underlined_at_the_right_place() {
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
 ::: 
4 | data: {a: ***, config.service.auth: ***}
  |                ^^^^^^^^^^^^^^^^^^^ data["config.service.auth"]
"#;
    assert!(stdout.contains(expected), "{stdout}");
}
