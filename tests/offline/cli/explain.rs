//! `explain`: the list of rules and codes, the page of each, and the environment of gateways.

use std::collections::BTreeSet;
use test_support::run::manifests::KEYLESS;
use test_support::run::{Folder, in_project};

/// The ids of the list, and their lines.
fn listed(list: &str) -> Vec<(&str, &str)> {
    let lines = list.lines().filter(|line| line.starts_with(|letter: char| letter.is_lowercase()));
    lines.map(|line| (line.split(' ').next().unwrap(), line)).collect()
}

#[test]
fn every_listed_rule_and_code_has_a_page() {
    let folder = Folder::with(&[]);
    let list = folder.run(&["explain"]);
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    let listed = listed(&list.stdout);
    assert!(listed.len() > 70, "{}", list.stdout);
    for (id, line) in listed {
        let word = line.split_whitespace().nth(1).unwrap();
        assert!(["audit", "enforce", "error", "warning"].contains(&word), "{line}");
        let page = folder.run(&["explain", id]);
        assert_eq!((page.code, page.stderr.as_str()), (0, ""), "{id}");
        assert!(page.stdout.starts_with(&format!("# {id}\n")), "{id}: {}", page.stdout);
        assert!(page.stdout.contains("\n## What to do\n"), "{id}");
        let has_example = page.stdout.contains("\n```yaml\n# ");
        let is_code = ["doctor", "verify"].iter().any(|it| page.stdout.contains(&format!("\nApplies to: {it}.")));
        assert!(has_example || is_code, "{id} has no example");
    }
}

#[test]
fn the_list_has_rules_then_codes_each_in_alphabetical_order() {
    let list = Folder::with(&[]).run(&["explain"]).stdout;
    let (rules, codes) = list.split_once("\n\nCODE OF DOCTOR ").unwrap();
    let (of_doctor, of_verify) = codes.split_once("\n\nCODE OF VERIFY ").unwrap();
    for part in [rules, of_doctor, of_verify] {
        let ids: Vec<&str> = listed(part).into_iter().map(|(id, _)| id).collect();
        assert!(ids.len() > 29 && ids.is_sorted(), "{part}");
    }
    let lengths: BTreeSet<usize> =
        list.lines().filter(|line| !line.is_empty()).map(|line| line.find("  ").unwrap().min(1)).collect();
    assert_eq!(lengths.len(), 1, "every line has columns");
}

#[test]
fn a_page_says_what_to_do_first_and_shows_examples_last() {
    let rules = Folder::with(&[]).run(&["explain"]).stdout;
    let (rules, _) = rules.split_once("\n\nCODE OF DOCTOR ").unwrap();
    for (rule, _) in listed(rules) {
        let page = Folder::with(&[]).run(&["explain", rule]).stdout;
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{rule} has no {text}"));
        assert!(at("\n## What to do\n") < at("\n## Why\n") && at("\n## Why\n") < at("\n```yaml\n"), "{rule}: {page}");
        let (before_examples, _) = page.split_once("```").unwrap();
        let (what_to_do, _) = before_examples.split_once("\nDefault mode: ").unwrap();
        let paragraphs: Vec<&str> = what_to_do.trim_end().split("\n\n").collect();
        // only a table or a list follows a colon
        let is_cut = |pair: &[&str]| pair[0].ends_with(':') && !pair[1].starts_with(['|', '-', '1']);
        assert!(!paragraphs.windows(2).any(is_cut) && !what_to_do.trim_end().ends_with(':'), "{rule}: {what_to_do}");
        // nothing of the page is lost; a sentence before an example ends with a period here
        let original = std::fs::read_to_string(format!("docs/rules/{rule}.md")).unwrap();
        let word = |word: &str| word.trim_end_matches([':', '.']).to_owned();
        let words = |text: &str| text.split_whitespace().map(word).collect::<BTreeSet<_>>();
        let shown = words(&page);
        let lost: Vec<String> = words(&original).into_iter().filter(|word| !shown.contains(word)).collect();
        // the words of fences become comments
        let is_fence =
            |word: &String| ["clean", "error", "fixable", "policy", "warning"].iter().any(|it| word.starts_with(it));
        assert!(lost.iter().all(is_fence), "{rule} loses {lost:?}");
    }
}

#[test]
fn every_listed_error_code_of_entra_has_a_page_with_the_caution_of_microsoft() {
    let folder = Folder::with(&[]);
    let list = folder.run(&["explain"]).stdout;
    let codes: Vec<&str> =
        list.lines().filter(|line| line.starts_with("AADSTS")).filter_map(|line| line.split(' ').next()).collect();
    assert!(codes.len() > 25, "{list}");
    for code in codes {
        let page = folder.run(&["explain", code]);
        assert_eq!((page.code, page.stderr.as_str()), (0, ""));
        assert!(page.stdout.starts_with(&format!("# {code}\n\n")), "{}", page.stdout);
        assert!(page.stdout.contains("\n## What to do\n") && page.stdout.contains("Microsoft may change these codes"));
        assert_eq!(folder.run(&["explain", code.trim_start_matches("AADSTS")]).stdout, page.stdout);
    }
    let unknown = folder.run(&["explain", "AADSTS700214"]);
    assert!(
        unknown.code == 2 && unknown.stderr.contains("run `apim-keyless explain` to list all"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_page_of_a_code_says_what_to_do() {
    let page = Folder::with(&[]).run(&["explain", "deployment-missing"]).stdout;
    assert!(
        page.contains("The Deployment of apim-keyless is missing.\n\n## What to do\n\nInstall it: helm install"),
        "{page}"
    );
    let both = Folder::with(&[]).run(&["explain", "malformed-namespace-setting"]).stdout;
    assert_eq!(both.matches("# malformed-namespace-setting\n").count(), 2, "a rule and a code have this name: {both}");
}

#[test]
fn what_does_not_exist_is_reported_with_everything_that_can_be_meant() {
    for (id, message) in [
        ("auth-key-litteral", "there is no rule or code auth-key-litteral; did you mean auth-key-literal?"),
        ("Auth-Key-Literal", "there is no rule or code Auth-Key-Literal; did you mean auth-key-literal?"),
        ("auth-key", "there is no rule or code auth-key; did you mean auth-key-literal or auth-key-reference?"),
        ("absent", "there is no rule or code absent; did you mean absent-config-map or absent-service-account?"),
        (
            "ca-bundle-",
            "there is no rule or code ca-bundle-; did you mean ca-bundle-expired, ca-bundle-incomplete, ca-bundle-malformed, ca-bundle-missing or ca-bundle-unexpected?",
        ),
        ("ca-mising", "there is no rule or code ca-mising; did you mean ca-missing?"),
        ("x", "there is no rule or code x; run `apim-keyless explain` to list all rules and codes"),
        (
            "a\u{1b}[31m",
            "there is no rule or code a\\u{1b}[31m; run `apim-keyless explain` to list all rules and codes",
        ),
    ] {
        Folder::with(&[]).run(&["explain", id]).failed_with(&format!("error: {message}\n"));
    }
}

/// A gateway that sets the auth setting three times, from sources of every kind.
const GATEWAY: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: orders-env}
data: {config.service.endpoint: canary.configuration.azure-api.net, config.service.auth: GatewayKey canary, gateway.name: ''}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  template:
    spec:
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom:
        - configMapRef: {name: orders-env}
        - secretRef: {name: orders-token}
        - {prefix: LOG_, configMapRef: {name: shared}}
        env:
        - {name: config.service.auth, value: canary}
        - {name: config.service.auth, valueFrom: {secretKeyRef: {name: orders-token, key: value}}}
";

#[test]
fn the_environment_of_a_gateway_has_the_source_of_each_setting_and_no_value() {
    let folder = Folder::with(&[("a.yaml", GATEWAY)]);
    let ran = folder.run(&["explain", "--object", "a.yaml", "-n", "shop"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        r#"Deployment shop/orders, container "gateway" (a.yaml:13), authentication: key
SETTING                  VALUE   SOURCE                                                             EFFECT
config.service.auth      known   envFrom[0]: ConfigMap "orders-env", key "config.service.auth"      overridden by env[1]
config.service.endpoint  known   envFrom[0]: ConfigMap "orders-env", key "config.service.endpoint"  a later source may override it
gateway.name             empty   envFrom[0]: ConfigMap "orders-env", key "gateway.name"             a later source may override it
config.service.auth      known   env[0]: written in the workload                                    overridden by env[1]
config.service.auth      secret  env[1]: Secret "orders-token", key "value"                         effective
envFrom[1]: Secret "orders-token", whose keys nobody reads; it can set config.service.auth
envFrom[2]: ConfigMap "shared", which is not in these files; its prefix keeps it from setting config.service.auth
"#
    );
}

#[test]
fn a_gateway_without_settings_says_so() {
    let ran = Folder::with(&[]).feed(&["explain", "--object", "-"], KEYLESS);
    assert_eq!(
        ran.stdout,
        "Deployment shop/orders, container \"gateway\" (-:11), authentication: unknown\nno setting that a rule reads\nenvFrom[0]: ConfigMap \"orders-env\", which is not in these files; it can set config.service.auth\n"
    );
}

#[test]
fn a_file_without_a_gateway_is_an_error() {
    let folder = Folder::with(&[("a.yaml", "apiVersion: v1\nkind: Service\n"), ("b.yaml", "a: ]\n")]);
    folder.run(&["explain", "--object", "a.yaml"]).failed_with(
        "error: no gateway in a.yaml; pass the file with the gateway's Deployment, and its ConfigMap beside it\n",
    );
    let ran = folder.run(&["explain", "--object", "b.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("error: b.yaml:1:4: a closing bracket"), "{}", ran.stderr);
}

#[test]
fn every_gateway_of_the_examples_has_an_environment() {
    let ran = in_project(&["explain", "--object", "deploy/examples", "--policy", "deploy/policy.yaml"]);
    assert_eq!((ran.code, ran.stdout.matches("container \"").count()), (0, 5), "{}", ran.stdout);
}
