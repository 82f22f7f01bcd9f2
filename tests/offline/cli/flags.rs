//! The flags about the report, and colors.

use std::process::Command;
use test_support::project;
use test_support::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELED};
use test_support::run::{Folder, RunOutput};

fn folder() -> Folder {
    Folder::with(&[("a.yaml", OUTDATED), ("b.yaml", UNLABELED), ("c.yaml", ROLLING)])
}

#[test]
fn short_flags_are_those_of_kubectl() {
    let folder = folder();
    let ran = folder.run(&["check", "-q", "-f", "b.yaml", "-n", "team-a"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "1 finding (1 fixable) in 1 of 1 object, 1 gateway\n"));
    let manifest = UNLABELED.replace(", namespace: shop", "");
    folder.write("d.yaml", manifest.as_bytes());
    let report = folder.run(&["check", "-n", "team-a", "-o", "json", "d.yaml"]).json();
    assert_eq!(report["findings"][0]["object"]["namespace"], "team-a");
}

#[test]
fn quiet_is_the_last_line_and_what_could_not_be_read() {
    let folder = Folder::with(&[("a.yaml", OUTDATED), ("b.yaml", "apiVersion: ]\n")]);
    let (whole, quiet) = (folder.run(&["check", "."]), folder.run(&["check", ".", "--quiet"]));
    assert_eq!(Some(quiet.stdout.trim_end()), whole.stdout.lines().last());
    assert_eq!((quiet.code, quiet.stdout.lines().count(), &quiet.stderr), (2, 1, &whole.stderr));
    folder
        .run(&["check", ".", "-q", "-o", "json"])
        .failed_with("error: --quiet prints the last line of a text report; leave out --quiet or --output\n");
}

#[test]
fn fail_on_chooses_the_mildest_level_that_fails() {
    for (file, codes) in [("a.yaml", [1, 1, 1]), ("b.yaml", [0, 1, 1]), ("c.yaml", [0, 0, 1])] {
        let code = |level| folder().run(&["check", file, "--fail-on", level]).code;
        assert_eq!(["error", "fixable", "warning"].map(code), codes, "{file}");
    }
    let ran = folder().run(&["check", "a.yaml", "--strict", "--fail-on", "warning"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("'--strict' cannot be used with '--fail-on <LEVEL>'"), "{}", ran.stderr);
}

/// The ids of the findings in a text report.
fn found(ran: &RunOutput) -> Vec<&str> {
    ran.stdout.lines().filter_map(|line| line.split_once('[')?.1.split_once("]: ").map(|(id, _)| id)).collect()
}

#[test]
fn select_and_ignore_choose_the_rules() {
    for (arguments, code, rules) in [
        (&["--select", "unsupported-version,rolling-version"][..], 1, &["unsupported-version", "rolling-version"][..]),
        (&["--select", "rolling-version"], 0, &["rolling-version"]),
        (&["--ignore", "unsupported-version"], 0, &["missing-identity-label", "rolling-version"]),
        (&["--ignore", "unsupported-version", "--ignore", "rolling-version"], 0, &["missing-identity-label"]),
        (
            &["--select", "unsupported-version,rolling-version", "--ignore", "unsupported-version"],
            0,
            &["rolling-version"],
        ),
    ] {
        let ran = folder().run(&[&["check", "."], arguments].concat());
        assert_eq!((ran.code, found(&ran).as_slice()), (code, rules), "{arguments:?}: {}", ran.stdout);
    }
    let report = folder().report(&[".", "--select", "rolling-version"]);
    let levels = report["gateways"].as_array().unwrap().iter().map(|gateway| gateway["level"].as_str());
    // all three are the same Deployment
    assert!(levels.eq([Some("warning"); 3]), "{report:#}");
}

#[test]
fn an_unknown_rule_is_an_error_and_no_clean_report() {
    for (arguments, message) in [
        (
            &["--select", "auth-key"][..],
            "--select: this command has no rule or code \"auth-key\"; did you mean auth-key-literal or auth-key-reference?",
        ),
        (
            &["--ignore", "unsupported-verson"],
            "--ignore: this command has no rule or code \"unsupported-verson\"; did you mean unsupported-version?",
        ),
        (
            &["--ignore", "ca-missing"],
            "--ignore: this command has no rule or code \"ca-missing\"; run `apim-keyless explain` to list all rules and codes",
        ),
        (
            &["--select", "rolling-version", "--ignore", "rolling-version"],
            "--ignore: every rule that --select names is left out, so nothing can be found; remove one of the two",
        ),
    ] {
        folder().run(&[&["check", "."], arguments].concat()).failed_with(&format!("error: {message}\n"));
    }
}

#[test]
fn fingerprints_do_not_depend_on_the_selection() {
    let twice = Folder::with(&[("a.yaml", &format!("{UNLABELED}---\n{UNLABELED}"))]);
    let all = twice.report(&["a.yaml"]);
    let selected = twice.report(&["a.yaml", "--select", "missing-identity-label"]);
    assert_eq!(all["findings"], selected["findings"]);
}

#[test]
fn several_gateways_are_listed_first() {
    let other = KEYLESS.replace("name: orders,", "name: payments,");
    let folder = Folder::with(&[("a.yaml", &format!("{OUTDATED}---\n{other}"))]);
    let table = "NAMESPACE  NAME      AUTHENTICATION  IMAGE                                                  SERVICEACCOUNT   LEVEL
shop       orders    unknown         mcr.microsoft.com/azure-api-management/gateway:2.9.0   orders-identity  error
shop       payments  unknown         mcr.microsoft.com/azure-api-management/gateway:2.11.1  orders-identity  -

error[unsupported-version]: ";
    let stdout = folder.check("a.yaml").stdout;
    assert!(stdout.starts_with(table), "{stdout}");
    let one = Folder::with(&[("a.yaml", OUTDATED)]).check("a.yaml").stdout;
    assert!(one.starts_with("error["), "{one}");
}

#[test]
fn findings_are_in_the_order_of_their_lines() {
    let text = OUTDATED.replace("      serviceAccountName: orders-identity\n", "").replace(
        "        envFrom:\n        - configMapRef: {name: orders-env}\n",
        "        env: [{name: config.service.auth, value: other}]\n",
    );
    let report = Folder::with(&[("a.yaml", &text)]).report(&["a.yaml"]);
    let lines: Vec<u64> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["location"]["line"].as_u64().unwrap())
        .collect();
    assert!(lines.len() > 2 && lines.is_sorted(), "{lines:?}");
}

/// Runs `check` with these arguments and variables; returns whether the output has colors.
fn has_colors(arguments: &[&str], variables: &[(&str, &str)]) -> bool {
    let folder = folder();
    let mut command = Command::new(project::binary());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "TERM"] {
        command.env_remove(name);
    }
    let output = command
        .args([&["check", "a.yaml"], arguments].concat())
        .envs(variables.iter().copied())
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    output.stdout.contains(&0x1b)
}

#[test]
fn colors_are_chosen_by_the_flag_then_by_the_variables() {
    for (arguments, variables, expected) in [
        (&[][..], &[][..], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
        (&["--color", "always"], &[], true),
        (&["--color", "always"], &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["--color", "auto"], &[("NO_COLOR", "1")], false),
    ] {
        assert_eq!(has_colors(arguments, variables), expected, "{arguments:?} {variables:?}");
    }
}
