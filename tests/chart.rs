//! The chart renders what is meant, whatever its values, and a real API server takes it.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod control_plane;
#[path = "helm/definitions.rs"]
mod definitions;
mod helm;
#[path = "chart/values.rs"]
mod values;
mod webhook;

use apim_keyless::cli::{Cli, Command};
use apim_keyless::policy::{Policy, rules::RULES};
use apim_keyless::server::{ConnectionObserver, Drain, Rejection};
use apim_keyless::telemetry::Metrics;
use clap::Parser;
use helm::{CHART, Helm};
use serde_json::{Value, json};
use values::{MATRIX, WRONG};
use webhook::{Webhook, documents};

/// The only object of this kind.
fn one<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind} is rendered"));
    assert!(found.next().is_none(), "more than one {kind} is rendered");
    one
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let Some(helm) = Helm::shared() else { return };
    let namespace = "createNamespace=true";
    for (file, values) in
        [("deploy/install.yaml", &[namespace][..]), ("deploy/audit-only.yaml", &[namespace, "enforcement=false"])]
    {
        let rendered = helm.template(values).done();
        assert!(std::fs::read_to_string(file).unwrap() == rendered, "{file} is not what make render writes");
    }
}

#[test]
fn lint_finds_nothing_whatever_the_values() {
    let Some(helm) = Helm::shared() else { return };
    for (name, values) in MATRIX {
        let mut arguments = vec!["lint", CHART, "--strict", "--quiet"];
        arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
        let said = helm.call(&arguments);
        assert!(said.is_done && said.output.is_empty(), "{name}: {}{}", said.output, said.errors);
    }
}

#[test]
fn wrong_values_are_refused_with_their_place_and_what_would_be_right() {
    let Some(helm) = Helm::shared() else { return };
    for (value, words) in WRONG {
        let said = helm.template(&[value]);
        assert!(!said.is_done && said.errors.contains(words), "{value}: {}", said.errors);
    }
}

#[test]
fn the_schema_knows_every_rule() {
    let schema = std::fs::read_to_string("deploy/chart/values.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let known = schema.pointer("/$defs/policy/properties/rules/properties").unwrap().as_object().unwrap();
    assert!(known.keys().eq(RULES.iter().map(|rule| rule.id)), "{known:?}");
}

/// The arguments of the container, read as the binary reads them.
fn arguments(deployment: &Value) -> apim_keyless::cli::Serve {
    let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    let words = ["apim-keyless"].into_iter().chain(arguments.iter().map(|word| word.as_str().unwrap()));
    match Cli::try_parse_from(words).unwrap().command {
        Command::Serve(serve) => *serve,
        _ => panic!("the container doesn't serve"),
    }
}

#[test]
fn every_rendering_starts_with_a_policy_and_a_drain_that_fit_and_holds_no_secret_and_no_ca() {
    let Some(helm) = Helm::shared() else { return };
    for (name, values) in MATRIX {
        let text = helm.template(values).done();
        assert!(!text.contains("caBundle:"), "{name}");
        let objects = documents(&text);
        assert!(objects.iter().all(|object| object["kind"] != "Secret"), "{name}");
        let policy = one(&objects, "ConfigMap")["data"]["policy.yaml"].as_str().unwrap();
        Policy::parse(policy).unwrap_or_else(|error| panic!("{name}: {error}"));
        let deployment = one(&objects, "Deployment");
        let drain = Drain::default();
        let longest = arguments(deployment).drain_seconds + (drain.idle_wait + drain.timeout).as_secs();
        let grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!((longest + 10..longest + 60).contains(&grace), "{name}: {longest} s, {grace} s");
    }
}

#[test]
fn who_does_not_look_after_the_ca_may_write_nothing() {
    let Some(helm) = Helm::shared() else { return };
    let reading = json!({"apiGroups": [""], "resources": ["namespaces", "serviceaccounts", "configmaps"], "verbs": ["list", "watch"]});
    for source in ["files", "cert-manager"] {
        let objects = documents(&helm.template(&[&format!("certificates.source=\"{source}\"")]).done());
        assert_eq!(one(&objects, "ClusterRole")["rules"], json!([reading]));
        assert!(objects.iter().all(|object| object["kind"] != "Role"), "{source}");
    }
    let objects = documents(&helm.template(&[]).done());
    assert_eq!(one(&objects, "ClusterRole")["rules"].as_array().map(Vec::len), Some(2));
    assert_eq!(one(&objects, "Role")["rules"][0]["resourceNames"], json!(["apim-keyless-ca"]));
}

/// The paths that a namespace of this mode is sent to.
fn paths(objects: &[Value], mode: Option<&str>) -> Vec<String> {
    let webhooks = objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("WebhookConfiguration"));
    let mut paths: Vec<String> = webhooks
        .flat_map(|configuration| configuration["webhooks"].as_array().unwrap())
        .filter(|webhook| {
            let by_mode = &webhook["namespaceSelector"]["matchExpressions"][0];
            assert_eq!(by_mode["key"], "apim-keyless.dev/mode");
            let is_listed = by_mode["values"].as_array().unwrap().iter().any(|value| value.as_str() == mode);
            is_listed == (by_mode["operator"] == "In")
        })
        .map(|webhook| webhook["clientConfig"]["service"]["path"].as_str().unwrap().to_owned())
        .collect();
    paths.dedup();
    paths
}

#[test]
fn each_mode_of_a_namespace_has_its_paths() {
    const ENFORCE: &[&str] = &["/enforce/mutate", "/enforce/validate"];
    const AUDIT: &[&str] = &["/audit/validate"];
    let Some(helm) = Helm::shared() else { return };
    // what the values are; what is done to namespaces without the label, with audit, enforce, off and a misspelt one
    for (values, expected) in [
        (&[][..], [&[][..], AUDIT, ENFORCE, &[], &[]]),
        (&["enforcement=false"], [&[], AUDIT, AUDIT, &[], &[]]),
        (&["scope=\"cluster\""], [AUDIT, AUDIT, ENFORCE, &[], AUDIT]),
        (&["scope=\"cluster\"", "defaultMode=\"enforce\""], [ENFORCE, AUDIT, ENFORCE, &[], ENFORCE]),
        (&["scope=\"cluster\"", "enforcement=false"], [AUDIT, AUDIT, AUDIT, &[], AUDIT]),
        (&["scope=\"cluster\"", "enforcement=false", "defaultMode=\"enforce\""], [AUDIT, AUDIT, AUDIT, &[], AUDIT]),
    ] {
        let objects = documents(&helm.template(values).done());
        for (mode, expected) in
            [None, Some("audit"), Some("enforce"), Some("off"), Some("enforced")].iter().zip(expected)
        {
            assert_eq!(paths(&objects, *mode), expected, "{values:?} {mode:?}");
        }
    }
}

#[test]
fn pods_of_controllers_are_judged_by_document_and_webhooks_alike() {
    let Some(helm) = Helm::shared() else { return };
    for (values, is_sent) in [(&[][..], false), (&["policy.controlledPods=\"enforce\""], true)] {
        let text = helm.template(values).done();
        assert_eq!(!text.contains("not-made-by-its-controller"), is_sent);
        assert_eq!(text.contains("controlledPods: enforce"), is_sent);
    }
}

#[test]
fn alerts_ask_for_metrics_that_there_are() {
    let Some(helm) = Helm::shared() else { return };
    let objects = documents(&helm.template(&["monitoring.prometheusRule.enabled=true"]).done());
    let metrics = Metrics::default();
    // a family is not shown before something is counted in it
    metrics.connections().rejected(Rejection::TooManyReviews);
    let shown = metrics.to_text();
    let rules = one(&objects, "PrometheusRule")["spec"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), 4);
    for rule in rules {
        let expression = rule["expr"].as_str().unwrap();
        let start = expression.find("apim_keyless_").unwrap();
        let name = expression.split_at(start).1.split('{').next().unwrap();
        let family = name.trim_end_matches("_total").trim_end_matches("_info");
        assert!(shown.contains(&format!("# TYPE {family} ")), "{name} is not among\n{shown}");
    }
}

#[test]
fn the_notes_say_the_next_step() {
    let Some(helm) = Helm::shared() else { return };
    for (values, words) in [
        (&[][..], "apim-keyless.dev/mode=audit"),
        (&["scope=\"cluster\""], "apim-keyless.dev/mode=enforce"),
        (&["scope=\"cluster\"", "defaultMode=\"enforce\""], "except those whose gateways still need their key"),
        (&["enforcement=false"], "upgrade with --set enforcement=true"),
        (&["certificates.source=\"files\""], "Secret apim-keyless-tls with tls.crt and tls.key"),
    ] {
        let mut arguments = vec!["install", "apim-keyless", CHART, "--namespace", "apim-keyless", "--dry-run=client"];
        arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
        let said = helm.call(&arguments).done();
        let (_, notes) = said.split_once("NOTES:").unwrap();
        assert!(notes.contains(words), "{values:?}: {notes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rendering_is_taken_by_a_real_api_server_without_a_warning() {
    let (Some(helm), Some(webhook)) = (Helm::shared(), Webhook::shared()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.in_namespace("apim-keyless");
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}});
    user.patch_namespace(&labels).await.stored();
    definitions::install(&user).await;
    let mut kinds = std::collections::BTreeSet::new();
    for (name, values) in MATRIX {
        for object in documents(&helm.template(values).done()) {
            let answer = user.apply_dry(&object).await;
            assert_eq!(answer.warnings, Vec::<String>::new(), "{name}: {}", answer.body);
            answer.stored();
            kinds.insert(object["kind"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds.len(), 17, "{kinds:?}");
}
