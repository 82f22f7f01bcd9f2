//! `# apim-keyless: ignore RULE reason` in a file.

use serde_json::Value;
use test_support::run::Folder;
use test_support::run::manifests::{OUTDATED, ROLLING, UNLABELED};

#[test]
fn an_ignored_finding_is_listed_with_what_the_webhook_does_all_the_same() {
    for (manifest, rule, line, words) in [
        (OUTDATED, "unsupported-version", "13:9", "an enforced namespace still denies it"),
        (UNLABELED, "missing-identity-label", "6:3", "an enforced namespace still sets it"),
        (ROLLING, "rolling-version", "13:9", "the webhook still warns about it"),
    ] {
        let text = format!("# apim-keyless: ignore {rule} moved in January\n{manifest}");
        let ran = Folder::with(&[("a.yaml", &text)]).run(&["check", "a.yaml", "--fail-on", "warning"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert_eq!(
            ran.stdout,
            format!(
                "ignored: a.yaml:{line}: {rule} in Deployment shop/orders: moved in January; {words}\n\nno findings in 1 object, 1 gateway; 1 ignored by comments\n"
            )
        );
    }
}

#[test]
fn a_comment_ignores_a_key_in_what_the_webhook_does_not_review() {
    let key = "GatewayKey orders&202701010000&Y2FuYXJ5";
    let comment = "# apim-keyless: ignore auth-key-literal of the sandbox\n";
    let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{a: '{key}'}}\n");
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n";
    for (text, at, code) in [
        (format!("{comment}{secret}"), "5:14: auth-key-literal in Secret default/a", 0),
        (format!("{comment}gateway:\n  auth:\n    key: '{key}'\n"), "4:5: auth-key-literal", 2),
        (
            format!("{comment}services: {{a: {{environment: {{config.service.auth: '{key}'}}}}}}\n"),
            "2:30: auth-key-literal",
            0,
        ),
        (format!("{comment}# {key}\n{config_map}"), "2:1: auth-key-literal", 0),
        (format!("{config_map}---\n{secret}{comment}"), "9:14: auth-key-literal in Secret default/a", 0),
    ] {
        let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
        assert_eq!(ran.code, code, "{text}: {}", ran.everything());
        let expected = format!("ignored: a.yaml:{at}: of the sandbox; the key works until it is revoked\n");
        assert!(ran.stdout.starts_with(&expected), "{text}: {}", ran.stdout);
        assert!(
            ran.stdout.contains("1 ignored by comments") && !ran.everything().contains("Y2FuYXJ5"),
            "{}",
            ran.everything()
        );
    }
    // a comment counts for its own object
    let other = format!("{config_map}{comment}---\n{secret}").replace(comment, "");
    assert_eq!(Folder::with(&[("a.yaml", &format!("---\n{comment}{other}"))]).check("a.yaml").code, 1);
}

#[test]
fn a_comment_ignores_only_its_rules_and_its_object() {
    let both = OUTDATED.replace("      labels: {azure.workload.identity/use: \"true\"}\n", "");
    let text = format!(
        "{both}---\n{}",
        both.replace(
            "kind: Deployment",
            "kind: Deployment # apim-keyless: ignore unsupported-version, missing-identity-label why\n"
        )
    );
    let folder = Folder::with(&[("a.yaml", &text)]);
    let report = folder.report(&["a.yaml"]);
    let findings = report["findings"].as_array().unwrap();
    let is_ignored: Vec<bool> = findings.iter().map(|finding| finding["suppressed"].is_object()).collect();
    assert_eq!(is_ignored, [false, false, true, true], "{report:#}");
    assert_eq!(findings[2]["suppressed"], serde_json::json!({"by": "comment", "reason": "why", "expires": null}));
    assert_eq!(report["summary"]["suppressed"], Value::from(2));
}

#[test]
fn a_comment_with_a_mistake_is_an_error_of_the_file_and_ignores_nothing() {
    for (comment, message) in [
        (
            "ignore unsuported-version why",
            "a comment ignores an unknown rule: there is no rule unsuported-version; did you mean unsupported-version?",
        ),
        (
            "ignore * why",
            "a comment ignores an unknown rule: there is no rule *; run `apim-keyless explain` to list all rules",
        ),
        ("ignore unsupported-version", "write behind the rule why it is ignored: # apim-keyless: ignore RULE reason"),
        ("ignore", "name the rule to ignore, and why: # apim-keyless: ignore RULE reason"),
        (
            "off",
            "a comment of apim-keyless ignores rules, and can do nothing else; write # apim-keyless: ignore RULE reason",
        ),
    ] {
        let folder = Folder::with(&[("a.yaml", &format!("# apim-keyless: {comment}\n{OUTDATED}"))]);
        let ran = folder.check("a.yaml");
        assert_eq!((ran.code, ran.stderr), (2, format!("error: a.yaml:1:1: {message}\n")), "{comment}");
        assert!(ran.stdout.starts_with("error[unsupported-version]"), "{}", ran.stdout);
    }
}

#[test]
fn the_text_of_a_value_ignores_nothing() {
    let text = OUTDATED.replace(
        "metadata: {name: orders, namespace: shop}",
        "metadata:\n  name: orders\n  namespace: shop\n  annotations:\n    note: |\n      # apim-keyless: ignore unsupported-version why",
    );
    assert_eq!(Folder::with(&[("a.yaml", &text)]).check("a.yaml").code, 1);
}
